#include "worker/json_edit.h"
#include "worker/json_object.h"
#include "worker/json_text.h"
#include "worker/person.h"

/* Feeds as JSON. */

static int get_flags(const json_t *params, uint8_t *flags_r)
{
	static const char *const words[] = {"all", "any", "phrase"};
	static const uint8_t flags[] = {0, FEED_ANY, FEED_PHRASE};
	unsigned match = 0;
	bool ego = false;
	int code = json_get_word(params, "match", words, 3, &match);

	if (code == CODE_OK)
		code = json_get_bool(params, "ego", &ego);
	*flags_r = (uint8_t)(flags[match] | (ego ? FEED_EGO : 0));
	return code;
}

static int get_number(const json_t *params, uint32_t *number_r)
{
	uint64_t number = 0;
	int code = json_get_number(params, "feed", 1, UINT32_MAX, &number);

	*number_r = (uint32_t)number;
	return code == CODE_OK && number == 0 ? CODE_INVALID_ARGUMENT : code;
}

static int put(struct json_peer *peer, const struct chat_id *id, const json_t *params,
	       uint32_t number)
{
	struct person_feed feed = {
		.number = number, .name = {"", 0}, .words = {"", 0}, .from = {"", 0}};
	struct object_key room;
	int code = json_get_text(params, "name", true, &feed.name);

	if (code == CODE_OK)
		code = json_get_text(params, "words", false, &feed.words);
	if (code == CODE_OK)
		code = json_get_text(params, "from", false, &feed.from);
	if (code == CODE_OK)
		code = get_flags(params, &feed.flags);
	if (code == CODE_OK && json_has(params, "room")) {
		code = json_get_room_key(peer, params, &room);
		feed.room = &room;
	}
	if (code == CODE_OK)
		person_feed_put(&peer->session, id, &feed);
	return code;
}

static int feed_add(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	return put(peer, id, params, 0);
}

static int feed_update(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	uint32_t number;
	int code = get_number(params, &number);

	return code == CODE_OK ? put(peer, id, params, number) : code;
}

static int feed_remove(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	uint32_t number;
	int code = get_number(params, &number);

	if (code == CODE_OK)
		person_feed_remove(&peer->session, id, number);
	return code;
}

static int feed_list(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	(void)params;
	person_feeds(&peer->session, id);
	return CODE_OK;
}

const struct json_method json_feed_methods[] = {
	{"feed.add", JSON_USER, feed_add},
	{"feed.list", JSON_USER, feed_list},
	{"feed.remove", JSON_USER, feed_remove},
	{"feed.update", JSON_USER, feed_update},
	{NULL, JSON_ANYBODY, NULL},
};

/* --- Answers and events. --- */

static void put_head(struct buf *buf, uint32_t number, struct text name)
{
	if (buf_used(buf) > 0 && buf_text(buf)[buf_used(buf) - 1] == '}')
		buf_char(buf, ',');
	buf_string(buf, "{\"feed\":");
	buf_number(buf, number);
	buf_string(buf, ",\"name\":");
	json_put_string(buf, name.data, name.length);
}

void json_feed_item(const struct chat *chat, struct buf *list, const struct person_feed *feed,
		    const uint8_t room[16])
{
	put_head(list, feed->number, feed->name);
	buf_string(list, ",\"words\":");
	json_put_string(list, feed->words.data, feed->words.length);
	buf_string(list, feed->flags & FEED_ANY	     ? ",\"match\":\"any\""
			 : feed->flags & FEED_PHRASE ? ",\"match\":\"phrase\""
						     : ",\"match\":\"all\"");
	buf_string(list, feed->flags & FEED_EGO ? ",\"ego\":true" : ",\"ego\":false");
	if (feed->from.length > 0) {
		buf_string(list, ",\"from\":");
		json_put_string(list, feed->from.data, feed->from.length);
	}
	if (room != NULL) {
		buf_string(list, ",\"room\":");
		json_put_room(list, chat, room);
	}
	buf_char(list, '}');
}

void json_feed_list(struct session *session, const struct chat_id *id, const struct buf *list)
{
	struct buf buf;

	buf_init(&buf);
	json_result(&buf, id);
	buf_string(&buf, "{\"feeds\":[");
	buf_append(&buf, list);
	buf_string(&buf, "]}");
	json_finish(session, &buf);
}

void json_feed_made(struct session *session, const struct chat_id *id, uint32_t number)
{
	struct buf buf;

	buf_init(&buf);
	json_result(&buf, id);
	buf_string(&buf, "{\"feed\":");
	buf_number(&buf, number);
	buf_char(&buf, '}');
	json_finish(session, &buf);
}

void json_feed_fed(struct session *session, const struct feed_match *list, unsigned count,
		   const struct chat_message *message)
{
	struct buf buf;

	buf_init(&buf);
	buf_string(&buf, "{\"jsonrpc\":\"2.0\",\"method\":\"feed\",\"params\":{\"feeds\":[");
	for (unsigned i = 0; i < count; i++) {
		put_head(&buf, list[i].number, list[i].name);
		buf_char(&buf, '}');
	}
	buf_string(&buf, "],\"message\":{\"room\":");
	json_put_room(&buf, session->chat, message->room);
	buf_char(&buf, ',');
	json_put_message(&buf, message);
	buf_string(&buf, "}}");
	json_finish(session, &buf);
}
