#include <string.h>

#include "conf/clock.h"
#include "worker/json_edit.h"

/* Messages removed, replaced and purged: requests taken apart. */

/* What the original puts in the place of a message. */
static const char REPLACEMENT[] = "This message was replaced by the Persistent Chat administrator.";

/* "seq": N, or "seqs": [N, ...]. */
static int get_numbers(const json_t *params, uint64_t *numbers, unsigned *count_r)
{
	const json_t *list = json_object_get(params, "seqs"), *item;
	size_t i;

	*count_r = 1;
	numbers[0] = 0;
	if (!json_has(params, "seqs"))
		return json_has(params, "seq")
			       ? json_get_number(params, "seq", 1, INT64_MAX, numbers)
			       : CODE_INVALID_ARGUMENT;
	*count_r = (unsigned)json_array_size(list);
	if (*count_r < 1 || *count_r > COMMAND_MESSAGE_REMOVE_MAX || json_has(params, "seq"))
		return CODE_INVALID_ARGUMENT;
	json_array_foreach(list, i, item) {
		if (!json_is_integer(item) || json_integer_value(item) < 1)
			return CODE_INVALID_ARGUMENT;
		numbers[i] = (uint64_t)json_integer_value(item);
	}
	return CODE_OK;
}

/* "replace": a text, or true for the usual one; absent or false: none. */
static int get_replacement(const json_t *params, struct text *text_r)
{
	const json_t *replace = json_object_get(params, "replace");

	*text_r = (struct text){"", 0};
	if (replace == NULL || json_is_null(replace) || json_is_false(replace))
		return CODE_OK;
	if (json_is_true(replace)) {
		*text_r = (struct text){REPLACEMENT, sizeof(REPLACEMENT) - 1};
		return CODE_OK;
	}
	*text_r = (struct text){json_string_value(replace),
				(uint32_t)json_string_length(replace)};
	return text_r->length > 0 ? CODE_OK : CODE_INVALID_ARGUMENT;
}

static int message_remove(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	uint64_t numbers[COMMAND_MESSAGE_REMOVE_MAX];
	struct object_key room;
	struct text text;
	unsigned count;
	int code = json_get_room_key(peer, params, &room);

	if (code == CODE_OK)
		code = get_numbers(params, numbers, &count);
	if (code == CODE_OK)
		code = get_replacement(params, &text);
	if (code == CODE_OK)
		chat_remove(&peer->session, id, &room, numbers, count, text);
	return code;
}

static int get_time(const json_t *params, uint64_t *time_r)
{
	struct text text = {"", 0};
	int code = json_get_text(params, "time", true, &text);

	return code == CODE_OK && !clock_parse(text.data, text.length, time_r)
		       ? CODE_INVALID_ARGUMENT
		       : code;
}

static int message_purge(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct object_key room;
	uint64_t seq = 0, time = 0;
	int code = json_get_room_key(peer, params, &room);

	if (code == CODE_OK && json_has(params, "seq") == json_has(params, "time"))
		code = CODE_INVALID_ARGUMENT;
	if (code == CODE_OK && json_has(params, "seq"))
		code = json_get_number(params, "seq", 1, INT64_MAX, &seq);
	else if (code == CODE_OK)
		code = get_time(params, &time);
	if (code == CODE_OK)
		chat_purge(&peer->session, id, &room, seq, time);
	return code;
}

const struct json_method json_message_methods[] = {
	{"message.purge", JSON_SIGNED_IN, message_purge},
	{"message.remove", JSON_SIGNED_IN, message_remove},
	{NULL, JSON_ANYBODY, NULL},
};
