#include "worker/json_peer.h"
#include "worker/note.h"

/* What those call who have to do with compliance records. */

static int note(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct text text;
	int code = json_get_text(params, "text", true, &text);

	if (code == CODE_OK && text.length == 0)
		code = CODE_INVALID_ARGUMENT;
	if (code == CODE_OK)
		note_records(&peer->session, id, text);
	return code;
}

const struct json_method json_compliance_methods[] = {
	{"compliance.note", JSON_LOCAL, note},
	{NULL, JSON_ANYBODY, NULL},
};
