#ifndef PCHAT_DAEMON_ADAPTER_PLAN_H
#define PCHAT_DAEMON_ADAPTER_PLAN_H

#include <stdbool.h>
#include <stdint.h>

/*
 * When an adapter is due: run_interval after it had everything that there was; after a failure 1 s
 * later, and each time twice as long, up to 5 minutes, for ever. Times are clock_mono() unless
 * something else is said.
 */
struct adapter_plan {
	uint64_t due;
	uint64_t delay; /* of the next failure; 0: it does not fail */
	uint64_t told;	/* when the failure was last told */
};

/* For a process that starts. utc and ran are clock_utc(); ran 0: it never ran. */
void adapter_plan_begin(struct adapter_plan *plan, uint64_t interval, uint64_t now, uint64_t utc,
			uint64_t ran);

/* True: it had failed before. */
bool adapter_plan_worked(struct adapter_plan *plan, uint64_t interval, uint64_t now);

/* True: an administrator is to be told, as the first time and then once an hour. */
bool adapter_plan_failed(struct adapter_plan *plan, uint64_t now);

#endif
