#include <stdio.h>
#include <string.h>

#include "worker/json_file.h"
#include "worker/json_object.h"
#include "worker/json_peer.h"
#include "worker/json_text.h"
#include "worker/person.h"

/* Answers and events as JSON. */

enum { HEAD_GUESS = 512 }; /* bytes of a joined room without lists and description */

static const struct {
	const char *name;
	bool resume;
} drops[] = {
	[CHAT_SLOW] = {"slow", true},
	[CHAT_STOPPING] = {"stopping", true},
	[CHAT_RESTART] = {"restart", true},
	[CHAT_IDLE] = {"idle", true},
	[CHAT_SIGNED_OUT] = {"signed_out", false},
	[CHAT_JOURNAL] = {"journal", true},
};

void json_send(struct session *session, struct buf *text)
{
	conn_give(session->conn, json_peer_of(session)->frame(text));
}

void json_finish(struct session *session, struct buf *buf)
{
	buf_char(buf, '}');
	json_send(session, buf);
}

static void begin(struct buf *buf, const struct chat_id *id)
{
	buf_init(buf);
	json_result(buf, id);
}

static void put_text(struct buf *buf, struct text text)
{
	json_put_string(buf, text.data, text.length);
}

/* full: the table that has no place for it, or NULL. */
static void put_error(struct buf *buf, int code, const char *full)
{
	const char *name = code_name(code);
	char text[128];
	int length = snprintf(text, sizeof(text), "%s", code_text(code));

	if (full != NULL)
		length = snprintf(text, sizeof(text), "%s: cache.%s is full", code_text(code), full);

	buf_string(buf, "\"error\":{\"code\":");
	if (code < 0)
		buf_char(buf, '-');
	buf_number(buf, (uint64_t)(code < 0 ? -code : code));
	buf_string(buf, ",\"message\":");
	json_put_string(buf, text, (size_t)length);
	buf_string(buf, ",\"data\":{\"name\":");
	json_put_string(buf, name, strlen(name));
	if (full != NULL) {
		buf_string(buf, ",\"setting\":\"cache.");
		buf_string(buf, full);
		buf_char(buf, '"');
	}
	buf_string(buf, "}}");
}

/* --- Items. --- */

static void comma(struct buf *list)
{
	if (buf_used(list) > 0)
		buf_char(list, ',');
}

static void put_user(struct buf *list, struct text uri, struct text name)
{
	buf_string(list, "{\"uri\":");
	put_text(list, uri);
	buf_string(list, ",\"name\":");
	put_text(list, name);
	buf_char(list, '}');
}

static void item_user(struct buf *list, struct text uri, struct text name)
{
	comma(list);
	put_user(list, uri, name);
}

static void item_account(struct buf *list, const struct principal_view *p)
{
	static const char *const states[] = {"active", "disabled", "deleted"};

	comma(list);
	buf_string(list, "{\"uri\":");
	json_put_string(list, p->uri, p->uri_length);
	buf_string(list, ",\"name\":");
	json_put_string(list, p->name, p->name_length);
	buf_string(list, ",\"state\":\"");
	buf_string(list, p->state <= PRINCIPAL_DELETED ? states[p->state] : "unknown");
	buf_string(list, "\"}");
}

static void put_room_head(const struct chat *chat, struct buf *buf, const struct room_view *room)
{
	buf_string(buf, "{\"room\":");
	json_put_room(buf, chat, room->uuid);
	buf_string(buf, ",\"name\":");
	json_put_string(buf, room->name, room->name_length);
	buf_string(buf, ",\"description\":");
	json_put_string(buf, room->description, room->description_length);
}

void json_put_room_item(const struct chat *chat, struct buf *list, const struct room_view *room)
{
	comma(list);
	put_room_head(chat, list, room);
	buf_string(list, ",\"participants\":");
	buf_number(list, room->participants);
	buf_string(list, ",\"last_seq\":");
	buf_number(list, room->last_seq);
	buf_string(list, room->disabled ? ",\"disabled\":true" : ",\"disabled\":false");
	json_put_kind(list, room);
	buf_string(list, ",\"created\":");
	json_put_time(list, room->created);
}

static void item_room(const struct chat *chat, struct buf *list, const struct room_view *room)
{
	json_put_room_item(chat, list, room);
	buf_char(list, '}');
}

static void put_sender(struct buf *buf, struct text uri, struct text name)
{
	buf_string(buf, "\"from\":");
	put_text(buf, uri);
	buf_string(buf, ",\"name\":");
	put_text(buf, name);
	buf_char(buf, ',');
}

void json_put_message(struct buf *buf, const struct chat_message *message)
{
	buf_string(buf, "\"seq\":");
	buf_number(buf, message->seq);
	buf_string(buf, ",\"time\":");
	json_put_time(buf, message->time);
	buf_char(buf, ',');
	put_sender(buf, message->from, message->name);
	if (message->title.length > 0) {
		buf_string(buf, "\"title\":");
		put_text(buf, message->title);
		buf_char(buf, ',');
	}
	buf_string(buf, "\"text\":");
	put_text(buf, message->text);
	if (message->rich.length > 0) {
		buf_string(buf, ",\"rich\":{\"type\":");
		put_text(buf, message->rich_type);
		buf_string(buf, ",\"content\":");
		put_text(buf, message->rich);
		buf_char(buf, '}');
	}
	buf_string(buf, ",\"id\":");
	put_text(buf, message->id);
	if (message->alert)
		buf_string(buf, ",\"importance\":\"alert\"");
	if (message->replaced)
		buf_string(buf, ",\"replaced\":true");
}

static void item_row(struct buf *list, const struct chat_message *message)
{
	comma(list);
	buf_char(list, '{');
	json_put_message(list, message);
	buf_char(list, '}');
}

static void item_made(struct buf *list, struct text head, struct text sender, struct text rest)
{
	comma(list);
	buf_add(list, head.data, head.length);
	if (sender.length > 0)
		buf_add(list, sender.data, sender.length);
	else
		put_sender(list, sender, sender);
	buf_add(list, rest.data, rest.length);
}

/* The end of a list of messages and of the object that it is in. */
static void put_span(struct buf *buf, const struct chat_span *span)
{
	buf_string(buf, "],\"first\":");
	buf_number(buf, span->first);
	buf_string(buf, ",\"last\":");
	buf_number(buf, span->last);
	buf_string(buf, span->more ? ",\"more\":true}" : ",\"more\":false}");
}

static void put_joined(const struct chat *chat, struct buf *buf, const struct chat_joined *joined)
{
	/* The two lists are most of it: room for them at once saves copying it as it grows. */
	(void)buf_room(buf, buf_used(joined->messages) + HEAD_GUESS +
				    (joined->users == NULL ? 0 : joined->users->length));
	put_room_head(chat, buf, joined->room);
	buf_string(buf, ",\"last_seq\":");
	buf_number(buf, joined->last_seq);
	buf_string(buf, ",\"removals\":");
	buf_number(buf, joined->room->removals);
	buf_string(buf, ",\"marker\":");
	buf_number(buf, joined->marker);
	buf_string(buf, ",\"unread\":");
	buf_number(buf, person_unread(joined->last_seq, joined->marker));
	buf_string(buf, ",\"participant_count\":");
	buf_number(buf, joined->user_count);
	if (joined->users != NULL) {
		buf_string(buf, ",\"participants\":[");
		buf_add(buf, joined->users->data, joined->users->length);
		buf_char(buf, ']');
	}
	buf_string(buf, ",\"messages\":[");
	buf_append(buf, joined->messages);
	put_span(buf, &joined->span);
}

static void item_joined(const struct chat *chat, struct buf *list, const struct chat_joined *joined)
{
	if (joined->code == CODE_OK) {
		put_joined(chat, list, joined);
		return;
	}
	buf_string(list, "{\"room\":");
	json_put_room(list, chat, joined->uuid);
	buf_char(list, ',');
	put_error(list, joined->code, NULL);
	buf_char(list, '}');
}

/* --- Answers. --- */

void json_refuse(struct session *session, const struct chat_id *id, int code)
{
	struct buf buf;

	buf_init(&buf);
	json_head(&buf, id);
	put_error(&buf, code, code == CODE_LIMIT_EXCEEDED ? chat_full(session->chat) : NULL);
	json_finish(session, &buf);
}

static void answer_done(struct session *session, const struct chat_id *id)
{
	struct buf buf;

	begin(&buf, id);
	buf_string(&buf, "{}");
	json_finish(session, &buf);
}

static void answer_noted(struct session *session, const struct chat_id *id, uint64_t lsn)
{
	struct buf buf;

	begin(&buf, id);
	buf_string(&buf, "{\"lsn\":");
	buf_number(&buf, lsn);
	buf_char(&buf, '}');
	json_finish(session, &buf);
}

static void answer_challenge(struct session *session, const struct chat_id *id, const void *data,
			     size_t size)
{
	struct buf buf;

	begin(&buf, id);
	buf_string(&buf, "{\"done\":false,\"data\":");
	json_put_base64(&buf, data, size);
	buf_char(&buf, '}');
	json_finish(session, &buf);
}

static void put_signed_in(struct buf *buf, const struct chat_signed_in *result)
{
	buf_string(buf, "\"done\":true,");
	if (result->size > 0) {
		buf_string(buf, "\"data\":");
		json_put_base64(buf, result->data, result->size);
		buf_char(buf, ',');
	}
	buf_string(buf, "\"user\":");
	put_user(buf, result->uri, result->name);
	buf_string(buf, ",\"token\":");
	put_text(buf, result->token);
	buf_string(buf, ",\"token_expires\":");
	json_put_time(buf, result->expires);
}

static void answer_signed_in(struct session *session, const struct chat_id *id,
			     const struct chat_signed_in *result)
{
	struct buf buf;

	begin(&buf, id);
	buf_char(&buf, '{');
	put_signed_in(&buf, result);
	buf_char(&buf, '}');
	json_finish(session, &buf);
}

static void answer_posted(struct session *session, const struct chat_id *id, uint64_t seq,
			  uint64_t time, bool repeated)
{
	struct buf buf;

	begin(&buf, id);
	buf_string(&buf, "{\"seq\":");
	buf_number(&buf, seq);
	buf_string(&buf, ",\"time\":");
	json_put_time(&buf, time);
	buf_string(&buf, repeated ? ",\"repeated\":true}" : "}");
	json_finish(session, &buf);
}

/* {"NAME":[list]} */
static void answer_list(struct session *session, const struct chat_id *id, const char *name,
			const struct buf *list)
{
	struct buf buf;

	begin(&buf, id);
	buf_string(&buf, name);
	(void)buf_room(&buf, buf_used(list) + 2);
	buf_append(&buf, list);
	buf_string(&buf, "]}");
	json_finish(session, &buf);
}

/* {"NAME":[list],"more":..} */
static void answer_page(struct session *session, const struct chat_id *id, const char *name,
			const struct buf *list, bool more)
{
	struct buf buf;

	begin(&buf, id);
	buf_string(&buf, name);
	buf_append(&buf, list);
	buf_string(&buf, more ? "],\"more\":true}" : "],\"more\":false}");
	json_finish(session, &buf);
}

static void answer_joins_begin(struct buf *answer, const struct chat_id *id,
			       const struct chat_signed_in *signed_in)
{
	json_result(answer, id);
	buf_char(answer, '{');
	if (signed_in != NULL) {
		put_signed_in(answer, signed_in);
		buf_char(answer, ',');
	}
	buf_string(answer, "\"rooms\":[");
}

static void answer_joins(struct session *session, struct buf *answer)
{
	buf_string(answer, "]}");
	json_finish(session, answer);
}

static void answer_messages(struct session *session, const struct chat_id *id,
			    const struct buf *list, const struct chat_span *span)
{
	struct buf buf;

	begin(&buf, id);
	buf_string(&buf, "{\"messages\":[");
	buf_append(&buf, list);
	put_span(&buf, span);
	json_finish(session, &buf);
}

/* As a reader wrote it. */
static void answer_found(struct session *session, const struct chat_id *id, const void *json,
			 size_t size)
{
	struct buf buf;

	begin(&buf, id);
	buf_add(&buf, json, size);
	json_finish(session, &buf);
}

static void answer_users(struct session *session, const struct chat_id *id, const struct buf *list)
{
	answer_list(session, id, "{\"participants\":[", list);
}

static void answer_accounts(struct session *session, const struct chat_id *id,
			    const struct buf *list, bool more)
{
	answer_page(session, id, "{\"users\":[", list, more);
}

static void answer_rooms(struct session *session, const struct chat_id *id, const struct buf *list,
			 bool more)
{
	answer_page(session, id, "{\"rooms\":[", list, more);
}

static void answer_account_added(struct session *session, const struct chat_id *id, struct text uri,
				 uint32_t principal)
{
	struct buf buf;

	begin(&buf, id);
	buf_string(&buf, "{\"uri\":");
	put_text(&buf, uri);
	buf_string(&buf, ",\"id\":");
	buf_number(&buf, principal);
	buf_char(&buf, '}');
	json_finish(session, &buf);
}

static void answer_room_added(struct session *session, const struct chat_id *id,
			      const uint8_t uuid[16])
{
	struct buf buf;

	begin(&buf, id);
	buf_string(&buf, "{\"room\":");
	json_put_room(&buf, session->chat, uuid);
	buf_char(&buf, '}');
	json_finish(session, &buf);
}

void json_front_init(struct front_end *front)
{
	front->object = &json_object_front;
	front->file = &json_file_front;
	front->scoped = &json_scoped_front;
	front->person = &json_person_front;
	front->user = item_user;
	front->account = item_account;
	front->room = item_room;
	front->row = item_row;
	front->sender = put_sender;
	front->made = item_made;
	front->joined = item_joined;
	front->separate = comma;
	front->refuse = json_refuse;
	front->done = answer_done;
	front->noted = answer_noted;
	front->challenge = answer_challenge;
	front->signed_in = answer_signed_in;
	front->posted = answer_posted;
	front->joins_begin = answer_joins_begin;
	front->joins = answer_joins;
	front->messages = answer_messages;
	front->found = answer_found;
	front->users = answer_users;
	front->accounts = answer_accounts;
	front->rooms = answer_rooms;
	front->account_added = answer_account_added;
	front->room_added = answer_room_added;
	front->pool = json_answer_pool;
}

/* --- Notifications. --- */

static void notify(struct buf *buf, const char *method)
{
	buf_string(buf, "{\"jsonrpc\":\"2.0\",\"method\":\"");
	buf_string(buf, method);
	buf_string(buf, "\",\"params\":{");
}

void json_message_text(struct buf *buf, const struct chat *chat, const struct chat_message *message)
{
	notify(buf, "message");
	buf_string(buf, "\"room\":");
	json_put_room(buf, chat, message->room);
	buf_char(buf, ',');
	json_put_message(buf, message);
	buf_string(buf, "}}");
}

void json_presence_text(struct buf *buf, const struct chat *chat,
			const struct chat_presence *presence)
{
	notify(buf, presence->joined ? "joined" : "left");
	buf_string(buf, "\"room\":");
	json_put_room(buf, chat, presence->room);
	buf_string(buf, ",\"user\":");
	put_user(buf, presence->uri, presence->name);
	if (presence->counted) {
		buf_string(buf, ",\"count\":");
		buf_number(buf, presence->count);
	}
	buf_string(buf, presence->no_access ? ",\"reason\":\"no_access\"}}" : "}}");
}

void json_removal_text(struct buf *buf, const struct chat *chat, const struct chat_removal *removal)
{
	notify(buf, removal->purge ? "purged" : "removed");
	buf_string(buf, "\"room\":");
	json_put_room(buf, chat, removal->room);
	buf_string(buf, removal->purge ? ",\"through\":" : ",\"seq\":");
	buf_number(buf, removal->seq);
	if (removal->replaced) {
		buf_string(buf, ",\"text\":");
		put_text(buf, removal->text);
	}
	buf_string(buf, ",\"removals\":");
	buf_number(buf, removal->removals);
	buf_string(buf, "}}");
}

void json_changed_text(struct buf *buf, const struct chat *chat, const struct object_room *room)
{
	notify(buf, "room");
	json_put_object_room(buf, chat, room);
	buf_string(buf, "}}");
}

void json_dropped_text(struct buf *buf, enum chat_drop reason)
{
	notify(buf, "dropped");
	buf_string(buf, "\"reason\":\"");
	buf_string(buf, drops[reason].name);
	buf_string(buf, drops[reason].resume ? "\",\"resume\":true}}" : "\",\"resume\":false}}");
}
