#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#include "odbc/record.h"
#include "t/unit/place.h"

/*
 * What any driver may do to values and transactions: runs against the database of PCHAT_TEST_DSN,
 * or SQLite.
 */

static void expect_round_trip(struct place *place, uint64_t seq, const char *text, size_t length)
{
	assert_db(put_text(place, seq, text, length), DB_OK);
	expect_text(place, seq, text, length);
}

/* --- Text. --- */

static void test_awkward_text_comes_back_as_it_was(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		"ends in blanks   ",
		"\t\r\n \r\n",
		"' '' \" \\ \\' ",
		"? ?? {fn now()} {?} $1 $$ :name %s",
		"\\x41 \\101",
		"E'\\n'",
		"NULL",
		"\xef\xbb\xbf",
		"\xf0\x9f\x98\x80\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80",
		"e\xcc\x81 \xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xe2\x80\xae",
		"\xef\xbf\xbf \xf4\x8f\xbf\xbf",
		"\x01\x1f\x7f",
	};
	struct place *place = *state;

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		expect_round_trip(place, i + 1, texts[i], strlen(texts[i]));
}

/* Lengths around those at which the driver says that a column ends: 255, 8190, and its pieces. */
static void test_text_of_any_length_is_whole(void **state)
{
	static const size_t lengths[] = {254,  255,  256,  257,	 4000,	4001,  4095,	4096,
					 8000, 8189, 8190, 8191, 65535, 65536, 1 << 20, 5 << 20};
	struct place *place = *state;
	char *text = malloc(5 << 20);

	for (size_t i = 0; i < 5 << 20; i++)
		text[i] = (char)('a' + i % 26);
	for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		expect_round_trip(place, i + 1, text, lengths[i]);
	free(text);
}

/* Characters of four bytes, shifted, so that every boundary falls into one somewhere. */
static void test_characters_are_not_cut_at_any_boundary(void **state)
{
	struct place *place = *state;
	enum { SIZE = 70000 };
	char text[SIZE];

	for (unsigned shift = 0; shift < 4; shift++) {
		size_t length = shift;

		memset(text, 'x', shift);
		for (; length + 4 <= SIZE; length += 4)
			memcpy(text + length, "\xf0\x9f\x98\x80", 4);
		expect_round_trip(place, shift + 1, text, length);
	}
}

static void test_every_plane_of_unicode_is_kept(void **state)
{
	struct place *place = *state;

	for (unsigned plane = 0; plane <= 16; plane++) {
		char text[6 * 64];
		size_t length = 0;

		for (ucs4_t i = 0; i < 64; i++)
			length += (size_t)u8_uctomb((uint8_t *)text + length,
						    plane * 0x10000 + 0x100 + 0x101 * i, 6);
		expect_round_trip(place, plane + 1, text, length);
	}
}

/* The driver sets the locale of the process by the environment, and may ask it what bytes mean. */
static void test_text_does_not_depend_on_the_locale(void **state)
{
	static const char text[] = "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80";
	struct place *place = *state;

	setenv("LC_ALL", "C", 1);
	setlocale(LC_ALL, "C");
	assert_db(db_connect(place->db, &place->err), DB_OK);
	expect_round_trip(place, 1, text, strlen(text));
}

static void put_principal(struct place *place, uint32_t id, const char *uri)
{
	const struct content_principal principal = {.id = id, .kind = 5, .uri = {uri, strlen(uri)}};

	assert_db(content_principal_put(place->db, &principal, &place->err), DB_OK);
}

static void test_names_that_differ_in_case_or_blanks_are_different(void **state)
{
	struct place *place = *state;

	put_principal(place, 1, "sip:a");
	put_principal(place, 2, "sip:A");
	put_principal(place, 3, " sip:a");
	expect(place, "SELECT COUNT(*) FROM pc_principal WHERE uri = 'sip:a'", "1");
}

static void test_empty_text_is_not_null(void **state)
{
	struct place *place = *state;

	assert_db(put_text(place, 1, "", 0), DB_OK);
	expect(place, "SELECT COUNT(*) FROM pc_message WHERE body = '' AND body IS NOT NULL", "1");
}

/* --- Other types. --- */

static void test_binary_is_kept_to_the_byte(void **state)
{
	static const char uri[] = "sip:alice@example.test";
	struct place *place = *state;

	for (unsigned round = 0; round < 256; round++) {
		struct content_credential put = {.mechanism = "X", .iterations = 1}, got;

		put.salt_length = round % (CONTENT_SALT_MAX + 1);
		put.stored_length = put.server_length = CONTENT_KEY_MAX;
		for (unsigned i = 0; i < CONTENT_KEY_MAX; i++)
			put.salt[i] = put.stored_key[i] = put.server_key[i] =
				(uint8_t)(round + 4 * i);
		assert_db(content_credential_set(place->db, uri, strlen(uri), &put, &place->err),
			  DB_OK);
		assert_db(
			content_credential_get(place->db, uri, strlen(uri), "X", &got, &place->err),
			DB_OK);
		assert_int_equal(got.salt_length, put.salt_length);
		assert_memory_equal(got.salt, put.salt, put.salt_length);
		assert_int_equal(got.server_length, CONTENT_KEY_MAX);
		assert_memory_equal(got.server_key, put.server_key, CONTENT_KEY_MAX);
	}
}

static void test_integers_have_64_bits(void **state)
{
	struct place *place = *state;
	struct content_cursor put = {.lsn = INT64_MAX, .time = (uint64_t)INT64_MAX - 1}, got;

	assert_db(content_cursor_put(place->db, &put, &place->err), DB_OK);
	assert_db(content_cursor_get(place->db, &got, &place->err), DB_OK);
	assert_int_equal(got.lsn, INT64_MAX);
	assert_int_equal(got.time, INT64_MAX - 1);
}

/* --- Many rows in one statement. --- */

static void put_many(struct place *place, unsigned count, enum db_result result)
{
	struct content_message *list = calloc(count, sizeof(*list));

	for (unsigned i = 0; i < count; i++)
		list[i] = (struct content_message){.room = 1,
						   .seq = i + 1,
						   .time = i,
						   .author = 1,
						   .id = {"id", 2},
						   .text = {"text \xf0\x9f\x98\x80", 9}};
	if (result == DB_BAD_DATA)
		list[count / 2].seq = 0;
	assert_db(content_messages_put(place->db, list, count, &place->err), result);
	free(list);
}

static void test_rows_in_any_number_are_stored(void **state)
{
	static const unsigned counts[] = {0, 1, 9, 10, 11, 99, 100, 101, 110, 111, 333};
	struct place *place = *state;

	for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		char answer[32];

		put_many(place, counts[i], DB_OK);
		snprintf(answer, sizeof(answer), "%u", counts[i]);
		expect(place, "SELECT COUNT(*) FROM pc_message", answer);
	}
	expect_text(place, 333, "text \xf0\x9f\x98\x80", 9);
}

static void put_records(struct place *place, uint64_t first, unsigned count)
{
	struct record_row *list = calloc(count, sizeof(*list));

	for (unsigned i = 0; i < count; i++)
		list[i] = (struct record_row){.number = first + i,
					      .type = {"chat", 4},
					      .content = {"text \xf0\x9f\x98\x80", 9}};
	assert_db(record_put(place->db, list, count, &place->err), DB_OK);
	free(list);
}

static void test_records_in_any_number_are_stored(void **state)
{
	static const unsigned counts[] = {1, 9, 10, 11, 99, 100, 101, 111};
	struct place *place = *state;
	uint64_t stored = 0;
	char answer[64];

	assert_db(record_open(place->db, &place->err), DB_OK);
	for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		put_records(place, stored + 1, counts[i]);
		stored += counts[i];
		snprintf(answer, sizeof(answer), "%llu|%llu", (unsigned long long)stored,
			 (unsigned long long)stored);
		expect(place, "SELECT COUNT(*), MAX(number) FROM pcc_record", answer);
	}
}

static void test_one_bad_row_of_many_spoils_the_transaction_only(void **state)
{
	struct place *place = *state;

	assert_db(db_begin(place->db, &place->err), DB_OK);
	put_many(place, 100, DB_BAD_DATA);
	assert_true(db_connected(place->db));
	db_rollback(place->db);
	expect(place, "SELECT COUNT(*) FROM pc_message", "0");
	put_many(place, 100, DB_OK);
}

static void test_numbers_of_rooms_only_rise(void **state)
{
	struct content_room_seq list[120];
	struct place *place = *state;

	for (unsigned i = 0; i < 120; i++) {
		struct content_room room = {.id = i + 1, .name = {"r", 1}};

		memset(room.uuid, (int)i + 1, sizeof(room.uuid));
		assert_db(content_room_put(place->db, &room, &place->err), DB_OK);
		list[i] = (struct content_room_seq){i + 1, 1000 + i};
	}
	assert_db(content_room_seqs(place->db, list, 120, &place->err), DB_OK);
	expect(place, "SELECT COUNT(*) FROM pc_room WHERE last_seq = 999 + id", "120");
	for (unsigned i = 0; i < 120; i++)
		list[i].seq = i % 2 ? 1 : 5000;
	assert_db(content_room_seqs(place->db, list, 120, &place->err), DB_OK);
	expect(place, "SELECT COUNT(*) FROM pc_room WHERE last_seq = 5000", "60");
	expect(place, "SELECT COUNT(*) FROM pc_room WHERE last_seq = 1", "0");
}

/* --- Failures. --- */

/* psqlodbc would set a savepoint before every statement and hide the failure; with T-SQL what
 * follows could find itself outside the transaction. */
static void test_failure_ends_its_transaction(void **state)
{
	struct place *place = *state;

	assert_db(db_begin(place->db, &place->err), DB_OK);
	assert_db(put_text(place, 1, "first", 5), DB_OK);
	assert_db(put_text(place, 0, "breaks a rule", 13), DB_BAD_DATA);
	assert_db(put_text(place, 2, "in the failed one", 17), DB_RETRY);
	assert_false(db_connected(place->db));
	expect(place, "SELECT COUNT(*) FROM pc_message", "0");
}

/* PostgreSQL answers COMMIT of a failed transaction with success, having rolled back. */
static void test_commit_after_a_failure_does_not_pretend(void **state)
{
	struct place *place = *state;

	assert_db(db_begin(place->db, &place->err), DB_OK);
	assert_db(put_text(place, 1, "first", 5), DB_OK);
	assert_db(put_text(place, 0, "breaks a rule", 13), DB_BAD_DATA);
	assert_db(db_commit(place->db, &place->err), DB_RETRY);
	expect(place, "SELECT COUNT(*) FROM pc_message", "0");
}

static void test_transaction_after_a_rollback_is_a_good_one(void **state)
{
	struct place *place = *state;

	assert_db(db_begin(place->db, &place->err), DB_OK);
	assert_db(put_text(place, 0, "breaks a rule", 13), DB_BAD_DATA);
	db_rollback(place->db);
	assert_true(db_connected(place->db));
	assert_db(db_begin(place->db, &place->err), DB_OK);
	assert_db(put_text(place, 1, "first", 5), DB_OK);
	assert_db(db_commit(place->db, &place->err), DB_OK);
	expect(place, "SELECT COUNT(*) FROM pc_message", "1");
}

/* --- One result at a time. --- */

static void test_second_statement_ends_the_result_of_the_first(void **state)
{
	const struct content_page page = {.room = 1, .before = 100, .limit = 10};
	struct content_history_row row;
	struct content_cursor cursor;
	struct place *place = *state;

	for (uint64_t seq = 1; seq <= 3; seq++)
		assert_db(put_text(place, seq, "x", 1), DB_OK);
	assert_db(content_history(place->db, &page, &place->err), DB_OK);
	assert_db(content_history_next(place->db, &page, &row, &place->err), DB_OK);
	assert_db(content_cursor_get(place->db, &cursor, &place->err), DB_OK);
	assert_db(content_history_next(place->db, &page, &row, &place->err), DB_FATAL);
	assert_db(content_history(place->db, &page, &place->err), DB_OK);
	assert_db(content_history_next(place->db, &page, &row, &place->err), DB_OK);
	assert_true(db_connected(place->db));
}

/* FreeTDS with autocommit off would begin the next transaction right behind the last one. */
static void test_idle_connection_holds_no_transaction(void **state)
{
	struct place *place = *state;
	char got[64];

	assert_db(db_begin(place->db, &place->err), DB_OK);
	assert_db(put_text(place, 1, "x", 1), DB_OK);
	assert_db(db_commit(place->db, &place->err), DB_OK);
	assert_true(database_ask(&place->database, "DELETE FROM pc_message", got, sizeof(got)));
	expect(place, "SELECT COUNT(*) FROM pc_message", "0");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_one, place_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_awkward_text_comes_back_as_it_was),
		TEST(test_text_of_any_length_is_whole),
		TEST(test_characters_are_not_cut_at_any_boundary),
		TEST(test_every_plane_of_unicode_is_kept),
		TEST(test_text_does_not_depend_on_the_locale),
		TEST(test_names_that_differ_in_case_or_blanks_are_different),
		TEST(test_empty_text_is_not_null),
		TEST(test_binary_is_kept_to_the_byte),
		TEST(test_integers_have_64_bits),
		TEST(test_rows_in_any_number_are_stored),
		TEST(test_records_in_any_number_are_stored),
		TEST(test_one_bad_row_of_many_spoils_the_transaction_only),
		TEST(test_numbers_of_rooms_only_rise),
		TEST(test_second_statement_ends_the_result_of_the_first),
		TEST(test_idle_connection_holds_no_transaction),
		TEST(test_failure_ends_its_transaction),
		TEST(test_commit_after_a_failure_does_not_pretend),
		TEST(test_transaction_after_a_rollback_is_a_good_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
