#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store_audit.h"
#include "odbc/content_audit.h"
#include "odbc/content_file.h"
#include "t/unit/database.h"

/* The rows of the audit, made of events and of what the database held before them. */
struct place {
	struct database database;
	struct db *db;
	struct err err;
	struct store_audit audit;
	struct { /* an event */
		struct record head;
		uint8_t payload[8192];
	} event;
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

	database_close(&place->database, &place->db);
	free(place);
	return 0;
}

static void expect(struct place *place, const char *sql, const char *answer)
{
	char line[1024];

	assert_true(database_ask(&place->database, sql, line, sizeof(line)));
	assert_string_equal(line, answer);
}

static struct text text(const char *s)
{
	return (struct text){s, (uint32_t)strlen(s)};
}

static struct record *begin(struct place *place, enum event_type type, uint64_t lsn)
{
	place->event.head = (struct record){
		.type = (uint16_t)type, .lsn = lsn, .time = lsn * 10, .origin = {8, 0, 3, 7, 0}};
	return &place->event.head;
}

static enum db_result put(struct place *place, uint32_t size)
{
	struct record *record = &place->event.head;
	enum db_result result;

	record->payload = size;
	record->length = (uint32_t)sizeof(*record) + size;
	assert_int_equal(db_begin(place->db, &place->err), DB_OK);
	store_audit_begin(&place->audit);
	result = store_audit_put(&place->audit, place->db, record, &place->err);
	assert_int_equal(db_commit(place->db, &place->err), DB_OK);
	return result;
}

static void open_session(struct place *place)
{
	const struct event_session event = {.address = text("192.0.2.1:5"),
					    .name = text("cert:alice")};

	begin(place, EVENT_SESSION_OPEN, 8)->flags = EVENT_ADMIN;
	assert_true(store_audit_is(&place->event.head));
	assert_int_equal(put(place, event_session_put(&event, place->event.payload,
						      sizeof(place->event.payload))),
			 DB_OK);
}

static void put_room(struct place *place, uint64_t lsn, const struct event_room *event)
{
	begin(place, EVENT_ROOM, lsn);
	assert_int_equal(put(place, event_room_put(event, place->event.payload,
						   sizeof(place->event.payload))),
			 DB_OK);
}

static void store_room(struct place *place, const struct event_room *event)
{
	const struct content_room room = {
		.id = event->id,
		.category = event->category,
		.privacy = event->privacy,
		.behavior = event->behavior,
		.created = event->created,
		.revision = event->revision,
		.disabled = event->disabled,
		.name = {event->name.data, event->name.length},
		.description = {event->description.data, event->description.length}};

	assert_int_equal(content_room_put(place->db, &room, &place->err), DB_OK);
}

static const struct event_room lobby = {.id = 5,
					.category = 1,
					.privacy = PRIVACY_OPEN,
					.behavior = BEHAVIOR_NORMAL,
					.revision = 1,
					.name = {"lobby", 5},
					.description = {"", 0}};

static void what_changed_is_told_with_both_sides(void **state)
{
	struct place *place = *state;
	struct event_room other = lobby;

	open_session(place);
	put_room(place, 100, &lobby);
	expect(place, "SELECT what, actor, address, object, time FROM pc_audit",
	       "room.create|cert:alice|192.0.2.1:5|lobby|1000");
	store_room(place, &lobby);
	other.name = text("\"foyer\"");
	put_room(place, 200, &other);
	expect(place, "SELECT what, details FROM pc_audit WHERE lsn = 200",
	       "room.update|{\"before\":{\"name\":\"lobby\"},\"after\":{\"name\":\"\\\"foyer\\\"\"}"
	       "}");
}

static void a_revision_alone_is_no_change(void **state)
{
	struct place *place = *state;
	struct event_room other = lobby;

	store_room(place, &lobby);
	other.revision = 2;
	put_room(place, 100, &other);
	expect(place, "SELECT COUNT(*) FROM pc_audit", "0");
}

static void the_same_event_twice_is_one_row(void **state)
{
	struct place *place = *state;

	put_room(place, 100, &lobby);
	put_room(place, 100, &lobby);
	expect(place, "SELECT COUNT(*) FROM pc_audit", "1");
}

static void sessions_are_known_while_they_last(void **state)
{
	struct place *place = *state;

	open_session(place);
	expect(place, "SELECT COUNT(*) FROM pc_session", "1");
	begin(place, EVENT_SESSION_CLOSE, 50);
	assert_true(store_audit_is(&place->event.head));
	assert_int_equal(put(place, 0), DB_OK);
	expect(place, "SELECT COUNT(*) FROM pc_session", "0");
	put_room(place, 100, &lobby);
	expect(place, "SELECT actor, address FROM pc_audit", "administrator|");
}

static void a_cold_start_forgets_them_all(void **state)
{
	struct place *place = *state;

	open_session(place);
	begin(place, EVENT_START, 50);
	assert_false(store_audit_is(&place->event.head));
	place->event.head.flags = EVENT_COLD;
	assert_true(store_audit_is(&place->event.head));
	assert_int_equal(put(place, 0), DB_OK);
	expect(place, "SELECT COUNT(*) FROM pc_session", "0");
}

static void what_nobody_asked_for_is_the_servers(void **state)
{
	struct place *place = *state;

	begin(place, EVENT_PURGE, 100);
	place->event.head.origin = (struct origin){0};
	place->event.head.room = 5;
	place->event.head.seq = 9;
	assert_int_equal(put(place, 0), DB_OK);
	expect(place, "SELECT actor, what, object, details FROM pc_audit",
	       "server|message.purge||{\"through\":9}");
}

static void users_sessions_are_not_its_business(void **state)
{
	struct place *place = *state;

	begin(place, EVENT_SESSION_OPEN, 8);
	assert_false(store_audit_is(&place->event.head));
	begin(place, EVENT_SESSION_CLOSE, 8)->actor = 5;
	assert_false(store_audit_is(&place->event.head));
	begin(place, EVENT_MESSAGE, 8);
	assert_false(store_audit_is(&place->event.head));
	begin(place, EVENT_JOIN, 8);
	assert_false(store_audit_is(&place->event.head));
}

/* The event of a file whose content was lost has no name; its row has. */
static void a_removed_file_is_told_by_its_name(void **state)
{
	const struct content_principal bob = {.id = 7,
					      .kind = 5,
					      .uri = {"sip:bob@example.test", 20},
					      .name = {"Bob", 3}};
	const struct content_file file = {.uuid = {1},
					  .lsn = 8,
					  .room = 5,
					  .author = 7,
					  .size = 9,
					  .name = {"a \"b\".txt", 9},
					  .type = {"", 0}};
	const struct event_file event = {.uuid = {1}};
	struct place *place = *state;

	store_room(place, &lobby);
	assert_int_equal(content_principal_put(place->db, &bob, &place->err), DB_OK);
	assert_int_equal(content_file_put(place->db, &file, &place->err), DB_OK);
	open_session(place);
	begin(place, EVENT_FILE_REMOVED, 100)->room = 5;
	assert_true(store_audit_is(&place->event.head));
	assert_int_equal(put(place, event_file_put(&event, place->event.payload,
						   sizeof(place->event.payload))),
			 DB_OK);
	expect(place, "SELECT actor, what, object, details FROM pc_audit",
	       "cert:alice|file.remove|lobby|{\"file\":\"01000000-0000-0000-0000-000000000000\","
	       "\"name\":\"a \\\"b\\\".txt\",\"size\":9,\"author\":\"sip:bob@example.test\"}");
}

/* Whoever stores the event says that it is malformed. */
static void a_malformed_event_becomes_no_row(void **state)
{
	struct place *place = *state;

	for (unsigned type = EVENT_PRINCIPAL; type < EVENT_TYPES; type++) {
		begin(place, type, 100 + type);
		memset(place->event.payload, 0xff, 40);
		if (!store_audit_is(&place->event.head) || type == EVENT_PURGE)
			continue;
		assert_int_equal(put(place, 40), DB_OK);
	}
	expect(place, "SELECT COUNT(*) FROM pc_audit", "0");
}

static void a_long_value_is_cut_where_a_character_ends(void **state)
{
	struct place *place = *state;
	char value[3002];
	struct event_setting event = {.kind = SCOPED_TOPOLOGY,
				      .present = 1,
				      .scope = text("published"),
				      .name = text("document"),
				      .value = {value, 3001}};

	value[0] = 'x';
	for (unsigned i = 0; i < 1500; i++)
		memcpy(value + 1 + 2 * i, "\xc3\xa9", 2);
	begin(place, EVENT_SETTING, 100);
	assert_int_equal(put(place, event_setting_put(&event, place->event.payload,
						      sizeof(place->event.payload))),
			 DB_OK);
	expect(place, "SELECT what, LENGTH(details) FROM pc_audit",
	       "topology.set|540"); /* x and 499 of them, and the rest */
}

static void old_rows_go_oldest_first(void **state)
{
	struct place *place = *state;
	bool more = false;

	for (unsigned i = 1; i <= 5; i++) {
		const struct content_audit row = {.lsn = i * 8,
						  .time = i,
						  .actor = {"a", 1},
						  .address = {"", 0},
						  .what = {"room.create", 11},
						  .object = {"", 0},
						  .ref = {"", 0},
						  .details = {"{}", 2}};

		assert_int_equal(content_audit_put(place->db, &row, &place->err), DB_OK);
	}
	assert_int_equal(content_audit_expire(place->db, 5, 3, &more, &place->err), DB_OK);
	assert_true(more);
	expect(place, "SELECT MIN(time), COUNT(*) FROM pc_audit", "4|2");
	assert_int_equal(content_audit_expire(place->db, 5, 3, &more, &place->err), DB_OK);
	assert_int_equal(content_audit_expire(place->db, 5, 3, &more, &place->err), DB_OK);
	assert_false(more);
	expect(place, "SELECT MIN(time), COUNT(*) FROM pc_audit", "5|1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_changed_is_told_with_both_sides),
		TEST(a_revision_alone_is_no_change),
		TEST(the_same_event_twice_is_one_row),
		TEST(sessions_are_known_while_they_last),
		TEST(a_cold_start_forgets_them_all),
		TEST(what_nobody_asked_for_is_the_servers),
		TEST(users_sessions_are_not_its_business),
		TEST(a_removed_file_is_told_by_its_name),
		TEST(a_malformed_event_becomes_no_row),
		TEST(a_long_value_is_cut_where_a_character_ends),
		TEST(old_rows_go_oldest_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
