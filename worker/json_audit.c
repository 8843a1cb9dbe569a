#include "worker/json_edit.h"

/* What administrators ask for about what was changed. */

static int audit_list(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	static const struct text none = {"", 0};
	struct chat_audit audit = {.ask = {.before = INT64_MAX, .end = INT64_MAX},
				   .actor = none,
				   .object = none,
				   .what = none};
	uint64_t limit = CHAT_SEARCH;
	int code = json_get_text(params, "actor", false, &audit.actor);

	if (code == CODE_OK)
		code = json_get_text(params, "object", false, &audit.object);
	if (code == CODE_OK)
		code = json_get_text(params, "what", false, &audit.what);
	if (code == CODE_OK)
		code = json_get_moment(params, "start", &audit.ask.start);
	if (code == CODE_OK)
		code = json_get_moment(params, "end", &audit.ask.end);
	if (code == CODE_OK)
		code = json_get_number(params, "before", 1, INT64_MAX, &audit.ask.before);
	if (code == CODE_OK)
		code = json_get_number(params, "limit", 1, CHAT_SEARCH_MAX, &limit);
	audit.ask.limit = (uint16_t)limit;
	if (code == CODE_OK)
		chat_audit(&peer->session, id, &audit);
	return code;
}

const struct json_method json_audit_methods[] = {
	{"audit.list", JSON_LOCAL, audit_list},
	{NULL, JSON_ANYBODY, NULL},
};
