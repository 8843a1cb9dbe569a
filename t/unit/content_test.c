#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/hex.h"
#include "odbc/fold.h"
#include "t/unit/place.h"

static void expect_bytes(struct db_bytes got, const char *text, size_t length)
{
	assert_int_equal(got.length, length);
	assert_memory_equal(got.data, text, length);
}

static void put_principal(struct place *place, uint32_t id, const char *uri, const char *name)
{
	const struct content_principal principal = {.id = id,
						    .kind = 5,
						    .epoch = 2,
						    .uri = {uri, strlen(uri)},
						    .name = {name, strlen(name)}};

	assert_db(content_principal_put(place->db, &principal, &place->err), DB_OK);
}

static void put_room(struct place *place, uint32_t id, const char *name, const char *description)
{
	struct content_room room = {.id = id,
				    .created = 1234567,
				    .name = {name, strlen(name)},
				    .description = {description, strlen(description)}};

	memset(room.uuid, (int)id, sizeof(room.uuid));
	assert_db(content_room_put(place->db, &room, &place->err), DB_OK);
}

static void put_messages(struct place *place, uint32_t room, uint64_t first, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char text[32];
		struct content_message message = {
			.room = room, .seq = first + i, .time = 1000 + i, .author = 1};

		message.text.length = (size_t)snprintf(text, sizeof(text), "text %u", i);
		message.text.data = text;
		assert_db(content_messages_put(place->db, &message, 1, &place->err), DB_OK);
	}
}

static void test_new_database_has_no_cursor(void **state)
{
	static const uint8_t zeros[16];
	struct place *place = *state;
	struct content_cursor cursor;

	assert_db(content_cursor_get(place->db, &cursor, &place->err), DB_OK);
	assert_memory_equal(cursor.journal, zeros, 16);
	assert_int_equal(cursor.lsn, 0);
}

static void test_cursor_comes_back_as_it_was_put(void **state)
{
	struct place *place = *state;
	struct content_cursor cursor = {.journal = {1, 0xff, 0x80},
					.lsn = UINT64_C(1) << 62,
					.last_principal = UINT32_MAX,
					.last_room = 7,
					.last_category = 1000,
					.last_addin = 3,
					.time = UINT64_C(1800000000000000)};
	struct content_cursor got;

	assert_db(content_cursor_put(place->db, &cursor, &place->err), DB_OK);
	cursor.last_room = 8;
	assert_db(content_cursor_put(place->db, &cursor, &place->err), DB_OK);
	assert_db(content_cursor_get(place->db, &got, &place->err), DB_OK);
	assert_memory_equal(&got, &cursor, sizeof(cursor));
}

static void test_cursor_and_rows_are_undone_together(void **state)
{
	struct place *place = *state;
	struct content_cursor cursor = {.lsn = 4096};
	struct content_room room;

	assert_db(db_begin(place->db, &place->err), DB_OK);
	put_room(place, 1, "gone", "");
	assert_db(content_cursor_put(place->db, &cursor, &place->err), DB_OK);
	db_rollback(place->db);
	assert_db(content_cursor_get(place->db, &cursor, &place->err), DB_OK);
	assert_int_equal(cursor.lsn, 0);
	assert_db(content_rooms(place->db, 0, &place->err), DB_OK);
	assert_db(content_rooms_next(place->db, &room, &place->err), DB_END);
}

static void test_users_are_loaded_page_by_page(void **state)
{
	struct place *place = *state;
	struct content_principal row;
	const unsigned count = CONTENT_LOAD_PAGE + 10;
	uint32_t last = 0;
	unsigned seen = 0, pages = 0, in_page;

	assert_db(db_begin(place->db, &place->err), DB_OK);
	for (unsigned i = 1; i <= count; i++) {
		char uri[64];

		snprintf(uri, sizeof(uri), "sip:u%u@example.test", i);
		put_principal(place, 3 * i, uri, "J\xc3\xbcrgen \xf0\x9f\x98\x80");
	}
	assert_db(db_commit(place->db, &place->err), DB_OK);
	do {
		in_page = 0;
		assert_db(content_principals(place->db, last, &place->err), DB_OK);
		while (content_principals_next(place->db, &row, &place->err) == DB_OK) {
			assert_true(row.id > last);
			last = row.id;
			assert_int_equal(row.epoch, 2);
			expect_bytes(row.name, "J\xc3\xbcrgen \xf0\x9f\x98\x80", 12);
			in_page++;
		}
		seen += in_page;
		pages++;
	} while (in_page > 0);
	assert_int_equal(seen, count);
	assert_int_equal(pages, 3);
}

static void test_changed_user_replaces_the_old_state(void **state)
{
	struct place *place = *state;
	struct content_principal row;

	put_principal(place, 1, "sip:alice@example.test", "Alice");
	put_principal(place, 1, "sip:alice@example.test", "Alice A.");
	assert_db(content_principals(place->db, 0, &place->err), DB_OK);
	assert_db(content_principals_next(place->db, &row, &place->err), DB_OK);
	expect_bytes(row.name, "Alice A.", 8);
	assert_db(content_principals_next(place->db, &row, &place->err), DB_END);
}

static void test_changed_room_keeps_its_last_number(void **state)
{
	struct place *place = *state;
	struct content_room row;

	put_room(place, 1, "Demo", "");
	assert_db(content_room_seqs(place->db, &(struct content_room_seq){1, 17}, 1, &place->err),
		  DB_OK);
	assert_db(content_room_seqs(place->db, &(struct content_room_seq){1, 16}, 1, &place->err),
		  DB_OK);
	put_room(place, 1, "Renamed", "now with a description");
	assert_db(content_rooms(place->db, 0, &place->err), DB_OK);
	assert_db(content_rooms_next(place->db, &row, &place->err), DB_OK);
	assert_int_equal(row.last_seq, 17);
	assert_int_equal(row.uuid[15], 1);
	expect_bytes(row.name, "Renamed", 7);
	assert_int_equal(row.created, 1234567);
}

static void test_message_stored_twice_is_there_once(void **state)
{
	struct place *place = *state;
	const struct content_page page = {.room = 1, .before = UINT64_MAX, .limit = 10};
	struct content_history_row row;

	put_messages(place, 1, 1, 1);
	put_messages(place, 1, 1, 1);
	assert_db(content_history(place->db, &page, &place->err), DB_OK);
	assert_db(content_history_next(place->db, &page, &row, &place->err), DB_OK);
	assert_db(content_history_next(place->db, &page, &row, &place->err), DB_END);
}

static void expect_page(struct place *place, struct content_page page, const uint64_t *seqs,
			unsigned count)
{
	struct content_history_row row;

	assert_db(content_history(place->db, &page, &place->err), DB_OK);
	for (unsigned i = 0; i < count; i++) {
		assert_db(content_history_next(place->db, &page, &row, &place->err), DB_OK);
		assert_int_equal(row.message.seq, seqs[i]);
	}
	assert_db(content_history_next(place->db, &page, &row, &place->err), DB_END);
}

static void test_history_is_paged_from_both_ends(void **state)
{
	struct place *place = *state;

	put_messages(place, 1, 1, 20);
	put_messages(place, 2, 100, 5);
	expect_page(place, (struct content_page){.room = 1, .before = UINT64_MAX, .limit = 3},
		    (const uint64_t[]){20, 19, 18}, 3);
	expect_page(place, (struct content_page){.room = 1, .before = 10, .limit = 2},
		    (const uint64_t[]){9, 8}, 2);
	expect_page(place,
		    (struct content_page){.room = 1,
					  .after = 17,
					  .before = UINT64_MAX,
					  .limit = 2,
					  .from_oldest = true},
		    (const uint64_t[]){18, 19}, 2);
	expect_page(place, (struct content_page){.room = 1, .after = 4, .before = 7, .limit = 9},
		    (const uint64_t[]){6, 5}, 2);
	expect_page(place, (struct content_page){.room = 3, .before = UINT64_MAX, .limit = 9}, NULL,
		    0);
}

static void test_history_names_the_author(void **state)
{
	struct place *place = *state;
	const struct content_page page = {.room = 1, .before = UINT64_MAX, .limit = 10};
	struct content_history_row row;

	put_messages(place, 1, 1, 1);
	assert_db(content_history(place->db, &page, &place->err), DB_OK);
	assert_db(content_history_next(place->db, &page, &row, &place->err), DB_OK);
	expect_bytes(row.author_uri, "", 0);
	put_principal(place, 1, "sip:alice@example.test", "Alice");
	assert_db(content_history(place->db, &page, &place->err), DB_OK);
	assert_db(content_history_next(place->db, &page, &row, &place->err), DB_OK);
	expect_bytes(row.author_uri, "sip:alice@example.test", 22);
	expect_bytes(row.author_name, "Alice", 5);
}

static void test_text_of_every_kind_comes_back_unharmed(void **state)
{
	static const struct db_bytes texts[] = {
		BYTES("plain"),
		BYTES(""),
		BYTES("ends in blanks  "),
		BYTES("it's \"quoted\" ? {d '2020'} \\ -- ; % _"),
		BYTES("\xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf \xef\xbf\xbf"),
		BYTES("\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d e\xcc\x81\xcc\xa3"),
		BYTES("\x01\x1f\x7f\r\n\t"),
		BYTES("\n1 2 3 4 5 6 7 8 9 10 11 \n"),
	};
	struct place *place = *state;
	const struct content_page page = {
		.room = 1, .before = UINT64_MAX, .limit = 100, .from_oldest = true};
	struct content_history_row row;
	const unsigned count = sizeof(texts) / sizeof(texts[0]);

	for (unsigned i = 0; i < count; i++) {
		const struct content_message message = {.room = 1,
							.seq = i + 1,
							.time = INT64_MAX,
							.flags = UINT16_MAX,
							.author = UINT32_MAX,
							.id = BYTES("id \xe2\x82\xac"),
							.text = texts[i],
							.title = texts[(i + 1) % count],
							.rich_type = BYTES("text/x"),
							.rich = texts[(i + 2) % count]};

		assert_db(content_messages_put(place->db, &message, 1, &place->err), DB_OK);
	}
	assert_db(content_history(place->db, &page, &place->err), DB_OK);
	for (unsigned i = 0; i < count; i++) {
		assert_db(content_history_next(place->db, &page, &row, &place->err), DB_OK);
		expect_bytes(row.message.text, texts[i].data, texts[i].length);
		expect_bytes(row.message.title, texts[(i + 1) % count].data,
			     texts[(i + 1) % count].length);
		expect_bytes(row.message.rich_type, "text/x", 6);
		expect_bytes(row.message.rich, texts[(i + 2) % count].data,
			     texts[(i + 2) % count].length);
		expect_bytes(row.message.id, "id \xe2\x82\xac", 6);
		assert_int_equal(row.message.time, INT64_MAX);
		assert_int_equal(row.message.flags, UINT16_MAX);
		assert_int_equal(row.message.author, UINT32_MAX);
	}
}

static void test_story_of_a_megabyte_comes_back_unharmed(void **state)
{
	struct place *place = *state;
	const struct content_page page = {.room = 1, .before = UINT64_MAX, .limit = 1};
	const size_t size = 1 << 20;
	char *text = malloc(size);
	struct content_message message = {.room = 1, .seq = 1, .text = {text, size}};
	struct content_history_row row;

	for (size_t i = 0; i + 4 <= size; i += 4)
		memcpy(text + i, "\xf0\x9f\x98\x80", 4);
	assert_db(content_messages_put(place->db, &message, 1, &place->err), DB_OK);
	assert_db(content_history(place->db, &page, &place->err), DB_OK);
	assert_db(content_history_next(place->db, &page, &row, &place->err), DB_OK);
	expect_bytes(row.message.text, text, size);
	free(text);
}

static void test_large_and_small_texts_come_in_one_page(void **state)
{
	static const size_t sizes[] = {700000, 1, 255, 256, 4095, 0, 4096, 16384, 600000, 20};
	const unsigned count = sizeof(sizes) / sizeof(sizes[0]);
	struct content_page page = {.room = 1, .before = UINT64_MAX, .limit = count};
	struct place *place = *state;
	struct content_history_row row;
	char *text = malloc(sizes[0]);

	memset(text, 'x', sizes[0]);
	for (unsigned i = 0; i < count; i++)
		assert_db(put_text(place, i + 1, text, sizes[i]), DB_OK);
	for (unsigned n = 0; n < 4; n++) {
		page.from_oldest = n % 2 == 1;
		assert_db(content_history(place->db, &page, &place->err), DB_OK);
		for (unsigned i = 0; i < count; i++) {
			const unsigned seq = page.from_oldest ? i : count - 1 - i;

			assert_db(content_history_next(place->db, &page, &row, &place->err), DB_OK);
			assert_int_equal(row.message.seq, seq + 1);
			expect_bytes(row.message.text, text, sizes[seq]);
			assert_int_equal(row.message.text.data[sizes[seq]], '\0');
		}
		assert_db(content_history_next(place->db, &page, &row, &place->err), DB_END);
	}
	free(text);
}

static void test_numbers_that_were_never_ours_are_read(void **state)
{
	struct place *place = *state;
	const struct content_page page = {.room = 1, .before = UINT64_MAX, .limit = 10};
	struct content_history_row row;

	put_messages(place, 1, 1, 1);
	assert_db(db_run(place->db, "UPDATE pc_message SET time = -7, flags = 0", &place->err),
		  DB_OK);
	assert_db(content_history(place->db, &page, &place->err), DB_OK);
	assert_db(content_history_next(place->db, &page, &row, &place->err), DB_OK);
	assert_int_equal((int64_t)row.message.time, -7);
	expect_bytes(row.message.text, "text 0", 6);
}

/* The other databases take none. */
static void test_text_of_somebody_else_that_is_none_is_bad_data(void **state)
{
	struct place *place = *state;
	const struct content_page page = {.room = 1, .before = UINT64_MAX, .limit = 10};
	struct content_history_row row;

	if (!database_is_sqlite())
		return;
	put_messages(place, 1, 1, 2);
	assert_db(db_run(place->db, "UPDATE pc_message SET body = CAST(x'61FF' AS TEXT)",
			 &place->err),
		  DB_OK);
	assert_db(content_history(place->db, &page, &place->err), DB_OK);
	assert_db(content_history_next(place->db, &page, &row, &place->err), DB_BAD_DATA);
	assert_true(db_connected(place->db));
	assert_db(content_history_next(place->db, &page, &row, &place->err), DB_END);
}

/*
 * With one argument more it is SQLite's own: the functions are told apart by their number. The
 * format is that of odbc/sqlite.c.
 */
#define ROW_FORMAT "CAST(x'2573FF2564202564202564202564202573FF2573FF2573FF2573FFFE' AS TEXT)"

static void test_rows_are_made_as_sqlite_makes_them(void **state)
{
	static const char *const values[] = {
		"'text', 1, 2, 3, 4, 'id', '', '', ''",
		"'', 0, -1, 9223372036854775807, -9223372036854775807 - 1, '', '', '', ''",
		"NULL, NULL, '17', 1.9, x'3132', NULL, 5, x'6162', 2.5",
		"CAST(x'610062' AS TEXT), 'text', '', '-', '9x', '%s', '%', '%d', "
		"'\u00e9\U0001f600'",
		"HEX(ZEROBLOB(3000)), 1, 2, 3, 4, 'id', HEX(ZEROBLOB(700000)), '', 'x'",
		"'small again', 1, 2, 3, 4, '', '', '', ''",
	};
	struct place *place = *state;
	char sql[1024];

	if (!database_is_sqlite())
		return;
	for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		snprintf(sql, sizeof(sql),
			 "SELECT PRINTF(" ROW_FORMAT ", %s) = PRINTF(" ROW_FORMAT ", %s, 0)",
			 values[i], values[i]);
		expect(place, sql, "1");
	}
}

static void test_rows_are_made_of_nothing_else(void **state)
{
	static const char *const formats[] = {"'%5d'", "'%%'", "'%'", "'%s%s%s%s%s%s%s%s%s%s'"};
	struct place *place = *state;
	char sql[256], answer[256];

	if (!database_is_sqlite())
		return;
	for (unsigned i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		snprintf(sql, sizeof(sql), "SELECT PRINTF(%s, 1, 2, 3, 4, 5, 6, 7, 8, 9)",
			 formats[i]);
		assert_false(database_ask(&place->database, sql, answer, sizeof(answer)));
	}
	expect(place,
	       "SELECT PRINTF('%5d', 1), PRINTF('%s', 1, 2, 3, 4, 5, 6, 7, 8, 9) || "
	       "PRINTF(NULL, 1, 2, 3, 4, 5, 6, 7, 8, 9)",
	       "    1|1");
}

static void test_bad_text_is_refused_and_spoils_nothing(void **state)
{
	static const struct db_bytes texts[] = {BYTES("\xff"), BYTES("cut \xf0\x9f\x98"),
						BYTES("a\0b"), BYTES("\xed\xa0\x80 surrogate"),
						BYTES("\xc0\x80 overlong")};
	struct place *place = *state;

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const struct content_message message = {.room = 1, .seq = 1, .text = texts[i]};

		assert_db(content_messages_put(place->db, &message, 1, &place->err), DB_BAD_DATA);
		assert_true(db_connected(place->db));
	}
	put_messages(place, 1, 1, 1);
}

static void test_row_that_breaks_a_rule_is_bad_data(void **state)
{
	struct place *place = *state;
	const struct content_message message = {.room = 1, .seq = 0, .text = BYTES("x")};
	const struct content_principal principal = {.id = 0, .uri = BYTES("sip:x")};

	assert_db(content_messages_put(place->db, &message, 1, &place->err), DB_BAD_DATA);
	assert_db(content_principal_put(place->db, &principal, &place->err), DB_BAD_DATA);
	if (database_is_sqlite())
		assert_int_equal(db_native(place->db), 19);
	assert_true(db_connected(place->db));
}

static void test_dead_letter_is_kept_once(void **state)
{
	struct place *place = *state;
	const struct content_dead dead = {.lsn = 88,
					  .time = 5,
					  .type = 9,
					  .reason = "no UTF-8",
					  .record = "\x00\xff",
					  .record_size = 2};

	assert_db(content_dead_put(place->db, &dead, &place->err), DB_OK);
	assert_db(content_dead_put(place->db, &dead, &place->err), DB_OK);
}

static void test_rooms_have_a_text_to_be_searched_without_regard_to_case(void **state)
{
	struct place *place = *state;

	put_room(place, 1, "Stra\u00dfe", "about A\u0308PFEL");
	put_room(place, 2, "100% _sure_", "back\\slash ' OR 1=1 --");
	expect(place, "SELECT folded FROM pc_room ORDER BY id",
	       "strasse\nabout \u00e4pfel,100% _sure_\nback\\slash ' or 1=1 --");
}

static const char ALICE[] = "sip:alice@example.test";

static void test_credential_comes_back_with_and_without_its_user(void **state)
{
	struct place *place = *state;
	struct content_credential put = {.mechanism = "SCRAM-SHA-256",
					 .iterations = 4096,
					 .salt_length = 16,
					 .stored_length = 32,
					 .server_length = 32,
					 .changed = 77};
	struct content_credential got;

	for (unsigned i = 0; i < 32; i++) {
		put.salt[i] = (uint8_t)i; /* begins with a NUL */
		put.stored_key[i] = (uint8_t)(255 - i);
	}
	assert_db(content_credential_get(place->db, ALICE, strlen(ALICE), "SCRAM-SHA-256", &got,
					 &place->err),
		  DB_END);
	assert_db(content_credential_set(place->db, ALICE, strlen(ALICE), &put, &place->err),
		  DB_OK);
	put.iterations = 8192;
	assert_db(content_credential_set(place->db, ALICE, strlen(ALICE), &put, &place->err),
		  DB_OK);
	assert_db(content_credential_get(place->db, ALICE, strlen(ALICE), "SCRAM-SHA-256", &got,
					 &place->err),
		  DB_OK);
	assert_int_equal(got.iterations, 8192);
	assert_false(got.has_principal);
	assert_int_equal(got.salt_length, 16);
	assert_memory_equal(got.salt, put.salt, 16);
	assert_memory_equal(got.stored_key, put.stored_key, 32);
	put_principal(place, 9, ALICE, "Alice");
	assert_db(content_credential_get(place->db, ALICE, strlen(ALICE), "SCRAM-SHA-256", &got,
					 &place->err),
		  DB_OK);
	assert_true(got.has_principal);
	assert_int_equal(got.principal, 9);
	assert_int_equal(got.epoch, 2);
}

static void test_second_open_changes_nothing(void **state)
{
	struct place *place = *state;

	put_room(place, 1, "Demo", "");
	assert_db(content_open(place->db, &place->err), DB_OK);
	assert_db(content_check(place->db, &place->err), DB_OK);
	expect(place, "SELECT name FROM pc_room", "Demo");
}

static void test_newer_database_is_refused(void **state)
{
	struct place *place = *state;

	assert_db(db_run(place->db, "INSERT INTO pc_schema (version, applied) VALUES (999, 0)",
			 &place->err),
		  DB_OK);
	assert_db(content_open(place->db, &place->err), DB_FATAL);
	assert_non_null(strstr(place->err.text, "version 999"));
	assert_db(content_check(place->db, &place->err), DB_FATAL);
}

static void test_reader_waits_for_the_schema(void **state)
{
	struct place *place = *state;

	assert_db(db_run(place->db, "DROP TABLE pc_schema", &place->err), DB_OK);
	assert_db(content_check(place->db, &place->err), DB_RETRY);
	assert_true(db_connected(place->db));
}

static void test_uuid_is_written_as_everybody_writes_it(void **state)
{
	static const char text[] = "00112233-4455-6677-8899-aabbccddeeff";
	char out[HEX_UUID];
	uint8_t uuid[16];

	(void)state;
	assert_true(hex_uuid_decode(text, strlen(text), uuid));
	hex_uuid_encode(uuid, out);
	assert_string_equal(out, text);
	assert_false(hex_uuid_decode(text, strlen(text) - 1, uuid));
	assert_false(hex_uuid_decode("00112233-4455-6677-8899aabbccddeeff-", 36, uuid));
	assert_false(hex_uuid_decode("00112233-4455-6677-8899-aabbccddeefg", 36, uuid));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_one, place_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_new_database_has_no_cursor),
		TEST(test_cursor_comes_back_as_it_was_put),
		TEST(test_cursor_and_rows_are_undone_together),
		TEST(test_users_are_loaded_page_by_page),
		TEST(test_changed_user_replaces_the_old_state),
		TEST(test_changed_room_keeps_its_last_number),
		TEST(test_message_stored_twice_is_there_once),
		TEST(test_history_is_paged_from_both_ends),
		TEST(test_history_names_the_author),
		TEST(test_text_of_every_kind_comes_back_unharmed),
		TEST(test_story_of_a_megabyte_comes_back_unharmed),
		TEST(test_large_and_small_texts_come_in_one_page),
		TEST(test_numbers_that_were_never_ours_are_read),
		TEST(test_text_of_somebody_else_that_is_none_is_bad_data),
		TEST(test_rows_are_made_as_sqlite_makes_them),
		TEST(test_rows_are_made_of_nothing_else),
		TEST(test_bad_text_is_refused_and_spoils_nothing),
		TEST(test_row_that_breaks_a_rule_is_bad_data),
		TEST(test_dead_letter_is_kept_once),
		TEST(test_rooms_have_a_text_to_be_searched_without_regard_to_case),
		TEST(test_credential_comes_back_with_and_without_its_user),
		TEST(test_second_open_changes_nothing),
		TEST(test_newer_database_is_refused),
		TEST(test_reader_waits_for_the_schema),
		cmocka_unit_test(test_uuid_is_written_as_everybody_writes_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
