/* A process that yields, by how much of the ring is waiting for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/schedule.h"

enum { RING = 8000, USER = 65534, SKIPPED = 77, PIECES = 200 };

static int niceness(void)
{
	return getpriority(PRIO_PROCESS, 0);
}

/* What is said of a process may be forbidden to it afterwards: each test has one of its own. */
static void in_child(void (*call)(void))
{
	const pid_t pid = fork();
	int status;

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		call();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		skip();
	assert_int_equal(status, 0);
}

static void give_up_privileges(void)
{
	if (geteuid() == 0 && setresuid(USER, USER, USER) == -1)
		_exit(1);
}

static void expect(bool holds)
{
	if (!holds)
		_exit(1);
}

/* Not every container's root may raise limits or be less nice than before. */
static void allow(struct yielding *yielding)
{
	struct rlimit limit;

	schedule_allow(0);
	expect(getrlimit(RLIMIT_NICE, &limit) == 0);
	if (limit.rlim_cur > 0)
		give_up_privileges();
	yielding_init(yielding);
	if (!yielding->allowed)
		_exit(SKIPPED);
	yielding_fini(yielding); /* of the session are others, too */
}

static void follow_the_lag(void)
{
	const int base = niceness();
	struct yielding yielding;

	allow(&yielding);
	expect(niceness() == base);
	yielding_set(&yielding, 1, RING);
	expect(niceness() == base + 10);
	yielding_set(&yielding, 500, RING);
	expect(niceness() == base + 5);
	yielding_set(&yielding, 999, RING);
	expect(niceness() == base + 1);
	yielding_set(&yielding, 1000, RING);
	expect(niceness() == base);
	yielding_set(&yielding, 0, RING);
	expect(niceness() == base + 10);
	yielding_set(&yielding, RING, RING);
	expect(niceness() == base);
	yielding_set(&yielding, 0, RING);
	yielding_end(&yielding);
	expect(niceness() == base);
}

static void it_yields_less_the_more_waits_for_it(void **state)
{
	(void)state;
	in_child(follow_the_lag);
}

static void begin_nice(void)
{
	expect(setpriority(PRIO_PROCESS, 0, 5) == 0);
	follow_the_lag();
	expect(niceness() == 5);
}

static void a_niceness_from_outside_is_kept(void **state)
{
	(void)state;
	in_child(begin_nice);
}

static void stay(void)
{
	const struct rlimit none = {0, 0};
	const int base = niceness();
	struct yielding yielding;

	expect(setrlimit(RLIMIT_NICE, &none) == 0);
	give_up_privileges();
	yielding_init(&yielding);
	yielding_fini(&yielding);
	yielding_set(&yielding, 0, RING);
	expect(niceness() == base);
}

/* "/autogroup-7 nice 10": the last word is what counts. */
static int session_niceness(void)
{
	FILE *in = fopen("/proc/self/autogroup", "r");
	int nice = -1;

	if (in == NULL)
		_exit(SKIPPED);
	expect(fscanf(in, "/autogroup-%*d nice %d", &nice) == 1);
	fclose(in);
	return nice;
}

/* Without any privilege. The kernel takes ten of these a second from all there are. */
static void session_becomes(struct yielding *yielding, uint64_t lag, int nice)
{
	for (unsigned i = 0; i < 6000 && session_niceness() != nice; i++) {
		yielding_set(yielding, lag, RING);
		usleep(10000);
	}
	expect(session_niceness() == nice);
}

static void yield_as_a_session(void)
{
	struct yielding yielding;

	expect(setsid() != -1);
	yielding_init(&yielding);
	give_up_privileges();
	session_becomes(&yielding, 1, 10);
	session_becomes(&yielding, 500, 5);
	session_becomes(&yielding, RING, 0);
	yielding_fini(&yielding);
}

static void its_session_yields_with_it(void **state)
{
	(void)state;
	in_child(yield_as_a_session);
}

static long switches(void)
{
	struct rusage usage;

	expect(getrusage(RUSAGE_SELF, &usage) == 0);
	return usage.ru_nvcsw;
}

/* Behind each of many pieces: a page that is not there makes a process wait once, too, and where there
 * is much to do most of such short sleeps may be over before they have begun. */
static bool pauses(struct yielding *yielding)
{
	const long before = switches();

	for (unsigned i = 0; i < PIECES; i++) {
		yielding->paused = 0;
		yielding_pause(yielding);
	}
	return switches() - before > PIECES / 20;
}

static void pause_between_pieces(void)
{
	struct yielding yielding;

	allow(&yielding);
	expect(!pauses(&yielding));
	yielding_set(&yielding, 1, RING);
	expect(pauses(&yielding));
	yielding_end(&yielding);
	expect(!pauses(&yielding));
}

static void who_yields_lets_others_in_between_two_pieces_of_work(void **state)
{
	(void)state;
	in_child(pause_between_pieces);
}

static void who_could_not_come_back_does_not_yield(void **state)
{
	(void)state;
	in_child(stay);
}

static void become_first(void)
{
	const int base = niceness();
	struct rlimit limit;

	expect(setsid() != -1);
	schedule_allow(-SCHEDULE_FIRST);
	expect(getrlimit(RLIMIT_NICE, &limit) == 0);
	if (limit.rlim_cur > 0)
		give_up_privileges();
	schedule_first();
	if (niceness() == base)
		_exit(SKIPPED);
	expect(niceness() == base - SCHEDULE_FIRST && session_niceness() == -SCHEDULE_FIRST);
}

static void who_is_waited_for_comes_first(void **state)
{
	(void)state;
	in_child(become_first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_yields_less_the_more_waits_for_it),
		cmocka_unit_test(a_niceness_from_outside_is_kept),
		cmocka_unit_test(its_session_yields_with_it),
		cmocka_unit_test(who_is_waited_for_comes_first),
		cmocka_unit_test(who_yields_lets_others_in_between_two_pieces_of_work),
		cmocka_unit_test(who_could_not_come_back_does_not_yield),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
