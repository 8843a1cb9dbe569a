/*
 * What is accepted is counted until all workers have passed it, and while that would take longer
 * than the limit posts are refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "conf/clock.h"
#include "daemon/overload.h"

struct bench {
	struct overload overload;
	struct proc proc;
	struct proc_page worker[2];
};

static struct bench bench;

/* Two workers at 100, to whom a delivery takes two microseconds; 100 ms are allowed. */
static int set_up(void **state)
{
	memset(&bench, 0, sizeof(bench));
	bench.overload.limit = 100000;
	for (unsigned i = 0; i < 2; i++) {
		bench.worker[i].state = PROC_ACTIVE;
		bench.worker[i].heartbeat = clock_mono();
		bench.worker[i].pace = 2000;
		bench.worker[i].cursor = 100;
		bench.proc.page[SLOT_WORKER + i] = &bench.worker[i];
	}
	*state = &bench;
	return 0;
}

static bool refuses(struct bench *b)
{
	overload_look(&b->overload, &b->proc);
	return b->overload.on;
}

static void test_what_was_accepted_counts_at_once(void **state)
{
	struct bench *b = *state;

	overload_accept(&b->overload, 100000); /* each worker has half of the receivers */
	assert_false(refuses(b));
	overload_accept(&b->overload, 2);
	assert_true(refuses(b));
	assert_int_equal(b->overload.delay, 100002); /* is what the log will say */
	assert_true(overload_refuse(&b->overload));
	assert_int_equal(b->overload.refused, 1);
}

static void test_it_counts_until_the_slowest_worker_has_passed_it(void **state)
{
	struct bench *b = *state;

	overload_accept(&b->overload, 200000);
	overload_mark(&b->overload, 200);
	assert_true(refuses(b));
	b->worker[0].cursor = 200;
	assert_true(refuses(b));
	b->worker[1].cursor = 199;
	assert_true(refuses(b));
	b->worker[1].cursor = 200;
	assert_false(refuses(b));
	assert_false(overload_refuse(&b->overload));
	assert_int_equal(b->overload.count, 0);
}

static void test_a_worker_that_is_late_or_gone_is_seen(void **state)
{
	struct bench *b = *state;

	b->worker[1].delay = 100001;
	assert_true(refuses(b));
	b->worker[1].heartbeat = 1; /* it hangs */
	assert_false(refuses(b));
	overload_accept(&b->overload, 50001);
	overload_mark(&b->overload, 200);
	assert_true(refuses(b)); /* the other one has them all now */
	b->worker[0].state = PROC_STOPPING;
	assert_false(refuses(b)); /* nobody is left to wait for */
	assert_int_equal(b->overload.passed, 50001);
}

static void test_more_batches_than_marks_are_still_counted_right_in_the_end(void **state)
{
	struct bench *b = *state;
	uint64_t lsn = 100;

	b->overload.limit = 1; /* a mark for each batch, where there is place */
	for (unsigned i = 0; i < 10 * OVERLOAD_MARKS; i++) {
		overload_accept(&b->overload, 1000);
		overload_mark(&b->overload, lsn += 100);
	}
	assert_in_range(b->overload.count, 1, OVERLOAD_MARKS);
	b->worker[0].cursor = b->worker[1].cursor = lsn - 1;
	assert_true(refuses(b));
	b->worker[0].cursor = b->worker[1].cursor = lsn;
	assert_false(refuses(b));
	assert_int_equal(b->overload.passed, b->overload.accepted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_what_was_accepted_counts_at_once, set_up),
		cmocka_unit_test_setup(test_it_counts_until_the_slowest_worker_has_passed_it,
				       set_up),
		cmocka_unit_test_setup(test_a_worker_that_is_late_or_gone_is_seen, set_up),
		cmocka_unit_test_setup(
			test_more_batches_than_marks_are_still_counted_right_in_the_end, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
