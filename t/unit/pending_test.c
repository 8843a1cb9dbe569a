/* Requests under way: found by their tag and session only, told when their time is over, forgotten
 * with their session. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/pending.h"
#include "worker/session.h"

struct wait {
	struct pending base;
	unsigned settled, freed;
	enum outcome_kind kind;
};

static void settle(struct pending *pending, const struct outcome *outcome)
{
	struct wait *wait = (struct wait *)pending;

	wait->settled++;
	wait->kind = outcome->kind;
}

static void release(struct pending *pending)
{
	((struct wait *)pending)->freed++;
}

static void begin(struct pendings *pendings, struct wait *wait, struct session *session)
{
	memset(wait, 0, sizeof(*wait));
	wait->base.settle = settle;
	wait->base.free = release;
	pending_begin(pendings, &wait->base, session);
}

static void a_request_is_found_by_its_tag_for_its_session_only(void **state)
{
	struct session one = {.number = 1}, two = {.number = 2};
	struct pendings pendings;
	struct wait a, b;

	(void)state;
	pendings_init(&pendings);
	begin(&pendings, &a, &one);
	begin(&pendings, &b, &two);
	assert_int_not_equal(a.base.tag, b.base.tag);
	assert_ptr_equal(pending_find(&pendings, a.base.tag, 1), &a.base);
	assert_null(pending_find(&pendings, a.base.tag, 2));
	assert_null(pending_find(&pendings, 12345, 1));
	pending_end(&pendings, &a.base);
	assert_int_equal(a.freed, 1);
	assert_null(pending_find(&pendings, a.base.tag, 1));
	pending_end(&pendings, &b.base);
}

static void tags_that_still_wait_are_not_given_again(void **state)
{
	struct session session = {.number = 1};
	struct pendings pendings;
	struct wait first, last, next;

	(void)state;
	pendings_init(&pendings);
	begin(&pendings, &first, &session);
	pendings.last = UINT32_MAX - 1;
	begin(&pendings, &last, &session);
	begin(&pendings, &next, &session);
	assert_int_equal(last.base.tag, UINT32_MAX);
	assert_int_equal(next.base.tag, 2); /* 0 is none, 1 still waits */
	pending_forget(&pendings, &session);
	assert_null(pendings.table);
}

static void time_limits_come_in_their_order(void **state)
{
	struct session session = {.number = 1};
	struct pendings pendings;
	struct wait a, b, c;

	(void)state;
	pendings_init(&pendings);
	begin(&pendings, &a, &session);
	begin(&pendings, &b, &session);
	begin(&pendings, &c, &session);
	pending_until(&pendings, &a.base, 300);
	pending_until(&pendings, &b.base, 100);
	pending_until(&pendings, &c.base, 200);
	assert_int_equal(pending_expire(&pendings, 99), 100);
	assert_int_equal(pending_expire(&pendings, 100), 200);
	assert_int_equal(b.settled, 1);
	assert_int_equal(b.kind, OUTCOME_TIME);
	pending_until(&pendings, &c.base, 0);
	assert_int_equal(pending_expire(&pendings, 250), 300);
	assert_int_equal(c.settled, 0);
	assert_int_equal(pending_expire(&pendings, 1000), 0);
	assert_int_equal(a.settled, 1);
	assert_int_equal(b.settled, 1);
	pending_forget(&pendings, &session);
}

static void a_session_that_ends_is_forgotten_with_all_it_waits_for(void **state)
{
	struct session one = {.number = 1}, two = {.number = 2};
	struct pendings pendings;
	struct wait a, b, c;

	(void)state;
	pendings_init(&pendings);
	begin(&pendings, &a, &one);
	begin(&pendings, &b, &two);
	begin(&pendings, &c, &one);
	pending_until(&pendings, &a.base, 5);
	pending_forget(&pendings, &one);
	assert_int_equal(a.freed + c.freed, 2);
	assert_int_equal(b.freed, 0);
	assert_int_equal(pending_expire(&pendings, 10), 0);
	assert_int_equal(a.settled, 0);
	pending_forget(&pendings, &two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_found_by_its_tag_for_its_session_only),
		cmocka_unit_test(tags_that_still_wait_are_not_given_again),
		cmocka_unit_test(time_limits_come_in_their_order),
		cmocka_unit_test(a_session_that_ends_is_forgotten_with_all_it_waits_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
