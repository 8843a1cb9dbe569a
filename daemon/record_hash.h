#ifndef PCHAT_DAEMON_RECORD_HASH_H
#define PCHAT_DAEMON_RECORD_HASH_H

#include "odbc/record.h"

/*
 * The chain: a record's hash is the SHA-256 of the hash before it and of all of the record's
 * columns in the order of the table, each as its length in decimal digits, a colon, its bytes
 * (numbers as decimal digits, hashes as hexadecimal ones) and a comma. Whoever has the rows can
 * work it out: pchat-compliance(7) shows how.
 */
struct record_hasher;

/* NULL and err without memory. record_hasher_free takes the address and accepts NULL. */
struct record_hasher *record_hasher_new(struct err *err);
void record_hasher_free(struct record_hasher **hasher);

/* The hash of the row behind the one with the hash `before`; -1: OpenSSL failed. */
int record_hash(struct record_hasher *hasher, const char before[RECORD_HEX],
		const struct record_row *row, char hash_r[RECORD_HEX], struct err *err);

#endif
