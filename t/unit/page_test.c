/* Pages of history: which numbers a page holds, and whether it says that there are others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worker/page.h"

static const uint64_t none = UINT64_MAX;

/* The page of a room whose newest message is last. */
static struct page page_of(uint64_t last, uint64_t after, uint64_t before, uint16_t limit,
			   bool from_oldest)
{
	const struct room_view room = {.id = 1};
	const struct chat_range range = {
		.after = after, .before = before, .limit = limit, .from_oldest = from_oldest};
	struct page page;

	page_init(&page, &room, &range, last, none);
	return page;
}

static void check(struct page page, uint64_t low, uint64_t high, bool more)
{
	assert_int_equal(page.low, low);
	assert_int_equal(page.high, high);
	assert_int_equal(page.more, more);
}

static bool is_empty(struct page page)
{
	return page.low > page.high;
}

static void without_bounds_the_newest_are_given(void **state)
{
	(void)state;
	check(page_of(100, 0, none, 30, false), 71, 100, true);
	check(page_of(100, 0, none, 100, false), 1, 100, false);
	check(page_of(20, 0, none, 30, false), 1, 20, false);
}

static void behind_a_number_the_oldest_are_given(void **state)
{
	(void)state;
	check(page_of(100, 60, none, 30, true), 61, 90, true);
	check(page_of(100, 60, none, 40, true), 61, 100, false);
	check(page_of(100, 60, none, 500, true), 61, 100, false);
}

static void before_a_number_the_newest_are_given(void **state)
{
	(void)state;
	check(page_of(100, 0, 50, 30, false), 20, 49, true);
	check(page_of(100, 0, 31, 30, false), 1, 30, false);
	check(page_of(100, 40, 50, 5, false), 45, 49, true);
	check(page_of(100, 40, 50, 9, false), 41, 49, false);
	check(page_of(100, 0, 1000, 1, false), 100, 100, true);
}

static void where_there_is_nothing_the_page_is_empty(void **state)
{
	(void)state;
	assert_true(is_empty(page_of(0, 0, none, 30, false)));
	assert_true(is_empty(page_of(100, 100, none, 30, true)));
	assert_true(is_empty(page_of(100, 500, none, 30, true)));
	assert_true(is_empty(page_of(100, none, none, 30, true)));
	assert_true(is_empty(page_of(100, 0, 0, 30, false)));
	assert_true(is_empty(page_of(100, 0, 1, 30, false)));
	assert_true(is_empty(page_of(100, 49, 50, 30, false)));
}

static void none_may_be_asked_for(void **state)
{
	struct page page = page_of(100, 0, none, 0, false);

	(void)state;
	assert_true(is_empty(page));
	assert_true(page.more);
	page = page_of(0, 0, none, 0, false);
	assert_true(is_empty(page));
	assert_false(page.more);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_bounds_the_newest_are_given),
		cmocka_unit_test(behind_a_number_the_oldest_are_given),
		cmocka_unit_test(before_a_number_the_newest_are_given),
		cmocka_unit_test(where_there_is_nothing_the_page_is_empty),
		cmocka_unit_test(none_may_be_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
