#include "daemon/master_backoff.h"

#define FIRST UINT64_C(100000)
#define LONGEST UINT64_C(10000000)
#define SHORT_LIFE UINT64_C(10000000)
#define LONG_SERVICE UINT64_C(60000000)

uint64_t backoff_next(struct backoff *backoff, uint64_t lived, uint64_t served)
{
	uint64_t wait;

	if (served >= LONG_SERVICE)
		backoff->delay = 0;
	wait = backoff->delay;
	if (lived >= SHORT_LIFE)
		return wait;
	backoff->delay = wait == 0 ? FIRST : wait * 2;
	if (backoff->delay > LONGEST)
		backoff->delay = LONGEST;
	return wait;
}
