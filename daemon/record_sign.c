#include "daemon/record_sign.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

struct record_signer {
	EVP_PKEY *key; /* owned */
	bool is_private;
};

enum { SIGNED_TEXT = 256, SIGNATURE_BYTES = RECORD_SIGNATURE / 4 * 3 };

static int no_passphrase(char *buffer, int size, int writing, void *arg)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)arg;
	return -1; /* nobody is there to type it */
}

struct record_signer *record_signer_new(FILE *file, struct err *err)
{
	struct record_signer *signer = calloc(1, sizeof(*signer));

	if (!signer) {
		err_errno(err, "could not read a key");
		return NULL;
	}
	signer->key = PEM_read_PrivateKey(file, NULL, no_passphrase, NULL);
	signer->is_private = signer->key != NULL;
	if (!signer->key && fseek(file, 0, SEEK_SET) == 0)
		signer->key = PEM_read_PUBKEY(file, NULL, no_passphrase, NULL);
	ERR_clear_error();
	if (!signer->key) {
		err_set(err, "could not read a key in PEM without a passphrase");
		record_signer_free(&signer);
	}
	return signer;
}

void record_signer_free(struct record_signer **signer)
{
	if (!*signer)
		return;
	EVP_PKEY_free((*signer)->key);
	free(*signer);
	*signer = NULL;
}

static size_t text_of(const struct record_checkpoint *checkpoint, char text[SIGNED_TEXT])
{
	return (size_t)snprintf(text, SIGNED_TEXT,
				"pchat checkpoint\n%" PRIu64 "\n%s\n%" PRIu64 "\n",
				checkpoint->number, checkpoint->hash, checkpoint->time);
}

/* Keys of some kinds bring their own digest. */
static const EVP_MD *digest_of(EVP_PKEY *key)
{
	return EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448") ? NULL : EVP_sha256();
}

int record_sign(const struct record_signer *signer, struct record_checkpoint *checkpoint,
		struct err *err)
{
	unsigned char signature[SIGNATURE_BYTES];
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t size = sizeof(signature);
	char text[SIGNED_TEXT];
	const size_t length = text_of(checkpoint, text);
	bool done;

	done = signer->is_private && context &&
	       EVP_DigestSignInit(context, NULL, digest_of(signer->key), NULL, signer->key) == 1 &&
	       EVP_DigestSign(context, signature, &size, (const unsigned char *)text, length) == 1;
	EVP_MD_CTX_free(context);
	ERR_clear_error();
	if (!done)
		return err_set(err, "could not sign a checkpoint with this key");
	EVP_EncodeBlock((unsigned char *)checkpoint->signature, signature, (int)size);
	return 0;
}

/* The bytes behind base64, or -1. OpenSSL counts those of the padding, too. */
static int decode(const char *text, unsigned char out[SIGNATURE_BYTES])
{
	const size_t length = strlen(text);
	int size;

	if (length == 0 || length % 4 != 0 || length >= RECORD_SIGNATURE)
		return -1;
	size = EVP_DecodeBlock(out, (const unsigned char *)text, (int)length);
	for (const char *end = text + length; size > 0 && end[-1] == '='; end--)
		size--;
	return size;
}

bool record_signed(const struct record_signer *signer, const struct record_checkpoint *checkpoint)
{
	unsigned char signature[SIGNATURE_BYTES];
	const int size = decode(checkpoint->signature, signature);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	char text[SIGNED_TEXT];
	const size_t length = text_of(checkpoint, text);
	bool good;

	good = size > 0 && context &&
	       EVP_DigestVerifyInit(context, NULL, digest_of(signer->key), NULL, signer->key) ==
		       1 &&
	       EVP_DigestVerify(context, signature, (size_t)size, (const unsigned char *)text,
				length) == 1;
	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return good;
}
