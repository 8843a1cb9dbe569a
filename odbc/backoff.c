#include "odbc/backoff.h"

#include <stdlib.h>

enum { FIRST_US = 100000, LAST_US = 10000000 };

bool backoff_due(const struct backoff *backoff, uint64_t now)
{
	return now >= backoff->next;
}

void backoff_failed(struct backoff *backoff, uint64_t now)
{
	backoff->delay = backoff->delay == 0 ? FIRST_US : backoff->delay * 2;
	if (backoff->delay > LAST_US)
		backoff->delay = LAST_US;
	backoff->next = now + backoff->delay - backoff->delay / 4 +
			arc4random_uniform((uint32_t)backoff->delay / 2);
}

void backoff_worked(struct backoff *backoff)
{
	backoff->delay = 0;
	backoff->next = 0;
}
