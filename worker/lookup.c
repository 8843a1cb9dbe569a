#include "worker/lookup.h"

#include "conf/bug.h"
#include "conf/clock.h"

enum { RETRY_US = 50000 };

void lookup_init(struct lookup *lookup, const struct chat *chat, enum ask_kind kind)
{
	*lookup = (struct lookup){
		.needed = atomic_load_explicit(&chat->proc->page[SLOT_SEQUENCER]->durable,
					       memory_order_acquire),
		.tries = LOOKUP_TRIES,
		.kind = kind,
	};
}

void lookup_add(struct lookup *lookup, const void *data, uint32_t size)
{
	bug_on(lookup->count == LOOKUP_PARTS);
	lookup->part[lookup->count++] = (struct text){data, size};
}

static int ask_reader(struct lookup *lookup, struct pending *pending)
{
	struct chat *chat = pending->session->chat;
	const int code = chat_ask(chat, chat->questions, lookup->kind, pending, lookup->part,
				  lookup->count, -1);

	lookup->asked = code == CODE_OK;
	if (code == CODE_OK)
		pending_until(&chat->pending, pending, chat_answer_limit(chat));
	return code;
}

int lookup_go_on(struct lookup *lookup, struct pending *pending)
{
	struct chat *chat = pending->session->chat;
	const struct proc_page *store = chat->proc->page[SLOT_STORE];

	if (atomic_load_explicit(&store->cursor, memory_order_acquire) >= lookup->needed)
		return ask_reader(lookup, pending);
	if (lookup->tries-- == 0)
		return CODE_UNAVAILABLE;
	pending_until(&chat->pending, pending, clock_mono() + RETRY_US);
	return CODE_OK;
}

bool lookup_waits(const struct lookup *lookup, const struct outcome *outcome)
{
	return outcome->kind == OUTCOME_TIME && !lookup->asked;
}

void lookup_settle(struct pending *pending, const struct outcome *outcome)
{
	struct lookup_request *request = (struct lookup_request *)pending;
	struct session *session = pending->session;
	const bool waits = lookup_waits(&request->lookup, outcome);
	const int code = waits ? lookup_go_on(&request->lookup, pending) : outcome_code(outcome);

	if (code != CODE_OK) {
		request_refuse(&request->base, code);
	} else if (outcome->kind == OUTCOME_ASK) {
		session->front->found(session, &request->base.id, outcome->body,
				      outcome->ask->size);
		request_end(&request->base);
	}
}
