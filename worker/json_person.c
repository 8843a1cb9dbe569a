#include <string.h>

#include "shm/role.h"
#include "worker/json_edit.h"
#include "worker/json_object.h"
#include "worker/json_text.h"
#include "worker/person.h"

/* What belongs to one user: requests taken apart, answers and events put together. */

enum { INVITATIONS = 50, INVITATIONS_MAX = 500 };

/* --- Requests. --- */

static int invitation_list(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	uint64_t since = 0, limit = INVITATIONS;
	int code = json_get_number(params, "since", 0, INT64_MAX, &since);

	if (code == CODE_OK)
		code = json_get_number(params, "limit", 1, INVITATIONS_MAX, &limit);
	if (code == CODE_OK)
		person_invitations(&peer->session, id, since, (uint32_t)limit);
	return code;
}

static int invitation_ack(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	uint64_t number = 0;
	int code = json_get_number(params, "id", 1, INT64_MAX, &number);

	if (code == CODE_OK && number == 0)
		code = CODE_INVALID_ARGUMENT;
	if (code == CODE_OK)
		person_invitation_read(&peer->session, id, number);
	return code;
}

static int marker_set(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct object_key room;
	uint64_t seq = 0;
	int code = json_get_room_key(peer, params, &room);

	if (code == CODE_OK)
		code = json_get_number(params, "seq", 1, INT64_MAX, &seq);
	if (code == CODE_OK && seq == 0)
		code = CODE_INVALID_ARGUMENT;
	if (code == CODE_OK)
		person_marker(&peer->session, id, &room, seq);
	return code;
}

static int room_quit(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct object_key room;
	int code = json_get_room_key(peer, params, &room);

	if (code == CODE_OK)
		person_quit(&peer->session, id, &room);
	return code;
}

static int access_own(struct json_peer *peer, const struct chat_id *id, const json_t *params,
		      enum person_what what)
{
	struct text text = {"", 0};
	struct object_key room;
	int code = json_get_room_key(peer, params, &room);

	if (code == CODE_OK && what == PERSON_PUT)
		code = json_get_text(params, "text", false, &text);
	if (code == CODE_OK)
		person_access(&peer->session, id, &room, what, (struct text){"", 0}, text);
	return code;
}

static int access_request(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	return access_own(peer, id, params, PERSON_PUT);
}

static int access_withdraw(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	return access_own(peer, id, params, PERSON_GONE);
}

static int access_answer(struct json_peer *peer, const struct chat_id *id, const json_t *params,
			 enum person_what what)
{
	struct text user = {"", 0};
	struct object_key room;
	int code = json_get_room_key(peer, params, &room);

	if (code == CODE_OK)
		code = json_get_text(params, "user", true, &user);
	if (code == CODE_OK && user.length == 0)
		code = CODE_INVALID_ARGUMENT;
	if (code == CODE_OK)
		person_access(&peer->session, id, &room, what, user, (struct text){"", 0});
	return code;
}

static int access_grant(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	return access_answer(peer, id, params, PERSON_GRANTED);
}

static int access_deny(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	return access_answer(peer, id, params, PERSON_DENIED);
}

static int access_list(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	const bool of_room = json_has(params, "room");
	struct object_key room;
	uint32_t limit, offset;
	int code = json_get_page(params, &limit, &offset);

	if (code == CODE_OK && of_room)
		code = json_get_room_key(peer, params, &room);
	if (code == CODE_OK)
		person_requests(&peer->session, id, of_room ? &room : NULL, limit, offset);
	return code;
}

const struct json_method json_person_methods[] = {
	{"access.deny", JSON_SIGNED_IN, access_deny},
	{"access.grant", JSON_SIGNED_IN, access_grant},
	{"access.list", JSON_SIGNED_IN, access_list},
	{"access.request", JSON_USER, access_request},
	{"access.withdraw", JSON_USER, access_withdraw},
	{"invitation.ack", JSON_USER, invitation_ack},
	{"invitation.list", JSON_USER, invitation_list},
	{"marker.set", JSON_USER, marker_set},
	{"room.quit", JSON_USER, room_quit},
	{NULL, JSON_ANYBODY, NULL},
};

/* --- Parts. --- */

static void put_text(struct buf *buf, const char *name, struct text text)
{
	buf_string(buf, name);
	json_put_string(buf, text.data, text.length);
}

static void put_number(struct buf *buf, const char *name, uint64_t number)
{
	buf_string(buf, name);
	buf_number(buf, number);
}

static void comma(struct buf *list)
{
	if (buf_used(list) > 0)
		buf_char(list, ',');
}

static void notify(struct buf *buf, const char *method)
{
	buf_init(buf);
	buf_string(buf, "{\"jsonrpc\":\"2.0\",\"method\":\"");
	buf_string(buf, method);
	buf_string(buf, "\",\"params\":");
}

static void put_invitation(const struct chat *chat, struct buf *buf,
			   const struct person_invitation *invitation)
{
	const struct room_view *room = invitation->room;

	put_number(buf, "{\"id\":", invitation->id);
	buf_string(buf, ",\"time\":");
	json_put_time(buf, invitation->time);
	buf_string(buf, ",\"room\":");
	json_put_room(buf, chat, room->uuid);
	put_text(buf, ",\"name\":", (struct text){room->name, room->name_length});
	put_text(buf,
		 ",\"description\":", (struct text){room->description, room->description_length});
	if (invitation->from.length > 0) {
		put_text(buf, ",\"from\":{\"uri\":", invitation->from);
		put_text(buf, ",\"name\":", invitation->name);
		buf_char(buf, '}');
	}
	buf_string(buf, invitation->is_new ? ",\"new\":true}" : ",\"new\":false}");
}

static void put_request(const struct chat *chat, struct buf *buf,
			const struct person_request *request)
{
	buf_string(buf, "{\"room\":");
	json_put_room(buf, chat, request->room);
	put_text(buf, ",\"user\":{\"uri\":", request->user);
	put_text(buf, ",\"name\":", request->name);
	buf_char(buf, '}');
	if (request->what == PERSON_PUT) {
		buf_string(buf, ",\"time\":");
		json_put_time(buf, request->time);
		put_text(buf, ",\"text\":", request->text);
	}
}

/* --- Items and answers. --- */

static void item_invitation(const struct chat *chat, struct buf *list,
			    const struct person_invitation *invitation)
{
	comma(list);
	put_invitation(chat, list, invitation);
}

static void item_room(const struct chat *chat, struct buf *list, const struct room_view *room,
		      unsigned roles, uint64_t marker)
{
	json_put_room_item(chat, list, room);
	buf_string(list, roles & ROLE_BIT(ROLE_MEMBER) ? ",\"member\":true" : ",\"member\":false");
	buf_string(list,
		   roles & ROLE_BIT(ROLE_MANAGER) ? ",\"manager\":true" : ",\"manager\":false");
	put_number(list, ",\"marker\":", marker);
	put_number(list, ",\"unread\":", person_unread(room->last_seq, marker));
	buf_char(list, '}');
}

static void item_request(const struct chat *chat, struct buf *list,
			 const struct person_request *request)
{
	comma(list);
	put_request(chat, list, request);
	buf_char(list, '}');
}

static void begin(struct buf *buf, const struct chat_id *id)
{
	buf_init(buf);
	json_result(buf, id);
}

static void answer_invitations(struct session *session, const struct chat_id *id,
			       const struct buf *list, uint64_t last, uint64_t read, bool more)
{
	struct buf buf;

	begin(&buf, id);
	buf_string(&buf, "{\"invitations\":[");
	buf_append(&buf, list);
	put_number(&buf, "],\"last\":", last);
	put_number(&buf, ",\"read\":", read);
	buf_string(&buf, more ? ",\"more\":true}" : ",\"more\":false}");
	json_finish(session, &buf);
}

static void answer_marked(struct session *session, const struct chat_id *id, uint64_t seq,
			  uint64_t unread)
{
	struct buf buf;

	begin(&buf, id);
	put_number(&buf, "{\"seq\":", seq);
	put_number(&buf, ",\"unread\":", unread);
	buf_char(&buf, '}');
	json_finish(session, &buf);
}

static void answer_requests(struct session *session, const struct chat_id *id,
			    const struct buf *list, bool more)
{
	struct buf buf;

	begin(&buf, id);
	buf_string(&buf, "{\"requests\":[");
	buf_append(&buf, list);
	buf_string(&buf, more ? "],\"more\":true}" : "],\"more\":false}");
	json_finish(session, &buf);
}

/* --- Events. --- */

static void event_invited(struct session *session, const struct person_invitation *invitation)
{
	struct buf buf;

	notify(&buf, "invited");
	put_invitation(session->chat, &buf, invitation);
	json_finish(session, &buf);
}

static void event_marker(struct session *session, const uint8_t room[16], uint64_t seq,
			 uint64_t unread)
{
	struct buf buf;

	notify(&buf, "marker");
	buf_string(&buf, "{\"room\":");
	json_put_room(&buf, session->chat, room);
	put_number(&buf, ",\"seq\":", seq);
	put_number(&buf, ",\"unread\":", unread);
	buf_char(&buf, '}');
	json_finish(session, &buf);
}

static const char *state_word(unsigned what)
{
	switch (what) {
	case PERSON_PUT:
		return ",\"state\":\"asked\"}";
	case PERSON_GRANTED:
		return ",\"state\":\"granted\"}";
	case PERSON_DENIED:
		return ",\"state\":\"denied\"}";
	default:
		return ",\"state\":\"withdrawn\"}";
	}
}

static void event_access(struct session *session, const struct person_request *request)
{
	struct buf buf;

	notify(&buf, "access");
	put_request(session->chat, &buf, request);
	buf_string(&buf, state_word(request->what));
	json_finish(session, &buf);
}

const struct person_front json_person_front = {
	.invitation = item_invitation,
	.room = item_room,
	.request = item_request,
	.feed = json_feed_item,
	.feeds = json_feed_list,
	.feed_made = json_feed_made,
	.fed = json_feed_fed,
	.invitations = answer_invitations,
	.marked = answer_marked,
	.requests = answer_requests,
	.invited = event_invited,
	.marker = event_marker,
	.access = event_access,
};
