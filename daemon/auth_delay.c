#include "daemon/auth_delay.h"

#include <stdlib.h>

struct waiting {
	struct ask question;
	int code;
	uint64_t due;
};

struct auth_delay {
	unsigned max, first, count;
	struct waiting ring[];
};

struct auth_delay *auth_delay_new(unsigned max)
{
	struct auth_delay *delay = calloc(1, sizeof(*delay) + max * sizeof(delay->ring[0]));

	if (delay)
		delay->max = max;
	return delay;
}

void auth_delay_free(struct auth_delay **delay)
{
	free(*delay);
	*delay = NULL;
}

bool auth_delay_put(struct auth_delay *delay, const struct ask *question, int code, uint64_t due)
{
	if (delay->count == delay->max)
		return false;
	delay->ring[(delay->first + delay->count) % delay->max] =
		(struct waiting){*question, code, due};
	delay->count++;
	return true;
}

bool auth_delay_take(struct auth_delay *delay, uint64_t now, struct ask *question_r, int *code_r)
{
	const struct waiting *oldest = &delay->ring[delay->first];

	if (delay->count == 0 || oldest->due > now)
		return false;
	*question_r = oldest->question;
	*code_r = oldest->code;
	delay->first = (delay->first + 1) % delay->max;
	delay->count--;
	return true;
}

uint64_t auth_delay_next(const struct auth_delay *delay)
{
	return delay->count ? delay->ring[delay->first].due : UINT64_MAX;
}
