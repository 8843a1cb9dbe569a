#include "worker/exceeding.h"

#include <stdlib.h>
#include <string.h>

int exceeding_begin(struct exceeding *exceeding, struct pending *pending, uint64_t bytes)
{
	*exceeding = (struct exceeding){.ask = {.bytes = bytes}};
	lookup_init(&exceeding->lookup, pending->session->chat, ASK_EXCEEDING);
	lookup_add(&exceeding->lookup, &exceeding->ask, sizeof(exceeding->ask));
	return lookup_go_on(&exceeding->lookup, pending);
}

static int take(struct exceeding *exceeding, const struct outcome *outcome)
{
	const uint32_t size = outcome->ask->size;

	if (size % sizeof(*exceeding->room) != 0)
		return CODE_UNAVAILABLE;
	if (size > 0) {
		exceeding->room = malloc(size);
		if (exceeding->room == NULL)
			return CODE_BUSY;
		memcpy(exceeding->room, outcome->body, size);
	}
	exceeding->count = size / sizeof(*exceeding->room);
	exceeding->known = true;
	return CODE_OK;
}

int exceeding_settle(struct exceeding *exceeding, struct pending *pending,
		     const struct outcome *outcome)
{
	int code;

	if (lookup_waits(&exceeding->lookup, outcome))
		return lookup_go_on(&exceeding->lookup, pending);
	code = outcome_code(outcome);
	return code == CODE_OK && outcome->kind == OUTCOME_ASK ? take(exceeding, outcome) : code;
}

void exceeding_fini(struct exceeding *exceeding)
{
	free(exceeding->room);
	exceeding->room = NULL;
}

static int compare(const void *left, const void *right)
{
	const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

bool exceeding_has(const struct exceeding *exceeding, uint32_t room)
{
	return exceeding->count > 0 &&
	       bsearch(&room, exceeding->room, exceeding->count, sizeof(room), compare) != NULL;
}
