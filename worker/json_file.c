#include "worker/json_file.h"

#include <string.h>

#include "worker/file_token.h"
#include "worker/json_edit.h"
#include "worker/json_text.h"

/* Files: requests taken apart, answers and events put together. */

/* --- Requests. --- */

static int get_file(const struct json_peer *peer, const json_t *params, uint8_t room_r[16],
		    uint8_t file_r[16])
{
	struct text uri;
	int code = json_get_text(params, "file", true, &uri);

	return code != CODE_OK ? code : json_file_parse(peer->session.chat, uri, room_r, file_r);
}

static int upload(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct file_info wanted = {.size = 0, .name = {"", 0}, .type = {"", 0}};
	int code = json_get_room(peer, params, wanted.room);

	if (code == CODE_OK)
		code = json_get_text(params, "name", true, &wanted.name);
	if (code == CODE_OK)
		code = json_get_text(params, "type", false, &wanted.type);
	if (code == CODE_OK && !json_has(params, "size"))
		code = CODE_INVALID_ARGUMENT;
	if (code == CODE_OK)
		code = json_get_number(params, "size", 0, INT64_MAX, &wanted.size);
	if (code == CODE_OK)
		file_upload(&peer->session, id, &wanted);
	return code;
}

static int download(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	uint8_t room[16], file[16];
	int code = get_file(peer, params, room, file);

	if (code == CODE_OK)
		file_download(&peer->session, id, room, file);
	return code;
}

static int get(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	uint8_t room[16], file[16];
	bool removed = false;
	int code = get_file(peer, params, room, file);

	if (code == CODE_OK)
		code = json_get_bool(params, "removed", &removed);
	if (code == CODE_OK)
		file_get(&peer->session, id, room, file, removed);
	return code;
}

static int remove_one(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	uint8_t room[16], file[16];
	bool lost = false;
	int code = get_file(peer, params, room, file);

	if (code == CODE_OK)
		code = json_get_bool(params, "lost", &lost);
	if (code == CODE_OK)
		file_remove(&peer->session, id, room, file, lost);
	return code;
}

/* The file that the page before ended with. */
static int get_before(struct json_peer *peer, const json_t *params, uint8_t before_r[16])
{
	struct text uri = {"", 0};
	uint8_t room[16];
	int code = json_get_text(params, "before", false, &uri);

	if (code == CODE_OK && json_has(params, "before"))
		code = json_file_parse(peer->session.chat, uri, room, before_r);
	return code;
}

static int list(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct file_page page = {.before = {0}};
	uint64_t limit = CHAT_PAGE;
	struct object_key room;
	int code = json_get_room_key(peer, params, &room);

	if (code == CODE_OK)
		code = get_before(peer, params, page.before);
	if (code == CODE_OK)
		code = json_get_number(params, "limit", 1, CHAT_PAGE_MAX, &limit);
	if (code == CODE_OK)
		code = json_get_bool(params, "removed", &page.removed);
	page.limit = (uint16_t)limit;
	if (code == CODE_OK)
		file_list(&peer->session, id, &room, &page);
	return code;
}

const struct json_method json_file_methods[] = {
	{"file.download", JSON_SIGNED_IN, download}, {"file.get", JSON_SIGNED_IN, get},
	{"file.list", JSON_SIGNED_IN, list},	     {"file.remove", JSON_SIGNED_IN, remove_one},
	{"file.upload", JSON_USER, upload},	     {NULL, JSON_ANYBODY, NULL},
};

/* --- Answers and events. --- */

void json_put_file_info(struct buf *buf, const struct chat *chat, const struct file_info *file)
{
	buf_string(buf, "\"file\":");
	json_put_file(buf, chat, file->room, file->file);
	buf_string(buf, ",\"name\":");
	json_put_string(buf, file->name.data, file->name.length);
	buf_string(buf, ",\"type\":");
	json_put_string(buf, file->type.data, file->type.length);
	buf_string(buf, ",\"size\":");
	buf_number(buf, file->size);
	buf_string(buf, ",\"sha256\":\"");
	json_put_hash(buf, file->sha256);
	buf_string(buf, "\",\"time\":");
	json_put_time(buf, file->time);
}

static void granted(struct session *session, const struct chat_id *id, const struct file_info *file,
		    const uint8_t token[FILE_HASH])
{
	char text[FILE_TOKEN_TEXT + 1];
	struct buf buf;

	file_token_text(token, text);
	buf_init(&buf);
	json_result(&buf, id);
	buf_char(&buf, '{');
	if (file->time > 0) {
		json_put_file_info(&buf, session->chat, file);
	} else {
		buf_string(&buf, "\"file\":");
		json_put_file(&buf, session->chat, file->room, file->file);
	}
	buf_string(&buf, ",\"url\":\"" FILE_TOKEN_PATH);
	buf_string(&buf, text);
	buf_string(&buf, "\",\"token\":\"");
	buf_string(&buf, text);
	buf_string(&buf, "\",\"expires\":");
	json_put_time(&buf, file->expires);
	buf_char(&buf, '}');
	json_finish(session, &buf);
	explicit_bzero(text, sizeof(text));
}

void json_file_text(struct buf *buf, const struct chat *chat, const struct file_news *news)
{
	buf_string(buf, news->removed ? "{\"jsonrpc\":\"2.0\",\"method\":\"file_removed\""
				      : "{\"jsonrpc\":\"2.0\",\"method\":\"file\"");
	buf_string(buf, ",\"params\":{\"room\":");
	json_put_room(buf, chat, news->file.room);
	buf_char(buf, ',');
	if (news->removed) {
		buf_string(buf, "\"file\":");
		json_put_file(buf, chat, news->file.room, news->file.file);
	} else {
		json_put_file_info(buf, chat, &news->file);
	}
	buf_string(buf, ",\"from\":");
	json_put_string(buf, news->from.data, news->from.length);
	buf_string(buf, ",\"from_name\":");
	json_put_string(buf, news->from_name.data, news->from_name.length);
	buf_string(buf, "}}");
}

const struct file_front json_file_front = {.granted = granted};
