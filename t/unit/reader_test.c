#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/plain.h"
#include "daemon/reader_exceeding.h"
#include "daemon/reader_file.h"
#include "daemon/reader_page.h"
#include "shm/event.h"
#include "t/unit/database.h"

struct place {
	struct database database;
	struct db *db;
	struct fragment json;
	uint32_t flags;
	struct err err;
};

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return -1;
	*state = place;
	place->db = database_open(&place->database, content_open, &place->err);
	return place->db ? 0 : -1;
}

static int teardown(void **state)
{
	struct place *place = *state;

	fragment_free(&place->json);
	database_close(&place->database, &place->db);
	free(place);
	return 0;
}

static void put_message(struct place *place, uint64_t seq, const char *text, size_t length)
{
	const struct content_message message = {.room = 1,
						.seq = seq,
						.time = UINT64_C(1700000000123456),
						.author = 1,
						.flags = seq == 2 ? EVENT_ALERT : 0,
						.id = {"c-1", 3},
						.text = {text, length}};

	assert_int_equal(content_messages_put(place->db, &message, 1, &place->err), DB_OK);
}

/* The room, whose last number is what tells a gap from a hole. */
static void put_room(struct place *place, unsigned last_seq)
{
	const struct content_room room = {.id = 1,
					  .uuid = {1},
					  .category = 1,
					  .privacy = 6,
					  .behavior = 4,
					  .invitations = 1,
					  .name = {"Room", 4},
					  .description = {"", 0}};
	const struct content_room_seq last = {.room = 1, .seq = last_seq};

	assert_int_equal(content_room_put(place->db, &room, &place->err), DB_OK);
	assert_int_equal(content_room_seqs(place->db, &last, 1, &place->err), DB_OK);
}

static void put_messages(struct place *place, unsigned count)
{
	const struct content_principal alice = {.id = 1,
						.kind = 5,
						.uri = {"sip:alice@example.test", 22},
						.name = {"Alice \"A\"", 9}};

	assert_int_equal(content_principal_put(place->db, &alice, &place->err), DB_OK);
	for (unsigned i = 1; i <= count; i++)
		put_message(place, i, "text", 4);
	put_room(place, count);
}

static bool keep_count(const struct content_history_row *row, void *arg)
{
	unsigned *count = arg;

	(void)row;
	++*count;
	return *count < 3;
}

/* The page as an array, as a worker puts it together: users are called by their numbers. */
static void join_page(const struct fragment *answer, struct fragment *json)
{
	const struct ask_page *head = (const void *)answer->data;
	const struct ask_row *row;

	assert_true(answer->used >= sizeof(*head) && answer->used % _Alignof(struct ask_row) == 0);
	assert_true(answer->used - sizeof(*head) >= head->rows * sizeof(*row));
	row = (const void *)(answer->data + answer->used - head->rows * sizeof(*row));
	fragment_text(json, "[");
	for (uint32_t i = 0; i < head->rows; row++, i++) {
		assert_true(row->begin >= sizeof(*head) && row->begin <= row->from_at);
		assert_true(row->from_at <= row->end && row->end <= answer->used);
		fragment_text(json, i > 0 ? "," : "");
		fragment_raw(json, answer->data + row->begin, row->from_at - row->begin);
		fragment_text(json, "\"from\":");
		fragment_number(json, row->author);
		fragment_text(json, ",");
		fragment_raw(json, answer->data + row->from_at, row->end - row->from_at);
	}
	fragment_text(json, "]");
}

/* The page's sequence numbers, "3,4,5", checked by a parser that is not ours. */
static void page(struct place *place, struct ask_history ask, const char *seqs, uint32_t flags)
{
	char got[256] = "";
	struct fragment answer = {0};
	json_t *array, *message;
	size_t i;

	fragment_free(&place->json);
	assert_int_equal(
		reader_history(place->db, &ask, &answer, &place->flags, NULL, NULL, &place->err),
			 DB_OK);
	join_page(&answer, &place->json);
	fragment_free(&answer);
	array = json_loadb(place->json.data, place->json.used, 0, NULL);
	assert_true(json_is_array(array));
	json_array_foreach(array, i, message)
	{
		const size_t used = strlen(got);

		snprintf(got + used, sizeof(got) - used, "%s%lld", used ? "," : "",
			 (long long)json_integer_value(json_object_get(message, "seq")));
	}
	json_decref(array);
	assert_string_equal(got, seqs);
	assert_int_equal(place->flags, flags);
}

static void test_message_has_all_its_members(void **state)
{
	struct place *place = *state;
	static const char expected[] =
		"[{\"seq\":1,\"time\":\"2023-11-14T22:13:20.123456Z\",\"from\":1,"
		"\"text\":\"text\",\"id\":\"c-1\"},"
		"{\"seq\":2,\"time\":\"2023-11-14T22:13:20.123456Z\",\"from\":1,"
		"\"text\":\"text\",\"id\":\"c-1\",\"importance\":\"alert\"}]";

	put_messages(place, 2);
	page(place, (struct ask_history){.room = 1, .limit = 2, .before = UINT64_MAX}, "1,2", 0);
	assert_int_equal(place->json.used, strlen(expected));
	assert_memory_equal(place->json.data, expected, strlen(expected));
}

static void test_newest_page_is_oldest_first(void **state)
{
	struct place *place = *state;

	put_messages(place, 9);
	page(place, (struct ask_history){.room = 1, .limit = 3, .before = UINT64_MAX}, "7,8,9",
	     ASK_MORE);
	page(place, (struct ask_history){.room = 1, .limit = 9, .before = UINT64_MAX},
	     "1,2,3,4,5,6,7,8,9", 0);
	page(place, (struct ask_history){.room = 1, .limit = 3, .before = 7}, "4,5,6", ASK_MORE);
	page(place, (struct ask_history){.room = 1, .limit = 3, .before = 4}, "1,2,3", 0);
	page(place, (struct ask_history){.room = 1, .limit = 3, .after = 4, .before = 7}, "5,6", 0);
	page(place, (struct ask_history){.room = 1, .limit = 3, .before = 1}, "", 0);
	page(place, (struct ask_history){.room = 2, .limit = 3, .before = UINT64_MAX}, "", 0);
}

static void test_oldest_page_goes_on_behind_after(void **state)
{
	struct place *place = *state;

	put_messages(place, 9);
	page(place,
	     (struct ask_history){
		     .room = 1, .limit = 3, .from_oldest = 1, .after = 2, .before = 10},
	     "3,4,5", ASK_MORE);
	page(place,
	     (struct ask_history){
		     .room = 1, .limit = 3, .from_oldest = 1, .after = 6, .before = 10},
	     "7,8,9", 0);
	page(place,
	     (struct ask_history){
		     .room = 1, .limit = 3, .from_oldest = 1, .after = 9, .before = UINT64_MAX},
	     "", 0);
}

static void test_database_that_lags_behind_says_so(void **state)
{
	struct place *place = *state;

	put_messages(place, 5);
	page(place, (struct ask_history){.room = 1, .limit = 2, .before = 6}, "4,5", ASK_MORE);
	page(place, (struct ask_history){.room = 1, .limit = 2, .before = 7}, "4,5",
	     ASK_MORE | ASK_GAP);
	page(place, (struct ask_history){.room = 1, .limit = 2, .after = 5, .before = 9}, "",
	     ASK_GAP);
	page(place, (struct ask_history){.room = 1, .limit = 2, .after = 5, .before = 6}, "", 0);
	page(place,
	     (struct ask_history){.room = 1, .limit = 3, .from_oldest = 1, .after = 3, .before = 9},
	     "4,5", ASK_GAP);
	page(place,
	     (struct ask_history){.room = 1, .limit = 2, .from_oldest = 1, .after = 1, .before = 9},
	     "2,3", ASK_MORE);
}

static void test_page_has_nothing_that_was_purged(void **state)
{
	struct place *place = *state;

	put_messages(place, 9);
	assert_int_equal(content_purge(place->db, 1, 6, &place->err), DB_OK);
	page(place, (struct ask_history){.room = 1, .limit = 5, .before = 10}, "7,8,9", 0);
	page(place, (struct ask_history){.room = 1, .limit = 2, .before = 9}, "7,8", 0);
	page(place, (struct ask_history){.room = 1, .limit = 2, .before = 7}, "", 0);
	page(place, (struct ask_history){.room = 1, .limit = 2, .before = 5}, "", 0);
}

static void test_rows_are_kept_newest_first_unless_there_is_a_gap(void **state)
{
	struct place *place = *state;
	struct ask_history ask = {.room = 1, .limit = 5, .before = 10};
	unsigned count = 0;

	put_messages(place, 9);
	assert_int_equal(reader_history(place->db, &ask, &place->json, &place->flags, keep_count,
					&count, &place->err),
			 DB_OK);
	assert_int_equal(count, 3);
	count = 0;
	ask.before = 11;
	fragment_free(&place->json);
	assert_int_equal(reader_history(place->db, &ask, &place->json, &place->flags, keep_count,
					&count, &place->err),
			 DB_OK);
	assert_int_equal(count, 0);
	assert_int_equal(place->flags, ASK_GAP | ASK_MORE);
}

static void test_page_of_impossible_size_is_refused(void **state)
{
	struct place *place = *state;
	struct ask_history ask = {.room = 1, .limit = 0, .before = 10};

	assert_int_equal(reader_history(place->db, &ask, &place->json, &place->flags, NULL, NULL,
					&place->err),
			 DB_BAD_DATA);
	ask.limit = READER_PAGE_MAX + 1;
	assert_int_equal(reader_history(place->db, &ask, &place->json, &place->flags, NULL, NULL,
					&place->err),
			 DB_BAD_DATA);
}

/* A room with a message of so many bytes: three of the title, two of the rich part, then text. */
static void put_room_of(struct place *place, uint32_t id, uint64_t seq, unsigned bytes)
{
	static const char text[] = "\u00fc\u20ac\U0001f600 and so on";
	const struct content_room room = {.id = id,
					  .uuid = {(uint8_t)id},
					  .category = 1,
					  .name = {"Room", 4},
					  .description = {"", 0}};
	const struct content_message message = {.room = id,
						.seq = seq,
						.author = 1,
						.id = {"", 0},
						.title = {"\u20ac", 3},
						.text = {text, bytes - 5},
						.rich_type = {"text/html", 9},
						.rich = {"\u00fc", 2}};
	const struct content_room_seq last = {.room = id, .seq = seq};

	assert_int_equal(content_room_put(place->db, &room, &place->err), DB_OK);
	if (bytes > 0)
		assert_int_equal(content_messages_put(place->db, &message, 1, &place->err), DB_OK);
	assert_int_equal(content_room_seqs(place->db, &last, 1, &place->err), DB_OK);
}

/* The rooms that have more bytes, "3,4". */
static void exceeding(struct place *place, uint64_t bytes, const char *rooms)
{
	const struct ask_exceeding ask = {.bytes = bytes};
	char got[256] = "";
	bool over;

	fragment_free(&place->json);
	assert_int_equal(
		reader_exceeding(place->db, &ask, UINT64_MAX, &place->json, &over, &place->err),
		DB_OK);
	assert_false(over);
	for (size_t i = 0; i + sizeof(uint32_t) <= place->json.used; i += sizeof(uint32_t)) {
		const size_t used = strlen(got);
		uint32_t room;

		memcpy(&room, place->json.data + i, sizeof(room));
		snprintf(got + used, sizeof(got) - used, "%s%u", used ? "," : "", room);
	}
	assert_string_equal(got, rooms);
}

static void test_rooms_that_exceed_a_size_are_found(void **state)
{
	struct place *place = *state;

	exceeding(place, 0, "");
	put_room_of(place, 1, 1, 14);
	put_room_of(place, 2, 1, 0); /* its only message was removed */
	put_room_of(place, 3, 1, 7);
	put_room_of(place, 3, 2, 7);
	exceeding(place, 13, "1,3");
	exceeding(place, 14, "");
	exceeding(place, 0, "1,3");
	assert_int_equal(content_purge(place->db, 3, 1, &place->err), DB_OK);
	exceeding(place, 13, "1");
	exceeding(place, 6, "1,3");
	assert_int_equal(content_purge(place->db, 1, 1, &place->err), DB_OK);
	exceeding(place, 0, "3");
}

static void test_all_rooms_are_measured_unless_time_runs_out(void **state)
{
	struct place *place = *state;
	const struct ask_exceeding ask = {.bytes = 14};
	bool over;

	for (uint32_t id = 1; id <= 100; id++)
		put_room_of(place, id, 1, id % 31 == 0 ? 15 : 14);
	exceeding(place, 14, "31,62,93");
	fragment_free(&place->json);
	assert_int_equal(reader_exceeding(place->db, &ask, 0, &place->json, &over, &place->err),
			 DB_OK);
	assert_true(over);
}

static void expect_escaped(const char *text, size_t length, const char *expected)
{
	struct fragment json = {0};
	json_t *parsed;

	fragment_string(&json, text, length);
	assert_false(json.failed);
	assert_int_equal(json.used, strlen(expected));
	assert_memory_equal(json.data, expected, json.used);
	parsed = json_loadb(json.data, json.used, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	assert_non_null(parsed);
	json_decref(parsed);
	fragment_free(&json);
}

static void test_strings_are_escaped(void **state)
{
	(void)state;
	expect_escaped("", 0, "\"\"");
	expect_escaped("a\"b\\c/", 6, "\"a\\\"b\\\\c/\"");
	expect_escaped("\0\x1f\n\x7f", 4, "\"\\u0000\\u001f\\u000a\x7f\"");
	expect_escaped("\xf0\x9f\x98\x80\xe2\x80\xa8", 7, "\"\xf0\x9f\x98\x80\xe2\x80\xa8\"");
	expect_escaped("a\xff"
		       "b",
		       3,
		       "\"a\xef\xbf\xbd"
		       "b\"");
	expect_escaped("\xf0\x9f\x98", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
	expect_escaped("\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void test_every_byte_at_every_place_is_plain_or_not(void **state)
{
	char text[20];

	(void)state;
	for (unsigned at = 0; at < sizeof(text); at++)
		for (unsigned byte = 0; byte < 256; byte++) {
			const bool plain = byte >= 0x20 && byte != '"' && byte != '\\';

			memset(text, at % 2 ? '!' : '~', sizeof(text));
			text[at] = (char)byte;
			assert_int_equal(plain_text(text, sizeof(text)), plain ? sizeof(text) : at);
			assert_int_equal(plain_ascii(text, sizeof(text)),
					 plain && byte < 0x80 ? sizeof(text) : at);
			assert_int_equal(plain_low(text, sizeof(text)),
					 byte < 0x80 ? sizeof(text) : at);
			memset(text + at + 1, 0x80, sizeof(text) - at - 1);
			assert_int_equal(plain_text(text, sizeof(text)), plain ? sizeof(text) : at);
			assert_int_equal(plain_ascii(text, sizeof(text)),
					 at + (plain && byte < 0x80));
		}
}

static void test_large_pages_grow_as_they_need(void **state)
{
	struct place *place = *state;
	char *text = malloc(200000);

	memset(text, '\n', 200000);
	put_message(place, 1, text, 200000);
	put_room(place, 1);
	page(place, (struct ask_history){.room = 1, .limit = 2, .before = UINT64_MAX}, "1", 0);
	assert_true(place->json.used > 1200000);
	free(text);
}

/* --- Files. --- */

static void put_file(struct place *place, uint8_t n)
{
	const struct content_file file = {.uuid = {[15] = n},
					  .lsn = 8u * n,
					  .room = 1,
					  .author = 1,
					  .time = UINT64_C(1700000000123450) + 3u * n,
					  .size = n,
					  .name = {"a \"b\".txt", 9},
					  .type = {"text/plain", 10}};

	assert_int_equal(content_file_put(place->db, &file, &place->err), DB_OK);
}

/* The answer, by a parser that is not ours. */
static json_t *files(struct place *place, const struct ask_files *ask)
{
	json_t *answer;

	fragment_free(&place->json);
	assert_int_equal(reader_files(place->db, ask, "example.test", &place->json, &place->err),
			 DB_OK);
	answer = json_loadb(place->json.data, place->json.used, 0, NULL);
	assert_non_null(answer);
	return answer;
}

static void expect_files(struct place *place, const struct ask_files *ask, const char *sizes,
			 bool more)
{
	json_t *answer = files(place, ask), *file;
	char got[64] = "";
	size_t i;

	json_array_foreach(json_object_get(answer, "files"), i, file)
	{
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%d",
			 (int)json_integer_value(json_object_get(file, "size")));
	}
	assert_string_equal(got, sizes);
	assert_int_equal(json_is_true(json_object_get(answer, "more")), more);
	json_decref(answer);
}

static void expect_none(struct place *place, const struct ask_files *ask)
{
	fragment_free(&place->json);
	assert_int_equal(reader_files(place->db, ask, "d", &place->json, &place->err), DB_END);
}

static void test_files_are_listed_newest_first_page_by_page(void **state)
{
	struct place *place = *state;
	struct ask_files ask = {.room = 1, .limit = 2};

	put_messages(place, 0);
	for (uint8_t n = 1; n <= 3; n++)
		put_file(place, n);
	expect_files(place, &ask, "32", true);
	ask.before[15] = 2;
	expect_files(place, &ask, "1", false);
	ask.before[15] = 1;
	expect_files(place, &ask, "", false);
	ask.before[15] = 9;
	expect_none(place, &ask);
	ask.before[15] = 1;
	ask.room = 2;
	expect_none(place, &ask);
}

static void test_file_has_all_its_members(void **state)
{
	const struct ask_files ask = {.room = 1, .one = 1, .uuid = {[15] = 2}};
	struct place *place = *state;
	json_t *answer, *expected;

	put_messages(place, 0);
	put_file(place, 2);
	answer = files(place, &ask);
	expected = json_pack(
		"{s:s, s:s, s:s, s:i, s:s, s:s, s:s, s:s}", "file",
		"ma-filelink://example.test/01000000-0000-0000-0000-000000000000/"
		"00000000-0000-0000-0000-000000000002",
		"name", "a \"b\".txt", "type", "text/plain", "size", 2, "sha256",
		"0000000000000000000000000000000000000000000000000000000000000000", "time",
		"2023-11-14T22:13:20.123456Z", "from", "sip:alice@example.test", "from_name",
		"Alice \"A\"");
	assert_true(json_equal(answer, expected));
	json_decref(answer);
	json_decref(expected);
}

static void test_a_removed_file_is_shown_only_where_it_is_asked_for(void **state)
{
	struct ask_files ask = {.room = 1, .one = 1, .uuid = {[15] = 1}};
	static const uint8_t uuid[16] = {[15] = 1};
	struct place *place = *state;
	json_t *answer;

	put_messages(place, 0);
	put_file(place, 1);
	assert_int_equal(content_file_remove(place->db, uuid, 1700000000000000, 1, &place->err),
			 DB_OK);
	expect_files(place, &(struct ask_files){.room = 1, .limit = 9}, "", false);
	expect_files(place, &(struct ask_files){.room = 1, .limit = 9, .removed = 1}, "1", false);
	expect_none(place, &ask);
	ask.removed = 1;
	answer = files(place, &ask);
	assert_string_equal(json_string_value(json_object_get(answer, "removed")),
			    "2023-11-14T22:13:20.000000Z");
	assert_string_equal(json_string_value(json_object_get(answer, "removed_by")),
			    "sip:alice@example.test");
	json_decref(answer);
}

static void test_a_file_of_another_room_is_not_found(void **state)
{
	struct ask_files ask = {.room = 2, .one = 1, .uuid = {[15] = 1}};
	struct place *place = *state;

	put_messages(place, 0);
	put_file(place, 1);
	expect_none(place, &ask);
	ask.room = 1;
	json_decref(files(place, &ask));
	ask.uuid[15] = 2;
	expect_none(place, &ask);
	assert_int_equal(db_run(place->db, "UPDATE pc_file SET sha256 = 'none'", &place->err), DB_OK);
	ask.uuid[15] = 1;
	expect_none(place, &ask);
}

static void test_a_malformed_file_is_left_out(void **state)
{
	struct place *place = *state;
	const struct ask_files ask = {.room = 1, .limit = 9};

	put_messages(place, 0);
	put_file(place, 1);
	put_file(place, 2);
	put_file(place, 3);
	assert_int_equal(db_run(place->db, "UPDATE pc_file SET sha256 = 'none' WHERE size = 2",
				&place->err),
			 DB_OK);
	expect_files(place, &ask, "31", false);
}

static void test_a_page_of_files_of_impossible_size_is_refused(void **state)
{
	struct place *place = *state;
	struct ask_files ask = {.room = 1};

	assert_int_equal(reader_files(place->db, &ask, "d", &place->json, &place->err),
			 DB_BAD_DATA);
	ask.limit = READER_FILES_MAX + 1;
	assert_int_equal(reader_files(place->db, &ask, "d", &place->json, &place->err),
			 DB_BAD_DATA);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_message_has_all_its_members),
		TEST(test_newest_page_is_oldest_first),
		TEST(test_oldest_page_goes_on_behind_after),
		TEST(test_database_that_lags_behind_says_so),
		TEST(test_page_has_nothing_that_was_purged),
		TEST(test_rows_are_kept_newest_first_unless_there_is_a_gap),
		TEST(test_page_of_impossible_size_is_refused),
		TEST(test_rooms_that_exceed_a_size_are_found),
		TEST(test_all_rooms_are_measured_unless_time_runs_out),
		TEST(test_files_are_listed_newest_first_page_by_page),
		TEST(test_file_has_all_its_members),
		TEST(test_a_removed_file_is_shown_only_where_it_is_asked_for),
		TEST(test_a_file_of_another_room_is_not_found),
		TEST(test_a_malformed_file_is_left_out),
		TEST(test_a_page_of_files_of_impossible_size_is_refused),
		cmocka_unit_test(test_strings_are_escaped),
		cmocka_unit_test(test_every_byte_at_every_place_is_plain_or_not),
		TEST(test_large_pages_grow_as_they_need),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
