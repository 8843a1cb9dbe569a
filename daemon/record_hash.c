#include "daemon/record_hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "conf/hex.h"

struct record_hasher {
	EVP_MD_CTX *context; /* owned */
	EVP_MD *sha256;	     /* owned: looked up once */
};

struct record_hasher *record_hasher_new(struct err *err)
{
	struct record_hasher *hasher = calloc(1, sizeof(*hasher));

	if (hasher) {
		hasher->context = EVP_MD_CTX_new();
		hasher->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	}
	if (!hasher || !hasher->context || !hasher->sha256) {
		record_hasher_free(&hasher);
		err_set(err, "could not make a SHA-256");
	}
	return hasher;
}

void record_hasher_free(struct record_hasher **hasher)
{
	if (!*hasher)
		return;
	EVP_MD_CTX_free((*hasher)->context);
	EVP_MD_free((*hasher)->sha256);
	free(*hasher);
	*hasher = NULL;
}

static bool add(EVP_MD_CTX *context, const char *data, size_t length)
{
	char head[24];
	const int size = snprintf(head, sizeof(head), "%zu:", length);

	return EVP_DigestUpdate(context, head, (size_t)size) &&
	       EVP_DigestUpdate(context, data, length) && EVP_DigestUpdate(context, ",", 1);
}

static bool add_number(EVP_MD_CTX *context, uint64_t number)
{
	char text[24];
	const int size = snprintf(text, sizeof(text), "%" PRIu64, number);

	return add(context, text, (size_t)size);
}

static bool add_bytes(EVP_MD_CTX *context, struct db_bytes bytes)
{
	return add(context, bytes.data, bytes.length);
}

static bool add_row(EVP_MD_CTX *context, const struct record_row *row)
{
	return add_number(context, row->number) && add_number(context, row->lsn) &&
	       add_number(context, row->time) && add_bytes(context, row->type) &&
	       add_number(context, row->flags) && add_number(context, row->room_id) &&
	       add_bytes(context, row->room) && add_bytes(context, row->room_name) &&
	       add_bytes(context, row->category) && add_number(context, row->user_id) &&
	       add_bytes(context, row->user_uri) && add_bytes(context, row->user_name) &&
	       add_bytes(context, row->address) && add_bytes(context, row->session) &&
	       add_number(context, row->message) && add_bytes(context, row->title) &&
	       add_bytes(context, row->content) && add_bytes(context, row->rich_type) &&
	       add_bytes(context, row->rich) && add_bytes(context, row->detail);
}

int record_hash(struct record_hasher *hasher, const char before[RECORD_HEX],
		const struct record_row *row, char hash_r[RECORD_HEX], struct err *err)
{
	uint8_t hash[EVP_MAX_MD_SIZE];

	if (!EVP_DigestInit_ex2(hasher->context, hasher->sha256, NULL) ||
	    !add(hasher->context, before, RECORD_HEX - 1) || !add_row(hasher->context, row) ||
	    !EVP_DigestFinal_ex(hasher->context, hash, NULL))
		return err_set(err, "could not work out the hash of record %" PRIu64, row->number);
	hex_encode(hash, RECORD_HASH, hash_r);
	return 0;
}
