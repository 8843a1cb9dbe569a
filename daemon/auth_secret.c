#include "daemon/auth_secret.h"

#include <gsasl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <string.h>
#include <unistr.h>

#include "conf/bug.h"

/* The password as SASLprep makes it, to be given to wipe; NULL if there is none. */
static char *prepare(const char *password, size_t length)
{
	char copy[AUTH_PASSWORD_MAX + 1];
	char *prepared = NULL;

	if (length > AUTH_PASSWORD_MAX || memchr(password, '\0', length) ||
	    u8_check((const uint8_t *)password, length))
		return NULL;
	memcpy(copy, password, length);
	copy[length] = '\0';
	if (gsasl_saslprep(copy, 0, &prepared, NULL) != GSASL_OK)
		prepared = NULL;
	explicit_bzero(copy, sizeof(copy));
	return prepared;
}

static void wipe(char *prepared)
{
	if (prepared)
		explicit_bzero(prepared, strlen(prepared));
	gsasl_free(prepared);
}

bool auth_password_valid(const char *password, size_t length)
{
	char *prepared;
	bool valid;

	if (length < AUTH_PASSWORD_MIN)
		return false;
	prepared = prepare(password, length);
	valid = prepared && *prepared;
	wipe(prepared);
	return valid;
}

/* Fills the keys of a secret whose salt and iterations are there. */
static bool derive(const char *prepared, struct auth_secret *secret)
{
	uint8_t salted[AUTH_HASH_SIZE], client_key[AUTH_HASH_SIZE];
	bool done;

	done = PKCS5_PBKDF2_HMAC(prepared, (int)strlen(prepared), secret->salt, AUTH_SALT_SIZE,
				 (int)secret->iterations, EVP_sha256(), AUTH_HASH_SIZE, salted) == 1 &&
	       gsasl_scram_secrets_from_salted_password(
		       GSASL_HASH_SHA256, (const char *)salted, (char *)client_key,
		       (char *)secret->server_key, (char *)secret->stored_key) == GSASL_OK;
	explicit_bzero(salted, sizeof(salted));
	explicit_bzero(client_key, sizeof(client_key));
	return done;
}

bool auth_secret_make(const char *password, size_t length, uint32_t iterations,
		      struct auth_secret *secret_r)
{
	char *prepared;
	bool done;

	if (!auth_password_valid(password, length) ||
	    RAND_bytes(secret_r->salt, AUTH_SALT_SIZE) != 1)
		return false;
	secret_r->iterations = iterations;
	prepared = prepare(password, length);
	done = prepared && derive(prepared, secret_r);
	wipe(prepared);
	return done;
}

bool auth_secret_match(const struct auth_secret *secret, const char *password, size_t length)
{
	struct auth_secret tried = *secret;
	char *prepared = prepare(password, length);
	bool same;

	same = prepared && derive(prepared, &tried) &&
	       CRYPTO_memcmp(tried.stored_key, secret->stored_key, AUTH_HASH_SIZE) == 0;
	wipe(prepared);
	explicit_bzero(&tried, sizeof(tried));
	return same;
}

/* The label keeps this apart from the token's use of the key: a token starts with its version. */
static void keyed(const uint8_t key[AUTH_KEY_SIZE], const char *label, const char *name,
		  size_t length, uint8_t mac_r[AUTH_HASH_SIZE])
{
	uint8_t data[512];
	const size_t head = strlen(label) + 1;
	const size_t rest = length < sizeof(data) - head ? length : sizeof(data) - head;
	const uint8_t *mac;

	memcpy(data, label, head);
	memcpy(data + head, name, rest);
	mac = HMAC(EVP_sha256(), key, AUTH_KEY_SIZE, data, head + rest, mac_r, NULL);
	bug_on(!mac);
}

void auth_secret_fake(const uint8_t key[AUTH_KEY_SIZE], const char *name, size_t length,
		      uint32_t iterations, struct auth_secret *secret_r)
{
	uint8_t salt[AUTH_HASH_SIZE];

	keyed(key, "salt", name, length, salt);
	memcpy(secret_r->salt, salt, AUTH_SALT_SIZE);
	keyed(key, "stored key", name, length, secret_r->stored_key);
	keyed(key, "server key", name, length, secret_r->server_key);
	secret_r->iterations = iterations;
}
