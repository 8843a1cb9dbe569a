#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/retention.h"
#include "shm/event.h"
#include "t/unit/database.h"

/* Messages, limits, and what a pass finds. */
struct place {
	struct database database;
	struct db *db;
	struct retention retention;
	char found[256]; /* "room:through ..." of the last pass */
	unsigned steps;
	struct err err;
};

#define SECOND UINT64_C(1000000)
#define NOW (UINT64_C(1000000) * SECOND)
#define assert_db(expression) assert_int_equal((expression), DB_OK)
#define SALES "ma-cat://example.test/02000000-0000-0000-0000-000000000000"
#define OTHER "ma-cat://example.test/03000000-0000-0000-0000-000000000000"

static void put_category(struct place *place, uint8_t id)
{
	const struct content_category category = {
		.id = id, .uuid = {id}, .name = {"Category", 8}, .description = {"", 0}};

	assert_db(content_category_put(place->db, &category, &place->err));
}

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return -1;
	*state = place;
	place->db = database_open(&place->database, content_open, &place->err);
	if (!place->db)
		return -1;
	put_category(place, 2);
	put_category(place, 3);
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;

	retention_fini(&place->retention);
	database_close(&place->database, &place->db);
	free(place);
	return 0;
}

static void put_room(struct place *place, uint32_t id, uint32_t category)
{
	const struct content_room room = {.id = id,
					  .uuid = {(uint8_t)id, (uint8_t)(id >> 8)},
					  .category = category,
					  .name = {"Room", 4},
					  .description = {"", 0}};

	assert_db(content_room_put(place->db, &room, &place->err));
}

/* A message of ten bytes that was written so many seconds ago. */
static void put_message(struct place *place, uint32_t room, uint64_t seq, uint64_t ago)
{
	const struct content_message message = {.room = room,
						.seq = seq,
						.time = NOW - ago * SECOND,
						.author = 1,
						.id = {"", 0},
						.title = {"12", 2},
						.text = {"\u00fc4567890", 9}};
	const struct content_room_seq last = {.room = room, .seq = seq};

	assert_db(content_messages_put(place->db, &message, 1, &place->err));
	assert_db(content_room_seqs(place->db, &last, 1, &place->err));
}

enum { BYTES = 11 /* of such a message: two of the title, nine of the text */ };

/* Numbers 1 to count; the newest is a second old, the one before two seconds and so on. */
static void put_messages(struct place *place, uint32_t room, unsigned count)
{
	assert_db(db_begin(place->db, &place->err));
	for (unsigned i = 1; i <= count; i++)
		put_message(place, room, i, count + 1 - i);
	assert_db(db_commit(place->db, &place->err));
}

static void limit(struct place *place, const char *scope, const char *name, const char *value)
{
	const struct content_setting setting = {.kind = SCOPED_RETENTION,
						.scope = {scope, strlen(scope)},
						.name = {name, strlen(name)},
						.value = {value, strlen(value)}};

	assert_db(content_setting_put(place->db, &setting, true, &place->err));
}

/* A whole pass; what is found is purged, as the store does when the event comes back. */
static void pass(struct place *place)
{
	enum retention_found found = RETENTION_MORE;
	uint32_t rooms[32];
	uint64_t through[32];
	unsigned count = 0;

	place->found[0] = '\0';
	place->steps = 0;
	assert_db(retention_begin(&place->retention, place->db, NOW, &place->err));
	while (found != RETENTION_END && retention_any(&place->retention)) {
		const size_t used = strlen(place->found);

		assert_true(count < 32 && place->steps++ < 10000);
		assert_db(retention_step(&place->retention, place->db, &found, &rooms[count],
					 &through[count], &place->err));
		if (found == RETENTION_PURGE) {
			snprintf(place->found + used, sizeof(place->found) - used, "%s%u:%llu",
				 used ? " " : "", rooms[count], (unsigned long long)through[count]);
			count++;
		}
	}
	for (unsigned i = 0; i < count; i++)
		assert_db(content_purge(place->db, rooms[i], through[i], &place->err));
}

static void expect(struct place *place, const char *found)
{
	pass(place);
	assert_string_equal(place->found, found);
}

static void test_without_limits_nothing_goes(void **state)
{
	struct place *place = *state;

	put_room(place, 1, 2);
	put_messages(place, 1, 10);
	expect(place, "");
	assert_int_equal(place->steps, 0);
}

static void test_old_messages_go(void **state)
{
	struct place *place = *state;

	put_room(place, 1, 2);
	put_room(place, 2, 2);
	put_messages(place, 1, 10);
	put_messages(place, 2, 3);
	limit(place, "global", "age", "4s");
	expect(place, "1:6");
	expect(place, "");
	limit(place, "global", "age", "1");
	expect(place, "1:9 2:2");
	limit(place, "global", "age", "0");
	expect(place, "");
}

static void test_more_messages_than_wanted_go(void **state)
{
	struct place *place = *state;

	put_room(place, 1, 2);
	put_room(place, 2, 2);
	put_messages(place, 1, 10);
	put_messages(place, 2, 3);
	limit(place, "global", "messages", "4");
	expect(place, "1:6");
	expect(place, "");
	put_message(place, 1, 11, 0);
	expect(place, "1:7");
}

static void test_more_bytes_than_wanted_go(void **state)
{
	struct place *place = *state;
	char bytes[16];

	put_room(place, 1, 2);
	put_room(place, 2, 2);
	put_messages(place, 1, 10);
	put_messages(place, 2, 3);
	snprintf(bytes, sizeof(bytes), "%u", 4 * BYTES);
	limit(place, "global", "bytes", bytes);
	expect(place, "1:6");
	expect(place, "");
	put_message(place, 1, 11, 0);
	expect(place, "1:7");
	put_message(place, 2, 4, 0);
	expect(place, "");
	put_message(place, 2, 5, 0);
	expect(place, "2:1");
	snprintf(bytes, sizeof(bytes), "%u", 2 * BYTES + 1);
	limit(place, "global", "bytes", bytes);
	expect(place, "1:9 2:3");
	limit(place, "global", "bytes", "1");
	expect(place, "1:11 2:5");
	expect(place, "");
}

static void test_what_a_category_says_counts_in_it(void **state)
{
	struct place *place = *state;

	put_room(place, 1, 2);
	put_room(place, 2, 3);
	put_room(place, 3, 1);
	for (uint32_t room = 1; room <= 3; room++)
		put_messages(place, room, 10);
	limit(place, "global", "messages", "8");
	limit(place, SALES, "messages", "5");
	limit(place, OTHER, "messages", "0");
	expect(place, "1:5 3:2");
	limit(place, SALES, "age", "2s");
	expect(place, "1:8");
}

static void test_strictest_of_several_limits_counts(void **state)
{
	struct place *place = *state;

	put_room(place, 1, 2);
	put_messages(place, 1, 10);
	limit(place, "global", "messages", "8");
	limit(place, "global", "age", "5s");
	limit(place, "global", "bytes", "100000");
	expect(place, "1:5");
}

/* More than one statement reads, in every way in which a room is looked at. */
static void test_large_rooms_take_several_steps(void **state)
{
	struct place *place = *state;
	char bytes[16];

	put_room(place, 1, 2);
	put_messages(place, 1, 1700);
	limit(place, "global", "age", "200s");
	expect(place, "1:1500");
	assert_true(place->steps >= 4);
	put_room(place, 2, 3);
	put_messages(place, 2, 1700);
	limit(place, OTHER, "age", "0");
	snprintf(bytes, sizeof(bytes), "%u", 1600 * BYTES);
	limit(place, OTHER, "bytes", bytes);
	expect(place, "2:100");
	put_message(place, 2, 1701, 0);
	expect(place, "2:101");
	assert_true(place->steps < 12); /* what is known is not summed up again */
}

/* A young message between old ones, as an import brings in, keeps what is behind it. */
static void test_old_message_behind_a_young_one_stays(void **state)
{
	struct place *place = *state;

	put_room(place, 1, 2);
	put_message(place, 1, 1, 100);
	put_message(place, 1, 2, 1);
	put_message(place, 1, 3, 100);
	limit(place, "global", "age", "50s");
	expect(place, "1:1");
}

static void test_rooms_beyond_a_page_are_looked_at(void **state)
{
	struct place *place = *state;

	for (uint32_t room = 1; room <= 2 * RETENTION_PAGE + 3; room++)
		put_room(place, room, 2);
	put_messages(place, RETENTION_PAGE, 3);
	put_messages(place, RETENTION_PAGE + 1, 3);
	put_messages(place, 2 * RETENTION_PAGE + 3, 3);
	limit(place, "global", "messages", "1");
	expect(place, "64:2 65:2 131:2");
}

/* More scopes than a page of settings, and other settings beside them. */
static void test_many_categories_have_limits(void **state)
{
	struct place *place = *state;
	const struct content_setting other = {.kind = SCOPED_CONFIG,
					      .scope = {"global", 6},
					      .name = {"history", 7},
					      .value = {"5", 1}};
	char scope[80];

	assert_db(content_setting_put(place->db, &other, true, &place->err));
	for (unsigned i = 0; i < 300; i++) {
		snprintf(scope, sizeof(scope),
			 "ma-cat://example.test/00000000-0000-4000-8000-%012u", i);
		limit(place, scope, "messages", "3");
	}
	put_room(place, 1, 3);
	put_messages(place, 1, 5);
	limit(place, OTHER, "messages", "2");
	expect(place, "1:3");
	assert_int_equal(
		retention_of(&place->retention, "00000000-0000-4000-8000-000000000299").messages,
		3);
	assert_int_equal(
		retention_of(&place->retention, "00000000-0000-4000-8000-000000000300").messages,
		0);
	assert_int_equal(retention_of(&place->retention, "nonsense").messages, 0);
}

static void test_lost_database_is_told(void **state)
{
	struct place *place = *state;
	enum retention_found found;
	uint32_t room;
	uint64_t through;

	db_disconnect(place->db);
	assert_int_equal(retention_begin(&place->retention, place->db, NOW, &place->err), DB_RETRY);
	assert_int_equal(
		retention_step(&place->retention, place->db, &found, &room, &through, &place->err),
		DB_RETRY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_without_limits_nothing_goes),
		TEST(test_old_messages_go),
		TEST(test_more_messages_than_wanted_go),
		TEST(test_more_bytes_than_wanted_go),
		TEST(test_what_a_category_says_counts_in_it),
		TEST(test_strictest_of_several_limits_counts),
		TEST(test_large_rooms_take_several_steps),
		TEST(test_old_message_behind_a_young_one_stays),
		TEST(test_rooms_beyond_a_page_are_looked_at),
		TEST(test_many_categories_have_limits),
		TEST(test_lost_database_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
