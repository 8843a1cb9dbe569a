#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "daemon/auth_body.h"
#include "daemon/auth_delay.h"
#include "daemon/auth_table.h"

static const struct text ADDRESS = {"127.0.0.1:21400", 15};
enum { OLD = 3, NEW = 5 };

static struct ask question(unsigned slot, uint32_t generation, uint32_t session)
{
	return (struct ask){.slot = (uint16_t)slot, .generation = generation, .session = session};
}

static bool add(struct auth_table *table, unsigned slot, uint32_t generation, uint32_t session,
		uint64_t now)
{
	const struct ask asked = question(slot, generation, session);

	return auth_table_add(table, &asked, &ADDRESS, now, NULL);
}

static bool has(const struct auth_table *table, unsigned slot, uint32_t generation,
		uint32_t session)
{
	const struct ask asked = question(slot, generation, session);

	return auth_table_find(table, &asked) != NULL;
}

static void test_clients_are_told_apart(void **state)
{
	struct auth_table table;

	(void)state;
	auth_table_init(&table, 10);
	assert_true(add(&table, 8, OLD, 1, 0));
	assert_true(has(&table, 8, OLD, 1));
	assert_false(has(&table, 9, OLD, 1));
	assert_false(has(&table, 8, NEW, 1));
	assert_false(has(&table, 8, OLD, 2));
	auth_table_fini(&table);
}

static void test_full_table_refuses_and_keeps_what_it_has(void **state)
{
	struct auth_table table;

	(void)state;
	auth_table_init(&table, 2);
	assert_true(add(&table, 8, OLD, 1, 0));
	assert_true(add(&table, 8, OLD, 2, 0));
	assert_false(add(&table, 8, OLD, 3, 0));
	assert_true(add(&table, 8, OLD, 2, 0));
	assert_int_equal(auth_table_count(&table), 2);
	auth_table_remove_oldest(&table);
	assert_false(has(&table, 8, OLD, 1));
	assert_true(add(&table, 8, OLD, 3, 0));
	auth_table_fini(&table);
}

static void test_old_ones_and_those_of_dead_workers_are_dropped(void **state)
{
	static struct proc_page master;
	struct proc proc = {.page = {[SLOT_MASTER] = &master}};
	struct auth_table table;

	(void)state;
	atomic_store(&master.slots[8].generation, OLD);
	atomic_store(&master.slots[9].generation, OLD);
	auth_table_init(&table, 10);
	assert_true(add(&table, 8, OLD, 1, 100));
	assert_true(add(&table, 8, OLD, 2, 200));
	assert_true(add(&table, 9, OLD, 3, 300));
	auth_table_sweep(&table, 101, &proc);
	assert_false(has(&table, 8, OLD, 1));
	assert_int_equal(auth_table_count(&table), 2);
	atomic_store(&master.slots[8].generation, NEW);
	auth_table_sweep(&table, 101, &proc);
	assert_false(has(&table, 8, OLD, 2));
	assert_true(has(&table, 9, OLD, 3));
	auth_table_fini(&table);
}

static void test_refusals_wait_their_time_in_order(void **state)
{
	struct auth_delay *delay = auth_delay_new(2);
	const struct ask one = question(8, 1, 1), two = question(8, 1, 2);
	struct ask taken;
	int code;

	(void)state;
	assert_non_null(delay);
	assert_true(auth_delay_next(delay) == UINT64_MAX);
	assert_true(auth_delay_put(delay, &one, CODE_AUTHENTICATION_FAILED, 100));
	assert_true(auth_delay_put(delay, &two, CODE_INVALID_TOKEN, 110));
	assert_false(auth_delay_put(delay, &two, CODE_INVALID_TOKEN, 120));
	assert_int_equal(auth_delay_next(delay), 100);
	assert_false(auth_delay_take(delay, 99, &taken, &code));
	assert_true(auth_delay_take(delay, 100, &taken, &code));
	assert_int_equal(taken.session, 1);
	assert_int_equal(code, CODE_AUTHENTICATION_FAILED);
	assert_false(auth_delay_take(delay, 100, &taken, &code));
	assert_true(auth_delay_take(delay, 110, &taken, &code));
	assert_int_equal(taken.session, 2);
	auth_delay_free(&delay);
}

static void test_questions_are_taken_apart(void **state)
{
	static const char start[] = "127.0.0.1:21400\0PLAIN\0\0a\0b";
	static const char resume[] = "[::1]:21400\0token";
	struct auth_start started;
	struct auth_resume resumed;

	(void)state;
	assert_true(auth_start_get(start, sizeof(start) - 1, &started));
	assert_int_equal(started.address.length, 15);
	assert_int_equal(started.mechanism.length, 5);
	assert_int_equal(started.data.length, 4);
	assert_true(auth_start_get("a\0b", 4, &started));
	assert_int_equal(started.data.length, 0);
	assert_false(auth_start_get("a\0b", 3, &started));
	assert_false(auth_start_get("\0b", 3, &started));
	assert_false(auth_start_get("a b\0b", 6, &started));
	assert_false(auth_start_get("a\0MECHANISM-WITH-21-CHA", 24, &started));
	assert_false(auth_start_get("", 0, &started));
	assert_true(auth_resume_get(resume, sizeof(resume) - 1, &resumed));
	assert_int_equal(resumed.token.length, 5);
	assert_false(auth_resume_get("token", 5, &resumed));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clients_are_told_apart),
		cmocka_unit_test(test_full_table_refuses_and_keeps_what_it_has),
		cmocka_unit_test(test_old_ones_and_those_of_dead_workers_are_dropped),
		cmocka_unit_test(test_refusals_wait_their_time_in_order),
		cmocka_unit_test(test_questions_are_taken_apart),
	};

	return cmocka_run_group_tests_name("what pchat-auth remembers", tests, NULL, NULL);
}
