#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/record_filter.h"
#include "daemon/record_order.h"
#include "daemon/record_ranges.h"

/* --- Ranges, beside a naive set. --- */

enum { NUMBERS = 60 };

static void compare(const struct record_ranges *ranges, const bool there[NUMBERS])
{
	bool found[NUMBERS] = {false};
	uint64_t before = 0;

	for (size_t i = 0; i < ranges->count; i++) {
		assert_true(ranges->item[i].from > before);
		assert_true(ranges->item[i].to >= ranges->item[i].from);
		before = ranges->item[i].to;
		for (uint64_t n = ranges->item[i].from; n <= ranges->item[i].to; n++)
			found[n] = true;
	}
	assert_memory_equal(found, there, sizeof(found));
}

static void ranges_are_a_set(void **state)
{
	(void)state;
	srand(7);
	for (unsigned round = 0; round < 2000; round++) {
		struct record_ranges ranges = {0};
		bool there[NUMBERS] = {false};

		for (unsigned n = 1; n < NUMBERS; n++)
			if (rand() % 3 > 0) {
				record_ranges_add(&ranges, n, n);
				there[n] = true;
			}
		for (unsigned i = 0; i < 5; i++) {
			const unsigned from = 1 + (unsigned)rand() % (NUMBERS - 1);
			const unsigned to = from + (unsigned)rand() % (NUMBERS - from);

			record_ranges_take(&ranges, from, to);
			memset(there + from, 0, to - from + 1);
			compare(&ranges, there);
		}
		record_ranges_fini(&ranges);
	}
}

static void neighbours_become_one_range(void **state)
{
	struct record_ranges ranges = {0};

	(void)state;
	record_ranges_add(&ranges, 1, 4);
	record_ranges_add(&ranges, 5, 5);
	record_ranges_add(&ranges, 7, 9);
	assert_int_equal(ranges.count, 2);
	assert_int_equal(ranges.item[0].to, 5);
	record_ranges_fini(&ranges);
}

static void ranges_are_named_by_text(void **state)
{
	static const char *const wrong[] = {
		"1",	"1-",  "-1",	   "2-1", "1-2,3-4",
		"1-2x", "0-3", "1-2  3-4", "a-b", "1-99999999999999999999"};
	struct record_ranges ranges = {0};
	const char *text = "1-5 8-8 10-12";

	(void)state;
	record_ranges_add(&ranges, 1, 12);
	assert_true(record_ranges_take_text(&ranges, text, strlen(text)));
	assert_int_equal(ranges.count, 2);
	assert_int_equal(ranges.item[0].from, 6);
	assert_int_equal(ranges.item[1].to, 9);
	assert_true(record_ranges_take_text(&ranges, "", 0));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (record_ranges_take_text(&ranges, wrong[i], strlen(wrong[i])))
			fail_msg("%s was taken", wrong[i]);
	record_ranges_fini(&ranges);
}

/* --- Orders. --- */

static struct db_bytes bytes(const char *text)
{
	return (struct db_bytes){text, strlen(text)};
}

static void orders_are_lines(void **state)
{
	struct record_order order;

	(void)state;
	assert_true(record_order_parse(
		bytes("name: A: b\nuser: sip:a@x\nstart: 2026-11-21\nreason: why\n"), &order));
	assert_int_equal(order.name.length, 4);
	assert_memory_equal(order.name.data, "A: b", 4);
	assert_memory_equal(order.user.data, "sip:a@x", 7);
	assert_int_equal(order.room.length, 0);
	assert_true(order.start > 0);
	assert_int_equal(order.end, 0);
	assert_true(record_order_parse(bytes(""), &order));
}

static void other_lines_are_no_orders(void **state)
{
	static const char *const wrong[] = {
		"name: a",
		"name:a\n",
		"name: \n",
		"name: a\nname: b\n",
		"start: yesterday\n",
		"king: a\n",
		": a\n",
		"\n",
		"end: 2026-11-21\nend: 2026-11-21\n",
	};
	char large[RECORD_ORDER_NAME + 16];
	struct record_order order;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (record_order_parse(bytes(wrong[i]), &order))
			fail_msg("\"%s\" was taken", wrong[i]);
	snprintf(large, sizeof(large), "name: %0*d\n", RECORD_ORDER_NAME + 1, 1);
	assert_false(record_order_parse(bytes(large), &order));
}

/* --- Filters. --- */

static void a_record_concerns_whom_it_names(void **state)
{
	struct record_row row = {.user_uri = bytes("sip:a@x"),
				 .detail = bytes("{\"member\":\"sip:b@x\",\"text\":\"sip:c@x!\"}")};

	(void)state;
	assert_true(record_concerns(&row, "sip:a@x"));
	assert_true(record_concerns(&row, "sip:b@x"));
	assert_false(record_concerns(&row, "sip:c@x"));
	assert_false(record_concerns(&row, "b@x"));
	row = (struct record_row){.user_name = bytes("unix:root")};
	assert_true(record_concerns(&row, "unix:root"));
	assert_false(record_concerns(&row, "unix:roo"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_are_a_set),
		cmocka_unit_test(neighbours_become_one_range),
		cmocka_unit_test(ranges_are_named_by_text),
		cmocka_unit_test(orders_are_lines),
		cmocka_unit_test(other_lines_are_no_orders),
		cmocka_unit_test(a_record_concerns_whom_it_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
