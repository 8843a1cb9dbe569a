#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <time.h>

#include "conf/clock.h"

static void test_a_time_is_written_in_utc_with_microseconds(void **state)
{
	char text[CLOCK_TEXT];

	(void)state;
	assert_string_equal(clock_format(0, text), "1970-01-01T00:00:00.000000Z");
	assert_string_equal(clock_format(UINT64_C(1763717400123456), text),
			    "2025-11-21T09:30:00.123456Z");
	assert_string_equal(clock_format(UINT64_C(951782400000001), text),
			    "2000-02-29T00:00:00.000001Z");
}

static void test_every_day_is_the_one_of_the_calendar(void **state)
{
	char text[CLOCK_TEXT], expected[CLOCK_TEXT];

	(void)state;
	for (time_t day = 0; day < 240000; day++) { /* into the year 2627 */
		time_t seconds = day * 86400 + day % 86400;
		struct tm tm;

		gmtime_r(&seconds, &tm);
		strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S.", &tm);
		clock_format((uint64_t)seconds * 1000000, text);
		assert_memory_equal(text, expected, strlen(expected));
	}
}

static void test_a_damaged_time_still_fits(void **state)
{
	char text[CLOCK_TEXT];

	(void)state;
	assert_int_equal(strlen(clock_format(UINT64_MAX, text)), CLOCK_TEXT - 1);
	assert_memory_equal(text, "9999-12-31T23:59:59.", 20);
}

static void test_the_clocks_run_in_microseconds(void **state)
{
	uint64_t mono = clock_mono();

	(void)state;
	assert_true(clock_mono() >= mono);
	/* Between 2020 and 2100, so neither milliseconds nor nanoseconds. */
	assert_in_range(clock_utc(), UINT64_C(1577836800000000), UINT64_C(4102444800000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_time_is_written_in_utc_with_microseconds),
		cmocka_unit_test(test_every_day_is_the_one_of_the_calendar),
		cmocka_unit_test(test_a_damaged_time_still_fits),
		cmocka_unit_test(test_the_clocks_run_in_microseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
