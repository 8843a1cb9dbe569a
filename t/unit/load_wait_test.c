/*
 * How the generators wait: they are woken by what comes, or sleep for a while first and see then
 * what has come, but never longer than until they have something to do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/clock.h"
#include "t/bench/load.h"

enum { NAP = 20000 };

static int epoll, ready; /* there is always something to be read from ready */

static int set_up(void **state)
{
	struct epoll_event event = {.events = EPOLLIN};

	(void)state;
	epoll = epoll_create1(EPOLL_CLOEXEC);
	ready = eventfd(1, EFD_CLOEXEC);
	return epoll == -1 || ready == -1 || epoll_ctl(epoll, EPOLL_CTL_ADD, ready, &event) == -1;
}

static int tear_down(void **state)
{
	(void)state;
	close(ready);
	close(epoll);
	return 0;
}

/* Microseconds until what is ready is told. */
static uint64_t wait_for_it(uint64_t limit, unsigned nap)
{
	const uint64_t begin = clock_mono();
	struct epoll_event event;

	assert_int_equal(load_wait(epoll, &event, 1, limit, nap), 1);
	return clock_mono() - begin;
}

/* That it takes less than half of the nap may fail on a machine that is busy, but not each time. */
static void soon(uint64_t limit, unsigned nap)
{
	for (unsigned i = 0; i < 100; i++) {
		if (wait_for_it(limit, nap) < NAP / 2)
			return;
	}
	fail_msg("it always took long");
}

static void what_comes_wakes(void **state)
{
	(void)state;
	soon(10 * NAP, 0);
}

static void with_a_nap_it_is_seen_later(void **state)
{
	(void)state;
	assert_true(wait_for_it(10 * NAP, NAP) >= NAP);
}

static void who_has_something_to_do_sleeps_no_longer(void **state)
{
	(void)state;
	soon(1, NAP);
	soon(0, NAP);
}

static void the_environment_says_how_long(void **state)
{
	struct load_options options = {0};

	(void)state;
	setenv("PCHAT_BENCH_NAP", "500", 1);
	load_environment(&options);
	assert_int_equal(options.nap, 500);
	unsetenv("PCHAT_BENCH_NAP");
	load_environment(&options);
	assert_int_equal(options.nap, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_wakes),
		cmocka_unit_test(with_a_nap_it_is_seen_later),
		cmocka_unit_test(who_has_something_to_do_sleeps_no_longer),
		cmocka_unit_test(the_environment_says_how_long),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
