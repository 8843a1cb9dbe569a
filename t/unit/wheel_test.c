/* Deadlines: each comes in its second, one that moved is asked again, and none comes twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worker/wheel.h"

struct thing {
	struct wheel_entry entry;
	uint32_t deadline, called, calls;
};

static uint32_t now;

static uint32_t due(struct wheel_entry *entry, void *arg)
{
	struct thing *thing = (struct thing *)entry;

	(void)arg;
	thing->calls++;
	if (thing->deadline > now)
		return thing->deadline;
	thing->called = now;
	return 0;
}

static void run(struct wheel *wheel, uint32_t until)
{
	while (now < until)
		wheel_turn(wheel, ++now, due, NULL);
}

static void a_deadline_comes_in_its_second(void **state)
{
	struct thing near = {.deadline = 103}, far = {.deadline = 1100};
	struct wheel wheel;

	(void)state;
	now = 100;
	wheel_init(&wheel, now);
	wheel_add(&wheel, &near.entry, near.deadline);
	wheel_add(&wheel, &far.entry, far.deadline);
	run(&wheel, 1200);
	assert_int_equal(near.called, 103);
	assert_int_equal(near.calls, 1);
	assert_int_equal(far.called, 1100);
}

static void a_deadline_that_moved_away_is_found_out(void **state)
{
	struct thing thing = {.deadline = 110};
	struct wheel wheel;

	(void)state;
	now = 100;
	wheel_init(&wheel, now);
	wheel_add(&wheel, &thing.entry, thing.deadline);
	run(&wheel, 105);
	thing.deadline = 120;
	run(&wheel, 130);
	assert_int_equal(thing.called, 120);
	assert_int_equal(thing.calls, 2);
}

static void one_that_was_taken_out_never_comes(void **state)
{
	struct thing thing = {.deadline = 101}, other = {.deadline = 101};
	struct wheel wheel;

	(void)state;
	now = 100;
	wheel_init(&wheel, now);
	wheel_add(&wheel, &thing.entry, 101);
	wheel_add(&wheel, &other.entry, 101);
	wheel_del(&thing.entry);
	run(&wheel, 400);
	assert_int_equal(thing.calls, 0);
	assert_int_equal(other.called, 101);
}

static void seconds_that_were_slept_through_are_made_up_for(void **state)
{
	struct thing thing = {.deadline = 0};
	struct wheel wheel;

	(void)state;
	wheel_init(&wheel, 100);
	wheel_add(&wheel, &thing.entry, 50); /* over already: the next second */
	now = 1000;
	wheel_turn(&wheel, now, due, NULL);
	assert_int_equal(thing.calls, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_deadline_comes_in_its_second),
		cmocka_unit_test(a_deadline_that_moved_away_is_found_out),
		cmocka_unit_test(one_that_was_taken_out_never_comes),
		cmocka_unit_test(seconds_that_were_slept_through_are_made_up_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
