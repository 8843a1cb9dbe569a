#ifndef PCHAT_DAEMON_AUTH_TOKEN_H
#define PCHAT_DAEMON_AUTH_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A resume token: proof that its bearer signed in. It is 69 bytes in base64url: version (1
 * byte), principal (4), epoch (4), issued (8), expires (8), all big-endian, a random nonce (12),
 * and the HMAC-SHA-256 (32) of what stands before. A change of the principal's epoch makes it
 * void, so it need not be stored anywhere. It is as good as a password while it lasts and never
 * gets into a log.
 */
enum { AUTH_KEY_SIZE = 32, AUTH_TOKEN_BYTES = 69, AUTH_TOKEN_LENGTH = 92 };

struct auth_token {
	uint32_t principal;
	uint32_t epoch;
	uint64_t issued, expires; /* UTC us */
};

/* Who has the key. Made once: to set a signature up takes the library six times as long as to make
 * one. NULL: out of memory. */
struct auth_signer;
struct auth_signer *auth_signer_new(const uint8_t key[AUTH_KEY_SIZE]);
void auth_signer_free(struct auth_signer **signer);

/* Writes the text of a token (AUTH_TOKEN_LENGTH characters and a NUL). False: no random numbers. */
bool auth_token_make(const struct auth_token *token, struct auth_signer *signer,
		     char text_r[AUTH_TOKEN_LENGTH + 1]);

/* Takes a token apart if it was signed with the same key and has not expired at now (UTC us). */
bool auth_token_check(const char *text, size_t length, struct auth_signer *signer, uint64_t now,
		      struct auth_token *token_r);

#endif
