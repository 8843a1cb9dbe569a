#include <stdio.h>
#include <string.h>

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
		code = json_get_moment(params, "time", &time);
	if (code == CODE_OK)
		chat_purge(&peer->session, id, &room, seq, time);
	return code;
}

/* --- Searching. --- */

/* "TIME-ROOM-SEQ" of the last message of the page before, as a reader wrote it. */
static int get_place(const json_t *params, struct ask_search *ask)
{
	struct text text = {"", 0};
	int code = json_get_text(params, "page", false, &text);
	unsigned long long time, seq;
	char end;

	if (code != CODE_OK || !json_has(params, "page"))
		return code;
	if (text.length > 60 ||
	    sscanf(text.data, "%llu-%u-%llu%c", &time, &ask->page_room, &seq, &end) != 3 ||
	    ask->page_room == 0)
		return CODE_INVALID_ARGUMENT;
	ask->page_time = time;
	ask->page_seq = seq;
	return CODE_OK;
}

static int get_how(const json_t *params, struct ask_search *ask)
{
	static const char *const matches[] = {"all", "any", "phrase"};
	static const char *const directions[] = {"newest", "oldest"};
	unsigned match = 0, direction = 0;
	bool sensitive = false;
	int code = json_get_word(params, "match", matches, 3, &match);

	if (code == CODE_OK)
		code = json_get_word(params, "direction", directions, 2, &direction);
	if (code == CODE_OK)
		code = json_get_bool(params, "case", &sensitive);
	ask->match = (uint8_t)match;
	ask->from_oldest = (uint8_t)direction;
	ask->sensitive = sensitive;
	return code;
}

static int get_search(const struct json_peer *peer, const json_t *params, struct chat_find *find)
{
	const uint64_t most = chat_conf(peer->session.chat)->limits.search;
	uint64_t limit = most < CHAT_PAGE ? most : CHAT_PAGE;
	int code = get_how(params, &find->ask);

	find->ask.end = INT64_MAX;
	if (code == CODE_OK)
		code = json_get_moment(params, "start", &find->ask.start);
	if (code == CODE_OK)
		code = json_get_moment(params, "end", &find->ask.end);
	if (code == CODE_OK)
		code = get_place(params, &find->ask);
	if (code == CODE_OK)
		code = json_get_text(params, "words", false, &find->words);
	if (code == CODE_OK)
		code = json_get_text(params, "from", false, &find->from);
	if (code == CODE_OK)
		code = json_get_number(params, "limit", 1, most, &limit);
	find->ask.limit = (uint16_t)limit;
	return code;
}

/* "room", or "rooms": an array of such; neither: those that the session is in. */
static int get_rooms(const struct json_peer *peer, const json_t *params, struct object_key *rooms,
		     unsigned *count_r)
{
	const json_t *list = json_object_get(params, "rooms"), *item;
	int code = CODE_OK;
	size_t i;

	*count_r = 0;
	if (json_has(params, "room")) {
		*count_r = 1;
		return json_get_room_key(peer, params, &rooms[0]);
	}
	if (!json_has(params, "rooms"))
		return CODE_OK;
	*count_r = (unsigned)json_array_size(list);
	if (*count_r < 1 || *count_r > ASK_SEARCH_ROOMS)
		return CODE_INVALID_ARGUMENT;
	json_array_foreach(list, i, item) {
		json_t *one = json_pack("{s:O}", "room", item);

		if (code == CODE_OK)
			code = one ? json_get_room_key(peer, one, &rooms[i]) : CODE_BUSY;
		json_decref(one);
	}
	return code;
}

static int message_search(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct object_key rooms[ASK_SEARCH_ROOMS];
	struct chat_find find = {.words = {"", 0}, .from = {"", 0}, .rooms = rooms};
	int code = get_rooms(peer, params, rooms, &find.count);

	if (code == CODE_OK)
		code = get_search(peer, params, &find);
	if (code == CODE_OK)
		chat_find(&peer->session, id, &find);
	return code;
}

const struct json_method json_message_methods[] = {
	{"message.purge", JSON_SIGNED_IN, message_purge},
	{"message.remove", JSON_SIGNED_IN, message_remove},
	{"message.search", JSON_SIGNED_IN, message_search},
	{NULL, JSON_ANYBODY, NULL},
};
