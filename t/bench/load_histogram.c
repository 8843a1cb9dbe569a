#include "config.h"

#include "t/bench/load.h"

enum { STEP_BITS = 5, STEPS = 1 << STEP_BITS };

static unsigned bucket_of(uint64_t value)
{
	if (value < STEPS)
		return (unsigned)value;
	unsigned power = 63 - (unsigned)__builtin_clzll(value);
	return (power - STEP_BITS + 1) * STEPS + (unsigned)(value >> (power - STEP_BITS)) - STEPS;
}

static uint64_t value_of(unsigned bucket)
{
	if (bucket < STEPS)
		return bucket;
	unsigned power = bucket / STEPS + STEP_BITS - 1;
	return (uint64_t)(bucket % STEPS + STEPS) << (power - STEP_BITS);
}

void load_histogram_add(struct load_histogram *histogram, uint64_t value)
{
	histogram->count++;
	histogram->bucket[bucket_of(value)]++;
	if (value > histogram->highest)
		histogram->highest = value;
}

void load_histogram_merge(struct load_histogram *to, const struct load_histogram *from)
{
	to->count += from->count;
	for (unsigned i = 0; i < LOAD_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
	if (from->highest > to->highest)
		to->highest = from->highest;
}

uint64_t load_histogram_quantile(const struct load_histogram *histogram, double share)
{
	uint64_t below = 0, wanted = (uint64_t)((double)histogram->count * share);
	for (unsigned i = 0; i < LOAD_BUCKETS; i++) {
		below += histogram->bucket[i];
		if (below > wanted)
			return value_of(i);
	}
	return histogram->highest;
}
