#include "conf/clock.h"
#include "worker/json_edit.h"
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

/* --- What pchat-compliance is asked to do. --- */

enum { NAME_MAX_BYTES = 128, REASON_MAX_BYTES = 1024 };

/* A line of its own for each value, so none may have one in it. */
static bool is_line(struct text text, size_t max)
{
	if (text.length == 0 || text.length > max)
		return false;
	for (uint32_t i = 0; i < text.length; i++)
		if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f)
			return false;
	return true;
}

static int add_line(struct buf *order, const json_t *params, const char *name, bool required,
		    size_t max)
{
	struct text text = {"", 0};
	int code = json_get_text(params, name, required, &text);

	if (code != CODE_OK || !json_has(params, name))
		return code;
	if (!is_line(text, max))
		return CODE_INVALID_ARGUMENT;
	buf_string(order, name);
	buf_string(order, ": ");
	buf_add(order, text.data, text.length);
	buf_char(order, '\n');
	return CODE_OK;
}

static int add_time(struct buf *order, const json_t *params, const char *name, bool required)
{
	struct text text = {"", 0};
	uint64_t time;
	int code = json_get_text(params, name, required, &text);

	if (code == CODE_OK && json_has(params, name) &&
	    (!clock_parse(text.data, text.length, &time) || time == 0))
		return CODE_INVALID_ARGUMENT;
	return code == CODE_OK ? add_line(order, params, name, required, CLOCK_TEXT) : code;
}

static int send_order(struct json_peer *peer, const struct chat_id *id, enum view_kind kind,
		      struct buf *order, int code)
{
	const struct text text = {buf_text(order), buf_used(order)};

	if (code == CODE_OK && text.data == NULL)
		code = CODE_BUSY;
	if (code == CODE_OK)
		note_order(&peer->session, id, kind, text);
	buf_fini(order);
	return code;
}

static int hold(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct buf order;
	int code;

	buf_init(&order);
	code = add_line(&order, params, "name", true, NAME_MAX_BYTES);
	if (code == CODE_OK)
		code = add_line(&order, params, "user", false, EVENT_URI_MAX);
	if (code == CODE_OK)
		code = add_line(&order, params, "room", false, EVENT_URI_MAX);
	if (code == CODE_OK)
		code = add_time(&order, params, "start", false);
	if (code == CODE_OK)
		code = add_time(&order, params, "end", false);
	if (code == CODE_OK)
		code = add_line(&order, params, "reason", true, REASON_MAX_BYTES);
	return send_order(peer, id, VIEW_HOLD, &order, code);
}

static int release(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct buf order;
	int code;

	buf_init(&order);
	code = add_line(&order, params, "name", true, NAME_MAX_BYTES);
	if (code == CODE_OK)
		code = add_line(&order, params, "reason", true, REASON_MAX_BYTES);
	return send_order(peer, id, VIEW_RELEASE, &order, code);
}

static int purge(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct buf order;

	buf_init(&order);
	return send_order(peer, id, VIEW_PURGE, &order, add_time(&order, params, "until", true));
}

const struct json_method json_compliance_methods[] = {
	{"compliance.hold", JSON_LOCAL, hold},
	{"compliance.note", JSON_LOCAL, note},
	{"compliance.purge", JSON_LOCAL, purge},
	{"compliance.release", JSON_LOCAL, release},
	{NULL, JSON_ANYBODY, NULL},
};
