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

/* Writes the text of a token (AUTH_TOKEN_LENGTH characters and a NUL). False: no random numbers. */
bool auth_token_make(const struct auth_token *token, const uint8_t key[AUTH_KEY_SIZE],
		     char text_r[AUTH_TOKEN_LENGTH + 1]);

/* Takes a token apart if we made it with this key and it has not expired at now (UTC us). */
bool auth_token_check(const char *text, size_t length, const uint8_t key[AUTH_KEY_SIZE],
		      uint64_t now, struct auth_token *token_r);

#endif
