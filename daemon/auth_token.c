#include "daemon/auth_token.h"

#include <endian.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <string.h>

enum { TOKEN_VERSION = 1, NONCE_SIZE = 12, MAC_SIZE = 32 };

struct __attribute__((packed)) wire {
	uint8_t version;
	uint32_t principal, epoch; /* big-endian, as all that follows */
	uint64_t issued, expires;
	uint8_t nonce[NONCE_SIZE];
	uint8_t mac[MAC_SIZE];
};
/* A multiple of 3: the base64 has no padding and each token exactly one text. */
_Static_assert(sizeof(struct wire) == AUTH_TOKEN_BYTES && AUTH_TOKEN_BYTES % 3 == 0, "token");

static bool sign(const struct wire *wire, const uint8_t key[AUTH_KEY_SIZE], uint8_t mac_r[MAC_SIZE])
{
	return HMAC(EVP_sha256(), key, AUTH_KEY_SIZE, (const uint8_t *)wire,
		    offsetof(struct wire, mac), mac_r, NULL) != NULL;
}

bool auth_token_make(const struct auth_token *token, const uint8_t key[AUTH_KEY_SIZE],
		     char text_r[AUTH_TOKEN_LENGTH + 1])
{
	struct wire wire = {
		.version = TOKEN_VERSION,
		.principal = htobe32(token->principal),
		.epoch = htobe32(token->epoch),
		.issued = htobe64(token->issued),
		.expires = htobe64(token->expires),
	};

	if (RAND_bytes(wire.nonce, NONCE_SIZE) != 1 || !sign(&wire, key, wire.mac))
		return false;
	EVP_EncodeBlock((uint8_t *)text_r, (const uint8_t *)&wire, sizeof(wire));
	for (char *c = text_r; *c; c++)
		*c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
	return true;
}

static bool is_base64url(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_';
}

/* Only the one text that auth_token_make writes is taken: EVP_DecodeBlock alone is lenient. */
static bool decode(const char *text, size_t length, struct wire *wire_r)
{
	uint8_t standard[AUTH_TOKEN_LENGTH];

	if (length != AUTH_TOKEN_LENGTH)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!is_base64url(text[i]))
			return false;
		standard[i] = (uint8_t)(text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i]);
	}
	return EVP_DecodeBlock((uint8_t *)wire_r, standard, AUTH_TOKEN_LENGTH) == AUTH_TOKEN_BYTES;
}

bool auth_token_check(const char *text, size_t length, const uint8_t key[AUTH_KEY_SIZE],
		      uint64_t now, struct auth_token *token_r)
{
	uint8_t mac[MAC_SIZE];
	struct wire wire;

	if (!decode(text, length, &wire) || !sign(&wire, key, mac) ||
	    CRYPTO_memcmp(mac, wire.mac, MAC_SIZE) != 0)
		return false;
	token_r->principal = be32toh(wire.principal);
	token_r->epoch = be32toh(wire.epoch);
	token_r->issued = be64toh(wire.issued);
	token_r->expires = be64toh(wire.expires);
	return wire.version == TOKEN_VERSION && now < token_r->expires;
}
