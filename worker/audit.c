#include <string.h>

#include "conf/clock.h"
#include "worker/core.h"

/* Questions to a reader for what was changed, and by whom. */

enum { RETRY_US = 50000, STORE_TRIES = 40 /* two seconds */, TEXTS = 3 };

struct audit {
	struct request base;
	uint64_t needed; /* LSN: the store has to have everything below it */
	unsigned tries;
	bool asked;
	struct ask_audit ask;
	char text[TEXTS * CHAT_FILTER_MAX];
};

static int ask_reader(struct audit *audit)
{
	struct pending *pending = &audit->base.base;
	struct chat *chat = pending->session->chat;
	const uint32_t size = (uint32_t)audit->ask.actor + audit->ask.object + audit->ask.what;
	const struct text parts[] = {{(const char *)&audit->ask, sizeof(audit->ask)},
				     {audit->text, size}};
	const int code = chat_ask(chat, chat->questions, ASK_AUDIT, pending, parts, 2, -1);

	audit->asked = code == CODE_OK;
	if (code == CODE_OK)
		pending_until(&chat->pending, pending, chat_answer_limit(chat));
	return code;
}

/* What was there when the question came is to be found: the store may still be at it. */
static int go_on(struct audit *audit)
{
	struct pending *pending = &audit->base.base;
	struct chat *chat = pending->session->chat;
	const struct proc_page *store = chat->proc->page[SLOT_STORE];

	if (atomic_load_explicit(&store->cursor, memory_order_acquire) >= audit->needed)
		return ask_reader(audit);
	if (++audit->tries > STORE_TRIES)
		return CODE_UNAVAILABLE;
	pending_until(&chat->pending, pending, clock_mono() + RETRY_US);
	return CODE_OK;
}

static void settle(struct pending *pending, const struct outcome *outcome)
{
	struct audit *audit = (struct audit *)pending;
	struct session *session = pending->session;
	int code;

	if (outcome->kind == OUTCOME_TIME && !audit->asked) {
		code = go_on(audit);
		if (code != CODE_OK)
			request_refuse(&audit->base, code);
		return;
	}
	code = outcome_code(outcome);
	if (code != CODE_OK) {
		request_refuse(&audit->base, code);
	} else if (outcome->kind == OUTCOME_ASK) {
		session->front->found(session, &audit->base.id, outcome->body, outcome->ask->size);
		request_end(&audit->base);
	}
}

static void add_text(struct audit *audit, size_t *used, struct text text, uint16_t *length_r)
{
	if (text.length > 0)
		memcpy(audit->text + *used, text.data, text.length);
	*used += text.length;
	*length_r = (uint16_t)text.length;
}

void chat_audit(struct session *session, const struct chat_id *id, const struct chat_audit *wanted)
{
	struct audit *audit = (struct audit *)request_begin(session, id, sizeof(*audit), settle);
	struct chat *chat = session->chat;
	size_t used = 0;
	int code = CODE_INVALID_ARGUMENT;

	if (audit == NULL)
		return;
	audit->needed = atomic_load_explicit(&chat->proc->page[SLOT_SEQUENCER]->durable,
					     memory_order_acquire);
	audit->ask = wanted->ask;
	if (wanted->actor.length <= CHAT_FILTER_MAX && wanted->object.length <= CHAT_FILTER_MAX &&
	    wanted->what.length <= CHAT_FILTER_MAX) {
		add_text(audit, &used, wanted->actor, &audit->ask.actor);
		add_text(audit, &used, wanted->object, &audit->ask.object);
		add_text(audit, &used, wanted->what, &audit->ask.what);
		code = go_on(audit);
	}
	if (code != CODE_OK)
		request_refuse(&audit->base, code);
}
