#ifndef PCHAT_DAEMON_AUTH_SECRET_H
#define PCHAT_DAEMON_AUTH_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/auth_token.h"

/* What is kept instead of a password: the server's side of SCRAM-SHA-256 (RFC 5802, RFC 7677). */
enum { AUTH_SALT_SIZE = 16, AUTH_HASH_SIZE = 32, AUTH_PASSWORD_MIN = 8, AUTH_PASSWORD_MAX = 1024 };

struct auth_secret {
	uint32_t iterations;
	uint8_t salt[AUTH_SALT_SIZE];
	uint8_t stored_key[AUTH_HASH_SIZE];
	uint8_t server_key[AUTH_HASH_SIZE];
};

/* Whether this may become a password: 8 to 1024 bytes of UTF-8 that SASLprep (RFC 4013) accepts. */
bool auth_password_valid(const char *password, size_t length);

/* Makes the secret of a password with a new random salt. False: the password is not valid, or there
 * are no random numbers. */
bool auth_secret_make(const char *password, size_t length, uint32_t iterations,
		      struct auth_secret *secret_r);

/* Whether this is the password. Takes the same time for every secret of as many iterations. */
bool auth_secret_match(const struct auth_secret *secret, const char *password, size_t length);

/* The secret of a user who is not there: always the same for a name, so that asking twice does
 * not show it, and no password matches it. */
void auth_secret_fake(const uint8_t key[AUTH_KEY_SIZE], const char *name, size_t length,
		      uint32_t iterations, struct auth_secret *secret_r);

#endif
