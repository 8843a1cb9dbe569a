#ifndef PCHAT_DAEMON_MASTER_BACKOFF_H
#define PCHAT_DAEMON_MASTER_BACKOFF_H

#include <stdint.h>

/*
 * How long to wait before a process that ended is started again: not at all the first time, then
 * 0.1 s and twice as long each time, up to 10 s, while it ends within 10 s of its start. Whoever
 * has served for a minute starts with a clean sheet. It never says "give up".
 */
struct backoff {
	uint64_t delay; /* before the next start, microseconds */
};

/* lived: since its start; served: since it was ready, 0 if it never was; both in microseconds.
 * Returns the microseconds to wait. */
uint64_t backoff_next(struct backoff *backoff, uint64_t lived, uint64_t served);

#endif
