#include "config.h"

#include "shm/schedule.h"

#include <linux/sched.h>
#include <linux/sched/types.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel honours runtime as the length of a turn since 6.12, and reads over it before. */
static void set(uint32_t policy, uint64_t nanoseconds)
{
	struct sched_attr attr = {
		.size = sizeof(attr),
		.sched_policy = policy,
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
