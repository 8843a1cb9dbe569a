#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "odbc/content_file.h"
#include "t/unit/place.h"

/* Rows of files. */

/* Number n: its uuid ends with it, and its event is the n-th. */
static void put_file(struct place *place, uint8_t n, uint32_t room)
{
	const struct content_file file = {.uuid = {[15] = n},
					  .lsn = n * 8u,
					  .room = room,
					  .author = 7,
					  .time = 1000u + n,
					  .size = n,
					  .sha256 = {n, [31] = 0xff},
					  .name = BYTES("caf\xc3\xa9 \xf0\x9f\x98\x80.txt"),
					  .type = BYTES("text/plain")};

	assert_db(content_file_put(place->db, &file, &place->err), DB_OK);
}

static void put_people_and_rooms(struct place *place)
{
	const struct content_principal people[] = {
		{7, 5, 0, 0, BYTES("sip:alice@example.test"), BYTES("Alice")},
		{8, 5, 0, 0, BYTES("sip:bob@example.test"), BYTES("Bob")}};

	for (unsigned i = 0; i < 2; i++)
		assert_db(content_principal_put(place->db, &people[i], &place->err), DB_OK);
	for (uint8_t id = 1; id <= 2; id++) {
		const struct content_room room = {.id = id,
						  .uuid = {0xaa, [15] = id},
						  .category = 1,
						  .name = BYTES("Room"),
						  .description = BYTES("")};

		assert_db(content_room_put(place->db, &room, &place->err), DB_OK);
	}
}

static void test_a_file_comes_back_as_it_was_put(void **state)
{
	static const uint8_t uuid[16] = {[15] = 3}, unknown[16] = {[15] = 4};
	static const uint8_t hash[CONTENT_FILE_HASH] = {3, [31] = 0xff};
	struct place *place = *state;
	struct content_file_row row;

	put_people_and_rooms(place);
	put_file(place, 3, 1);
	assert_db(content_file_get(place->db, uuid, &row, &place->err), DB_OK);
	assert_memory_equal(row.file.uuid, uuid, 16);
	assert_memory_equal(row.file.sha256, hash, sizeof(hash));
	assert_int_equal(row.file.lsn, 24);
	assert_int_equal(row.file.room, 1);
	assert_int_equal(row.file.time, 1003);
	assert_int_equal(row.file.author, 7);
	assert_int_equal(row.file.size, 3);
	assert_int_equal(row.removed, 0);
	assert_int_equal(row.category, 1);
	assert_bytes(row.file.name, "caf\xc3\xa9 \xf0\x9f\x98\x80.txt");
	assert_bytes(row.file.type, "text/plain");
	assert_bytes(row.room, "aa000000-0000-0000-0000-000000000001");
	assert_bytes(row.author_uri, "sip:alice@example.test");
	assert_bytes(row.author_name, "Alice");
	assert_bytes(row.remover_uri, "");
	assert_db(content_file_get(place->db, unknown, &row, &place->err), DB_END);
}

static void test_an_event_that_is_stored_again_changes_nothing(void **state)
{
	static const uint8_t uuid[16] = {[15] = 1};
	struct place *place = *state;

	put_file(place, 1, 1);
	assert_db(content_file_remove(place->db, uuid, 50, 8, &place->err), DB_OK);
	put_file(place, 1, 1);
	assert_db(content_file_remove(place->db, uuid, 60, 9, &place->err), DB_OK);
	expect(place, "SELECT room, lsn, removed, removed_by FROM pc_file", "1|8|50|8");
}

/* What the page shows: the last digits of their uuids, in its order. */
static void expect_page(struct place *place, const struct content_file_page *page,
			const char *numbers)
{
	struct content_file_row row;
	enum db_result result;
	char got[64] = "";

	assert_db(content_files(place->db, page, &place->err), DB_OK);
	while ((result = content_files_next(place->db, &row, &place->err)) == DB_OK)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%u", row.file.uuid[15]);
	assert_db(result, DB_END);
	assert_string_equal(got, numbers);
}

static void test_a_room_s_files_are_listed_page_by_page_newest_first(void **state)
{
	struct content_file_page page = {.room = 1, .time = INT64_MAX, .limit = 3};
	static const uint8_t second[16] = {[15] = 2};
	struct place *place = *state;

	put_people_and_rooms(place);
	for (uint8_t n = 1; n <= 5; n++)
		put_file(place, n, 1);
	put_file(place, 6, 2);
	expect_page(place, &page, "543");
	page.time = 1003;
	page.uuid[15] = 3;
	expect_page(place, &page, "21");
	assert_db(content_file_remove(place->db, second, 50, 8, &place->err), DB_OK);
	expect_page(place, &page, "1");
	page.removed = true;
	expect_page(place, &page, "21");
}

static void test_files_of_one_time_are_listed_each_once(void **state)
{
	struct content_file_page page = {.room = 1, .time = INT64_MAX, .limit = 2};
	struct place *place = *state;

	put_people_and_rooms(place);
	for (uint8_t n = 1; n <= 5; n++)
		put_file(place, n, 1);
	assert_db(db_run(place->db, "UPDATE pc_file SET time = 7", &place->err), DB_OK);
	expect_page(place, &page, "54");
	page.time = 7;
	page.uuid[15] = 4;
	expect_page(place, &page, "32");
	page.uuid[15] = 2;
	expect_page(place, &page, "1");
}

static void test_a_removed_file_says_when_and_by_whom(void **state)
{
	static const uint8_t first[16] = {[15] = 1}, second[16] = {[15] = 2};
	struct place *place = *state;
	struct content_file_row row;

	put_people_and_rooms(place);
	put_file(place, 1, 1);
	put_file(place, 2, 1);
	assert_db(content_file_remove(place->db, first, 50, 8, &place->err), DB_OK);
	assert_db(content_file_get(place->db, first, &row, &place->err), DB_OK);
	assert_int_equal(row.removed, 50);
	assert_bytes(row.remover_uri, "sip:bob@example.test");
	assert_db(content_file_get(place->db, second, &row, &place->err), DB_OK);
	assert_int_equal(row.removed, 0);
}

static void test_a_removed_room_s_files_are_removed_and_keep_their_rows(void **state)
{
	static const uint8_t uuid[16] = {[15] = 1};
	struct place *place = *state;
	struct content_file_row row;

	put_people_and_rooms(place);
	put_file(place, 1, 1);
	put_file(place, 2, 2);
	assert_db(content_room_remove(place->db, 1, &place->err), DB_OK);
	assert_db(content_files_remove(place->db, 1, 70, 0, &place->err), DB_OK);
	expect(place, "SELECT room, removed, removed_by FROM pc_file ORDER BY room",
	       "1|70|0,2|0|0");
	assert_db(content_file_get(place->db, uuid, &row, &place->err), DB_OK);
	assert_int_equal(row.category, 0);
	assert_bytes(row.room, "");
}

static void test_all_files_are_exported_in_pages_each_once(void **state)
{
	enum { FILES = CONTENT_LOAD_PAGE + 44 };
	struct place *place = *state;
	struct content_file_row row;
	uint8_t above[16];
	unsigned count = 0, pages = 0;
	bool found = true;

	put_people_and_rooms(place);
	assert_db(db_begin(place->db, &place->err), DB_OK);
	for (unsigned n = 0; n < FILES; n++) {
		const struct content_file file = {
			.uuid = {(uint8_t)(n >> 8), (uint8_t)n}, .room = 1, .lsn = n + 1};

		assert_db(content_file_put(place->db, &file, &place->err), DB_OK);
	}
	assert_db(db_commit(place->db, &place->err), DB_OK);
	while (found) {
		found = false;
		assert_db(content_export_files(place->db, count > 0 ? above : NULL, &place->err),
			  DB_OK);
		while (content_export_files_next(place->db, &row, &place->err) == DB_OK) {
			assert_int_equal(row.file.uuid[0] << 8 | row.file.uuid[1], count);
			memcpy(above, row.file.uuid, sizeof(above));
			found = true;
			count++;
		}
		pages++;
	}
	assert_int_equal(count, FILES);
	assert_int_equal(pages, 3);
}

static void test_a_malformed_row_is_told_and_the_next_can_be_taken(void **state)
{
	const struct content_file_page page = {.room = 1, .time = INT64_MAX, .limit = 9};
	struct place *place = *state;
	struct content_file_row row;

	put_file(place, 1, 1);
	put_file(place, 2, 1);
	assert_db(
		db_run(place->db, "UPDATE pc_file SET sha256 = 'none' WHERE lsn = 16", &place->err),
		DB_OK);
	assert_db(content_files(place->db, &page, &place->err), DB_OK);
	assert_db(content_files_next(place->db, &row, &place->err), DB_BAD_DATA);
	assert_non_null(strstr(place->err.text, "pc_file"));
	assert_db(content_files_next(place->db, &row, &place->err), DB_OK);
	assert_int_equal(row.file.uuid[15], 1);
	assert_db(content_files_next(place->db, &row, &place->err), DB_END);
}

static void test_a_row_without_a_uuid_ends_an_export(void **state)
{
	struct place *place = *state;
	struct content_file_row row;

	put_file(place, 1, 1);
	assert_db(db_run(place->db, "UPDATE pc_file SET uuid = 'none'", &place->err), DB_OK);
	assert_db(content_export_files(place->db, NULL, &place->err), DB_OK);
	assert_db(content_export_files_next(place->db, &row, &place->err), DB_FATAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_one, place_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_file_comes_back_as_it_was_put),
		TEST(test_an_event_that_is_stored_again_changes_nothing),
		TEST(test_a_room_s_files_are_listed_page_by_page_newest_first),
		TEST(test_files_of_one_time_are_listed_each_once),
		TEST(test_a_removed_file_says_when_and_by_whom),
		TEST(test_a_removed_room_s_files_are_removed_and_keep_their_rows),
		TEST(test_all_files_are_exported_in_pages_each_once),
		TEST(test_a_malformed_row_is_told_and_the_next_can_be_taken),
		TEST(test_a_row_without_a_uuid_ends_an_export),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
