#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/store_batch.h"
#include "daemon/store_object.h"
#include "shm/event.h"
#include "t/unit/database.h"

enum { BATCH = 16, RING = 1 << 20 };

/* A journal and a content database, and what the store has of both. */
struct place {
	struct database database;
	struct db *db;
	struct journal_writer writer;
	int fd;
	struct store_batch batch;
	struct content_cursor cursor;
	_Atomic uint64_t tail;
	uint8_t payload[65536];
	struct err err;
};

static int open_journal(struct place *place)
{
	const struct record start = {.type = EVENT_START};
	char path[128];

	snprintf(path, sizeof(path), "%s/journal", place->database.directory);
	place->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (place->fd == -1 || ftruncate(place->fd, RING + JOURNAL_HEADER) == -1 ||
	    journal_format(place->fd, 0, &place->err) == -1)
		return -1;
	if (journal_open(&place->writer, place->fd, 8, UINT64_MAX, false, RING / 2, NULL, NULL,
			 &place->err) == -1)
		return -1;
	return journal_append(&place->writer, &start, NULL, 0, 0) ? 0 : -1;
}

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return -1;
	*state = place;
	place->db = database_open(&place->database, content_open, &place->err);
	if (!place->db || open_journal(place) == -1)
		return -1;
	memcpy(place->cursor.journal, place->writer.journal.header->id, 16);
	place->cursor.lsn = place->writer.journal.header->base;
	return store_batch_init(&place->batch, BATCH, &place->err);
}

static int teardown(void **state)
{
	struct place *place = *state;

	store_batch_fini(&place->batch);
	journal_close(&place->writer);
	close(place->fd);
	database_close(&place->database, &place->db);
	free(place);
	return 0;
}

#define TEXT(string)                         \
	{                                    \
		(string), sizeof(string) - 1 \
	}

static void append(struct place *place, struct record head, uint32_t size)
{
	assert_non_null(
		journal_append(&place->writer, &head, place->payload, size, place->cursor.lsn));
}

static void append_message(struct place *place, uint32_t room, uint64_t seq, struct text text)
{
	const struct event_message event = {.id = TEXT("client-1"), .text = text};
	const struct record head = {.type = EVENT_MESSAGE, .room = room, .seq = seq, .actor = 1};

	append(place, head, event_message_put(&event, place->payload, sizeof(place->payload)));
}

static void append_messages(struct place *place, uint32_t room, uint64_t first, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		append_message(place, room, first + i, (struct text)TEXT("hello"));
}

static void append_principal(struct place *place, uint32_t id)
{
	const struct event_principal event = {.id = id,
					      .kind = PRINCIPAL_USER,
					      .uri = TEXT("sip:alice@example.test"),
					      .name = TEXT("Alice")};

	append(place, (struct record){.type = EVENT_PRINCIPAL},
	       event_principal_put(&event, place->payload, sizeof(place->payload)));
}

static void append_room(struct place *place, uint32_t id)
{
	struct event_room event = {.id = id,
				   .category = 1,
				   .addin = 3,
				   .privacy = PRIVACY_CLOSED,
				   .behavior = BEHAVIOR_AUDITORIUM,
				   .created = 5,
				   .revision = 7,
				   .name = TEXT("Demo")};

	memset(event.uuid, (int)id, sizeof(event.uuid));
	append(place, (struct record){.type = EVENT_ROOM, .room = id},
	       event_room_put(&event, place->payload, sizeof(place->payload)));
}

/* Makes durable what was appended. Returns how many rows one batch then takes. */
static unsigned fill(struct place *place)
{
	assert_int_equal(journal_commit(&place->writer, true, &place->err), 0);
	assert_int_equal(store_batch_fill(&place->batch, &place->cursor, &place->writer.journal,
					  place->writer.end, &place->tail),
			 JOURNAL_END);
	return place->batch.rows;
}

static enum db_result put(struct place *place)
{
	return store_batch_put(&place->batch, place->db, &place->cursor, &place->err);
}

static void drain(struct place *place)
{
	do {
		fill(place);
		assert_int_equal(put(place), DB_OK);
	} while (place->cursor.lsn < place->writer.end);
}

/* What the database says, by another connection than the store's. */
static void expect(struct place *place, const char *sql, const char *answer)
{
	char line[256];

	assert_true(database_ask(&place->database, sql, line, sizeof(line)));
	assert_string_equal(line, answer);
}

static void expect_cursor(struct place *place, uint64_t lsn)
{
	struct content_cursor got;

	assert_int_equal(content_cursor_get(place->db, &got, &place->err), DB_OK);
	assert_int_equal(got.lsn, lsn);
	assert_int_equal(place->cursor.lsn, lsn);
}

static void test_events_reach_their_tables_with_the_cursor(void **state)
{
	struct place *place = *state;

	append_principal(place, 1);
	append_room(place, 1);
	append_messages(place, 1, 1, 3);
	assert_int_equal(fill(place), 5);
	assert_int_equal(put(place), DB_OK);
	expect_cursor(place, place->writer.end);
	expect(place, "SELECT name, uri FROM pc_principal", "Alice|sip:alice@example.test");
	expect(place, "SELECT name, last_seq, uuid FROM pc_room",
	       "Demo|3|01010101-0101-0101-0101-010101010101");
	expect(place, "SELECT COUNT(*), MAX(seq), MAX(client_id), MAX(author) FROM pc_message",
	       "3|3|client-1|1");
	expect(place, "SELECT last_principal, last_room FROM pc_cursor WHERE last_time > 0", "1|1");
	expect(place,
	       "SELECT COUNT(*) FROM pc_cursor WHERE last_time = (SELECT MAX(time) FROM pc_message)",
	       "1");
}

static void append_category(struct place *place, uint32_t id)
{
	struct event_category event = {.id = id,
				       .flags = CATEGORY_HISTORY,
				       .created = 6,
				       .revision = 2,
				       .name = TEXT("Sales"),
				       .description = TEXT("What we sell")};

	memset(event.uuid, (int)id, sizeof(event.uuid));
	append(place, (struct record){.type = EVENT_CATEGORY},
	       event_category_put(&event, place->payload, sizeof(place->payload)));
}

static void append_addin(struct place *place, uint32_t id)
{
	struct event_addin event = {
		.id = id, .name = TEXT("Board"), .url = TEXT("https://example.test/board")};

	memset(event.uuid, (int)id, sizeof(event.uuid));
	append(place, (struct record){.type = EVENT_ADDIN},
	       event_addin_put(&event, place->payload, sizeof(place->payload)));
}

static void append_role(struct place *place, struct event_role event)
{
	append(place, (struct record){.type = EVENT_ROLE},
	       event_role_put(&event, place->payload, sizeof(place->payload)));
}

static void append_affiliation(struct place *place, struct event_affiliation event)
{
	append(place, (struct record){.type = EVENT_AFFILIATION},
	       event_affiliation_put(&event, place->payload, sizeof(place->payload)));
}

static void append_removed(struct place *place, struct event_removed event)
{
	append(place, (struct record){.type = EVENT_REMOVED},
	       event_removed_put(&event, place->payload, sizeof(place->payload)));
}

static void append_objects(struct place *place)
{
	append_principal(place, 1);
	append_category(place, 20);
	append_addin(place, 30);
	append_room(place, 40);
	append_affiliation(place, (struct event_affiliation){1, 2, 1});
	append_affiliation(place, (struct event_affiliation){1, 3, 1});
	append_role(place, (struct event_role){NODE_CATEGORY, ROLE_ALLOWED, 1, 20, 1});
	append_role(place, (struct event_role){NODE_ROOM, ROLE_MEMBER, 1, 40, 1});
	append_role(place, (struct event_role){NODE_ROOM, ROLE_MANAGER, 1, 40, 1});
}

static void test_objects_reach_their_tables(void **state)
{
	struct place *place = *state;

	append_objects(place);
	drain(place);
	expect(place,
	       "SELECT id, uuid, name, description, flags, revision FROM pc_category"
	       " WHERE id > 1",
	       "20|14141414-1414-1414-1414-141414141414|Sales|What we sell|4|2");
	expect(place, "SELECT name, url FROM pc_addin", "Board|https://example.test/board");
	expect(place,
	       "SELECT category, addin, privacy, behavior, invitations, revision"
	       " FROM pc_room",
	       "1|3|3|5|0|7");
	expect(place,
	       "SELECT kind, node, principal, role FROM pc_role WHERE node > 1 ORDER BY node, role",
	       "1|20|1|1,2|40|1|4,2|40|1|5");
	expect(place, "SELECT member, group_id FROM pc_affiliation ORDER BY group_id", "1|2,1|3");
	expect(place, "SELECT last_principal, last_room, last_category, last_addin FROM pc_cursor",
	       "1|40|20|30");
	expect_cursor(place, place->writer.end);
}

static void test_lost_roles_and_memberships_leave_their_tables(void **state)
{
	struct place *place = *state;

	append_objects(place);
	append_role(place, (struct event_role){NODE_ROOM, ROLE_MEMBER, 0, 40, 1});
	append_affiliation(place, (struct event_affiliation){1, 2, 0});
	drain(place);
	expect(place, "SELECT role FROM pc_role WHERE kind = 2", "5");
	expect(place, "SELECT group_id FROM pc_affiliation", "3");
}

static void test_removed_objects_leave_their_tables(void **state)
{
	struct place *place = *state;

	append_objects(place);
	append_messages(place, 40, 1, 3);
	append_removed(place, (struct event_removed){.kind = NODE_ROOM, .id = 40});
	append_removed(place, (struct event_removed){.kind = NODE_ADDIN, .id = 30});
	append_removed(place, (struct event_removed){.kind = NODE_CATEGORY, .id = 20});
	fill(place);
	assert_true(place->batch.removal);
	drain(place);
	expect(place, "SELECT COUNT(*) FROM pc_room", "0");
	expect(place, "SELECT COUNT(*) FROM pc_addin", "0");
	expect(place, "SELECT id FROM pc_category", "1");
	expect(place, "SELECT COUNT(*), MIN(principal) FROM pc_role", "1|4294967295");
	expect(place, "SELECT room FROM pc_remains", "40");
	expect(place, "SELECT last_principal, last_room, last_category, last_addin FROM pc_cursor",
	       "1|40|20|30");
	fill(place);
	assert_false(place->batch.removal);
}

/* --- Files. --- */

static void append_file(struct place *place, struct record head, const struct event_file *event)
{
	append(place, head, event_file_put(event, place->payload, sizeof(place->payload)));
}

static const struct event_file a_file = {
	.uuid = {1}, .sha256 = {2}, .size = 5, .name = TEXT("a.txt"), .type = TEXT("text/plain")};

static void test_files_are_stored_and_their_removal_is_noted(void **state)
{
	struct event_file other = a_file;
	struct place *place = *state;

	append_file(place, (struct record){.type = EVENT_FILE, .room = 4, .actor = 7}, &a_file);
	other.uuid[0] = 2;
	append_file(place, (struct record){.type = EVENT_FILE, .room = 4, .actor = 8}, &other);
	append_file(place, (struct record){.type = EVENT_FILE_REMOVED, .room = 4, .actor = 9},
		    &other);
	drain(place);
	expect(place,
	       "SELECT uuid, room, author, name, type, size, sha256 FROM pc_file WHERE removed = 0",
	       "01000000-0000-0000-0000-000000000000|4|7|a.txt|text/plain|5|"
	       "0200000000000000000000000000000000000000000000000000000000000000");
	expect(place, "SELECT author, removed_by FROM pc_file WHERE removed > 0", "8|9");
	expect(place, "SELECT COUNT(*) FROM pc_file WHERE time > 0 AND lsn > 0", "2");
}

static void test_grants_and_downloads_of_files_are_no_rows(void **state)
{
	struct place *place = *state;

	append_file(place, (struct record){.type = EVENT_FILE_GRANT, .room = 4}, &a_file);
	append_file(place, (struct record){.type = EVENT_FILE_READ, .room = 4}, &a_file);
	assert_int_equal(fill(place), 0);
	drain(place);
	expect(place, "SELECT COUNT(*) FROM pc_file", "0");
	expect_cursor(place, place->writer.end);
}

static void test_a_file_out_of_an_archive_keeps_its_time_and_author(void **state)
{
	struct event_file event = a_file;
	struct place *place = *state;

	event.time = 1234;
	event.author = 7;
	append_file(place,
		    (struct record){.type = EVENT_FILE, .flags = EVENT_IMPORTED, .room = 4},
		    &event);
	drain(place);
	expect(place, "SELECT author, time FROM pc_file", "7|1234");
}

static void test_files_of_a_removed_room_are_removed(void **state)
{
	struct place *place = *state;

	append_objects(place);
	append_file(place, (struct record){.type = EVENT_FILE, .room = 40, .actor = 1}, &a_file);
	append_removed(place, (struct event_removed){.kind = NODE_ROOM, .id = 40});
	drain(place);
	expect(place, "SELECT COUNT(*) FROM pc_file WHERE removed > 0", "1");
}

static void test_a_file_with_a_name_that_is_no_utf_8_becomes_a_dead_letter(void **state)
{
	struct event_file event = a_file;
	struct place *place = *state;

	event.name = (struct text)TEXT("\xff.txt");
	append_file(place, (struct record){.type = EVENT_FILE, .room = 4, .actor = 7}, &event);
	append_messages(place, 1, 1, 1);
	drain(place);
	expect(place, "SELECT type FROM pc_dead_letter", "27");
	expect(place, "SELECT COUNT(*) FROM pc_message", "1");
}

/* What the sequencer would be given, as "type id;" or so. */
struct given {
	char text[512];
	unsigned count, most; /* wanted no more than most */
};

static bool take(const struct store_object *object, void *arg)
{
	struct given *given = arg;
	const size_t used = strlen(given->text);
	union {
		struct event_principal principal;
		struct event_category category;
		struct event_addin addin;
		struct event_room room;
		struct event_role role;
		struct event_affiliation affiliation;
	} e;

	given->count++;
	if (event_principal_parse(object->payload, object->size, &e.principal) &&
	    object->type == EVENT_PRINCIPAL)
		snprintf(given->text + used, 40, "principal %u;", e.principal.id);
	else if (object->type == EVENT_CATEGORY &&
		 event_category_parse(object->payload, object->size, &e.category))
		snprintf(given->text + used, 40, "category %u;", e.category.id);
	else if (object->type == EVENT_ADDIN &&
		 event_addin_parse(object->payload, object->size, &e.addin))
		snprintf(given->text + used, 40, "add-in %u;", e.addin.id);
	else if (object->type == EVENT_ROOM &&
		 event_room_parse(object->payload, object->size, &e.room))
		snprintf(given->text + used, 40, "room %u up to %u;", e.room.id,
			 (unsigned)object->last_seq);
	else if (object->type == EVENT_ROLE &&
		 event_role_parse(object->payload, object->size, &e.role))
		snprintf(given->text + used, 40, "role %u of %u in %u;", e.role.role,
			 e.role.principal, e.role.node);
	else if (object->type == EVENT_AFFILIATION &&
		 event_affiliation_parse(object->payload, object->size, &e.affiliation))
		snprintf(given->text + used, 40, "%u in %u;", e.affiliation.member,
			 e.affiliation.group);
	return given->count < given->most;
}

static void test_sequencer_is_given_everything_in_order(void **state)
{
	struct given given = {.most = UINT32_MAX};
	struct place *place = *state;

	append_objects(place);
	append_messages(place, 40, 1, 3);
	drain(place);
	assert_int_equal(store_objects(place->db, take, &given, &place->err), DB_END);
	assert_string_equal(given.text,
			    "principal 1;1 in 2;1 in 3;category 1;category 20;add-in 30;"
			    "room 40 up to 3;role 1 of 4294967295 in 1;role 1 of 1 in 20;"
			    "role 4 of 1 in 40;role 5 of 1 in 40;");
}

static void test_sequencer_that_goes_away_is_given_no_more(void **state)
{
	struct given given = {.most = 4};
	struct place *place = *state;

	append_objects(place);
	drain(place);
	assert_int_equal(store_objects(place->db, take, &given, &place->err), DB_OK);
	assert_string_equal(given.text, "principal 1;1 in 2;1 in 3;category 1;");
}

static void test_rows_that_somebody_spoilt_are_left_out(void **state)
{
	struct given given = {.most = UINT32_MAX};
	struct place *place = *state;

	append_objects(place);
	append_category(place, 21);
	append_room(place, 41);
	append_room(place, 42);
	drain(place);
	expect(place, "UPDATE pc_category SET uuid = 'x' WHERE id = 20", "");
	expect(place, "UPDATE pc_addin SET uuid = 'x'", "");
	expect(place, "UPDATE pc_room SET privacy = 99 WHERE id = 40", "");
	expect(place, "UPDATE pc_room SET uuid = 'x' WHERE id = 41", "");
	expect(place, "UPDATE pc_role SET role = 99 WHERE kind = 2 AND role = 5", "");
	expect(place, "UPDATE pc_principal SET state = 99", "");
	assert_int_equal(store_objects(place->db, take, &given, &place->err), DB_END);
	assert_string_equal(given.text,
			    "1 in 2;1 in 3;category 1;category 21;room 42 up to 0;"
			    "role 1 of 4294967295 in 1;role 1 of 1 in 20;role 4 of 1 in 40;");
}

static void test_other_events_move_the_cursor_only(void **state)
{
	struct place *place = *state;

	append(place, (struct record){.type = EVENT_JOIN, .room = 1, .actor = 1}, 0);
	append(place, (struct record){.type = EVENT_LEAVE, .room = 1, .actor = 1}, 0);
	assert_int_equal(fill(place), 0);
	assert_int_equal(put(place), DB_OK);
	expect_cursor(place, place->writer.end);
}

static void test_long_journal_is_stored_batch_by_batch(void **state)
{
	struct place *place = *state;

	append_room(place, 1);
	append_room(place, 2);
	for (unsigned i = 0; i < 10; i++) {
		append_messages(place, 1 + i % 2, 1 + 10 * (i / 2), 10);
		append(place, (struct record){.type = EVENT_JOIN}, 0);
	}
	assert_int_equal(fill(place), BATCH);
	drain(place);
	expect(place, "SELECT COUNT(*), COUNT(DISTINCT room * 1000 + seq) FROM pc_message",
	       "100|100");
	expect(place, "SELECT MIN(last_seq), MAX(last_seq) FROM pc_room", "50|50");
	expect_cursor(place, place->writer.end);
}

static void test_ring_that_wraps_is_stored_whole(void **state)
{
	struct place *place = *state;
	static char body[8000];

	memset(body, 'x', sizeof(body));
	for (unsigned i = 1; i <= 400; i++) {
		append_message(place, 1, i, (struct text){body, sizeof(body)});
		if (i % 20 == 0)
			drain(place);
	}
	assert_true(place->cursor.lsn > 2 * RING);
	expect(place, "SELECT COUNT(*), MAX(seq), MIN(LENGTH(body)) FROM pc_message",
	       "400|400|8000");
}

static void test_message_that_cannot_be_stored_becomes_a_dead_letter(void **state)
{
	struct place *place = *state;
	char record[1024];

	append_room(place, 1);
	append_messages(place, 1, 1, 3);
	append_message(place, 1, 4, (struct text)TEXT("\xff no UTF-8"));
	append_messages(place, 1, 5, 3);
	fill(place);
	assert_int_equal(put(place), DB_OK);
	assert_int_equal(place->batch.dead, 1);
	expect_cursor(place, place->writer.end);
	expect(place, "SELECT seq FROM pc_message ORDER BY seq", "1,2,3,5,6,7");
	expect(place, "SELECT COUNT(*), MIN(type), MIN(reader) FROM pc_dead_letter", "1|9|content");
	expect(place, "SELECT COUNT(*) FROM pc_dead_letter WHERE reason LIKE '%UTF-8%'", "1");
	assert_true(database_ask(&place->database, "SELECT record FROM pc_dead_letter", record,
				 sizeof(record)));
	assert_true(strlen(record) > 176);
}

static void test_several_dead_letters_of_a_batch_are_found(void **state)
{
	struct place *place = *state;

	for (unsigned i = 1; i <= BATCH; i++)
		append_message(place, 1, i,
			       i % 7 ? (struct text)TEXT("x") : (struct text)TEXT("\xff"));
	append_principal(place, 9);
	drain(place);
	expect(place, "SELECT COUNT(*) FROM pc_message", "14");
	expect(place, "SELECT COUNT(*) FROM pc_dead_letter", "2");
	expect(place, "SELECT last_principal FROM pc_cursor", "9");
	expect_cursor(place, place->writer.end);
}

static void test_malformed_payload_becomes_a_dead_letter(void **state)
{
	struct place *place = *state;

	memset(place->payload, 0xff, 64);
	append(place, (struct record){.type = EVENT_MESSAGE, .room = 1, .seq = 1}, 64);
	append(place, (struct record){.type = EVENT_ROOM}, 3);
	append(place, (struct record){.type = EVENT_PRINCIPAL}, 0);
	for (uint16_t type = EVENT_CATEGORY; type <= EVENT_REMOVED; type++)
		append(place, (struct record){.type = type}, 5);
	append_messages(place, 1, 2, 1);
	fill(place);
	assert_int_equal(put(place), DB_OK);
	assert_int_equal(place->batch.dead, 8);
	expect(place, "SELECT COUNT(*) FROM pc_dead_letter", "8");
	expect(place, "SELECT seq FROM pc_message ORDER BY seq", "2");
}

static void test_batch_of_dead_letters_only_is_passed(void **state)
{
	struct place *place = *state;

	for (unsigned i = 1; i <= BATCH; i++)
		append_message(place, 1, i, (struct text)TEXT("\x80"));
	fill(place);
	assert_int_equal(put(place), DB_OK);
	assert_int_equal(place->batch.dead, BATCH);
	expect_cursor(place, place->writer.end);
}

static void test_locked_database_moves_nothing(void **state)
{
	struct place *place = *state;
	struct db *rival = db_new(&place->database.list, &place->err);
	const uint64_t before = place->cursor.lsn;

	assert_int_equal(db_connect(rival, &place->err), DB_OK);
	assert_int_equal(db_begin(rival, &place->err), DB_OK);
	if (!database_is_sqlite()) /* a transaction that has done nothing holds no lock there */
		assert_int_equal(db_run(rival, "UPDATE pc_cursor SET lsn = 0", &place->err), DB_OK);
	append_messages(place, 1, 1, 3);
	fill(place);
	assert_int_equal(put(place), DB_RETRY);
	assert_int_equal(place->cursor.lsn, before);
	db_free(&rival);
	assert_int_equal(db_connect(place->db, &place->err), DB_OK);
	assert_int_equal(put(place), DB_OK);
	expect(place, "SELECT COUNT(*) FROM pc_message", "3");
}

static void test_commit_whose_answer_was_lost_is_not_repeated(void **state)
{
	struct place *place = *state;
	const struct content_cursor before = place->cursor;

	append_room(place, 1);
	append_messages(place, 1, 1, 3);
	fill(place);
	assert_int_equal(put(place), DB_OK);
	/* The store does not know it: it connects again and asks the cursor row. */
	place->cursor = before;
	assert_int_equal(db_connect(place->db, &place->err), DB_OK);
	assert_int_equal(content_cursor_get(place->db, &place->cursor, &place->err), DB_OK);
	assert_int_equal(fill(place), 0);
	assert_int_equal(place->batch.cursor.lsn, place->cursor.lsn);
}

static void test_batch_that_is_stored_twice_changes_nothing(void **state)
{
	struct place *place = *state;
	const struct content_cursor before = place->cursor;

	append_principal(place, 1);
	append_room(place, 1);
	append_messages(place, 1, 1, 3);
	fill(place);
	assert_int_equal(put(place), DB_OK);
	place->cursor = before;
	fill(place);
	assert_int_equal(put(place), DB_OK);
	expect(place, "SELECT COUNT(*) FROM pc_message", "3");
	expect(place, "SELECT COUNT(*), MAX(last_seq) FROM pc_room", "1|3");
	expect_cursor(place, place->writer.end);
}

static void append_history(struct place *place, uint64_t seq, unsigned what)
{
	const struct event_history event = {.what = (uint8_t)what,
					    .author = 1,
					    .time = 1000 + seq,
					    .removals = 6,
					    .message = {.text = TEXT("old")}};
	const struct record head = {.type = EVENT_HISTORY,
				    .flags = what == HISTORY_MESSAGE ? EVENT_ALERT : 0,
				    .room = 1,
				    .seq = seq};

	append(place, head, event_history_put(&event, place->payload, sizeof(place->payload)));
}

static void test_history_keeps_its_times_and_numbers(void **state)
{
	struct place *place = *state;

	append_principal(place, 1);
	append_room(place, 1);
	append_history(place, 3, HISTORY_MESSAGE);
	append_history(place, 7, HISTORY_MESSAGE);
	append_history(place, 9, HISTORY_END);
	append_message(place, 1, 10, (struct text)TEXT("new"));
	drain(place);
	expect(place, "SELECT seq, flags, body, author FROM pc_message ORDER BY seq",
	       "3|8|old|1,7|8|old|1,10|0|new|1");
	expect(place, "SELECT time FROM pc_message WHERE seq < 10 ORDER BY seq", "1003,1007");
	expect(place, "SELECT last_seq, removals FROM pc_room", "10|6");
}

static void test_overwritten_events_are_not_skipped(void **state)
{
	struct place *place = *state;
	const uint64_t before = place->cursor.lsn;

	append_messages(place, 1, 1, 3);
	assert_int_equal(journal_commit(&place->writer, true, &place->err), 0);
	place->tail = place->writer.end - 8;
	assert_int_equal(store_batch_fill(&place->batch, &place->cursor, &place->writer.journal,
					  place->writer.end, &place->tail),
			 JOURNAL_LOST);
	assert_int_equal(place->batch.cursor.lsn, before);
	assert_int_equal(place->batch.rows, 0);
}

static void test_damage_ends_the_batch_before_it(void **state)
{
	struct place *place = *state;
	uint64_t damaged;

	append_messages(place, 1, 1, 2);
	damaged = place->writer.end;
	append_messages(place, 1, 3, 1);
	assert_int_equal(journal_commit(&place->writer, true, &place->err), 0);
	assert_int_equal(pwrite(place->fd, "!", 1, (off_t)(JOURNAL_HEADER + damaged + 20)), 1);
	assert_int_equal(store_batch_fill(&place->batch, &place->cursor, &place->writer.journal,
					  place->writer.end, &place->tail),
			 JOURNAL_BAD);
	assert_int_equal(place->batch.rows, 2);
	assert_int_equal(place->batch.cursor.lsn, damaged);
	assert_int_equal(put(place), DB_OK);
	expect_cursor(place, damaged);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_events_reach_their_tables_with_the_cursor),
		TEST(test_objects_reach_their_tables),
		TEST(test_lost_roles_and_memberships_leave_their_tables),
		TEST(test_removed_objects_leave_their_tables),
		TEST(test_files_are_stored_and_their_removal_is_noted),
		TEST(test_grants_and_downloads_of_files_are_no_rows),
		TEST(test_a_file_out_of_an_archive_keeps_its_time_and_author),
		TEST(test_files_of_a_removed_room_are_removed),
		TEST(test_a_file_with_a_name_that_is_no_utf_8_becomes_a_dead_letter),
		TEST(test_sequencer_is_given_everything_in_order),
		TEST(test_sequencer_that_goes_away_is_given_no_more),
		TEST(test_rows_that_somebody_spoilt_are_left_out),
		TEST(test_other_events_move_the_cursor_only),
		TEST(test_long_journal_is_stored_batch_by_batch),
		TEST(test_ring_that_wraps_is_stored_whole),
		TEST(test_message_that_cannot_be_stored_becomes_a_dead_letter),
		TEST(test_several_dead_letters_of_a_batch_are_found),
		TEST(test_malformed_payload_becomes_a_dead_letter),
		TEST(test_batch_of_dead_letters_only_is_passed),
		TEST(test_locked_database_moves_nothing),
		TEST(test_commit_whose_answer_was_lost_is_not_repeated),
		TEST(test_batch_that_is_stored_twice_changes_nothing),
		TEST(test_history_keeps_its_times_and_numbers),
		TEST(test_overwritten_events_are_not_skipped),
		TEST(test_damage_ends_the_batch_before_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
