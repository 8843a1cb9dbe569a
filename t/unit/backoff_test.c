#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/master_backoff.h"

#define SECOND UINT64_C(1000000)

static void the_first_death_costs_nothing(void **state)
{
	struct backoff backoff = {0};

	(void)state;
	assert_int_equal(backoff_next(&backoff, SECOND, 0), 0);
}

static void early_deaths_wait_twice_as_long_each_time_up_to_ten_seconds(void **state)
{
	static const uint64_t expected[] = {0,	     100000,  200000,  400000,	 800000,
					    1600000, 3200000, 6400000, 10000000, 10000000};
	struct backoff backoff = {0};

	(void)state;
	for (unsigned i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_int_equal(backoff_next(&backoff, SECOND, SECOND / 2), expected[i]);
}

static void a_later_death_waits_as_long_as_before(void **state)
{
	struct backoff backoff = {0};

	(void)state;
	backoff_next(&backoff, SECOND, 0);
	backoff_next(&backoff, SECOND, 0);
	assert_int_equal(backoff_next(&backoff, 10 * SECOND, 9 * SECOND), 200000);
	assert_int_equal(backoff_next(&backoff, 59 * SECOND, 59 * SECOND), 200000);
}

static void a_minute_of_service_wipes_the_slate_clean(void **state)
{
	struct backoff backoff = {0};

	(void)state;
	for (int i = 0; i < 20; i++)
		backoff_next(&backoff, 0, 0);
	assert_int_equal(backoff_next(&backoff, 70 * SECOND, 60 * SECOND), 0);
	assert_int_equal(backoff_next(&backoff, SECOND, SECOND), 0);
	assert_int_equal(backoff_next(&backoff, SECOND, SECOND), 100000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_death_costs_nothing),
		cmocka_unit_test(early_deaths_wait_twice_as_long_each_time_up_to_ten_seconds),
		cmocka_unit_test(a_later_death_waits_as_long_as_before),
		cmocka_unit_test(a_minute_of_service_wipes_the_slate_clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
