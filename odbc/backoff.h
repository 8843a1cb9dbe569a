#ifndef PCHAT_ODBC_BACKOFF_H
#define PCHAT_ODBC_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

/*
 * When to try again after failures: 0.1 s after the first, doubling up to 10 s, each with a random
 * quarter added or taken away, so that several processes do not come back at the same instant.
 * All 0 is "at once". Times are clock_mono().
 */
struct backoff {
	uint64_t delay; /* us; 0: no failure yet */
	uint64_t next;	/* not before this */
};

bool backoff_due(const struct backoff *backoff, uint64_t now);
void backoff_failed(struct backoff *backoff, uint64_t now);
void backoff_worked(struct backoff *backoff);

#endif
