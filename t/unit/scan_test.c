/* All rows of a table looked at: in slices, each row again while it is being changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "conf/clock.h"
#include "conf/code.h"
#include "worker/scan.h"

enum { ROWS = 200, LONG = 100000, ROW_US = 100 };

static struct proc_page page;
static struct proc proc = {.own = &page};
static struct chat chat = {.proc = &proc};
static struct session session = {.chat = &chat, .number = 1};
static unsigned looks, busy, answers, frees, refused;

static void refuse(struct session *of, const struct chat_id *id, int code)
{
	(void)of;
	(void)id;
	refused = (unsigned)code;
}

static void done(struct pending *pending)
{
	session_request_ended(pending->session);
	frees++;
	free(pending);
}

static void answer(struct scan *scan)
{
	answers++;
	request_end(&scan->base);
}

/* Of so many rows; busy times each is found to be changed, and moves on, as a walk of a table does. */
static int look(struct scan *scan)
{
	static unsigned tried;

	looks++;
	if (scan->position == ROWS)
		return SCAN_END;
	scan->position++;
	if (tried++ < busy)
		return CODE_BUSY;
	tried = 0;
	return CODE_OK;
}

static int look_slowly(struct scan *scan)
{
	const uint64_t end = clock_mono() + ROW_US;

	while (clock_mono() < end)
		;
	looks++;
	return ++scan->position < LONG ? CODE_OK : SCAN_END;
}

static struct scan *begin(int (*looks_at)(struct scan *))
{
	static const struct front_end front = {.refuse = refuse};

	session.front = &front;
	pendings_init(&chat.pending);
	looks = busy = answers = frees = refused = 0;
	return scan_begin(&session, &(struct chat_id){0}, sizeof(struct scan), looks_at, answer,
			  done);
}

static void run_to_the_end(struct scan *scan)
{
	scan_run(scan);
	while (frees == 0)
		pending_expire(&chat.pending, UINT64_MAX);
}

static void test_every_row_is_looked_at_before_the_answer(void **state)
{
	(void)state;
	run_to_the_end(begin(look));
	assert_int_equal(looks, ROWS + 1);
	assert_int_equal(answers, 1);
	assert_int_equal(frees, 1);
	assert_int_equal(session.requests, 0);
	assert_null(chat.pending.table);
}

static void test_a_row_that_is_being_changed_is_not_left_out(void **state)
{
	struct scan *scan = begin(look);

	(void)state;
	busy = 2;
	run_to_the_end(scan);
	assert_int_equal(looks, 3 * ROWS + 1);
	assert_int_equal(answers, 1);
}

static void test_one_that_is_always_being_changed_ends_in_a_refusal(void **state)
{
	struct scan *scan = begin(look);

	(void)state;
	busy = UINT32_MAX;
	run_to_the_end(scan);
	assert_int_equal(answers, 0);
	assert_int_equal(refused, CODE_BUSY);
	assert_int_equal(session.requests, 0);
}

static void test_others_have_their_turn_between_the_slices(void **state)
{
	struct scan *scan = begin(look_slowly);

	(void)state;
	scan_run(scan);
	assert_in_range(looks, 1, 32);
	assert_int_equal(answers, 0);
	assert_int_not_equal(scan->base.base.until, 0);
	assert_true(scan->base.base.until <= clock_mono());
	pending_forget(&chat.pending, &session);
	assert_int_equal(frees, 1);
	assert_int_equal(session.requests, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_row_is_looked_at_before_the_answer),
		cmocka_unit_test(test_a_row_that_is_being_changed_is_not_left_out),
		cmocka_unit_test(test_one_that_is_always_being_changed_ends_in_a_refusal),
		cmocka_unit_test(test_others_have_their_turn_between_the_slices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
