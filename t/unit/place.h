#ifndef PCHAT_UNIT_PLACE_H
#define PCHAT_UNIT_PLACE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "odbc/content.h"
#include "t/unit/database.h"

/* A content database of its own for each test; a rival is a second connection to it. */
struct place {
	struct database database;
	struct db *db, *rival; /* rival: only place_two has one */
	struct err err;
};

/* Fixtures of cmocka: connected, without a schema; with one; with one and a rival; and its end. */
int place_empty(void **state);
int place_one(void **state);
int place_two(void **state);
int place_end(void **state);

#define assert_db(expression, result) assert_int_equal((expression), (result))
#define BYTES(text)                      \
	{                                \
		(text), sizeof(text) - 1 \
	}

void assert_bytes(struct db_bytes got, const char *text);

/* What the database says, by another connection than ours. */
void expect(struct place *place, const char *sql, const char *answer);

/* A message of room 1. */
enum db_result put_text(struct place *place, uint64_t seq, const char *text, size_t length);
void expect_text(struct place *place, uint64_t seq, const char *text, size_t length);

#endif
