#include "daemon/record_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "conf/hex.h"
#include "daemon/record_ranges.h"

#define MEMBER "\"hashes\":\""

int record_run_digest(const struct fragment *hashes, char digest_r[RECORD_HEX], struct err *err)
{
	unsigned char hash[EVP_MAX_MD_SIZE];

	if (hashes->failed ||
	    EVP_Digest(hashes->data, hashes->used, hash, NULL, EVP_sha256(), NULL) != 1)
		return err_set(err, "could not work out a SHA-256");
	hex_encode(hash, RECORD_HASH, digest_r);
	return 0;
}

int record_run_take(struct record_run *run, const struct record_row *row, struct err *err)
{
	const char *at = memmem(row->detail.data, row->detail.length, MEMBER, strlen(MEMBER));

	if (!at ||
	    row->detail.data + row->detail.length - at < (ptrdiff_t)strlen(MEMBER) + RECORD_HEX)
		return 0;
	memcpy(run->digest, at + strlen(MEMBER), RECORD_HEX - 1);
	run->digest[RECORD_HEX - 1] = '\0';
	free(run->content);
	run->content = strndup(row->content.data, row->content.length);
	return run->content ? 0 : err_errno(err, "could not allocate memory for what expired");
}

void record_run_fini(struct record_run *run)
{
	free(run->content);
	*run = (struct record_run){0};
}

/* The ranges but for that of the oldest, which are gone altogether. */
static bool parse(const char *content, struct record_ranges *ranges)
{
	const char *at = content;
	unsigned long long from, to;
	int length;

	while (sscanf(at, "%llu-%llu%n", &from, &to, &length) == 2) {
		if (from > 1)
			record_ranges_add(ranges, from, to);
		at += length;
		at += *at == ' ';
	}
	return !ranges->failed && *at == '\0';
}

/* Appends the hashes of a range; DB_END where one is not there. */
static enum db_result read_range(struct db *db, const struct record_range *range,
				 struct fragment *hashes, struct err *err)
{
	enum db_result result = DB_OK;
	uint64_t number = range->from;
	struct record_row row;

	while (result == DB_OK && number <= range->to) {
		result = record_list(db, number - 1, err);
		for (unsigned i = 0; result == DB_OK && i < RECORD_PAGE && number <= range->to;
		     i++) {
			result = record_list_next(db, &row, err);
			if (result == DB_OK && row.number != number++)
				result = DB_END;
			if (result == DB_OK)
				fragment_text(hashes, row.hash);
		}
	}
	return result;
}

enum db_result record_run_check(struct record_run *run, struct db *db, uint64_t first,
				uint64_t *wrong_r, struct err *err)
{
	struct record_ranges ranges = {0};
	struct fragment hashes = {0};
	char digest[RECORD_HEX] = "";
	enum db_result result = DB_OK;

	*wrong_r = 0;
	if (parse(run->content, &ranges) && ranges.count > 0 && ranges.item[0].from >= first) {
		for (size_t i = 0; i < ranges.count && result == DB_OK; i++)
			result = read_range(db, &ranges.item[i], &hashes, err);
		if (result == DB_OK && record_run_digest(&hashes, digest, err) == -1)
			result = DB_RETRY;
		if (result == DB_OK && strcmp(digest, run->digest) != 0)
			*wrong_r = ranges.item[0].from;
	}
	fragment_free(&hashes);
	record_ranges_fini(&ranges);
	record_run_fini(run);
	return result == DB_END ? DB_OK : result;
}
