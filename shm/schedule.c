#include "config.h"

#include "shm/schedule.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "conf/clock.h"

enum {
	TRIES = 10,
	PAUSE_NS = 20000000,
	NICER = 10,
	NICEST = 19,
	NICE_RANGE = 20,   /* RLIMIT_NICE counts from here downwards */
	YIELDING_PART = 8, /* of the ring */
	PIECE_US = 500,	   /* of work between two pauses */
};

/* The kernel honours runtime as the length of a turn since 6.12, and reads over it before. */
static void set(uint32_t policy, uint64_t nanoseconds)
{
	struct sched_attr attr = {
		.size = sizeof(attr),
		.sched_policy = policy,
		.sched_nice = getpriority(PRIO_PROCESS, 0),
		.sched_runtime = nanoseconds,
	};

	/* A refusal costs some latency and nothing else. */
	(void)syscall(SYS_sched_setattr, 0, &attr, 0);
}

void schedule_short(unsigned microseconds)
{
	set(SCHED_NORMAL, (uint64_t)microseconds * 1000);
}

void schedule_batch(void)
{
	set(SCHED_BATCH, 0);
}

void schedule_allow(int more)
{
	const rlim_t wanted = (rlim_t)(NICE_RANGE - getpriority(PRIO_PROCESS, 0) - more);
	struct rlimit limit;

	if (getrlimit(RLIMIT_NICE, &limit) == -1 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = wanted;
	if (limit.rlim_max < wanted)
		limit.rlim_max = wanted;
	(void)setrlimit(RLIMIT_NICE, &limit);
}

/* The niceness of the session, where the kernel divides a processor between sessions. */
static int open_session(void)
{
	return open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
}

static bool set_session(int session, int nice)
{
	char text[12];
	const int size = snprintf(text, sizeof(text), "%d", nice);

	return write(session, text, (size_t)size) == size;
}

/* The kernel takes ten of these a second from all, and there are not many. */
void schedule_first(void)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	const int session = open_session();

	(void)setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) - SCHEDULE_FIRST);
	for (unsigned i = 0; i < TRIES && session != -1; i++) {
		if (set_session(session, -SCHEDULE_FIRST) || errno != EAGAIN)
			break;
		nanosleep(&pause, NULL);
	}
	if (session != -1)
		close(session);
}

/* By the limit or, what only a trial tells, by a privilege. */
static bool may_return_to(int nice)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NICE, &limit) == 0 && limit.rlim_cur >= (rlim_t)(NICE_RANGE - nice))
		return true;
	return setpriority(PRIO_PROCESS, 0, nice - 1) == 0 &&
	       getpriority(PRIO_PROCESS, 0) == nice - 1 && setpriority(PRIO_PROCESS, 0, nice) == 0;
}

void yielding_init(struct yielding *yielding)
{
	yielding->more = yielding->session_more = 0;
	yielding->paused = 0;
	yielding->base = getpriority(PRIO_PROCESS, 0);
	yielding->allowed = may_return_to(yielding->base);
	yielding->session = open_session();
}

void yielding_fini(struct yielding *yielding)
{
	if (yielding->session != -1)
		close(yielding->session);
	yielding->session = -1;
}

/* What the kernel does not take now is tried again when the lag is told next. */
static void change_session(struct yielding *yielding, int more)
{
	if (yielding->session != -1 && more != yielding->session_more &&
	    set_session(yielding->session, more))
		yielding->session_more = more;
}

static void change_process(struct yielding *yielding, int more)
{
	const int nice = yielding->base + more;

	if (yielding->allowed && more != yielding->more &&
	    setpriority(PRIO_PROCESS, 0, nice < NICEST ? nice : NICEST) == 0)
		yielding->more = more;
}

static void change(struct yielding *yielding, int more)
{
	change_session(yielding, more);
	change_process(yielding, more);
}

void yielding_set(struct yielding *yielding, uint64_t lag, uint64_t size)
{
	const uint64_t full = size / YIELDING_PART, left = lag < full ? full - lag : 0;

	change(yielding, (int)((left * NICER + full - 1) / full));
}

void yielding_end(struct yielding *yielding)
{
	change(yielding, 0);
}

/* sched_yield would leave the processor to others of the same session, where there are none. */
void yielding_pause(struct yielding *yielding)
{
	const struct timespec shortest = {.tv_nsec = 1};

	if ((yielding->more == 0 && yielding->session_more == 0) ||
	    clock_mono() - yielding->paused < PIECE_US)
		return;
	nanosleep(&shortest, NULL);
	yielding->paused = clock_mono();
}
