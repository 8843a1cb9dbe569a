#include "config.h"

#include "shm/schedule.h"

#include <linux/sched.h>
#include <linux/sched/types.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	NICER = 10,	   /* a tenth of what another gets: heartbeats come in time all the same */
	NICEST = 19,
	NICE_RANGE = 20,   /* RLIMIT_NICE counts from here downwards */
	YIELDING_PART = 8, /* of the ring */
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

void schedule_allow(void)
{
	const rlim_t wanted = (rlim_t)(NICE_RANGE - getpriority(PRIO_PROCESS, 0));
	struct rlimit limit;

	if (getrlimit(RLIMIT_NICE, &limit) == -1 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = wanted;
	if (limit.rlim_max < wanted)
		limit.rlim_max = wanted;
	(void)setrlimit(RLIMIT_NICE, &limit);
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
	yielding->base = yielding->now = getpriority(PRIO_PROCESS, 0);
	yielding->allowed = may_return_to(yielding->base);
}

static void take(struct yielding *yielding, int nice)
{
	if (!yielding->allowed || nice == yielding->now)
		return;
	if (setpriority(PRIO_PROCESS, 0, nice) == 0)
		yielding->now = nice;
}

void yielding_set(struct yielding *yielding, uint64_t lag, uint64_t size)
{
	const uint64_t full = size / YIELDING_PART;
	const uint64_t left = lag < full ? full - lag : 0;
	const int nice = yielding->base + (int)((left * NICER + full - 1) / full);

	take(yielding, nice < NICEST ? nice : NICEST);
}

void yielding_end(struct yielding *yielding)
{
	take(yielding, yielding->base);
}
