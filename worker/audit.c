#include <string.h>

#include "worker/lookup.h"

/* Questions to a reader for what was changed, and by whom. */

enum { TEXTS = 3 };

struct audit {
	struct lookup_request base;
	struct ask_audit ask;
	char text[TEXTS * CHAT_FILTER_MAX];
};

static void add_text(struct audit *audit, size_t *used, struct text text, uint16_t *length_r)
{
	if (text.length > 0)
		memcpy(audit->text + *used, text.data, text.length);
	*used += text.length;
	*length_r = (uint16_t)text.length;
}

static int prepare(struct audit *audit, const struct chat_audit *wanted)
{
	struct lookup *lookup = &audit->base.lookup;
	size_t used = 0;

	if (wanted->actor.length > CHAT_FILTER_MAX || wanted->object.length > CHAT_FILTER_MAX ||
	    wanted->what.length > CHAT_FILTER_MAX)
		return CODE_INVALID_ARGUMENT;
	audit->ask = wanted->ask;
	add_text(audit, &used, wanted->actor, &audit->ask.actor);
	add_text(audit, &used, wanted->object, &audit->ask.object);
	add_text(audit, &used, wanted->what, &audit->ask.what);
	lookup_add(lookup, &audit->ask, sizeof(audit->ask));
	lookup_add(lookup, audit->text, (uint32_t)used);
	return lookup_go_on(lookup, &audit->base.base.base);
}

void chat_audit(struct session *session, const struct chat_id *id, const struct chat_audit *wanted)
{
	struct audit *audit =
		(struct audit *)request_begin(session, id, sizeof(*audit), lookup_settle);
	int code;

	if (audit == NULL)
		return;
	lookup_init(&audit->base.lookup, session->chat, ASK_AUDIT);
	code = prepare(audit, wanted);
	if (code != CODE_OK)
		request_refuse(&audit->base.base, code);
}
