#include "daemon/record_ranges.h"

#include <stdlib.h>
#include <string.h>

void record_ranges_fini(struct record_ranges *ranges)
{
	free(ranges->item);
	*ranges = (struct record_ranges){0};
}

static bool grow(struct record_ranges *ranges)
{
	const size_t size = ranges->size ? 2 * ranges->size : 16;
	struct record_range *item;

	if (ranges->count < ranges->size)
		return true;
	item = reallocarray(ranges->item, size, sizeof(*item));
	if (item) {
		ranges->item = item;
		ranges->size = size;
	}
	ranges->failed = ranges->failed || !item;
	return item != NULL;
}

static void insert(struct record_ranges *ranges, size_t at, uint64_t from, uint64_t to)
{
	if (!grow(ranges))
		return;
	memmove(&ranges->item[at + 1], &ranges->item[at],
		(ranges->count - at) * sizeof(*ranges->item));
	ranges->item[at] = (struct record_range){from, to};
	ranges->count++;
}

static void drop(struct record_ranges *ranges, size_t at)
{
	ranges->count--;
	memmove(&ranges->item[at], &ranges->item[at + 1],
		(ranges->count - at) * sizeof(*ranges->item));
}

void record_ranges_add(struct record_ranges *ranges, uint64_t from, uint64_t to)
{
	struct record_range *last = ranges->count ? &ranges->item[ranges->count - 1] : NULL;

	if (last && last->to + 1 == from)
		last->to = to;
	else
		insert(ranges, ranges->count, from, to);
}

/* The first range that does not end before a number. */
static size_t find(const struct record_ranges *ranges, uint64_t number)
{
	size_t low = 0, high = ranges->count;

	while (low < high) {
		const size_t middle = (low + high) / 2;

		if (ranges->item[middle].to < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void record_ranges_take(struct record_ranges *ranges, uint64_t from, uint64_t to)
{
	size_t at = find(ranges, from);

	while (at < ranges->count && ranges->item[at].from <= to) {
		const struct record_range range = ranges->item[at];

		if (range.from < from && range.to > to) {
			ranges->item[at].to = from - 1;
			insert(ranges, at + 1, to + 1, range.to);
			return;
		}
		if (range.from < from) {
			ranges->item[at++].to = from - 1;
		} else if (range.to > to) {
			ranges->item[at].from = to + 1;
			return;
		} else {
			drop(ranges, at);
		}
	}
}

static bool take_number(const char **at, const char *end, uint64_t *number_r)
{
	const char *begin = *at;

	*number_r = 0;
	for (; *at < end && **at >= '0' && **at <= '9'; ++*at)
		if (__builtin_mul_overflow(*number_r, 10, number_r) ||
		    __builtin_add_overflow(*number_r, (uint64_t)(**at - '0'), number_r))
			return false;
	return *at > begin && *number_r > 0;
}

bool record_ranges_take_text(struct record_ranges *ranges, const char *text, size_t length)
{
	const char *at = text, *end = text + length;
	uint64_t from, to;

	while (at < end) {
		if (!take_number(&at, end, &from) || at == end || *at++ != '-' ||
		    !take_number(&at, end, &to) || to < from)
			return false;
		if (at < end && *at++ != ' ')
			return false;
		record_ranges_take(ranges, from, to);
	}
	return true;
}
