#include "config.h"

#include "daemon/client_merge.h"

#include <stdlib.h>
#include <string.h>

void client_merge_init(struct client_merge *merge)
{
	memset(merge, 0, sizeof(*merge));
}

void client_merge_fini(struct client_merge *merge)
{
	for (size_t i = 0; i < merge->count; i++)
		json_decref(merge->held[i].message);
	free(merge->held);
	client_merge_init(merge);
}

void client_merge_start(struct client_merge *merge, uint64_t seq)
{
	merge->started = true;
	merge->seen = merge->sure = seq;
}

static uint64_t number_of(const json_t *message)
{
	json_int_t seq = json_integer_value(json_object_get(message, "seq"));
	return seq > 0 ? (uint64_t)seq : 0;
}

/* Where seq stands or would stand. Messages come nearly in order, so the search starts at the end.
 */
static size_t place_of(const struct client_merge *merge, uint64_t seq)
{
	size_t place = merge->count;
	while (place > 0 && merge->held[place - 1].seq >= seq)
		place--;
	return place;
}

static bool grow(struct client_merge *merge)
{
	if (merge->count < merge->size)
		return true;
	size_t size = merge->size ? merge->size * 2 : 16;
	struct client_held *held = reallocarray(merge->held, size, sizeof(*held));
	if (!held)
		return false;
	merge->held = held;
	merge->size = size;
	return true;
}

/* False where memory is short, or pages that belong nowhere have come. */
static bool hold(struct client_merge *merge, uint64_t seq, json_t *message)
{
	size_t place = place_of(merge, seq);
	if (place < merge->count && merge->held[place].seq == seq)
		return true;
	if (merge->count >= CLIENT_HELD_MAX + CLIENT_PAGE_MAX || !grow(merge))
		return false;
	memmove(merge->held + place + 1, merge->held + place,
		(merge->count - place) * sizeof(*merge->held));
	merge->held[place] = (struct client_held){seq, json_incref(message)};
	merge->count++;
	return true;
}

/* When there are too many the lowest are kept: they come out first, and the others can be fetched. */
static bool make_place(struct client_merge *merge, uint64_t seq)
{
	const struct client_held *last = &merge->held[merge->count - 1];
	if (seq >= last->seq || last->seq <= merge->sure)
		return false;
	json_decref(last->message);
	merge->count--;
	return true;
}

void client_merge_add(struct client_merge *merge, json_t *message)
{
	uint64_t seq = number_of(message);
	if (seq == 0 || (merge->started && seq <= merge->seen))
		return;
	if (seq > merge->highest)
		merge->highest = seq;
	if (merge->count >= CLIENT_HELD_MAX && !make_place(merge, seq))
		return;
	hold(merge, seq, message);
}

void client_merge_page(struct client_merge *merge, const json_t *messages, uint64_t end)
{
	size_t i;
	json_t *message;
	bool whole = true;
	if (json_array_size(messages) > CLIENT_PAGE_MAX)
		return;
	json_array_foreach(messages, i, message)
	{
		uint64_t seq = number_of(message);
		if (seq > merge->seen)
			whole = hold(merge, seq, message) && whole;
	}
	if (whole && end > merge->sure)
		merge->sure = end;
}

static json_t *take_first(struct client_merge *merge)
{
	json_t *message = merge->held[0].message;
	merge->count--;
	memmove(merge->held, merge->held + 1, merge->count * sizeof(*merge->held));
	return message;
}

json_t *client_merge_next(struct client_merge *merge)
{
	if (!merge->started)
		return NULL;
	while (merge->count > 0 && merge->held[0].seq <= merge->seen)
		json_decref(take_first(merge));
	if (merge->count > 0 &&
	    (merge->held[0].seq <= merge->sure || merge->held[0].seq == merge->seen + 1)) {
		merge->seen = merge->held[0].seq;
		if (merge->sure < merge->seen)
			merge->sure = merge->seen;
		return take_first(merge);
	}
	/* What is missing up to here does not exist any more; the next one may join it. */
	if (merge->seen < merge->sure) {
		merge->seen = merge->sure;
		return client_merge_next(merge);
	}
	return NULL;
}

uint64_t client_merge_gap(const struct client_merge *merge)
{
	if (!merge->started)
		return 0;
	if (merge->count > 0)
		return merge->held[0].seq > merge->sure + 1 ? merge->held[0].seq : 0;
	return merge->highest > merge->sure ? merge->highest + 1 : 0;
}
