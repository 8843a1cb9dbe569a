#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/record_filter.h"
#include "daemon/record_line.h"
#include "daemon/record_names.h"
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

/* --- Checkpoints as lines. --- */

static void a_checkpoint_is_found_in_a_line_of_a_log(void **state)
{
	struct record_checkpoint written = {.number = 17, .time = 1763717400000000}, read;
	char line[RECORD_LINE], log[RECORD_LINE + 64];

	(void)state;
	memset(written.hash, 'a', RECORD_HEX - 1);
	for (unsigned i = 0; i < 2; i++) {
		record_line_write(&written, line);
		snprintf(log, sizeof(log), "Nov 21 09:30:00 host pchatd[7]: %s\n", line);
		assert_true(record_line_read(log, &read));
		assert_memory_equal(&read, &written, sizeof(read));
		memcpy(written.signature, "c2lnbmVk", 8);
	}
}

static void what_is_no_checkpoint_is_left_out(void **state)
{
	static const char *const lines[] = {
		"",
		"checkpoint: record ",
		"checkpoint: record 17, hash abc, time 1, signature none",
		"checkpoint: record 0, hash "
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaa, time 1, signature none",
		"checkpoint: record 17, hash "
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaa, time 1, signature none",
		"checkpoint: record 17, hash "
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaa, time 1",
	};
	struct record_checkpoint checkpoint;

	(void)state;
	for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (record_line_read(lines[i], &checkpoint))
			fail_msg("taken: %s", lines[i]);
}

/* --- Who is who. --- */

static const char *next(struct record_names *names, const char *type, uint32_t user,
			const char *uri, const char *session, const char *address)
{
	const struct record_row row = {.type = bytes(type),
				       .user_id = user,
				       .user_uri = bytes(uri),
				       .user_name = bytes(user ? "Alice" : "unix:root"),
				       .session = bytes(session),
				       .address = bytes(address)};
	const char *reason;
	struct err err;

	assert_int_equal(record_names_check(names, &row, &reason, &err), 0);
	return reason;
}

static void a_number_has_one_name(void **state)
{
	struct record_names *names = record_names_new(NULL);

	(void)state;
	assert_null(next(names, "chat", 7, "sip:alice@a", "", ""));
	assert_null(next(names, "chat", 8, "sip:bob@a", "", ""));
	assert_null(next(names, "chat", 7, "", "", "")); /* nobody knew it then */
	assert_null(next(names, "chat", 7, "sip:alice@a", "", ""));
	assert_non_null(next(names, "chat", 7, "sip:bob@a", "", ""));
	assert_null(next(names, "gap", 0, "", "", ""));
	assert_null(next(names, "chat", 7, "sip:bob@a", "", ""));
	record_names_free(&names);
}

static void a_session_has_one_owner_and_one_address(void **state)
{
	struct record_names *names = record_names_new(NULL);

	(void)state;
	assert_null(next(names, "chat", 7, "sip:alice@a", "8.1.1", "127.0.0.1:1"));
	assert_null(next(names, "sign_in", 7, "sip:alice@a", "8.1.1", "127.0.0.1:2"));
	assert_null(next(names, "chat", 7, "sip:alice@a", "8.1.1", "127.0.0.1:2"));
	assert_null(next(names, "refused", 0, "", "8.1.1", "127.0.0.1:9"));
	assert_non_null(next(names, "chat", 7, "sip:alice@a", "8.1.1", "127.0.0.1:3"));
	assert_non_null(next(names, "chat", 8, "sip:bob@a", "8.1.1", "127.0.0.1:2"));
	assert_null(next(names, "sign_out", 7, "sip:alice@a", "8.1.1", "127.0.0.1:2"));
	assert_null(next(names, "sign_in", 0, "", "8.1.1", "unix:uid=0"));
	assert_null(next(names, "room", 0, "", "8.1.1", "unix:uid=0"));
	record_names_free(&names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_checkpoint_is_found_in_a_line_of_a_log),
		cmocka_unit_test(what_is_no_checkpoint_is_left_out),
		cmocka_unit_test(a_number_has_one_name),
		cmocka_unit_test(a_session_has_one_owner_and_one_address),
		cmocka_unit_test(ranges_are_a_set),
		cmocka_unit_test(neighbours_become_one_range),
		cmocka_unit_test(ranges_are_named_by_text),
		cmocka_unit_test(orders_are_lines),
		cmocka_unit_test(other_lines_are_no_orders),
		cmocka_unit_test(a_record_concerns_whom_it_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
