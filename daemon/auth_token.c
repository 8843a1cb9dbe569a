#include "daemon/auth_token.h"

#include <endian.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN_VERSION = 1, NONCE_SIZE = 12, NONCES = 64, MAC_SIZE = 32 };

struct __attribute__((packed)) wire {
	uint8_t version;
	uint32_t principal, epoch; /* big-endian, as all that follows */
	uint64_t issued, expires;
	uint8_t nonce[NONCE_SIZE];
	uint8_t mac[MAC_SIZE];
};
/* A multiple of 3: the base64 has no padding and each token exactly one text. */
_Static_assert(sizeof(struct wire) == AUTH_TOKEN_BYTES && AUTH_TOKEN_BYTES % 3 == 0, "token");

struct auth_signer {
	EVP_MAC *mac;			   /* owned */
	EVP_MAC_CTX *ctx;		   /* owned; has the key */
	uint8_t nonce[NONCES][NONCE_SIZE]; /* drawn together: one is cheap, the asking is not */
	unsigned nonces;		   /* that are left of them */
};

struct auth_signer *auth_signer_new(const uint8_t key[AUTH_KEY_SIZE])
{
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	struct auth_signer *signer = calloc(1, sizeof(*signer));

	if (!signer)
		return NULL;
	signer->mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	if (signer->mac)
		signer->ctx = EVP_MAC_CTX_new(signer->mac);
	if (!signer->ctx || EVP_MAC_init(signer->ctx, key, AUTH_KEY_SIZE, params) != 1)
		auth_signer_free(&signer);
	return signer;
}

void auth_signer_free(struct auth_signer **signer)
{
	if (*signer) {
		EVP_MAC_CTX_free((*signer)->ctx);
		EVP_MAC_free((*signer)->mac);
	}
	free(*signer);
	*signer = NULL;
}

static bool sign(const struct wire *wire, const struct auth_signer *signer, uint8_t mac_r[MAC_SIZE])
{
	size_t size;

	return EVP_MAC_init(signer->ctx, NULL, 0, NULL) == 1 &&
	       EVP_MAC_update(signer->ctx, (const uint8_t *)wire, offsetof(struct wire, mac)) ==
		       1 &&
	       EVP_MAC_final(signer->ctx, mac_r, &size, MAC_SIZE) == 1 && size == MAC_SIZE;
}

/* They are no secret, and each is used once. */
static bool draw_nonce(struct auth_signer *signer, uint8_t nonce_r[NONCE_SIZE])
{
	if (signer->nonces == 0) {
		if (RAND_bytes(signer->nonce[0], sizeof(signer->nonce)) != 1)
			return false;
		signer->nonces = NONCES;
	}
	memcpy(nonce_r, signer->nonce[--signer->nonces], NONCE_SIZE);
	return true;
}

bool auth_token_make(const struct auth_token *token, struct auth_signer *signer,
		     char text_r[AUTH_TOKEN_LENGTH + 1])
{
	struct wire wire = {
		.version = TOKEN_VERSION,
		.principal = htobe32(token->principal),
		.epoch = htobe32(token->epoch),
		.issued = htobe64(token->issued),
		.expires = htobe64(token->expires),
	};

	if (!draw_nonce(signer, wire.nonce) || !sign(&wire, signer, wire.mac))
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

bool auth_token_check(const char *text, size_t length, struct auth_signer *signer, uint64_t now,
		      struct auth_token *token_r)
{
	uint8_t mac[MAC_SIZE];
	struct wire wire;

	if (!decode(text, length, &wire) || !sign(&wire, signer, mac) ||
	    CRYPTO_memcmp(mac, wire.mac, MAC_SIZE) != 0)
		return false;
	token_r->principal = be32toh(wire.principal);
	token_r->epoch = be32toh(wire.epoch);
	token_r->issued = be64toh(wire.issued);
	token_r->expires = be64toh(wire.expires);
	return wire.version == TOKEN_VERSION && now < token_r->expires;
}
