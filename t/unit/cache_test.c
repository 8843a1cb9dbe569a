#include <setjmp.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/apply.h"
#include "shm/find.h"
#include "shm/segment.h"

/* A small cache, shared and private, and the events that a sequencer would write. */
struct bench {
	struct conf conf;
	int rw, ro;
	struct cache shared, private;
	struct cache *reader;
	uint64_t lsn, command;
	struct {
		struct record record;
		uint8_t payload[8192];
	} next;
};

static const uint8_t key[16] = "0123456789abcdef";

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct err err;
	uint64_t size;

	b->conf.cache.rooms = 8;
	b->conf.cache.principals = 16;
	b->conf.cache.sessions = 16;
	b->conf.cache.participants = 32;
	b->conf.cache.messages = 64;
	b->conf.cache.categories = 4;
	b->conf.cache.addins = 4;
	b->conf.cache.roles = 16;
	b->conf.cache.affiliations = 16;
	b->conf.cache.settings = 16;
	b->conf.cache.invitations = b->conf.cache.markers = 16;
	b->conf.cache.feeds = b->conf.cache.requests = 16;
	b->conf.cache.text = 64 * 200;
	b->conf.cache.history = 256 * 64;
	size = cache_size(&b->conf, &err);
	assert_true(size > 0);
	assert_return_code(segment_create("cache", size, &b->rw, &b->ro, &err), 0);
	assert_return_code(apply_open_shared(&b->shared, b->rw, &err), 0);
	assert_return_code(apply_open_private(&b->private, &b->conf, &err), 0);
	assert_return_code(apply_reset(&b->shared, &b->conf, key, &err), 0);
	assert_return_code(apply_reset(&b->private, &b->conf, key, &err), 0);
	b->shared.undo = true;
	b->reader = cache_map(b->ro, &err);
	assert_non_null(b->reader);
	b->lsn = 4096;
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	cache_free(&b->reader);
	segment_unmap(&b->shared.map);
	segment_unmap(&b->private.map);
	close(b->rw);
	close(b->ro);
	free(b);
	return 0;
}

static struct text text(const char *s)
{
	return (struct text){s, (uint32_t)strlen(s)};
}

static struct record *make(struct bench *b, enum event_type type, uint32_t size)
{
	struct record *r = &b->next.record;
	uint32_t length = ((uint32_t)sizeof(*r) + size + 7) & ~7u;

	*r = (struct record){.type = (uint16_t)type,
			     .lsn = b->lsn,
			     .length = length,
			     .payload = size,
			     .time = b->lsn,
			     .command = ++b->command,
			     .mail_slot = SLOT_WORKER};
	b->lsn += length;
	return r;
}

static void apply(struct bench *b)
{
	struct err err = {0};

	if (apply_record(&b->shared, &b->next.record, &err) < 0 ||
	    apply_record(&b->private, &b->next.record, &err) < 0)
		fail_msg("%s", err.text);
}

static void make_principal(struct bench *b, uint32_t id, const char *uri, const char *name)
{
	struct event_principal event = {
		.id = id, .kind = PRINCIPAL_USER, .uri = text(uri), .name = text(name)};
	uint32_t size = event_principal_put(&event, b->next.payload, sizeof(b->next.payload));

	make(b, EVENT_PRINCIPAL, size);
}

static void make_room(struct bench *b, uint32_t id, const char *name)
{
	struct event_room event = {.id = id,
				   .category = 1,
				   .privacy = PRIVACY_OPEN,
				   .behavior = BEHAVIOR_NORMAL,
				   .name = text(name),
				   .description = text("what for")};
	uint32_t size;

	memset(event.uuid, (int)id, sizeof(event.uuid));
	size = event_room_put(&event, b->next.payload, sizeof(b->next.payload));
	make(b, EVENT_ROOM, size)->room = id;
}

static void make_category(struct bench *b, uint32_t id, const char *name)
{
	struct event_category event = {.id = id, .name = text(name), .description = text("")};
	uint32_t size;

	memset(event.uuid, (int)id + 100, sizeof(event.uuid));
	size = event_category_put(&event, b->next.payload, sizeof(b->next.payload));
	make(b, EVENT_CATEGORY, size);
}

static void make_addin(struct bench *b, uint32_t id, const char *name)
{
	struct event_addin event = {.id = id, .name = text(name), .url = text("http://a.test/")};

	make(b, EVENT_ADDIN, event_addin_put(&event, b->next.payload, sizeof(b->next.payload)));
}

static void make_role(struct bench *b, enum node_kind kind, uint32_t node, uint32_t principal,
		      enum role role, bool present)
{
	struct event_role event = {(uint8_t)kind, (uint8_t)role, present, node, principal};

	make(b, EVENT_ROLE, event_role_put(&event, b->next.payload, sizeof(b->next.payload)));
}

static void make_affiliation(struct bench *b, uint32_t member, uint32_t group, bool present)
{
	struct event_affiliation event = {member, group, present};

	make(b, EVENT_AFFILIATION,
	     event_affiliation_put(&event, b->next.payload, sizeof(b->next.payload)));
}

static void make_removed(struct bench *b, enum node_kind kind, uint32_t id)
{
	struct event_removed event = {.kind = (uint8_t)kind, .id = id};

	make(b, EVENT_REMOVED, event_removed_put(&event, b->next.payload, sizeof(b->next.payload)));
}

static struct record *make_session(struct bench *b, enum event_type type, uint32_t session,
				   uint32_t principal)
{
	struct event_session event = {.address = text("127.0.0.1:1")};
	uint32_t size = event_session_put(&event, b->next.payload, sizeof(b->next.payload));
	struct record *r = make(b, type, type == EVENT_SESSION_OPEN ? size : 0);

	r->actor = principal;
	r->origin = (struct origin){.slot = SLOT_WORKER, .generation = 7, .session = session};
	return r;
}

static void make_join(struct bench *b, enum event_type type, uint32_t session, uint32_t principal,
		      uint32_t room)
{
	make_session(b, type, session, principal)->room = room;
}

static void make_message(struct bench *b, uint32_t room, uint32_t author, const char *id,
			 const char *body)
{
	struct event_message event = {.id = text(id), .text = text(body)};
	uint32_t size = event_message_put(&event, b->next.payload, sizeof(b->next.payload));
	struct record *r = make(b, EVENT_MESSAGE, size);
	const struct room_row *row = table_row(&b->private, TABLE_ROOM, find_room(&b->private, room));

	r->room = room;
	r->actor = author;
	r->seq = row->last_seq + 1;
}

/* step: how far behind the last one; 0: the end of a room's history. */
static void make_history(struct bench *b, uint32_t room, unsigned step)
{
	const struct event_history event = {.what = step > 0 ? HISTORY_MESSAGE : HISTORY_END,
					    .author = 1,
					    .time = 1,
					    .removals = 5,
					    .message = {.text = text("old")}};
	uint32_t size = event_history_put(&event, b->next.payload, sizeof(b->next.payload));
	struct record *r = make(b, EVENT_HISTORY, size);
	const struct room_row *row = table_row(&b->private, TABLE_ROOM, find_room(&b->private, room));

	r->room = room;
	r->seq = row->last_seq + step;
}

/* Two users, three rooms, both users in the first. */
static void populate(struct bench *b)
{
	make_principal(b, 1, "sip:alice@example.test", "Alice"), apply(b);
	make_principal(b, 2, "sip:bob@example.test", "Bob"), apply(b);
	make_category(b, 1, "General"), apply(b);
	make_role(b, NODE_CATEGORY, 1, PRINCIPAL_ANY_USER, ROLE_ALLOWED, true), apply(b);
	for (uint32_t room = 1; room <= 3; room++) {
		char name[16];

		snprintf(name, sizeof(name), "Room %u", room);
		make_room(b, room, name), apply(b);
	}
	make_session(b, EVENT_SESSION_OPEN, 1, 1), apply(b);
	make_session(b, EVENT_SESSION_OPEN, 2, 2), apply(b);
	make_join(b, EVENT_JOIN, 1, 1, 1), apply(b);
	make_join(b, EVENT_JOIN, 2, 2, 1), apply(b);
}

static unsigned history(struct bench *b, uint32_t room, struct message_view list[64], char buffer[4096])
{
	unsigned count = 0;

	assert_int_equal(cache_history(b->reader, room, 0, UINT64_MAX, UINT64_MAX, list, 64, buffer,
				       4096, &count),
			 CODE_OK);
	return count;
}

static void rooms_and_users_are_found_by_every_key(void **state)
{
	struct bench *b = *state;
	struct principal_view principal;
	struct room_view room;
	uint8_t uuid[16];

	populate(b);
	memset(uuid, 2, sizeof(uuid));
	assert_int_equal(cache_room_by_uuid(b->reader, uuid, &room), CODE_OK);
	assert_int_equal(room.id, 2);
	assert_memory_equal(room.name, "Room 2", room.name_length);
	assert_int_equal(cache_room(b->reader, 9, &room), CODE_NO_SUCH_NODE);
	assert_int_equal(find_room_by_name(&b->private, text("rOOM 3")),
			 find_room(&b->private, 3));
	assert_int_equal(cache_principal_by_uri(b->reader, "sip:bob@example.test", 20, &principal),
			 CODE_OK);
	assert_int_equal(principal.id, 2);
	assert_int_equal(cache_principal_by_uri(b->reader, "sip:eve@example.test", 20, &principal),
			 CODE_NO_SUCH_PRINCIPAL);
}

static void a_renamed_room_is_found_by_its_new_name_only(void **state)
{
	struct bench *b = *state;

	populate(b);
	make_room(b, 2, "Another name, longer than one block of text is, so that it needs a second"),
		apply(b);
	assert_int_equal(find_room_by_name(&b->private, text("Room 2")), 0);
	assert_int_equal(find_room_by_name(&b->shared, text("ANOTHER name, longer than one block of "
							    "text is, so that it needs a second")),
			 find_room(&b->shared, 2));
}

static void a_session_that_closes_is_in_no_room_any_more(void **state)
{
	struct bench *b = *state;
	uint32_t list[8], count;
	unsigned others;

	populate(b);
	make_join(b, EVENT_JOIN, 1, 1, 2), apply(b);
	assert_int_equal(cache_participants(b->reader, 1, list, 8, &count), CODE_OK);
	assert_int_equal(count, 2);
	find_participant(&b->private, find_room(&b->private, 1), 1, 99, &others);
	assert_int_equal(others, 1);
	make_session(b, EVENT_SESSION_CLOSE, 1, 1), apply(b);
	assert_int_equal(cache_participants(b->reader, 1, list, 8, &count), CODE_OK);
	assert_int_equal(count, 1);
	assert_int_equal(list[0], 2);
	assert_int_equal(cache_participants(b->reader, 2, list, 8, &count), CODE_OK);
	assert_int_equal(count, 0);
	assert_int_equal(find_session(&b->shared, SLOT_WORKER, 7, 1), 0);
}

static void a_user_with_several_sessions_in_a_room_counts_once(void **state)
{
	struct bench *b = *state;
	uint32_t sessions, users;

	populate(b);
	make_session(b, EVENT_SESSION_OPEN, 3, 1), apply(b);
	make_join(b, EVENT_JOIN, 3, 1, 1), apply(b);
	assert_int_equal(cache_crowd(b->reader, 1, &sessions, &users), CODE_OK);
	assert_int_equal(sessions, 3);
	assert_int_equal(users, 2);
	make_join(b, EVENT_LEAVE, 1, 1, 1), apply(b);
	assert_int_equal(cache_crowd(b->reader, 1, &sessions, &users), CODE_OK);
	assert_int_equal(users, 2);
	make_session(b, EVENT_SESSION_CLOSE, 3, 1), apply(b);
	assert_int_equal(cache_crowd(b->reader, 1, &sessions, &users), CODE_OK);
	assert_int_equal(sessions, 1);
	assert_int_equal(users, 1);
	assert_int_equal(cache_crowd(b->reader, 99, &sessions, &users), CODE_NO_SUCH_NODE);
}

static void history_is_given_oldest_first_and_within_its_bounds(void **state)
{
	struct bench *b = *state;
	struct message_view list[64];
	char buffer[4096], body[32];
	unsigned count;

	populate(b);
	for (unsigned i = 1; i <= 9; i++) {
		snprintf(body, sizeof(body), "message %u", i);
		make_message(b, 1, 1, "", body), apply(b);
	}
	count = history(b, 1, list, buffer);
	assert_int_equal(count, 9);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(list[i].seq, i + 1);
	assert_memory_equal(list[8].text.data, "message 9", 9);
	assert_int_equal(cache_history(b->reader, 1, 2, 8, list[6].lsn, list, 3, buffer,
				       sizeof(buffer), &count),
			 CODE_OK);
	assert_int_equal(count, 3);
	assert_int_equal(list[0].seq, 4);
	assert_int_equal(list[2].seq, 6);
}

static void a_full_cache_gives_up_the_oldest_messages_and_keeps_no_gaps(void **state)
{
	struct bench *b = *state;
	struct message_view list[64];
	char buffer[4096], body[600];

	populate(b);
	memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	for (unsigned i = 0; i < 500; i++) {
		uint32_t room = i % 7 == 0 ? 2 : i % 3 == 0 ? 3 : 1;

		body[i % 599] = '\0';
		make_message(b, room, 1, "", i % 599 ? body : "x"), apply(b);
		body[i % 599] = 'x';
		for (room = 1; room <= 3; room++) {
			unsigned count = history(b, room, list, buffer);
			struct room_view view;

			assert_int_equal(cache_room(b->reader, room, &view), CODE_OK);
			for (unsigned n = 0; n < count; n++)
				assert_int_equal(list[n].seq, view.last_seq - count + 1 + n);
		}
	}
}

static void a_repeated_post_is_known_until_the_ring_of_posts_has_gone_round(void **state)
{
	struct bench *b = *state;
	char id[16];

	populate(b);
	for (unsigned i = 0; i < 200; i++) {
		snprintf(id, sizeof(id), "post %u", i);
		make_message(b, 1, 1, id, "text"), apply(b);
		assert_int_not_equal(find_post(&b->private, 1, 1, text(id)), 0);
		assert_int_equal(find_post(&b->private, 1, 2, text(id)), 0);
		if (i >= 64) {
			snprintf(id, sizeof(id), "post %u", i - 63);
			assert_int_not_equal(find_post(&b->private, 1, 1, text(id)), 0);
			snprintf(id, sizeof(id), "post %u", i - 64);
			assert_int_equal(find_post(&b->private, 1, 1, text(id)), 0);
		}
	}
}

static void rows_from_the_database_join_the_history_only_without_a_gap(void **state)
{
	struct bench *b = *state;
	struct event_message old = {.id = text(""), .text = text("old")};
	struct event_room room = {.id = 5,
				  .category = 1,
				  .privacy = PRIVACY_OPEN,
				  .behavior = BEHAVIOR_NORMAL,
				  .name = text("Old"),
				  .description = text("")};
	const struct command_load_room more = {.last_seq = 41};
	struct command_fill fill = {.seq = 40, .author = 1};
	struct message_view list[64];
	char buffer[4096];
	struct err err;

	populate(b);
	assert_return_code(apply_load_room(&b->shared, &room, &more, &err), 0);
	apply_fill(&b->shared, 5, &fill, &old);
	assert_int_equal(history(b, 5, list, buffer), 0);
	fill.seq = 41;
	apply_fill(&b->shared, 5, &fill, &old);
	fill.seq = 40;
	apply_fill(&b->shared, 5, &fill, &old);
	fill.seq = 38;
	apply_fill(&b->shared, 5, &fill, &old);
	assert_int_equal(history(b, 5, list, buffer), 2);
	assert_int_equal(list[0].seq, 40);
	assert_int_equal(list[1].seq, 41);
}

static void a_table_that_is_full_is_an_error_that_names_the_setting(void **state)
{
	struct bench *b = *state;
	struct err err = {0};

	make_category(b, 1, "General"), apply(b);
	for (uint32_t room = 1; room <= 8; room++) {
		char name[16];

		snprintf(name, sizeof(name), "Room %u", room);
		make_room(b, room, name), apply(b);
	}
	make_room(b, 9, "Room 9");
	assert_int_equal(apply_record(&b->private, &b->next.record, &err), -1);
	assert_non_null(strstr(err.text, "cache { rooms }"));
	b->conf.cache.rooms = UINT32_MAX;
	assert_int_equal(cache_size(&b->conf, &err), 0);
	assert_non_null(strstr(err.text, "cache { rooms }"));
}

/* --- What a sequencer that was killed leaves behind. --- */

/* A copy of the cache without what a rollback may change: versions and the undo area. */
static uint8_t *plain_copy(const struct cache *cache)
{
	uint8_t *copy = malloc(cache->header->undo_offset);
	struct cache plain = *cache;

	memcpy(copy, cache->base, cache->header->undo_offset);
	plain.base = copy;
	plain.header = (struct cache_header *)(void *)copy;
	plain.header->undo_target = plain.header->undo_used = 0;
	for (unsigned i = 0; i < INDEX_COUNT; i++)
		plain.header->index[i].version = 0;
	for (uint32_t row = 1; row <= plain.header->table[TABLE_ROOM].rows; row++) {
		struct room_row *room = table_row(&plain, TABLE_ROOM, row);

		assert_int_equal(room->version % 2, 0);
		assert_int_equal(room->roster % 2, 0);
		room->version = room->roster = 0;
	}
	plain.header->rights = 0;
	for (uint32_t row = 1; row <= plain.header->table[TABLE_CATEGORY].rows; row++) {
		struct category_row *category = table_row(&plain, TABLE_CATEGORY, row);

		assert_int_equal(category->version % 2, 0);
		category->version = 0;
	}
	for (uint32_t row = 1; row <= plain.header->table[TABLE_ADDIN].rows; row++) {
		struct addin_row *addin = table_row(&plain, TABLE_ADDIN, row);

		assert_int_equal(addin->version % 2, 0);
		addin->version = 0;
	}
	for (uint32_t row = 1; row <= plain.header->table[TABLE_PRINCIPAL].rows; row++) {
		struct principal_row *principal = table_row(&plain, TABLE_PRINCIPAL, row);

		assert_int_equal(principal->version % 2, 0);
		principal->version = 0;
	}
	return copy;
}

/* The bytes of blocks that are in nobody's blob do not count. */
static void assert_same(const struct cache *cache, const uint8_t *before, const uint8_t *after)
{
	const struct cache_header *header = cache->header;

	for (unsigned t = 0; t < TABLE_COUNT; t++) {
		const struct cache_table *table = &header->table[t];
		uint32_t compare = t == TABLE_TEXT || t == TABLE_BODY ? 4 : table->row_size;

		for (uint32_t row = 0; row < table->rows; row++)
			assert_memory_equal(before + table->offset + row * table->row_size,
					    after + table->offset + row * table->row_size, compare);
	}
	assert_memory_equal(before, after, sizeof(*header));
	for (unsigned i = 0; i < INDEX_COUNT; i++)
		assert_memory_equal(before + header->index[i].offset, after + header->index[i].offset,
				    header->index[i].buckets * 4);
}

static void make_setting(struct bench *b, const char *scope, const char *value)
{
	const struct event_setting event = {.kind = SCOPED_CONFIG,
					    .present = *value != '\0',
					    .scope = text(scope),
					    .name = text("history"),
					    .value = text(value)};

	make(b, EVENT_SETTING, event_setting_put(&event, b->next.payload, sizeof(b->next.payload)));
}

static void make_grant(struct bench *b, uint32_t principal, const char *policy)
{
	const struct event_grant event = {.principal = principal, .policy = text(policy)};

	make(b, EVENT_GRANT, event_grant_put(&event, b->next.payload, sizeof(b->next.payload)));
}

#ifdef PCHAT_FAULTS
/* Applies the next event in a child that dies at step number count. False: it came through. */
static bool dies_at(struct bench *b, const char *point, unsigned count)
{
	char file[] = "/tmp/pchat-cache-XXXXXX";
	int fd = mkstemp(file), status;
	pid_t pid;

	assert_return_code(fd, errno);
	assert_true(dprintf(fd, "%s %u\n", point, count) > 0);
	close(fd);
	setenv("PCHAT_FAULT_FILE", file, 1);
	pid = fork();
	if (pid == 0) {
		struct err err;

		_exit(apply_record(&b->shared, &b->next.record, &err) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	unlink(file);
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status);
}

static void make_person(struct bench *b, enum event_type type, enum person_what what, uint32_t item,
			uint64_t number)
{
	const bool texts = type == EVENT_FEED && what == PERSON_PUT;
	struct event_person event = {.principal = 1,
				     .item = item,
				     .number = number,
				     .what = (uint8_t)what,
				     .name = text(texts ? "name" : ""),
				     .text = text(texts ? "words of a feed" : "")};

	make(b, type, event_person_put(&event, b->next.payload, sizeof(b->next.payload)));
}

static unsigned die_everywhere(struct bench *b)
{
	size_t whole = b->shared.map.size;
	uint8_t *image = malloc(whole), *before = plain_copy(&b->shared), *now;
	unsigned step = 0;
	struct err err;
	bool sound;

	memcpy(image, b->shared.base, whole);
	while (dies_at(b, "cache.touch", ++step)) {
		assert_true(table_rollback(&b->shared, &sound));
		assert_true(sound);
		now = plain_copy(&b->shared);
		assert_same(&b->shared, before, now);
		free(now);
		assert_return_code(apply_record(&b->shared, &b->next.record, &err), 0);
		now = plain_copy(&b->shared);
		memcpy(b->shared.base, image, whole);
		assert_return_code(apply_record(&b->shared, &b->next.record, &err), 0);
		uint8_t *expected = plain_copy(&b->shared);
		assert_same(&b->shared, expected, now);
		free(expected);
		free(now);
		memcpy(b->shared.base, image, whole);
	}
	assert_false(table_rollback(&b->shared, &sound)); /* the child came through */
	memcpy(b->shared.base, image, whole);
	free(image);
	free(before);
	apply(b);
	return step - 1;
}

static void dying_at_any_step_of_any_event_leaves_a_cache_that_can_be_rolled_back(void **state)
{
	struct bench *b = *state;
	char body[700];
	unsigned steps = 0;

	populate(b);
	memset(body, 'y', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	for (unsigned i = 0; i < 30; i++)
		make_message(b, 1 + i % 3, 1, i % 2 ? "an id" : "", body), apply(b);
	make_principal(b, 3, "sip:carol@example.test", "Carol"), steps += die_everywhere(b);
	make_principal(b, 3, "sip:carol@example.test", "Caroline"), steps += die_everywhere(b);
	make_room(b, 4, "Fourth"), steps += die_everywhere(b);
	make_room(b, 4, "Fourth, renamed"), steps += die_everywhere(b);
	make_session(b, EVENT_SESSION_OPEN, 3, 3), steps += die_everywhere(b);
	make_join(b, EVENT_JOIN, 3, 3, 1), steps += die_everywhere(b);
	make_join(b, EVENT_JOIN, 3, 3, 4), steps += die_everywhere(b);
	make_message(b, 1, 3, "id", body), steps += die_everywhere(b);
	make_message(b, 4, 3, "id", "short"), steps += die_everywhere(b);
	make_join(b, EVENT_LEAVE, 3, 3, 1), steps += die_everywhere(b);
	make_session(b, EVENT_SESSION_CLOSE, 3, 3), steps += die_everywhere(b);
	make_category(b, 2, "Second"), steps += die_everywhere(b);
	make_category(b, 2, "Second, renamed"), steps += die_everywhere(b);
	make_role(b, NODE_ROOM, 4, 1, ROLE_MEMBER, true), steps += die_everywhere(b);
	make_role(b, NODE_ROOM, 4, 2, ROLE_MANAGER, true), steps += die_everywhere(b);
	make_role(b, NODE_ROOM, 4, 1, ROLE_MEMBER, false), steps += die_everywhere(b);
	make_affiliation(b, 1, 3, true), steps += die_everywhere(b);
	make_affiliation(b, 2, 3, true), steps += die_everywhere(b);
	make_affiliation(b, 1, 3, false), steps += die_everywhere(b);
	make_person(b, EVENT_INVITATION, PERSON_PUT, 1, 1), steps += die_everywhere(b);
	make_person(b, EVENT_INVITATION, PERSON_PUT, 2, 2), steps += die_everywhere(b);
	make_person(b, EVENT_INVITATION, PERSON_READ, 0, 2), steps += die_everywhere(b);
	make_person(b, EVENT_INVITATION, PERSON_GONE, 1, 0), steps += die_everywhere(b);
	make_person(b, EVENT_MARKER, PERSON_PUT, 1, 1), steps += die_everywhere(b);
	make_person(b, EVENT_MARKER, PERSON_PUT, 1, 2), steps += die_everywhere(b);
	make_person(b, EVENT_FEED, PERSON_PUT, 1, 0), steps += die_everywhere(b);
	make_person(b, EVENT_FEED, PERSON_PUT, 1, 0), steps += die_everywhere(b);
	make_person(b, EVENT_FEED, PERSON_GONE, 1, 0), steps += die_everywhere(b);
	make_person(b, EVENT_ACCESS_REQUEST, PERSON_PUT, 3, 0), steps += die_everywhere(b);
	make_setting(b, "global", "30"), steps += die_everywhere(b);
	make_setting(b, "site:berlin", "40"), steps += die_everywhere(b);
	make_setting(b, "global", "50"), steps += die_everywhere(b);
	make_setting(b, "global", ""), steps += die_everywhere(b);
	make_grant(b, 1, "staff"), steps += die_everywhere(b);
	make_grant(b, 1, "crew"), steps += die_everywhere(b);
	make_grant(b, 1, ""), steps += die_everywhere(b);
	make_history(b, 4, 3), steps += die_everywhere(b);
	make_history(b, 4, 1), steps += die_everywhere(b);
	make_history(b, 4, 0), steps += die_everywhere(b);
	make_addin(b, 1, "Add-in"), steps += die_everywhere(b);
	make_addin(b, 1, "Add-in, renamed"), steps += die_everywhere(b);
	make_removed(b, NODE_ADDIN, 1), steps += die_everywhere(b);
	make_removed(b, NODE_CATEGORY, 2), steps += die_everywhere(b);
	make_removed(b, NODE_ROOM, 4), steps += die_everywhere(b);
	assert_true(steps > 250);
}
#endif

static void history_leaves_gaps_and_nothing_recent(void **state)
{
	struct message_view list[64];
	struct bench *b = *state;
	struct room_view room;
	char buffer[4096];

	populate(b);
	make_message(b, 2, 1, "", "recent"), apply(b);
	make_history(b, 2, 4), apply(b);
	assert_int_equal(cache_room(b->reader, 2, &room), CODE_OK);
	assert_int_equal(room.last_seq, 5);
	assert_int_equal(room.oldest_seq, 6);
	assert_int_equal(history(b, 2, list, buffer), 0);
	make_history(b, 2, 0), apply(b);
	assert_int_equal(cache_room(b->reader, 2, &room), CODE_OK);
	assert_int_equal(room.removals, 5);
	make_message(b, 2, 1, "", "new"), apply(b);
	assert_int_equal(history(b, 2, list, buffer), 1);
	assert_int_equal(list[0].seq, 6);
}

static void a_room_that_is_removed_leaves_nothing_behind(void **state)
{
	struct bench *b = *state;
	uint32_t used[TABLE_COUNT];

	populate(b);
	for (unsigned t = 0; t < TABLE_COUNT; t++)
		used[t] = b->shared.header->table[t].used;
	make_room(b, 9, "To be removed"), apply(b);
	make_role(b, NODE_ROOM, 9, 1, ROLE_MEMBER, true), apply(b);
	make_role(b, NODE_ROOM, 9, 2, ROLE_MANAGER, true), apply(b);
	for (unsigned i = 0; i < 5; i++)
		make_message(b, 9, 1, "", "text"), apply(b);
	make_removed(b, NODE_ROOM, 9), apply(b);
	for (unsigned t = 0; t < TABLE_COUNT; t++)
		assert_int_equal(b->shared.header->table[t].used, used[t]);
	assert_int_equal(find_room_by_name(&b->shared, text("to be removed")), 0);
}

static void groups_categories_and_add_ins_that_are_removed_leave_nothing_behind(void **state)
{
	struct bench *b = *state;
	uint32_t used[TABLE_COUNT];

	populate(b);
	for (unsigned t = 0; t < TABLE_COUNT; t++)
		used[t] = b->shared.header->table[t].used;
	make_affiliation(b, 1, 2, true), apply(b);
	make_category(b, 2, "To be removed"), apply(b);
	make_role(b, NODE_CATEGORY, 2, 1, ROLE_CREATOR, true), apply(b);
	make_addin(b, 1, "Wiki"), apply(b);
	assert_int_not_equal(find_affiliation(&b->shared, find_principal(&b->shared, 1),
					      find_principal(&b->shared, 2)),
			     0);
	assert_int_not_equal(find_addin_by_name(&b->shared, text("WIKI")), 0);
	make_affiliation(b, 1, 2, false), apply(b);
	make_removed(b, NODE_CATEGORY, 2), apply(b);
	make_removed(b, NODE_ADDIN, 1), apply(b);
	for (unsigned t = 0; t < TABLE_COUNT; t++)
		assert_int_equal(b->shared.header->table[t].used, used[t]);
	assert_int_equal(find_category_by_name(&b->shared, text("to be removed")), 0);
	assert_int_equal(find_addin_by_name(&b->shared, text("wiki")), 0);
}

static void both_copies_come_from_the_same_events(void **state)
{
	struct bench *b = *state;
	struct cache copy;
	struct err err;
	uint8_t *one, *other;

	populate(b);
	for (unsigned i = 0; i < 100; i++)
		make_message(b, 1 + i % 3, 1 + i % 2, "id", "text"), apply(b);
	make_join(b, EVENT_LEAVE, 1, 1, 1), apply(b);
	assert_return_code(apply_open_private(&copy, &b->conf, &err), 0);
	assert_return_code(apply_reset(&copy, &b->conf, key, &err), 0);
	apply_copy(&copy, &b->shared);
	atomic_store(&copy.header->state, atomic_load(&b->private.header->state));
	one = plain_copy(&copy);
	other = plain_copy(&b->private);
	assert_same(&copy, one, other);
	free(one);
	free(other);
	segment_unmap(&copy.map);
}

/* --- Readers beside a writer. --- */

static void settings_and_grants_are_read_as_they_were_set(void **state)
{
	struct bench *b = *state;
	struct setting_view view;
	char policy[EVENT_POLICY_MAX];
	uint32_t position = 0, length = 0, version;

	populate(b);
	version = cache_settings_version(&b->shared);
	make_setting(b, "global", "30"), apply(b);
	make_setting(b, "site:berlin", "40"), apply(b);
	make_setting(b, "global", ""), apply(b);
	assert_int_not_equal(cache_settings_version(&b->shared), version);
	assert_int_equal(cache_settings_next(&b->shared, &position, &view), CODE_OK);
	assert_int_equal(view.kind, SCOPED_CONFIG);
	assert_memory_equal(view.scope, "site:berlin", view.scope_length);
	assert_int_equal(view.scope_length, 11);
	assert_memory_equal(view.value, "40", view.value_length);
	assert_int_equal(cache_settings_next(&b->shared, &position, &view), CODE_NO_SUCH_NODE);
	make_grant(b, 1, "staff"), apply(b);
	assert_int_equal(cache_grant(&b->shared, 1, policy, &length), CODE_OK);
	assert_int_equal(length, 5);
	assert_memory_equal(policy, "staff", 5);
	make_grant(b, 1, ""), apply(b);
	assert_int_equal(cache_grant(&b->shared, 1, policy, &length), CODE_OK);
	assert_int_equal(length, 0);
	assert_int_equal(cache_grant(&b->shared, 99, policy, &length), CODE_NO_SUCH_PRINCIPAL);
}

static void a_reader_never_sees_half_of_a_change(void **state)
{
	struct bench *b = *state;
	char name[64], body[400];
	struct message_view list[64];
	char buffer[4096];
	int status;
	pid_t pid;

	populate(b);
	pid = fork();
	if (pid == 0) {
		for (unsigned i = 0; i < 20000; i++) {
			memset(name, 'a' + (int)(i % 26), 40);
			name[40 - i % 20] = '\0';
			make_room(b, 2, name), apply(b);
			memset(body, 'a' + (int)(i % 26), sizeof(body));
			body[300 + i % 99] = '\0';
			make_message(b, 1, 1, "", body), apply(b);
		}
		_exit(0);
	}
	while (waitpid(pid, &status, WNOHANG) == 0) {
		struct room_view room;
		unsigned count = 0;

		if (cache_room(b->reader, 2, &room) == CODE_OK && room.last_seq == 0 &&
		    room.name[0] != 'R')
			for (unsigned i = 0; i < room.name_length; i++)
				assert_int_equal(room.name[i], room.name[0]);
		if (cache_history(b->reader, 1, 0, UINT64_MAX, UINT64_MAX, list, 64, buffer,
				  sizeof(buffer), &count) != CODE_OK)
			continue;
		for (unsigned n = 0; n < count; n++) {
			assert_int_equal(list[n].seq, list[0].seq + n);
			assert_int_equal(list[n].text.data[0],
					 list[n].text.data[list[n].text.length - 1]);
		}
	}
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rooms_and_users_are_found_by_every_key),
		TEST(a_renamed_room_is_found_by_its_new_name_only),
		TEST(a_session_that_closes_is_in_no_room_any_more),
		TEST(a_user_with_several_sessions_in_a_room_counts_once),
		TEST(history_is_given_oldest_first_and_within_its_bounds),
		TEST(a_full_cache_gives_up_the_oldest_messages_and_keeps_no_gaps),
		TEST(a_repeated_post_is_known_until_the_ring_of_posts_has_gone_round),
		TEST(rows_from_the_database_join_the_history_only_without_a_gap),
		TEST(a_table_that_is_full_is_an_error_that_names_the_setting),
		TEST(a_room_that_is_removed_leaves_nothing_behind),
		TEST(history_leaves_gaps_and_nothing_recent),
		TEST(groups_categories_and_add_ins_that_are_removed_leave_nothing_behind),
		TEST(both_copies_come_from_the_same_events),
		TEST(settings_and_grants_are_read_as_they_were_set),
		TEST(a_reader_never_sees_half_of_a_change),
#ifdef PCHAT_FAULTS
		TEST(dying_at_any_step_of_any_event_leaves_a_cache_that_can_be_rolled_back),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
