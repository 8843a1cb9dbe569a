#include "worker/exceeding.h"

#include <stdlib.h>
#include <string.h>

#include "conf/clock.h"

enum { RETRY_US = 50000, STORE_TRIES = 40 /* two seconds */ };

static int ask_reader(struct exceeding *exceeding, struct pending *pending)
{
	struct chat *chat = pending->session->chat;
	const struct text part = {(const char *)&exceeding->ask, sizeof(exceeding->ask)};
	const int code = chat_ask(chat, chat->questions, ASK_EXCEEDING, pending, &part, 1, -1);

	exceeding->asked = code == CODE_OK;
	if (code == CODE_OK)
		pending_until(&chat->pending, pending, chat_answer_limit(chat));
	return code;
}

/* What was there when the question came is to be counted: the store may still be at it. */
static int go_on(struct exceeding *exceeding, struct pending *pending)
{
	struct chat *chat = pending->session->chat;
	const struct proc_page *store = chat->proc->page[SLOT_STORE];

	if (atomic_load_explicit(&store->cursor, memory_order_acquire) >= exceeding->needed)
		return ask_reader(exceeding, pending);
	if (++exceeding->tries > STORE_TRIES)
		return CODE_UNAVAILABLE;
	pending_until(&chat->pending, pending, clock_mono() + RETRY_US);
	return CODE_OK;
}

int exceeding_begin(struct exceeding *exceeding, struct pending *pending, uint64_t bytes)
{
	const struct proc *proc = pending->session->chat->proc;

	*exceeding = (struct exceeding){
		.ask = {.bytes = bytes},
		.needed = atomic_load_explicit(&proc->page[SLOT_SEQUENCER]->durable,
					       memory_order_acquire),
	};
	return go_on(exceeding, pending);
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

	if (outcome->kind == OUTCOME_TIME && !exceeding->asked)
		return go_on(exceeding, pending);
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
