#include "daemon/record_sign.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "conf/hex.h"

struct record_signer {
	EVP_PKEY *key[RECORD_KEYS]; /* owned; the first one signs, where it is private */
	unsigned count;
	bool is_private;
};

enum { SIGNED_TEXT = 320, SIGNATURE_BYTES = RECORD_SIGNATURE / 4 * 3 };

/* --- Keys. --- */

/* A block of a PEM file. NULL: it is none that can be used. */
static EVP_PKEY *key_of(const char *name, const char *header, const unsigned char *data, long size)
{
	if (*header || strstr(name, "ENCRYPTED")) /* nobody is there to type a passphrase */
		return NULL;
	return strcmp(name, PEM_STRING_PUBLIC) == 0 ? d2i_PUBKEY(NULL, &data, size)
						    : d2i_AutoPrivateKey(NULL, &data, size);
}

/* The first private key stands before all others. False: it is no key, or one too many. */
static bool take_key(struct record_signer *signer, EVP_PKEY *take_key, bool private)
{
	if (!take_key || signer->count == RECORD_KEYS || (private && signer->is_private)) {
		EVP_PKEY_free(take_key);
		return false;
	}
	signer->key[signer->count++] = take_key;
	if (private) {
		signer->key[signer->count - 1] = signer->key[0];
		signer->key[0] = take_key;
		signer->is_private = true;
	}
	return true;
}

static bool read_keys(struct record_signer *signer, FILE *file)
{
	char *name, *header;
	unsigned char *data;
	bool good = true;
	long size;

	while (good && PEM_read(file, &name, &header, &data, &size) == 1) {
		if (!strstr(name, "PARAMETERS")) /* of an elliptic curve: the key has them, too */
			good = take_key(signer, key_of(name, header, data, size),
					strcmp(name, PEM_STRING_PUBLIC) != 0);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_clear_free(data, (size_t)size);
	}
	return good && signer->count > 0;
}

struct record_signer *record_signer_new(FILE *file, struct err *err)
{
	struct record_signer *signer = calloc(1, sizeof(*signer));

	if (!signer) {
		err_errno(err, "could not read a key");
		return NULL;
	}
	if (!read_keys(signer, file)) {
		err_set(err, "could not read a key in PEM without a passphrase");
		record_signer_free(&signer);
	}
	ERR_clear_error();
	return signer;
}

void record_signer_free(struct record_signer **signer)
{
	if (!*signer)
		return;
	for (unsigned i = 0; i < (*signer)->count; i++)
		EVP_PKEY_free((*signer)->key[i]);
	free(*signer);
	*signer = NULL;
}

int record_signer_name(const struct record_signer *signer, char name_r[RECORD_HEX], struct err *err)
{
	unsigned char hash[EVP_MAX_MD_SIZE], *der = NULL;
	const int size = i2d_PUBKEY(signer->key[0], &der);
	const bool done =
		size > 0 && EVP_Digest(der, (size_t)size, hash, NULL, EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	ERR_clear_error();
	if (!done)
		return err_set(err, "could not work out the name of a key");
	hex_encode(hash, RECORD_HASH, name_r);
	return 0;
}

/* --- Texts. --- */

static size_t checkpoint_text(const struct record_checkpoint *checkpoint, char text[SIGNED_TEXT])
{
	return (size_t)snprintf(text, SIGNED_TEXT,
				"pchat checkpoint\n%" PRIu64 "\n%s\n%" PRIu64 "\n",
				checkpoint->number, checkpoint->hash, checkpoint->time);
}

static size_t cursor_text(const struct record_cursor *cursor, char text[SIGNED_TEXT])
{
	char journal[2 * sizeof(cursor->journal) + 1];

	hex_encode(cursor->journal, sizeof(cursor->journal), journal);
	return (size_t)snprintf(text, SIGNED_TEXT,
				"pchat cursor\n%s\n%" PRIu64 "\n%" PRIu64 "\n%" PRIu64 "\n%s\n",
				journal, cursor->lsn, cursor->time, cursor->number, cursor->hash);
}

/* --- Signatures. --- */

/* Keys of some kinds bring their own digest. */
static const EVP_MD *digest_of(EVP_PKEY *key)
{
	return EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448") ? NULL : EVP_sha256();
}

static int sign(const struct record_signer *signer, const char *text, size_t length,
		char signature_r[RECORD_SIGNATURE], struct err *err)
{
	unsigned char signature[SIGNATURE_BYTES];
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY *key = signer->key[0];
	size_t size = sizeof(signature);
	bool done;

	done = signer->is_private && context &&
	       EVP_DigestSignInit(context, NULL, digest_of(key), NULL, key) == 1 &&
	       EVP_DigestSign(context, signature, &size, (const unsigned char *)text, length) == 1;
	EVP_MD_CTX_free(context);
	ERR_clear_error();
	if (!done)
		return err_set(err, "could not sign a checkpoint with this key");
	EVP_EncodeBlock((unsigned char *)signature_r, signature, (int)size);
	return 0;
}

int record_sign(const struct record_signer *signer, struct record_checkpoint *checkpoint,
		struct err *err)
{
	char text[SIGNED_TEXT];
	const size_t length = checkpoint_text(checkpoint, text);

	return sign(signer, text, length, checkpoint->signature, err);
}

int record_sign_cursor(const struct record_signer *signer, struct record_cursor *cursor,
		       struct err *err)
{
	char text[SIGNED_TEXT];
	const size_t length = cursor_text(cursor, text);

	return sign(signer, text, length, cursor->signature, err);
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

static bool is_by(EVP_PKEY *key, const char *text, size_t length, const unsigned char *signature,
		  size_t size)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	const bool good =
		context && EVP_DigestVerifyInit(context, NULL, digest_of(key), NULL, key) == 1 &&
		EVP_DigestVerify(context, signature, size, (const unsigned char *)text, length) ==
			1;

	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return good;
}

static bool is_signed(const struct record_signer *signer, const char *text, size_t length,
		      const char *base64)
{
	unsigned char signature[SIGNATURE_BYTES];
	const int size = decode(base64, signature);

	for (unsigned i = 0; size > 0 && i < signer->count; i++)
		if (is_by(signer->key[i], text, length, signature, (size_t)size))
			return true;
	return false;
}

bool record_signed(const struct record_signer *signer, const struct record_checkpoint *checkpoint)
{
	char text[SIGNED_TEXT];
	const size_t length = checkpoint_text(checkpoint, text);

	return is_signed(signer, text, length, checkpoint->signature);
}

bool record_signed_cursor(const struct record_signer *signer, const struct record_cursor *cursor)
{
	char text[SIGNED_TEXT];
	const size_t length = cursor_text(cursor, text);

	return is_signed(signer, text, length, cursor->signature);
}
