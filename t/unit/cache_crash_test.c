#include "cache_bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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
	make_joins(b, EVENT_JOINS, 3, 3, 1, 3), steps += die_everywhere(b);
	make_joins(b, EVENT_LEAVES, 3, 3, 2, 4), steps += die_everywhere(b);
	make_join(b, EVENT_JOIN, 3, 3, 1), steps += die_everywhere(b);
	make_session(b, EVENT_LOST, 2, 2), steps += die_everywhere(b);
	make_session(b, EVENT_LOST, 3, 3), steps += die_everywhere(b);
	make_session(b, EVENT_SESSION_OPEN, 4, 3), steps += die_everywhere(b);
	make_taken(b, 4, 3, 3, 1), steps += die_everywhere(b);
	make_session(b, EVENT_SESSION_CLOSE, 3, 3), steps += die_everywhere(b);
	make_session(b, EVENT_SESSION_CLOSE, 4, 3), steps += die_everywhere(b);
	make_session(b, EVENT_SESSION_CLOSE, 2, 2), steps += die_everywhere(b);
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
	make_session(b, EVENT_LOST, 2, 2), apply(b);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(both_copies_come_from_the_same_events),
#ifdef PCHAT_FAULTS
		TEST(dying_at_any_step_of_any_event_leaves_a_cache_that_can_be_rolled_back),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
