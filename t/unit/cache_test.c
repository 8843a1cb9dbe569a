#include "cache_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void rooms_and_users_are_found_by_every_key(void **state)
{
	struct bench *b = *state;
	struct principal_view principal;
	struct room_view room;
	uint8_t uuid[16];
	uint32_t id;

	populate(b);
	memset(uuid, 2, sizeof(uuid));
	assert_int_equal(cache_room_by_uuid(b->reader, uuid, &room), CODE_OK);
	assert_int_equal(room.id, 2);
	assert_memory_equal(room.name, "Room 2", room.name_length);
	assert_int_equal(cache_room_id(b->reader, uuid, &id), CODE_OK);
	assert_int_equal(id, 2);
	memset(uuid, 9, sizeof(uuid));
	assert_int_equal(cache_room_id(b->reader, uuid, &id), CODE_NO_SUCH_NODE);
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

static void a_place_that_is_taken_over_changes_nothing_for_the_room(void **state)
{
	struct bench *b = *state;
	uint32_t list[8], count;
	const uint32_t *roster;

	populate(b);
	roster = (const uint32_t *)&((const struct room_row *)table_row(
					     &b->shared, TABLE_ROOM, find_room(&b->shared, 1)))
			 ->roster;
	make_session(b, EVENT_SESSION_OPEN, 3, 1), apply(b);
	make_session(b, EVENT_LOST, 1, 1), apply(b);
	make_session(b, EVENT_LOST, 2, 2), apply(b);
	assert_int_equal(cache_lost(b->reader), 2);
	const uint32_t before = *roster;
	make_taken(b, 3, 1, 1, 1), apply(b);
	make_session(b, EVENT_SESSION_CLOSE, 1, 1), apply(b);
	assert_int_equal(*roster, before);
	assert_int_equal(cache_lost(b->reader), 1);
	assert_int_equal(cache_participants(b->reader, 1, list, 8, &count), CODE_OK);
	assert_int_equal(count, 2);
	make_join(b, EVENT_LEAVE, 3, 1, 1), apply(b);
	assert_int_equal(cache_participants(b->reader, 1, list, 8, &count), CODE_OK);
	assert_int_equal(count, 1);
	assert_int_equal(list[0], 2);
}

static void what_cannot_be_taken_over_or_lost_is_an_error(void **state)
{
	struct bench *b = *state;
	struct err err;

	populate(b);
	make_taken(b, 2, 1, 1, 1); /* it is not lost */
	assert_int_equal(apply_record(&b->private, &b->next.record, &err), -1);
	make_taken(b, 2, 9, 2, 1);
	assert_int_equal(apply_record(&b->private, &b->next.record, &err), -1);
	make_session(b, EVENT_LOST, 9, 1);
	assert_int_equal(apply_record(&b->private, &b->next.record, &err), -1);
	make_session(b, EVENT_LOST, 1, 1);
	assert_return_code(apply_record(&b->private, &b->next.record, &err), 0);
	assert_int_equal(apply_record(&b->private, &b->next.record, &err), -1);
	make_taken(b, 2, 1, 2, 1); /* it is somebody else's */
	assert_int_equal(apply_record(&b->private, &b->next.record, &err), -1);
	make_taken(b, 2, 1, 1, 2); /* it is not there */
	assert_int_equal(apply_record(&b->private, &b->next.record, &err), -1);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rooms_and_users_are_found_by_every_key),
		TEST(a_renamed_room_is_found_by_its_new_name_only),
		TEST(a_session_that_closes_is_in_no_room_any_more),
		TEST(a_user_with_several_sessions_in_a_room_counts_once),
		TEST(a_place_that_is_taken_over_changes_nothing_for_the_room),
		TEST(what_cannot_be_taken_over_or_lost_is_an_error),
		TEST(history_is_given_oldest_first_and_within_its_bounds),
		TEST(a_full_cache_gives_up_the_oldest_messages_and_keeps_no_gaps),
		TEST(a_repeated_post_is_known_until_the_ring_of_posts_has_gone_round),
		TEST(rows_from_the_database_join_the_history_only_without_a_gap),
		TEST(a_table_that_is_full_is_an_error_that_names_the_setting),
		TEST(a_room_that_is_removed_leaves_nothing_behind),
		TEST(history_leaves_gaps_and_nothing_recent),
		TEST(groups_categories_and_add_ins_that_are_removed_leave_nothing_behind),
		TEST(settings_and_grants_are_read_as_they_were_set),
		TEST(a_reader_never_sees_half_of_a_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
