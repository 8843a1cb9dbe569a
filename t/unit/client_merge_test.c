#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdlib.h>

#include "daemon/client_merge.h"

static json_t *message(uint64_t seq)
{
	return json_pack("{s:I}", "seq", (json_int_t)seq);
}

static void notify(struct client_merge *merge, uint64_t seq)
{
	json_t *one = message(seq);
	client_merge_add(merge, one);
	json_decref(one);
}

static void page(struct client_merge *merge, uint64_t first, uint64_t last, uint64_t end)
{
	json_t *messages = json_array();
	for (uint64_t seq = first; seq <= last; seq++)
		json_array_append_new(messages, message(seq));
	client_merge_page(merge, messages, end);
	json_decref(messages);
}

static void assert_next(struct client_merge *merge, uint64_t first, uint64_t last)
{
	for (uint64_t seq = first; seq <= last; seq++) {
		json_t *one = client_merge_next(merge);
		assert_non_null(one);
		assert_int_equal(json_integer_value(json_object_get(one, "seq")), seq);
		json_decref(one);
	}
}

static void assert_none(struct client_merge *merge)
{
	assert_null(client_merge_next(merge));
}

static int setup(void **state)
{
	*state = malloc(sizeof(struct client_merge));
	client_merge_init(*state);
	return 0;
}

static int teardown(void **state)
{
	client_merge_fini(*state);
	free(*state);
	return 0;
}

static void test_messages_before_the_start_wait_for_it(void **state)
{
	notify(*state, 8);
	notify(*state, 7);
	assert_none(*state);
	client_merge_start(*state, 0);
	page(*state, 5, 6, 6);
	assert_next(*state, 5, 8);
	assert_none(*state);
	assert_int_equal(client_merge_gap(*state), 0);
}

static void test_a_message_comes_out_once(void **state)
{
	client_merge_start(*state, 4);
	notify(*state, 5);
	notify(*state, 5);
	page(*state, 3, 6, 6);
	assert_next(*state, 5, 6);
	notify(*state, 6);
	notify(*state, 4);
	assert_none(*state);
}

static void test_messages_in_a_wrong_order_come_out_in_the_right_one(void **state)
{
	static const uint64_t order[] = {5, 9, 7, 8, 6};
	client_merge_start(*state, 4);
	for (size_t i = 0; i < 5; i++)
		notify(*state, order[i]);
	assert_next(*state, 5, 9);
	assert_none(*state);
}

static void test_a_gap_is_told_until_it_is_filled(void **state)
{
	client_merge_start(*state, 4);
	notify(*state, 9);
	assert_none(*state);
	assert_int_equal(client_merge_gap(*state), 9);
	page(*state, 5, 6, 6);
	assert_next(*state, 5, 6);
	assert_int_equal(client_merge_gap(*state), 9);
	page(*state, 7, 8, 8);
	assert_next(*state, 7, 9);
	assert_int_equal(client_merge_gap(*state), 0);
}

static void test_what_a_page_leaves_out_is_not_waited_for(void **state)
{
	client_merge_start(*state, 4);
	notify(*state, 9);
	page(*state, 6, 7, 8);
	assert_next(*state, 6, 7);
	assert_next(*state, 9, 9);
	assert_int_equal(client_merge_gap(*state), 0);
	page(*state, 10, 9, 12); /* empty: 10 to 12 were removed */
	assert_none(*state);
	notify(*state, 13);
	assert_next(*state, 13, 13);
}

static void test_too_many_notifications_are_left_to_be_fetched(void **state)
{
	struct client_merge *merge = *state;
	client_merge_start(merge, 0);
	for (uint64_t seq = 2; seq < CLIENT_HELD_MAX + 100; seq++)
		notify(merge, seq);
	assert_int_equal(merge->count, CLIENT_HELD_MAX);
	page(merge, 1, 1, 1);
	assert_next(merge, 1, CLIENT_HELD_MAX + 1);
	assert_none(merge);
	assert_int_equal(client_merge_gap(merge), CLIENT_HELD_MAX + 100);
}

static void test_the_lowest_of_too_many_are_kept(void **state)
{
	struct client_merge *merge = *state;
	client_merge_start(merge, 0);
	for (uint64_t seq = 3 * CLIENT_HELD_MAX; seq > 1; seq--)
		notify(merge, seq);
	assert_int_equal(merge->count, CLIENT_HELD_MAX);
	notify(merge, 1);
	assert_next(merge, 1, CLIENT_HELD_MAX);
	assert_none(merge);
	assert_int_equal(client_merge_gap(merge), 3 * CLIENT_HELD_MAX + 1);
}

static void test_a_message_without_a_number_is_ignored(void **state)
{
	json_t *rubbish = json_pack("{s:s}", "seq", "5");
	client_merge_start(*state, 4);
	client_merge_add(*state, rubbish);
	notify(*state, 0);
	assert_none(*state);
	json_decref(rubbish);
}

static void test_a_page_that_nobody_asked_for_is_left_out(void **state)
{
	client_merge_start(*state, 0);
	page(*state, 1, CLIENT_PAGE_MAX + 1, CLIENT_PAGE_MAX + 1);
	assert_none(*state);
	page(*state, 1, CLIENT_PAGE_MAX, CLIENT_PAGE_MAX);
	assert_next(*state, 1, CLIENT_PAGE_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_messages_before_the_start_wait_for_it),
		TEST(test_a_message_comes_out_once),
		TEST(test_messages_in_a_wrong_order_come_out_in_the_right_one),
		TEST(test_a_gap_is_told_until_it_is_filled),
		TEST(test_what_a_page_leaves_out_is_not_waited_for),
		TEST(test_too_many_notifications_are_left_to_be_fetched),
		TEST(test_the_lowest_of_too_many_are_kept),
		TEST(test_a_message_without_a_number_is_ignored),
		TEST(test_a_page_that_nobody_asked_for_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
