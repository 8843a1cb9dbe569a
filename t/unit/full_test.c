#include <string.h>

#include "shm/table.h"
#include "t/unit/engine_bench.h"

/*
 * Where there is no place for more text, what changes none goes on. The administrator is session 1,
 * Alice 2 and Bob 3; both have joined the room number 1.
 */
enum { ADMIN = 1, ALICE = 1, BOB = 2, LOBBY = 1 };

static int set_up_full(void **state)
{
	const int result = set_up(state);
	struct bench *b = *state;

	populate(b);
	assert_int_equal(put_addin(b, ADMIN, 0, "News", "https://example.test/"), DECIDED);
	assert_int_equal(change_room(b, ADMIN, &(struct event_room){.id = LOBBY, .addin = 1},
				     FIELD_ADDIN, 0),
			 DECIDED);
	while (table_take(&b->engine.cache, TABLE_TEXT) != 0)
		;
	return result;
}

static void new_texts_are_refused(void **state)
{
	struct bench *b = *state;

	assert_int_equal(put_room(b, ADMIN, 0, "Other", false), REFUSED(CODE_LIMIT_EXCEEDED));
	assert_int_equal(put_room(b, ADMIN, LOBBY, "Renamed", false),
			 REFUSED(CODE_LIMIT_EXCEEDED));
	assert_int_equal(put_category(b, ADMIN, 1, "Renamed"), REFUSED(CODE_LIMIT_EXCEEDED));
	assert_int_equal(put_addin(b, ADMIN, 1, "Old", "https://example.test/"),
			 REFUSED(CODE_LIMIT_EXCEEDED));
	assert_int_equal(put_user(b, ADMIN, 0, "sip:carol@example.test", 0),
			 REFUSED(CODE_LIMIT_EXCEEDED));
	assert_false(b->engine.broken);
}

static void roles_change(void **state)
{
	struct bench *b = *state;

	assert_int_equal(set_role(b, ADMIN, NODE_ROOM, LOBBY, ALICE, ROLE_MANAGER, true), DECIDED);
	assert_int_equal(set_role(b, ADMIN, NODE_CATEGORY, 1, BOB, ROLE_CREATOR, true), DECIDED);
	assert_false(b->engine.broken);
}

static void rooms_are_disabled_and_lose_an_addin(void **state)
{
	struct bench *b = *state;

	assert_int_equal(change_room(b, ADMIN, &(struct event_room){.id = LOBBY, .disabled = 1},
				     FIELD_STATE, 0),
			 DECIDED);
	assert_int_equal(remove_node(b, ADMIN, NODE_ADDIN, 1), DECIDED);
	assert_int_equal(remove_node(b, ADMIN, NODE_ROOM, LOBBY), DECIDED);
	assert_false(b->engine.broken);
}

static void users_get_a_new_password_and_are_disabled(void **state)
{
	const struct command_rekey rekey = {.principal = ALICE};
	struct bench *b = *state;

	memcpy(b->mail.bytes + sizeof(struct command), &rekey, sizeof(rekey));
	assert_int_equal(send_as(b, SLOT_AUTH, SLOT_WORKER, 0, COMMAND_REKEY, 0, sizeof(rekey)),
			 DECIDED);
	assert_int_equal(put_user(b, ADMIN, BOB, "x", PRINCIPAL_DISABLED), DECIDED);
	assert_int_equal(put_user(b, ADMIN, ALICE, "x", PRINCIPAL_DELETED), DECIDED);
	assert_false(b->engine.broken);
}

#define FULL(name) cmocka_unit_test_setup_teardown(name, set_up_full, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FULL(new_texts_are_refused),
		FULL(roles_change),
		FULL(rooms_are_disabled_and_lose_an_addin),
		FULL(users_get_a_new_password_and_are_disabled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
