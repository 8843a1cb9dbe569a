/* Who may raise its priority again, where a limit and no privilege allows it: with a kernel made up here,
 * for the real one lets few raise limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <sys/resource.h>

#include "shm/schedule.h"

enum { RING = 8000, RANGE = 20 };

/* What the kernel holds of the process (setpriority(2), getrlimit(2)). */
static struct {
	int nice;
	struct rlimit limit;
	bool may_raise_limits; /* CAP_SYS_RESOURCE */
} kernel;

int __wrap_getpriority(int which, id_t who);
int __wrap_setpriority(int which, id_t who, int nice);
int __wrap_getrlimit(int resource, struct rlimit *limit_r);
int __wrap_setrlimit(int resource, const struct rlimit *limit);

int __wrap_getpriority(int which, id_t who)
{
	(void)which;
	(void)who;
	return kernel.nice;
}

int __wrap_setpriority(int which, id_t who, int nice)
{
	(void)which;
	(void)who;
	if (nice < kernel.nice && (rlim_t)(RANGE - nice) > kernel.limit.rlim_cur) {
		errno = EACCES;
		return -1;
	}
	kernel.nice = nice;
	return 0;
}

int __wrap_getrlimit(int resource, struct rlimit *limit_r)
{
	assert_int_equal(resource, RLIMIT_NICE);
	*limit_r = kernel.limit;
	return 0;
}

int __wrap_setrlimit(int resource, const struct rlimit *limit)
{
	assert_int_equal(resource, RLIMIT_NICE);
	assert_true(limit->rlim_cur <= limit->rlim_max);
	if (limit->rlim_max > kernel.limit.rlim_max && !kernel.may_raise_limits) {
		errno = EPERM;
		return -1;
	}
	kernel.limit = *limit;
	return 0;
}

static void begin(int nice, rlim_t soft, rlim_t hard, bool may_raise_limits)
{
	kernel.nice = nice;
	kernel.limit = (struct rlimit){soft, hard};
	kernel.may_raise_limits = may_raise_limits;
}

/* As the store and compliance do under the master. */
static void expect_to_follow_the_lag(int nice, bool follows)
{
	struct yielding yielding;

	schedule_allow(0);
	kernel.may_raise_limits = false; /* from the change of the user on */
	yielding_init(&yielding);
	assert_int_equal(yielding.allowed, follows);
	assert_int_equal(kernel.nice, nice);
	yielding_set(&yielding, 1, RING);
	assert_int_equal(kernel.nice, follows ? nice + 10 : nice);
	yielding_set(&yielding, RING, RING);
	assert_int_equal(kernel.nice, nice);
	yielding_set(&yielding, 1, RING);
	yielding_end(&yielding);
	assert_int_equal(kernel.nice, nice);
	yielding_fini(&yielding);
}

static void test_under_a_master_that_may_raise_limits_a_process_yields_and_comes_back(void **state)
{
	(void)state;
	begin(0, 0, 0, true);
	expect_to_follow_the_lag(0, true);
	assert_int_equal(kernel.limit.rlim_cur, RANGE);
	begin(5, 0, 0, true);
	expect_to_follow_the_lag(5, true);
	assert_int_equal(kernel.limit.rlim_cur, RANGE - 5);
}

static void test_a_limit_that_is_there_already_is_enough(void **state)
{
	(void)state;
	begin(0, 0, RANGE, false);
	expect_to_follow_the_lag(0, true);
	begin(0, 30, 40, false);
	expect_to_follow_the_lag(0, true);
	assert_int_equal(kernel.limit.rlim_cur, 30);
}

static void test_who_could_not_come_back_does_not_yield(void **state)
{
	(void)state;
	begin(0, 0, 0, false);
	expect_to_follow_the_lag(0, false);
	begin(0, RANGE - 1, RANGE - 1, false);
	expect_to_follow_the_lag(0, false);
}

static void test_the_sequencer_is_allowed_to_come_first_and_no_further(void **state)
{
	(void)state;
	begin(0, 0, 0, true);
	schedule_allow(-SCHEDULE_FIRST);
	kernel.may_raise_limits = false;
	schedule_first();
	assert_int_equal(kernel.nice, -SCHEDULE_FIRST);
	assert_int_equal(setpriority(PRIO_PROCESS, 0, -SCHEDULE_FIRST - 1), -1);
	begin(0, 0, 0, false);
	schedule_allow(-SCHEDULE_FIRST);
	schedule_first();
	assert_int_equal(kernel.nice, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_under_a_master_that_may_raise_limits_a_process_yields_and_comes_back),
		cmocka_unit_test(test_a_limit_that_is_there_already_is_enough),
		cmocka_unit_test(test_who_could_not_come_back_does_not_yield),
		cmocka_unit_test(test_the_sequencer_is_allowed_to_come_first_and_no_further),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
