/* What the engine decides about files. The administrator is session 1, alice 2 and bob 3; alice and
 * bob are in the lobby (room 1). */
#include <string.h>

#include "shm/command.h"
#include "t/unit/engine_bench.h"

enum { ADMIN = 1, ALICE_SESSION, BOB_SESSION, ALICE = 1, BOB = 2, LOBBY = 1 };

static char directory[] = "/nowhere";

static struct event_file plan(void)
{
	struct event_file event = {.size = 1000, .name = text("plan.pdf"), .type = text("a/b")};

	memset(event.uuid, 1, sizeof(event.uuid));
	memset(event.sha256, 2, sizeof(event.sha256));
	memset(event.token_hash, 3, sizeof(event.token_hash));
	return event;
}

static int send_file(struct bench *b, unsigned mail, unsigned slot, uint32_t session,
		     enum command_type type, const struct event_file *event)
{
	return send_as(b, mail, slot, session, type, LOBBY,
		       event_file_put(event, b->mail.bytes + sizeof(struct command), 8192));
}

static int upload(struct bench *b, uint32_t session, const struct event_file *event)
{
	return send_file(b, SLOT_WORKER, SLOT_WORKER, session, COMMAND_FILE_UPLOAD, event);
}

static int keep(struct bench *b, uint32_t session, enum command_type type,
		const struct event_file *event)
{
	return send_file(b, SLOT_FILE, SLOT_WORKER, session, type, event);
}

static int set_flags(struct bench *b, uint32_t flags)
{
	struct event_category event = {.id = 1, .flags = flags, .name = text("")};
	struct command_change change = {.fields = FIELD_FLAGS, .mask = CATEGORY_FLAGS};
	uint8_t *at = b->mail.bytes + sizeof(struct command);

	memcpy(at, &change, sizeof(change));
	return send_change(b, ADMIN, COMMAND_CATEGORY, 0,
			   event_category_put(&event, at + sizeof(change), 4096));
}

/* A server with files, in a category that allows them. */
static void populate_with_files(struct bench *b)
{
	populate(b);
	b->conf.files.directory = directory;
	b->conf.limits.file_size = 5000;
	assert_int_equal(set_flags(b, CATEGORY_HISTORY | CATEGORY_FILES), DECIDED);
}

/* The last event in the batch, taken apart. */
static const struct record *last(const struct bench *b, struct event_file *event_r)
{
	const struct journal_writer *writer = &b->engine.writer;
	const uint8_t *at = writer->batch, *end = writer->batch + writer->batch_used;
	const struct record *record = NULL;

	while (at < end) {
		record = (const struct record *)at;
		at += record->length;
	}
	assert_non_null(record);
	assert_true(event_file_get(record, event_r));
	return record;
}

static void an_upload_is_granted_to_whoever_may_post(void **state)
{
	struct bench *b = *state;
	struct event_file event = plan();
	const struct record *record;

	populate_with_files(b);
	event.author = 77; /* no worker's word is taken for that */
	assert_int_equal(upload(b, ALICE_SESSION, &event), DECIDED);
	record = last(b, &event);
	assert_int_equal(record->type, EVENT_FILE_GRANT);
	assert_int_equal(record->room, LOBBY);
	assert_int_equal(record->actor, ALICE);
	assert_int_equal(record->origin.session, ALICE_SESSION);
	assert_int_equal(event.author, ALICE);
	assert_int_equal(event.sha256[0], 0);
	assert_int_equal(upload(b, 9, &event), REFUSED(CODE_NOT_SIGNED_IN));
	assert_int_equal(upload(b, ADMIN, &event), REFUSED(CODE_ERROR_PERMISSION));
}

static void without_a_directory_there_are_no_files(void **state)
{
	struct bench *b = *state;
	static char none[] = "";
	const struct event_file event = plan();

	populate_with_files(b);
	b->conf.files.directory = none;
	assert_int_equal(upload(b, ALICE_SESSION, &event), REFUSED(CODE_UNAVAILABLE));
}

static void the_category_says_whether_there_are_files(void **state)
{
	struct bench *b = *state;
	const struct event_file event = plan();

	populate_with_files(b);
	assert_int_equal(set_flags(b, CATEGORY_HISTORY), DECIDED);
	assert_int_equal(upload(b, ALICE_SESSION, &event), REFUSED(CODE_ERROR_PERMISSION));
	assert_int_equal(keep(b, ALICE_SESSION, COMMAND_FILE_READ, &event),
			 REFUSED(CODE_ERROR_PERMISSION));
	assert_int_equal(keep(b, ADMIN, COMMAND_FILE_READ, &event), DECIDED);
}

static void a_disabled_room_takes_none_and_gives_none(void **state)
{
	struct bench *b = *state;
	struct event_file event = plan();

	populate_with_files(b);
	event.author = ALICE;
	assert_int_equal(put_room(b, ADMIN, LOBBY, "Lobby", true), DECIDED);
	assert_int_equal(upload(b, ALICE_SESSION, &event), REFUSED(CODE_NODE_DISABLED));
	assert_int_equal(keep(b, ALICE_SESSION, COMMAND_FILE_STORED, &event),
			 REFUSED(CODE_NODE_DISABLED));
	assert_int_equal(keep(b, ALICE_SESSION, COMMAND_FILE_READ, &event),
			 REFUSED(CODE_NODE_DISABLED));
	assert_int_equal(keep(b, ADMIN, COMMAND_FILE_READ, &event), DECIDED);
}

static void a_secret_room_is_not_there_for_others(void **state)
{
	struct bench *b = *state;
	struct event_file event = plan();
	const struct event_room room = {
		.id = LOBBY, .privacy = PRIVACY_SECRET, .name = text("Lobby")};

	populate_with_files(b);
	event.author = BOB;
	assert_int_equal(change_room(b, ADMIN, &room, FIELD_PRIVACY, 0), DECIDED);
	assert_int_equal(set_role(b, ADMIN, NODE_ROOM, LOBBY, ALICE, ROLE_MEMBER, true), DECIDED);
	assert_int_equal(upload(b, ALICE_SESSION, &event), DECIDED);
	assert_int_equal(upload(b, BOB_SESSION, &event), REFUSED(CODE_NO_SUCH_NODE));
	assert_int_equal(keep(b, BOB_SESSION, COMMAND_FILE_STORED, &event),
			 REFUSED(CODE_NO_SUCH_NODE));
	assert_int_equal(keep(b, BOB_SESSION, COMMAND_FILE_READ, &event),
			 REFUSED(CODE_NO_SUCH_NODE));
	assert_int_equal(keep(b, BOB_SESSION, COMMAND_FILE_REMOVE, &event),
			 REFUSED(CODE_NO_SUCH_NODE));
}

static void in_an_auditorium_presenters_upload_and_all_members_download(void **state)
{
	struct bench *b = *state;
	const struct event_file event = plan();
	const struct event_room room = {
		.id = LOBBY, .behavior = BEHAVIOR_AUDITORIUM, .name = text("Lobby")};

	populate_with_files(b);
	assert_int_equal(change_room(b, ADMIN, &room, FIELD_BEHAVIOR, 0), DECIDED);
	assert_int_equal(set_role(b, ADMIN, NODE_ROOM, LOBBY, ALICE, ROLE_PRESENTER, true),
			 DECIDED);
	assert_int_equal(upload(b, ALICE_SESSION, &event), DECIDED);
	assert_int_equal(upload(b, BOB_SESSION, &event), REFUSED(CODE_ERROR_PERMISSION));
	assert_int_equal(keep(b, BOB_SESSION, COMMAND_FILE_READ, &event), DECIDED);
}

static void a_name_is_one_of_a_file(void **state)
{
	static const char *const wrong[] = {"", ".", "..", "a/b", "/", "a\nb", "a\x7f", "\xc2\x85",
					    "\xff\xfe"};
	static const char *const right[] = {"a", "...", "a b", "\xc3\xa4.txt", "\xf0\x9f\x98\x80"};
	struct bench *b = *state;
	struct event_file event = plan();
	char longest[2 * 256 + 1];

	populate_with_files(b);
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		event.name = text(wrong[i]);
		assert_int_equal(upload(b, ALICE_SESSION, &event), REFUSED(CODE_INVALID_ARGUMENT));
	}
	for (unsigned i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		event.name = text(right[i]);
		assert_int_equal(upload(b, ALICE_SESSION, &event), DECIDED);
	}
	for (unsigned i = 0; i < 256; i++)
		memcpy(longest + 2 * i, "\xc3\xa4", 2);
	event.name = (struct text){longest, 2 * 255};
	assert_int_equal(upload(b, ALICE_SESSION, &event), DECIDED);
	event.name.length = 2 * 256;
	assert_int_equal(upload(b, ALICE_SESSION, &event), REFUSED(CODE_INVALID_ARGUMENT));
}

static void what_makes_no_sense_is_refused(void **state)
{
	struct bench *b = *state;
	struct event_file event = plan();

	populate_with_files(b);
	event.type = text("a/b\r\nX: y");
	assert_int_equal(upload(b, ALICE_SESSION, &event), REFUSED(CODE_INVALID_ARGUMENT));
	event = plan();
	memset(event.uuid, 0, sizeof(event.uuid));
	assert_int_equal(upload(b, ALICE_SESSION, &event), REFUSED(CODE_INVALID_ARGUMENT));
	event = plan();
	memset(event.token_hash, 0, sizeof(event.token_hash));
	assert_int_equal(upload(b, ALICE_SESSION, &event), REFUSED(CODE_INVALID_ARGUMENT));
	assert_int_equal(keep(b, ALICE_SESSION, COMMAND_FILE_READ, &event),
			 REFUSED(CODE_INVALID_ARGUMENT));
	for (unsigned type = COMMAND_FILE_STORED; type <= COMMAND_FILE_REMOVE; type++)
		assert_int_equal(send_as(b, SLOT_FILE, SLOT_WORKER, ALICE_SESSION,
					 (enum command_type)type, LOBBY, 50),
				 REFUSED(CODE_INVALID_ARGUMENT));
	event = plan();
	assert_int_equal(send_as(b, SLOT_WORKER, SLOT_WORKER, ALICE_SESSION, COMMAND_FILE_UPLOAD, 9,
				 event_file_put(&event, b->mail.bytes + sizeof(struct command),
						8192)),
			 REFUSED(CODE_NO_SUCH_NODE));
}

/* It stands between the files and everybody else. */
static void pchat_file_is_not_believed_what_cannot_be_told(void **state)
{
	struct bench *b = *state;
	struct event_file event;

	populate_with_files(b);
	for (unsigned type = COMMAND_FILE_STORED; type <= COMMAND_FILE_REMOVE; type++) {
		const enum command_type command = (enum command_type)type;

		event = plan();
		event.author = ALICE;
		event.name = text("\xff\xfe");
		assert_int_equal(keep(b, ADMIN, command, &event), REFUSED(CODE_INVALID_ARGUMENT));
		event.name = text("a\x01");
		assert_int_equal(keep(b, ADMIN, command, &event), REFUSED(CODE_INVALID_ARGUMENT));
		event.name = text("a");
		event.type = text("\xc3");
		assert_int_equal(keep(b, ADMIN, command, &event), REFUSED(CODE_INVALID_ARGUMENT));
		event.type = text("");
		event.size = (UINT64_C(1) << 53) + 1;
		assert_int_equal(keep(b, ADMIN, command, &event), REFUSED(CODE_INVALID_ARGUMENT));
		event.size--;
		assert_int_equal(keep(b, ADMIN, command, &event), DECIDED);
		event.name = text("");
		assert_int_equal(keep(b, ADMIN, command, &event),
				 command == COMMAND_FILE_REMOVE ? DECIDED
								: REFUSED(CODE_INVALID_ARGUMENT));
	}
}

static void set_size(struct bench *b, const char *scope, const char *value)
{
	const struct event_setting event = {.kind = SCOPED_CONFIG,
					    .present = 1,
					    .scope = text(scope),
					    .name = text("file_size"),
					    .value = text(value)};
	const struct command_settings head = {.what = SETTINGS_SET, .count = 1};
	uint8_t *at = b->mail.bytes + sizeof(struct command);
	uint32_t size = event_setting_put(&event, at + sizeof(head) + sizeof(size), 4096);

	memcpy(at, &head, sizeof(head));
	memcpy(at + sizeof(head), &size, sizeof(size));
	assert_int_equal(send_as(b, SLOT_WORKER, SLOT_WORKER, ADMIN, COMMAND_SETTING, 0,
				 (uint32_t)(sizeof(head) + sizeof(size)) + size),
			 DECIDED);
}

static void the_narrowest_setting_of_the_size_counts(void **state)
{
	struct bench *b = *state;
	struct event_file event = plan();

	populate_with_files(b);
	event.size = 5001;
	assert_int_equal(upload(b, ALICE_SESSION, &event), REFUSED(CODE_TOO_LARGE));
	set_size(b, "global", "6000");
	assert_int_equal(upload(b, ALICE_SESSION, &event), DECIDED);
	assert_int_equal(send_as(b, SLOT_WORKER, SLOT_WORKER, ALICE_SESSION, COMMAND_LEAVE, LOBBY, 0),
			 DECIDED); /* being there is not needed */
	assert_int_equal(upload(b, ALICE_SESSION, &event), DECIDED);
}

static void only_pchat_file_says_what_a_file_is(void **state)
{
	struct bench *b = *state;
	struct event_file event = plan();

	populate_with_files(b);
	event.author = ALICE;
	for (unsigned type = COMMAND_FILE_STORED; type <= COMMAND_FILE_REMOVE; type++)
		assert_int_equal(send_file(b, SLOT_WORKER, SLOT_WORKER, ADMIN,
					   (enum command_type)type, &event),
				 REFUSED(CODE_INVALID_REQUEST));
	assert_int_equal(keep(b, ALICE_SESSION, COMMAND_FILE_UPLOAD, &event),
			 REFUSED(CODE_INVALID_REQUEST));
	assert_int_equal(keep(b, ALICE_SESSION, COMMAND_LEAVE, &event),
			 REFUSED(CODE_INVALID_REQUEST));
}

static void a_stored_file_is_its_authors_whether_or_not_his_session_lives(void **state)
{
	struct bench *b = *state;
	struct event_file event = plan();
	const struct record *record;

	populate_with_files(b);
	event.author = ALICE;
	assert_int_equal(keep(b, ALICE_SESSION, COMMAND_FILE_STORED, &event), DECIDED);
	record = last(b, &event);
	assert_int_equal(record->type, EVENT_FILE);
	assert_int_equal(record->actor, ALICE);
	assert_int_equal(record->origin.session, ALICE_SESSION);
	assert_int_equal(record->origin.request, 0);
	assert_int_equal(record->mail_slot, SLOT_FILE);
	assert_int_equal(keep(b, 99, COMMAND_FILE_STORED, &event), DECIDED);
	record = last(b, &event);
	assert_int_equal(record->actor, ALICE);
	assert_int_equal(record->origin.session, 0);
	event.author = 99;
	assert_int_equal(keep(b, 99, COMMAND_FILE_STORED, &event), REFUSED(CODE_ERROR_PERMISSION));
	assert_int_equal(put_user(b, ADMIN, ALICE, "", PRINCIPAL_DISABLED), DECIDED);
	event.author = ALICE;
	assert_int_equal(keep(b, 99, COMMAND_FILE_STORED, &event), REFUSED(CODE_ERROR_PERMISSION));
}

static void a_download_is_a_session_s(void **state)
{
	struct bench *b = *state;
	struct event_file event = plan();
	const struct record *record;

	populate_with_files(b);
	event.author = ALICE;
	assert_int_equal(keep(b, 99, COMMAND_FILE_READ, &event), REFUSED(CODE_NOT_SIGNED_IN));
	assert_int_equal(keep(b, BOB_SESSION, COMMAND_FILE_READ, &event), DECIDED);
	record = last(b, &event);
	assert_int_equal(record->type, EVENT_FILE_READ);
	assert_int_equal(record->actor, BOB);
	assert_int_equal(event.author, ALICE);
	assert_int_equal(event.sha256[0], 2);
}

static void authors_remove_only_where_the_category_lets_them(void **state)
{
	struct bench *b = *state;
	struct event_file event = plan();
	const struct record *record;

	populate_with_files(b);
	event.author = ALICE;
	assert_int_equal(keep(b, ALICE_SESSION, COMMAND_FILE_REMOVE, &event),
			 REFUSED(CODE_ERROR_PERMISSION));
	assert_int_equal(set_flags(b, CATEGORY_FILES | CATEGORY_AUTHORS_REMOVE), DECIDED);
	assert_int_equal(keep(b, BOB_SESSION, COMMAND_FILE_REMOVE, &event),
			 REFUSED(CODE_ERROR_PERMISSION));
	assert_int_equal(keep(b, ALICE_SESSION, COMMAND_FILE_REMOVE, &event), DECIDED);
	assert_int_equal(keep(b, ADMIN, COMMAND_FILE_REMOVE, &event), DECIDED);
	record = last(b, &event);
	assert_int_equal(record->type, EVENT_FILE_REMOVED);
	assert_int_equal(record->actor, 0);
	assert_int_equal(event.token_hash[0], 0);
	assert_int_equal(keep(b, 99, COMMAND_FILE_REMOVE, &event), REFUSED(CODE_NOT_SIGNED_IN));
}

static void a_removed_room_is_named_by_its_uuid(void **state)
{
	struct bench *b = *state;
	const struct journal_writer *writer = &b->engine.writer;
	const uint8_t *at = writer->batch;
	struct event_removed removed = {0};

	populate_with_files(b);
	assert_int_equal(remove_node(b, ADMIN, NODE_ROOM, LOBBY), DECIDED);
	for (at = writer->batch; at < writer->batch + writer->batch_used;
	     at += ((const struct record *)at)->length)
		if (((const struct record *)at)->type == EVENT_REMOVED)
			assert_true(event_removed_get((const struct record *)at, &removed));
	assert_int_equal(removed.id, LOBBY);
	assert_int_not_equal(removed.uuid[0], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_upload_is_granted_to_whoever_may_post),
		TEST(without_a_directory_there_are_no_files),
		TEST(the_category_says_whether_there_are_files),
		TEST(a_disabled_room_takes_none_and_gives_none),
		TEST(a_secret_room_is_not_there_for_others),
		TEST(in_an_auditorium_presenters_upload_and_all_members_download),
		TEST(a_name_is_one_of_a_file),
		TEST(what_makes_no_sense_is_refused),
		TEST(pchat_file_is_not_believed_what_cannot_be_told),
		TEST(the_narrowest_setting_of_the_size_counts),
		TEST(only_pchat_file_says_what_a_file_is),
		TEST(a_stored_file_is_its_authors_whether_or_not_his_session_lives),
		TEST(a_download_is_a_session_s),
		TEST(authors_remove_only_where_the_category_lets_them),
		TEST(a_removed_room_is_named_by_its_uuid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
