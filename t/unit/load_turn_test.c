/*
 * The generator's open loop: by default senders post in the order of their rooms; mixed, all of
 * them once in a round, and neither neighbours nor processes beside each other are in one room.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "t/bench/load.h"

enum { MOST = 3000, IN_ROOM = 15 };

static void senders_post_in_the_order_of_their_rooms(void **state)
{
	const struct load_options options = {.processes = 2};

	(void)state;
	for (uint64_t slot = 0; slot < 20; slot++)
		assert_int_equal(load_turn(&options, 1, 7, slot), slot % 7);
}

static void mixed_everybody_posts_once_in_a_round(void **state)
{
	const struct load_options options = {.processes = 3, .mixed = true};
	bool posted[MOST];

	(void)state;
	for (uint64_t senders = 1; senders <= MOST; senders += senders < 50 ? 1 : 59) {
		memset(posted, 0, sizeof(posted));
		for (uint64_t slot = 5 * senders; slot < 6 * senders; slot++) {
			const uint64_t who = load_turn(&options, 2, senders, slot);

			assert_in_range(who, 0, senders - 1);
			assert_false(posted[who]);
			posted[who] = true;
		}
	}
}

static void mixed_neighbours_are_in_different_rooms(void **state)
{
	const struct load_options options = {.processes = 2, .mixed = true};

	(void)state;
	for (uint64_t slot = 0; slot < MOST; slot++) {
		const uint64_t room = load_turn(&options, 0, MOST, slot) / IN_ROOM;

		assert_int_not_equal(load_turn(&options, 1, MOST, slot) / IN_ROOM, room);
		for (uint64_t next = slot + 1; next < slot + 20; next++)
			assert_int_not_equal(load_turn(&options, 0, MOST, next) / IN_ROOM, room);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(senders_post_in_the_order_of_their_rooms),
		cmocka_unit_test(mixed_everybody_posts_once_in_a_round),
		cmocka_unit_test(mixed_neighbours_are_in_different_rooms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
