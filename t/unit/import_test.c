#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/command.h"
#include "t/unit/engine_bench.h"

/* What the engine lets archives bring in. The administrator is session 1, alice 2 and bob 3; both
 * have joined the room number 1. */

enum { ADMIN = 1, ALICE_SESSION, ALICE = 1, BOB = 2, LOBBY = 1 };

/* What an import is to be sent with besides its payload. */
struct how {
	uint32_t session, room;
	struct command_import head;
};

static uint8_t *payload_at(struct bench *b)
{
	return b->mail.bytes + sizeof(struct command) + sizeof(struct command_import);
}

static int import(struct bench *b, struct how how, enum event_type type, uint32_t size)
{
	how.head.type = (uint16_t)type;
	memcpy(b->mail.bytes + sizeof(struct command), &how.head, sizeof(how.head));
	return send_as(b, SLOT_WORKER, SLOT_WORKER, how.session ? how.session : ADMIN,
		       COMMAND_IMPORT, how.room, (uint32_t)sizeof(how.head) + size);
}

static int import_user(struct bench *b, struct how how, const char *uri, unsigned state)
{
	const struct event_principal event = {.kind = PRINCIPAL_USER,
					      .state = (uint16_t)state,
					      .epoch = 7,
					      .uri = text(uri),
					      .name = text("Name")};

	return import(b, how, EVENT_PRINCIPAL, event_principal_put(&event, payload_at(b), 4096));
}

static int import_category(struct bench *b, struct how how, const char *name, uint8_t uuid)
{
	const struct event_category event = {
		.uuid = {uuid}, .name = text(name), .created = 5, .revision = 9};

	return import(b, how, EVENT_CATEGORY, event_category_put(&event, payload_at(b), 4096));
}

static int import_room(struct bench *b, struct how how, const char *name, uint8_t uuid,
		       uint64_t revision)
{
	const struct event_room event = {.uuid = {uuid},
					 .name = text(name),
					 .category = 1,
					 .privacy = PRIVACY_OPEN,
					 .behavior = BEHAVIOR_NORMAL,
					 .disabled = revision == 0,
					 .created = 5,
					 .revision = revision};

	return import(b, how, EVENT_ROOM, event_room_put(&event, payload_at(b), 4096));
}

static int import_role(struct bench *b, struct how how, uint32_t room, uint32_t principal,
		       enum role role)
{
	const struct event_role event = {.kind = NODE_ROOM,
					 .role = (uint8_t)role,
					 .present = 1,
					 .node = room,
					 .principal = principal};

	return import(b, how, EVENT_ROLE, event_role_put(&event, payload_at(b), 4096));
}

static int import_message(struct bench *b, uint32_t room, uint64_t seq, uint64_t after)
{
	const struct event_history event = {.what = HISTORY_MESSAGE,
					    .author = ALICE,
					    .time = 1000 + seq,
					    .message = {.id = text("id"), .text = text("hello")}};

	return import(b, (struct how){.room = room, .head = {.seq = seq, .after = after}},
		      EVENT_HISTORY, event_history_put(&event, payload_at(b), 4096));
}

static int import_end(struct bench *b, uint32_t room, uint64_t seq, uint64_t after)
{
	const struct event_history event = {.what = HISTORY_END, .removals = 4};

	return import(
		b, (struct how){.room = room, .head = {.seq = seq, .after = after, .revision = 3}},
		EVENT_HISTORY, event_history_put(&event, payload_at(b), 4096));
}

static struct event_file a_file(void)
{
	struct event_file event = {.author = ALICE,
				   .time = 1000,
				   .size = 5,
				   .name = text("a.txt"),
				   .type = text("text/plain")};

	memset(event.uuid, 1, sizeof(event.uuid));
	memset(event.sha256, 2, sizeof(event.sha256));
	return event;
}

static int import_file_as(struct bench *b, struct how how, const struct event_file *event)
{
	return import(b, how, EVENT_FILE, event_file_put(event, payload_at(b), 4096));
}

static int import_person(struct bench *b, enum event_type type, struct event_person event)
{
	event.principal = event.principal ? event.principal : ALICE;
	event.what = event.what ? event.what : PERSON_PUT;
	return import(b, (struct how){0}, type, event_person_put(&event, payload_at(b), 4096));
}

static const struct room_row *room_of(const struct bench *b, uint32_t id)
{
	return table_row(&b->engine.cache, TABLE_ROOM, find_room(&b->engine.cache, id));
}

static const struct person_row *person_of(const struct bench *b, enum event_type type,
					  uint32_t principal, uint32_t item)
{
	const uint32_t row = find_person(&b->engine.cache, type, principal, item);

	return row == 0 ? NULL
			: table_row(&b->engine.cache, TABLE_INVITATION + type - EVENT_INVITATION,
				    row);
}

static const struct how as_alice = {.session = ALICE_SESSION};
static const struct how checking = {.head = {.check = 1}};
static const struct how plain;

static void only_administrators_import(void **state)
{
	struct bench *b = *state;

	populate(b);
	assert_int_equal(import_user(b, as_alice, "sip:carol@example.test", 0),
			 REFUSED(CODE_ERROR_PERMISSION));
	assert_int_equal(import_category(b, as_alice, "Labs", 1), REFUSED(CODE_ERROR_PERMISSION));
	assert_int_equal(import_role(b, as_alice, LOBBY, ALICE, ROLE_MANAGER),
			 REFUSED(CODE_ERROR_PERMISSION));
}

static void users_that_are_there_stay_as_they_are(void **state)
{
	struct bench *b = *state;
	const struct principal_row *p;

	populate(b);
	assert_int_equal(import_user(b, plain, "sip:alice@example.test", PRINCIPAL_DELETED),
			 REFUSED(CODE_OK));
	p = table_row(&b->engine.cache, TABLE_PRINCIPAL, find_principal(&b->engine.cache, ALICE));
	assert_int_equal(p->state, PRINCIPAL_ACTIVE);
	assert_int_equal(import_user(b, plain, "sip:carol@example.test", PRINCIPAL_DISABLED),
			 DECIDED);
	p = table_row(&b->engine.cache, TABLE_PRINCIPAL, find_principal(&b->engine.cache, 3));
	assert_int_equal(p->state, PRINCIPAL_DISABLED);
	assert_int_equal(p->epoch, 7);
}

static void who_was_removed_comes_back(void **state)
{
	struct bench *b = *state;
	const struct principal_row *p;

	populate(b);
	assert_int_equal(put_user(b, ADMIN, BOB, "sip:bob@example.test", PRINCIPAL_DELETED),
			 DECIDED);
	assert_int_equal(import_user(b, plain, "sip:bob@example.test", PRINCIPAL_DELETED),
			 REFUSED(CODE_OK));
	assert_int_equal(import_user(b, plain, "sip:bob@example.test", 0), DECIDED);
	p = table_row(&b->engine.cache, TABLE_PRINCIPAL, find_principal(&b->engine.cache, BOB));
	assert_int_equal(p->state, PRINCIPAL_ACTIVE);
}

static void what_is_only_checked_is_not_done(void **state)
{
	struct bench *b = *state;
	uint64_t end;

	populate(b);
	end = b->engine.writer.end;
	assert_int_equal(import_user(b, checking, "sip:carol@example.test", 0), REFUSED(CODE_OK));
	assert_int_equal(b->answer.seq, 1);
	assert_int_equal(import_user(b, checking, "sip:bob@example.test", 0), REFUSED(CODE_OK));
	assert_int_equal(b->answer.seq, 0);
	assert_int_equal(import_category(b, checking, "Labs", 1), REFUSED(CODE_OK));
	assert_int_equal(b->answer.seq, 1);
	assert_int_equal(import_room(b, checking, "Bar", 1, 1), REFUSED(CODE_OK));
	assert_int_equal(b->answer.seq, 1);
	assert_int_equal(import_room(b, checking, "lobby", 1, 1),
			 REFUSED(CODE_DUPLICATE_ROOM_NAME));
	assert_int_equal(b->engine.writer.end, end);
}

static void an_untouched_first_category_gives_way(void **state)
{
	struct bench *b = *state;

	assert_int_equal(sign_in(b, SLOT_WORKER, ADMIN, 0, 0, true), DECIDED);
	assert_int_equal(put_category(b, ADMIN, 0, "General"), DECIDED);
	assert_int_equal(import_category(b, plain, "GENERAL", 42), DECIDED);
	assert_int_equal(in_batch(b, EVENT_REMOVED, NULL), 1);
	assert_int_equal(find_category(&b->engine.cache, 1), 0);
	assert_int_not_equal(find_category(&b->engine.cache, 2), 0);
	assert_int_equal(import_category(b, plain, "General", 42), REFUSED(CODE_OK));
}

static void a_category_that_is_used_stays(void **state)
{
	struct bench *b = *state;

	populate(b);
	assert_int_equal(import_category(b, plain, "General", 42), REFUSED(CODE_OK));
	assert_int_equal(in_batch(b, EVENT_REMOVED, NULL), 0);
	assert_int_equal(import_category(b, plain, "Lobby", 43), REFUSED(CODE_DUPLICATE_ROOM_NAME));
}

static void roles_are_added_once(void **state)
{
	struct bench *b = *state;

	populate(b);
	assert_int_equal(import_role(b, plain, LOBBY, ALICE, ROLE_MANAGER), DECIDED);
	assert_int_equal(import_role(b, plain, LOBBY, ALICE, ROLE_MANAGER), REFUSED(CODE_OK));
	assert_int_equal(import_role(b, plain, LOBBY, 99, ROLE_MANAGER),
			 REFUSED(CODE_NO_SUCH_PRINCIPAL));
	assert_int_equal(import_role(b, plain, 99, ALICE, ROLE_MANAGER),
			 REFUSED(CODE_NO_SUCH_NODE));
	assert_int_equal(import_role(b, plain, LOBBY, ALICE, ROLE_PRESENTER),
			 REFUSED(CODE_INVALID_ARGUMENT));
}

static void messages_come_in_their_order_or_not_at_all(void **state)
{
	struct bench *b = *state;

	populate(b);
	assert_int_equal(import_room(b, plain, "Old", 7, 0), DECIDED);
	assert_int_equal(room_of(b, 2)->disabled, 1);
	assert_int_equal(import_message(b, 2, 3, 0), DECIDED);
	assert_int_equal(import_message(b, 2, 9, 7), REFUSED(CODE_BUSY)); /* 7 must come first */
	assert_int_equal(import_end(b, 2, 12, 9), REFUSED(CODE_BUSY));
	assert_int_equal(import_message(b, 2, 7, 3), DECIDED);
	assert_int_equal(import_message(b, 2, 9, 7), DECIDED);
	assert_int_equal(import_message(b, 2, 7, 3), REFUSED(CODE_OK)); /* once more */
	assert_int_equal(room_of(b, 2)->last_seq, 9);
	assert_int_equal(import_end(b, 2, 12, 9), DECIDED);
	assert_int_equal(room_of(b, 2)->last_seq, 12);
	assert_int_equal(room_of(b, 2)->removals, 4);
	assert_int_equal(room_of(b, 2)->disabled, 0);
	assert_int_equal(room_of(b, 2)->revision, 3);
	assert_int_equal(import_end(b, 2, 12, 9), REFUSED(CODE_OK));
}

static int import_setting(struct bench *b, struct how how, unsigned kind, const char *scope,
			  const char *name, const char *value)
{
	const struct event_setting event = {.kind = (uint8_t)kind,
					    .present = 1,
					    .scope = text(scope),
					    .name = text(name),
					    .value = text(value)};

	return import(b, how, EVENT_SETTING, event_setting_put(&event, payload_at(b), 4096));
}

static void settings_are_added_and_never_changed(void **state)
{
	struct bench *b = *state;

	populate(b);
	assert_int_equal(import_setting(b, as_alice, SCOPED_CONFIG, "global", "history", "7"),
			 REFUSED(CODE_ERROR_PERMISSION));
	assert_int_equal(import_setting(b, checking, SCOPED_CONFIG, "global", "history", "7"),
			 REFUSED(CODE_OK));
	assert_int_equal(b->answer.seq, 1);
	assert_int_equal(import_setting(b, plain, SCOPED_CONFIG, "global", "history", "7"),
			 DECIDED);
	assert_int_equal(import_setting(b, plain, SCOPED_CONFIG, "global", "history", "7"),
			 REFUSED(CODE_OK));
	assert_int_equal(b->answer.seq, 0);
	assert_int_equal(import_setting(b, checking, SCOPED_CONFIG, "global", "history", "8"),
			 REFUSED(CODE_DATA_COLLISION));
	assert_int_equal(import_setting(b, plain, SCOPED_CONFIG, "global", "history", "8"),
			 REFUSED(CODE_DATA_COLLISION));
	assert_int_equal(import_setting(b, plain, SCOPED_CONFIG, "global", "colour", "7"),
			 REFUSED(CODE_INVALID_ARGUMENT));
	assert_int_equal(import_setting(b, plain, SCOPED_CONFIG, "Earth", "history", "7"),
			 REFUSED(CODE_INVALID_ARGUMENT));
	assert_int_equal(import_setting(b, plain, SCOPED_CONFIG, "global", "history", "0"),
			 REFUSED(CODE_INVALID_ARGUMENT));
}

static void retention_is_of_categories_that_are_there(void **state)
{
	static const char scope[] =
		"ma-cat://example.test/01020304-0506-0708-090a-0b0c0d0e0f10";
	struct bench *b = *state;

	populate(b);
	assert_int_equal(import_setting(b, checking, SCOPED_RETENTION, scope, "age", "9d"),
			 REFUSED(CODE_OK));
	assert_int_equal(import_setting(b, plain, SCOPED_RETENTION, scope, "age", "9d"),
			 REFUSED(CODE_NO_SUCH_NODE));
	assert_int_equal(import_setting(b, plain, SCOPED_RETENTION, "global", "age", "9d"),
			 DECIDED);
}

static int import_grant(struct bench *b, struct how how, uint32_t principal, const char *policy)
{
	const struct event_grant event = {.principal = principal, .policy = text(policy)};

	return import(b, how, EVENT_GRANT, event_grant_put(&event, payload_at(b), 4096));
}

static void policies_are_granted_to_those_who_have_none(void **state)
{
	struct bench *b = *state;

	populate(b);
	assert_int_equal(import_grant(b, as_alice, BOB, "staff"), REFUSED(CODE_ERROR_PERMISSION));
	assert_int_equal(import_grant(b, checking, BOB, "staff"), REFUSED(CODE_OK));
	assert_int_equal(b->answer.seq, 1);
	assert_int_equal(import_grant(b, checking, 99, "staff"), REFUSED(CODE_OK));
	assert_int_equal(import_grant(b, plain, 99, "staff"), REFUSED(CODE_NO_SUCH_PRINCIPAL));
	assert_int_equal(import_grant(b, plain, BOB, "staff"), REFUSED(CODE_NO_SUCH_NODE));
	assert_int_equal(import_grant(b, plain, BOB, ""), REFUSED(CODE_INVALID_ARGUMENT));
	assert_int_equal(import_setting(b, plain, SCOPED_POLICY, "tag:staff", "enabled", "yes"),
			 DECIDED);
	assert_int_equal(import_setting(b, plain, SCOPED_POLICY, "tag:crew", "enabled", "yes"),
			 DECIDED);
	assert_int_equal(import_grant(b, plain, BOB, "staff"), DECIDED);
	assert_int_equal(import_grant(b, plain, BOB, "staff"), REFUSED(CODE_OK));
	assert_int_equal(b->answer.seq, 0);
	assert_int_equal(import_grant(b, checking, BOB, "crew"), REFUSED(CODE_DATA_COLLISION));
}

static void nobody_posts_between_messages_that_are_imported(void **state)
{
	struct bench *b = *state;

	populate(b);
	assert_int_equal(import_message(b, LOBBY, 1, 0), REFUSED(CODE_INVALID_FLOW_OF_OPERATIONS));
	assert_int_equal(post(b, ALICE_SESSION, LOBBY, "a", "hello"), DECIDED);
	assert_int_equal(import_message(b, LOBBY, 1, 0), REFUSED(CODE_OK)); /* there is a 1 */
	assert_int_equal(put_room(b, ADMIN, LOBBY, "Lobby", true), DECIDED);
	assert_int_equal(import_message(b, LOBBY, 2, 1), DECIDED);
	assert_int_equal(import_end(b, LOBBY, 2, 2), DECIDED);
	assert_int_equal(room_of(b, LOBBY)->disabled, 1); /* as the administrator wants it */
	assert_int_equal(import_message(b, 99, 2, 1), REFUSED(CODE_NO_SUCH_NODE));
}

static void a_room_that_is_filled_cannot_be_open(void **state)
{
	struct bench *b = *state;
	struct event_room event = {.uuid = {9},
				   .name = text("Odd"),
				   .category = 1,
				   .privacy = PRIVACY_OPEN,
				   .behavior = BEHAVIOR_NORMAL};

	populate(b);
	assert_int_equal(import(b, plain, EVENT_ROOM, event_room_put(&event, payload_at(b), 4096)),
			 REFUSED(CODE_INVALID_ARGUMENT));
}

static void messages_keep_to_the_limits(void **state)
{
	struct bench *b = *state;
	static char large[9000];
	struct event_history event = {.what = HISTORY_MESSAGE, .time = 1};

	populate(b);
	assert_int_equal(import_room(b, plain, "Old", 7, 0), DECIDED);
	memset(large, 'x', sizeof(large));
	event.message.text = (struct text){large, sizeof(large)};
	assert_int_equal(import(b, (struct how){.room = 2, .head = {.seq = 1}}, EVENT_HISTORY,
				event_history_put(&event, payload_at(b), 10000)),
			 REFUSED(CODE_TOO_LARGE));
	event.message.text = text("\xff");
	assert_int_equal(import(b, (struct how){.room = 2, .head = {.seq = 1}}, EVENT_HISTORY,
				event_history_put(&event, payload_at(b), 10000)),
			 REFUSED(CODE_INVALID_ARGUMENT));
	event.message.text = text("good");
	event.author = 99;
	assert_int_equal(import(b, (struct how){.room = 2, .head = {.seq = 1}}, EVENT_HISTORY,
				event_history_put(&event, payload_at(b), 10000)),
			 REFUSED(CODE_NO_SUCH_PRINCIPAL));
}

static void what_users_have_keeps_its_number_where_it_is_free(void **state)
{
	struct bench *b = *state;

	populate(b);
	assert_int_equal(import_room(b, plain, "Second", 7, 1), DECIDED);
	assert_int_equal(
		import_person(b, EVENT_INVITATION,
			      (struct event_person){.what = PERSON_STATE, .number = 6, .time = 2}),
		DECIDED);
	assert_int_equal(
		import_person(b, EVENT_INVITATION,
			      (struct event_person){.item = LOBBY, .number = 5, .time = 9}),
		DECIDED);
	assert_int_equal(
		import_person(b, EVENT_INVITATION,
			      (struct event_person){.item = LOBBY, .number = 5, .time = 9}),
		REFUSED(CODE_OK));
	assert_int_equal(import_person(b, EVENT_INVITATION,
				       (struct event_person){.item = 2, .number = 5, .time = 9}),
			 DECIDED);
	assert_int_equal(person_of(b, EVENT_INVITATION, ALICE, LOBBY)->number, 5);
	assert_int_equal(person_of(b, EVENT_INVITATION, ALICE, 2)->number, 7);
	assert_int_equal(person_of(b, EVENT_INVITATION, ALICE, 0)->number, 7);
	assert_int_equal(person_of(b, EVENT_INVITATION, ALICE, 0)->time, 2);
	assert_int_equal(import_person(b, EVENT_INVITATION,
				       (struct event_person){.item = 99, .number = 1, .time = 9}),
			 REFUSED(CODE_NO_SUCH_NODE));
}

static void feeds_are_known_by_what_they_look_for(void **state)
{
	struct bench *b = *state;
	struct event_person feed = {.item = 1, .name = text("one"), .text = text("words")};

	populate(b);
	assert_int_equal(import_person(b, EVENT_FEED, feed), DECIDED);
	assert_int_equal(import_person(b, EVENT_FEED, feed), REFUSED(CODE_OK));
	feed.text = text("other");
	assert_int_equal(import_person(b, EVENT_FEED, feed), DECIDED);
	assert_non_null(person_of(b, EVENT_FEED, ALICE, 2));
	assert_int_equal(import_person(b, EVENT_FEED, feed), REFUSED(CODE_OK));
}

static void markers_go_no_further_than_the_room(void **state)
{
	struct bench *b = *state;
	const struct event_person marker = {.item = LOBBY, .number = 50};

	populate(b);
	assert_int_equal(import_person(b, EVENT_MARKER, marker), REFUSED(CODE_OK));
	assert_int_equal(post(b, ALICE_SESSION, LOBBY, "a", "hello"), DECIDED);
	assert_int_equal(import_person(b, EVENT_MARKER, marker), DECIDED);
	assert_int_equal(person_of(b, EVENT_MARKER, ALICE, LOBBY)->number, 1);
}

static void files_keep_their_time_and_author(void **state)
{
	const struct how in_lobby = {.room = LOBBY};
	struct event_file file = a_file();
	struct bench *b = *state;
	const struct record *record;

	populate(b);
	memset(file.token_hash, 9, sizeof(file.token_hash));
	record = (const struct record *)(b->engine.writer.batch + b->engine.writer.batch_used);
	assert_int_equal(import_file_as(b, in_lobby, &file), DECIDED);
	assert_true(event_file_get(record, &file));
	assert_int_equal(record->type, EVENT_FILE);
	assert_int_equal(record->flags, EVENT_IMPORTED);
	assert_int_equal(record->room, LOBBY);
	assert_int_equal(record->actor, 0);
	assert_int_equal(file.time, 1000);
	assert_int_equal(file.author, ALICE);
	assert_int_equal(file.token_hash[0], 0); /* no archive gives anybody a token */
	file.author = 0;
	assert_int_equal(import_file_as(b, in_lobby, &file), DECIDED);
	assert_int_equal(import_file_as(b, (struct how){.room = LOBBY, .head = {.check = 1}}, &file),
			 REFUSED(CODE_OK));
}

static void a_file_that_makes_no_sense_is_refused(void **state)
{
	const struct how in_lobby = {.room = LOBBY};
	struct event_file file = a_file(), other = file;
	struct bench *b = *state;

	populate(b);
	assert_int_equal(import_file_as(b, (struct how){.session = ALICE_SESSION, .room = LOBBY},
					&file),
			 REFUSED(CODE_ERROR_PERMISSION));
	assert_int_equal(import_file_as(b, (struct how){.room = 99}, &file),
			 REFUSED(CODE_NO_SUCH_NODE));
	other.author = 99;
	assert_int_equal(import_file_as(b, in_lobby, &other), REFUSED(CODE_NO_SUCH_PRINCIPAL));
	other = file;
	other.name = (struct text)text("../a");
	assert_int_equal(import_file_as(b, in_lobby, &other), REFUSED(CODE_INVALID_ARGUMENT));
	other = file;
	other.time = 0;
	assert_int_equal(import_file_as(b, in_lobby, &other), REFUSED(CODE_INVALID_ARGUMENT));
	other = file;
	other.size = (uint64_t)INT64_MAX + 1;
	assert_int_equal(import_file_as(b, in_lobby, &other), REFUSED(CODE_INVALID_ARGUMENT));
	other = file;
	memset(other.sha256, 0, sizeof(other.sha256));
	assert_int_equal(import_file_as(b, in_lobby, &other), REFUSED(CODE_INVALID_ARGUMENT));
	other = file;
	memset(other.uuid, 0, sizeof(other.uuid));
	assert_int_equal(import_file_as(b, in_lobby, &other), REFUSED(CODE_INVALID_ARGUMENT));
}

static void a_full_table_refuses(void **state)
{
	struct bench *b = *state;
	char uri[64];
	int result = DECIDED;

	populate(b);
	for (unsigned i = 0; i < 100 && result == DECIDED; i++) {
		snprintf(uri, sizeof(uri), "sip:user%u@example.test", i);
		result = import_user(b, plain, uri, 0);
	}
	assert_int_equal(result, REFUSED(CODE_LIMIT_EXCEEDED));
}

static void a_full_table_of_invitations_refuses_the_state_of_one_more_user(void **state)
{
	const struct event_person invitations = {.what = PERSON_STATE, .number = 7};
	struct bench *b = *state;

	populate(b);
	while (table_take(&b->engine.cache, TABLE_INVITATION) != 0)
		;
	assert_int_equal(import_person(b, EVENT_INVITATION, invitations),
			 REFUSED(CODE_LIMIT_EXCEEDED));
	assert_false(b->engine.broken);
}

/* What comes behind such a number would have none that a database can keep. */
static void numbers_from_which_nobody_can_count_on_are_refused(void **state)
{
	const struct event_person marker = {.item = LOBBY, .number = INT64_MAX};
	const struct event_person invitations = {.what = PERSON_STATE, .number = INT64_MAX};
	struct bench *b = *state;

	populate(b);
	assert_int_equal(put_room(b, ADMIN, LOBBY, "Lobby", true), DECIDED);
	assert_int_equal(import_message(b, LOBBY, INT64_MAX, 0), REFUSED(CODE_INVALID_ARGUMENT));
	assert_int_equal(import_end(b, LOBBY, INT64_MAX, 0), REFUSED(CODE_INVALID_ARGUMENT));
	assert_int_equal(import_room(b, plain, "Other", 9, INT64_MAX),
			 REFUSED(CODE_INVALID_ARGUMENT));
	assert_int_equal(import_person(b, EVENT_MARKER, marker), REFUSED(CODE_INVALID_ARGUMENT));
	assert_int_equal(import_person(b, EVENT_INVITATION, invitations),
			 REFUSED(CODE_INVALID_ARGUMENT));
	assert_int_equal(room_of(b, LOBBY)->last_seq, 0);
}

/* Whatever a worker that was taken over sends. */
static void rubbish_is_refused(void **state)
{
	struct bench *b = *state;
	uint8_t *at = payload_at(b);

	populate(b);
	srandom(3);
	for (unsigned i = 0; i < 20000; i++) {
		const uint32_t size = (uint32_t)random() % 120;
		struct how how = {
			.room = (uint32_t)random() % 3,
			.head = {.seq = (uint64_t)random() % 9, .after = (uint64_t)random() % 9}};

		for (uint32_t k = 0; k < size; k++)
			at[k] = (uint8_t)(random() % 3 ? random() % 3 : random());
		import(b, how, (enum event_type)(random() % (EVENT_TYPES + 2)), size);
		assert_false(b->engine.broken);
		b->engine.writer.batch_used = 0;
		b->engine.writer.end = b->engine.writer.journal.header->base;
	}
	assert_int_equal(send_as(b, SLOT_WORKER, SLOT_WORKER, ADMIN, COMMAND_IMPORT, 0, 3),
			 REFUSED(CODE_INVALID_ARGUMENT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_administrators_import),
		TEST(users_that_are_there_stay_as_they_are),
		TEST(who_was_removed_comes_back),
		TEST(what_is_only_checked_is_not_done),
		TEST(an_untouched_first_category_gives_way),
		TEST(a_category_that_is_used_stays),
		TEST(roles_are_added_once),
		TEST(messages_come_in_their_order_or_not_at_all),
		TEST(settings_are_added_and_never_changed),
		TEST(retention_is_of_categories_that_are_there),
		TEST(policies_are_granted_to_those_who_have_none),
		TEST(nobody_posts_between_messages_that_are_imported),
		TEST(a_room_that_is_filled_cannot_be_open),
		TEST(messages_keep_to_the_limits),
		TEST(what_users_have_keeps_its_number_where_it_is_free),
		TEST(feeds_are_known_by_what_they_look_for),
		TEST(markers_go_no_further_than_the_room),
		TEST(files_keep_their_time_and_author),
		TEST(a_file_that_makes_no_sense_is_refused),
		TEST(a_full_table_refuses),
		TEST(a_full_table_of_invitations_refuses_the_state_of_one_more_user),
		TEST(numbers_from_which_nobody_can_count_on_are_refused),
		TEST(rubbish_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
