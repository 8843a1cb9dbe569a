#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/compliance_batch.h"
#include "daemon/record_verify.h"
#include "odbc/content.h"
#include "shm/event.h"
#include "t/unit/database.h"

/* Events as records, in a real database: what is malformed, too, and what the server never said. */
enum { BATCH = 8, PAYLOAD = 4096 };

struct place {
	struct database database;
	struct db *db;
	struct compliance_batch batch;
	struct record_cursor cursor; /* what the database has */
	uint64_t lsn;
	struct err err;
	union {
		struct record record;
		uint8_t bytes[sizeof(struct record) + PAYLOAD];
	} event;
};

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return -1;
	*state = place;
	place->db = database_open(&place->database, record_open, &place->err);
	if (!place->db ||
	    record_cursor_get(place->db, &place->cursor, &place->err) != DB_OK)
		return -1;
	memset(place->cursor.journal, 7, sizeof(place->cursor.journal));
	place->lsn = 8;
	return compliance_batch_init(&place->batch, BATCH, "example.test", &place->err);
}

static int teardown(void **state)
{
	struct place *place = *state;

	compliance_batch_fini(&place->batch);
	database_close(&place->database, &place->db);
	free(place);
	return 0;
}

static void good(struct place *place, enum db_result result)
{
	if (result != DB_OK)
		fail_msg("%s: %s", db_result_name(result), place->err.text);
}

/* The next event; its payload is written behind it by the caller. */
static struct record *event(struct place *place, enum event_type type, uint32_t payload)
{
	struct record *record = &place->event.record;

	*record = (struct record){.length = (uint32_t)sizeof(*record) + payload,
				  .lsn = place->lsn,
				  .time = 1763717400000000 + place->lsn,
				  .type = (uint16_t)type,
				  .payload = payload};
	place->lsn += record->length;
	return record;
}

static void begin(struct place *place)
{
	good(place, db_begin(place->db, &place->err));
	compliance_batch_begin(&place->batch, &place->cursor);
}

static void end(struct place *place)
{
	place->batch.cursor.lsn = place->lsn;
	good(place, record_put(place->db, place->batch.row, place->batch.rows, &place->err));
	good(place, record_cursor_put(place->db, &place->batch.cursor, &place->err));
	good(place, db_commit(place->db, &place->err));
	place->cursor = place->batch.cursor;
}

static void record_one(struct place *place)
{
	begin(place);
	good(place, compliance_event(&place->batch, place->db, &place->event.record, &place->err));
	end(place);
}

static void assert_sql(struct place *place, const char *sql, const char *expected)
{
	char answer[8192];

	assert_true(database_ask(&place->database, sql, answer, sizeof(answer)));
	assert_string_equal(answer, expected);
}

static void assert_whole(struct place *place)
{
	struct record_verify verify = {0};

	good(place, record_verify(&verify, place->db, &place->err));
	if (verify.wrong != 0)
		fail_msg("record %llu: %s", (unsigned long long)verify.wrong, verify.reason);
	assert_int_equal(verify.records, place->cursor.number);
}

/* --- Malformed events. --- */

static void test_an_event_that_makes_no_sense_is_on_record_with_its_bytes(void **state)
{
	struct place *place = *state;
	uint64_t unreadable = 0;
	char expected[32];

	for (unsigned type = EVENT_START; type <= EVENT_TYPES + 1; type++) {
		const bool is_own =
			type == EVENT_INVITATION || type == EVENT_MARKER || type == EVENT_FEED;
		const bool has_payload = type != EVENT_START && type != EVENT_SESSION_CLOSE &&
					 type != EVENT_JOIN && type != EVENT_LEAVE &&
					 type != EVENT_PURGE && type != EVENT_LOST;
		struct record *record = event(place, (enum event_type)type, 3);

		memcpy(record + 1, "\xff\x00\x41", 3);
		record->room = 1;
		record->actor = 1;
		record_one(place);
		unreadable += has_payload && !is_own;
	}
	snprintf(expected, sizeof(expected), "%llu", (unsigned long long)unreadable);
	assert_sql(place, "SELECT COUNT(*) FROM pcc_record WHERE type = 'unreadable'", expected);
	assert_sql(place,
		   "SELECT COUNT(*) FROM pcc_record WHERE type = 'unreadable' AND flags = 4 AND "
		   "detail LIKE '%\"payload\":\"ff0041\"%'",
		   expected);
	assert_whole(place);
}

static void test_random_payloads_are_on_record_too(void **state)
{
	struct place *place = *state;

	srandom(5);
	for (unsigned i = 0; i < 400; i++) {
		const uint32_t size = (uint32_t)random() % 96;
		struct record *record =
			event(place, (enum event_type)(2 + random() % EVENT_TYPES), size);
		uint8_t *payload = (uint8_t *)(record + 1);

		/* Mostly small numbers, so that lengths are often nearly right. */
		for (uint32_t k = 0; k < size; k++)
			payload[k] = (uint8_t)(random() % 3 ? random() % 2 : random());
		record->room = (uint32_t)random() % 3;
		record->actor = (uint32_t)random() % 3;
		record->flags = (uint16_t)random();
		record->origin.generation = (uint32_t)random() % 2;
		record_one(place);
	}
	assert_whole(place);
}

static void test_text_that_is_no_utf_8_is_kept_as_bytes(void **state)
{
	struct place *place = *state;
	const struct event_message message = {.id = {"a", 1}, .text = {"x\xc3(y", 4}};
	struct record *record = event(place, EVENT_MESSAGE, 0);

	record->payload = event_message_put(&message, record + 1, PAYLOAD);
	assert_true(record->payload > 0);
	record->seq = 9;
	record_one(place);
	assert_sql(place, "SELECT type, flags, message, content, detail FROM pcc_record",
		   "chat|4|9||{\"id\":\"a\",\"content\":\"78c32879\"}");
	assert_whole(place);
}

/* --- Names. --- */

static void put_room(struct place *place, const char *name)
{
	const struct event_room room = {.id = 4,
					.category = 1,
					.privacy = PRIVACY_OPEN,
					.behavior = BEHAVIOR_NORMAL,
					.name = {name, (uint32_t)strlen(name)}};
	struct record *record = event(place, EVENT_ROOM, 0);

	record->room = 4;
	record->payload = event_room_put(&room, record + 1, PAYLOAD);
	assert_true(record->payload > 0);
	record_one(place);
}

static void test_a_rollback_forgets_what_it_had_learned(void **state)
{
	struct place *place = *state;
	const uint64_t lsn = place->lsn;

	put_room(place, "First");
	begin(place);
	event(place, EVENT_ROOM, 0);
	{
		const struct event_room room = {.id = 4,
						.category = 1,
						.privacy = PRIVACY_OPEN,
						.behavior = BEHAVIOR_NORMAL,
						.name = {"Never", 5}};

		place->event.record.payload =
			event_room_put(&room, &place->event.record + 1, PAYLOAD);
	}
	good(place, compliance_event(&place->batch, place->db, &place->event.record, &place->err));
	db_rollback(place->db);
	state_forget(place->batch.state);
	put_room(place, "Second");
	event(place, EVENT_PURGE, 0)->room = 4;
	record_one(place);
	assert_true(place->lsn > lsn);
	assert_sql(place, "SELECT room_name FROM pcc_record ORDER BY number", "First,First,Second");
	assert_sql(place, "SELECT COUNT(*) FROM pcc_record WHERE detail LIKE '%Never%'", "0");
	assert_whole(place);
}

/* --- Files. --- */

static const struct event_file a_file = {.uuid = {1},
					 .sha256 = {0xab},
					 .size = 5,
					 .name = {"a \"b\".txt", 9},
					 .type = {"text/plain", 10}};

static void record_file(struct place *place, enum event_type type, unsigned flags,
			const struct event_file *file)
{
	struct record *record = event(place, type, 0);

	record->payload = event_file_put(file, record + 1, PAYLOAD);
	record->length += record->payload;
	record->flags = (uint16_t)flags;
	record->room = 4;
	place->lsn += record->payload;
	record_one(place);
}

#define FILE_URI                                                                               \
	"ma-filelink://example.test/00000000-0000-0000-0000-000000000000/"                     \
	"01000000-0000-0000-0000-000000000000"
#define FILE_HEX "ab00000000000000000000000000000000000000000000000000000000000000"

static void test_a_transfer_is_on_record_with_name_size_and_hash(void **state)
{
	struct event_file granted = a_file, read = a_file;
	struct place *place = *state;

	put_room(place, "Lab");
	memset(granted.sha256, 0, sizeof(granted.sha256));
	read.time = 1763717400000000;
	record_file(place, EVENT_FILE_GRANT, 0, &granted);
	record_file(place, EVENT_FILE, 0, &a_file);
	record_file(place, EVENT_FILE_READ, 0, &read);
	assert_sql(place, "SELECT type, content, room_name, detail FROM pcc_record WHERE number = 2",
		   "file_granted|a \"b\".txt|Lab|{\"file\":\"" FILE_URI
		   "\",\"type\":\"text/plain\",\"size\":5}");
	assert_sql(place, "SELECT type, content, detail FROM pcc_record WHERE number = 3",
		   "upload|a \"b\".txt|{\"file\":\"" FILE_URI
		   "\",\"type\":\"text/plain\",\"size\":5,\"sha256\":\"" FILE_HEX "\"}");
	assert_sql(place, "SELECT type, content, detail FROM pcc_record WHERE number = 4",
		   "download|a \"b\".txt|{\"file\":\"" FILE_URI
		   "\",\"type\":\"text/plain\",\"size\":5,\"sha256\":\"" FILE_HEX
		   "\",\"uploaded\":\"2025-11-21T09:30:00.000000Z\"}");
	assert_whole(place);
}

static void test_a_removed_file_is_on_record_also_where_its_content_was_lost(void **state)
{
	const struct event_file lost = {.uuid = {1}};
	struct place *place = *state;

	put_room(place, "Lab");
	record_file(place, EVENT_FILE_REMOVED, 0, &a_file);
	record_file(place, EVENT_FILE_REMOVED, 0, &lost);
	assert_sql(place, "SELECT type, content FROM pcc_record WHERE number = 2",
		   "file_removed|a \"b\".txt");
	assert_sql(place, "SELECT type, content, detail FROM pcc_record WHERE number = 3",
		   "file_removed||{\"file\":\"" FILE_URI "\",\"size\":0}");
	assert_whole(place);
}

static void test_a_file_out_of_an_archive_is_no_upload(void **state)
{
	struct event_file file = a_file;
	struct place *place = *state;

	file.time = 1763717400000000;
	record_file(place, EVENT_FILE, EVENT_IMPORTED, &file);
	assert_sql(place, "SELECT type, content, detail FROM pcc_record",
		   "import|a \"b\".txt|{\"file\":\"01000000-0000-0000-0000-000000000000\","
		   "\"type\":\"text/plain\",\"size\":5,\"sha256\":\"" FILE_HEX
		   "\",\"uploaded\":\"2025-11-21T09:30:00.000000Z\"}");
}

static void test_what_nobody_knows_has_no_name(void **state)
{
	struct place *place = *state;
	struct record *record = event(place, EVENT_JOIN, 0);

	record->room = 77;
	record->actor = 78;
	record->origin = (struct origin){.slot = 9, .generation = 2, .session = 3};
	record_one(place);
	assert_sql(place, "SELECT type, room_id, room, user_id, user_name, session FROM pcc_record",
		   "join|77||78||9.2.3");
	assert_whole(place);
}

static void test_several_rooms_that_are_joined_are_as_many_records(void **state)
{
	struct place *place = *state;
	const struct event_rooms rooms = {
		.count = 3, .place = {{.room = 4, .flags = EVENT_FIRST}, {.room = 5}, {.room = 77}}};

	for (unsigned i = 0; i < 2; i++) {
		struct record *record = event(place, i == 0 ? EVENT_JOINS : EVENT_LEAVES, 0);

		record->origin = (struct origin){.slot = 9, .generation = 2, .session = 3};
		record->payload = event_rooms_put(&rooms, record + 1, PAYLOAD);
		record_one(place);
		assert_sql(place, "SELECT COUNT(*) FROM pcc_open_room", i == 0 ? "3" : "0");
	}
	assert_sql(place, "SELECT type, room_id, session FROM pcc_record ORDER BY number",
		   "join|4|9.2.3,join|5|9.2.3,join|77|9.2.3,part|4|9.2.3,part|5|9.2.3,part|77|9.2.3");
	assert_whole(place);
}

static void test_a_stay_that_is_taken_over_goes_on_as_the_other_sessions(void **state)
{
	struct place *place = *state;
	const struct origin lost = {.slot = 9, .generation = 2, .session = 3};
	const struct origin new = {.slot = 8, .generation = 4, .session = 1};
	const struct event_rooms rooms = {
		.count = 2,
		.from = lost,
		.place = {{.room = 4, .flags = EVENT_TAKEN}, {.room = 5, .flags = EVENT_FIRST}}};
	struct record *record = event(place, EVENT_JOIN, 0);

	record->origin = lost;
	record->room = 4;
	record_one(place);
	event(place, EVENT_LOST, 0)->origin = lost;
	record_one(place);
	record = event(place, EVENT_JOINS, 0);
	record->origin = new;
	record->payload = event_rooms_put(&rooms, record + 1, PAYLOAD);
	record_one(place);
	assert_sql(place, "SELECT session, room FROM pcc_open_room ORDER BY room",
		   "8.4.1|4,8.4.1|5");
	assert_sql(place, "SELECT type, room_id, session, detail FROM pcc_record ORDER BY number",
		   "join|4|9.2.3|,lost|0|9.2.3|,resume|4|8.4.1|{\"from\":\"9.2.3\"},join|5|8.4.1|");
	assert_whole(place);
}

/* --- Sessions that nobody ended. --- */

static void put_session(struct place *place, uint32_t number)
{
	const struct event_session session = {.address = {"127.0.0.1:5", 11}};
	struct record *record = event(place, EVENT_SESSION_OPEN, 0);

	record->origin = (struct origin){.slot = 8, .generation = 1, .session = number};
	record->payload = event_session_put(&session, record + 1, PAYLOAD);
	record_one(place);
	record = event(place, EVENT_JOIN, 0);
	record->origin = (struct origin){.slot = 8, .generation = 1, .session = number};
	record->room = 4;
	record_one(place);
}

static void test_more_sessions_than_a_batch_are_ended_in_several(void **state)
{
	struct place *place = *state;
	unsigned batches = 0;
	bool more = true;

	for (uint32_t i = 1; i <= 3 * BATCH; i++)
		put_session(place, i);
	event(place, EVENT_START, 0)->flags = EVENT_COLD;
	for (; more; batches++) {
		begin(place);
		good(place, compliance_orphans(&place->batch, place->db, &place->event.record,
					       &more, &place->err));
		assert_in_range(place->batch.rows, 0, BATCH);
		end(place);
		/* As if the process had died: only the database knows. */
		state_forget(place->batch.state);
	}
	assert_in_range(batches, 6, 8);
	assert_sql(place,
		   "SELECT type, COUNT(*), COUNT(DISTINCT session) FROM pcc_record "
		   "WHERE detail = '{\"reason\":\"restart\"}' GROUP BY type ORDER BY type",
		   "part|24|24,sign_out|24|24");
	assert_sql(place, "SELECT COUNT(*) FROM pcc_open_session", "0");
	assert_sql(place, "SELECT COUNT(*) FROM pcc_open_room", "0");
	assert_whole(place);
}

/* --- Two writers. --- */

static void test_a_number_that_is_there_already_is_refused(void **state)
{
	struct place *place = *state;
	const struct record_cursor before = place->cursor;

	put_room(place, "Room");
	place->cursor = before; /* somebody who does not know of it */
	event(place, EVENT_START, 0);
	begin(place);
	good(place, compliance_event(&place->batch, place->db, &place->event.record, &place->err));
	assert_int_equal(record_put(place->db, place->batch.row, place->batch.rows, &place->err),
			 DB_BAD_DATA);
	db_rollback(place->db);
	good(place, record_cursor_get(place->db, &place->cursor, &place->err));
	assert_int_equal(place->cursor.number, 1);
	assert_whole(place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_an_event_that_makes_no_sense_is_on_record_with_its_bytes, setup,
			teardown),
		cmocka_unit_test_setup_teardown(test_random_payloads_are_on_record_too, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_text_that_is_no_utf_8_is_kept_as_bytes, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_rollback_forgets_what_it_had_learned, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			test_a_transfer_is_on_record_with_name_size_and_hash, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_a_removed_file_is_on_record_also_where_its_content_was_lost, setup,
			teardown),
		cmocka_unit_test_setup_teardown(test_a_file_out_of_an_archive_is_no_upload, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			test_several_rooms_that_are_joined_are_as_many_records, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_a_stay_that_is_taken_over_goes_on_as_the_other_sessions, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_nobody_knows_has_no_name, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			test_more_sessions_than_a_batch_are_ended_in_several, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_number_that_is_there_already_is_refused,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
