#include <string.h>

#include "conf/code.h"
#include "stub_calls.h"
#include "worker/conn.h"
#include "worker/import.h"
#include "worker/note.h"
#include "worker/pool.h"

/* The calls of chat.h, note.h and import.h. */

const struct conf *chat_conf(const struct chat *chat)
{
	return chat->conf;
}

const char *chat_full(const struct chat *chat)
{
	(void)chat;
	return NULL;
}

void chat_count_refusal(struct chat *chat, int code)
{
	(void)chat;
	(void)code;
}

static const struct chat_signed_in signed_in = {
	.uri = {"sip:alice@example.test", 22},
	.name = {"Alice", 5},
	.token = {"token", 5},
	.data = "v=1",
	.size = 3,
	.expires = 1,
};

static void sign_in(struct session *session, const struct chat_id *id)
{
	session->state = SESSION_OPEN;
	conn_settle(session->conn);
	session->front->signed_in(session, id, &signed_in);
}

void chat_sign_in(struct session *session, const struct chat_id *id, const char *mechanism,
		  const void *data, size_t size)
{
	stub_called(session, "sign_in", (struct text){data, (uint32_t)size}, 0);
	if (strcmp(mechanism, "PLAIN") == 0)
		sign_in(session, id);
	else
		session->front->challenge(session, id, "challenge", 9);
}

void chat_sign_in_step(struct session *session, const struct chat_id *id, const void *data,
		       size_t size)
{
	stub_called(session, "sign_in_step", (struct text){data, (uint32_t)size}, 0);
	sign_in(session, id);
}

void chat_sign_in_local(struct session *session, const struct chat_id *id)
{
	stub_called(session, "sign_in_local", stub_nothing, 0);
	session->admin = true;
	sign_in(session, id);
}

static void put_row(struct session *session, struct buf *list)
{
	struct chat_message message = {
		.seq = 7,
		.time = 1,
		.from = {"sip:alice@example.test", 22},
		.name = {"Alice \"A\"", 9},
		.text = {"line\n\x01\\", 7},
		.id = {"id", 2},
		.alert = true,
	};

	memcpy(message.room, stub_uuid, sizeof(message.room));
	session->front->row(list, &message);
}

static void join(struct session *session, const struct chat_id *id,
		 const struct chat_signed_in *before, const struct chat_join *joins, unsigned count)
{
	static struct room_view room = {.name_length = 5, .name = "Lobby"};
	struct chat_joined joined = {.room = &room, .last_seq = 7};
	struct buf messages, list;

	buf_init(&messages);
	buf_init(&list);
	session->front->joins_begin(&list, id, before);
	put_row(session, &messages);
	joined.messages = &messages;
	for (unsigned i = 0; i < count; i++) {
		if (i > 0)
			session->front->separate(&list);
		joined.code = joins[i].has_since ? CODE_NO_SUCH_NODE : CODE_OK;
		session->front->joined(session->chat, &list, &joined);
	}
	session->front->joins(session, &list);
	buf_fini(&messages);
}

void chat_join(struct session *session, const struct chat_id *id, const struct chat_join *joins,
	       unsigned count)
{
	stub_called(session, "join", stub_nothing, count);
	join(session, id, NULL, joins, count);
}

void chat_resume(struct session *session, const struct chat_id *id, struct text token,
		 const struct chat_join *joins, unsigned count)
{
	stub_called(session, "resume", token, count);
	if (count == 0) {
		sign_in(session, id);
		return;
	}
	session->state = SESSION_OPEN;
	conn_settle(session->conn);
	join(session, id, &signed_in, joins, count);
}

void chat_leave(struct session *session, const struct chat_id *id, const uint8_t room[16])
{
	stub_called(session, "leave", stub_nothing, room[0]);
	session->front->done(session, id);
}

void chat_participants(struct session *session, const struct chat_id *id, const uint8_t room[16])
{
	struct buf list;

	stub_called(session, "participants", stub_nothing, room[0]);
	buf_init(&list);
	session->front->user(&list, (struct text){"sip:a@b", 7}, (struct text){"A", 1});
	session->front->users(session, id, &list);
	buf_fini(&list);
}

void chat_post(struct session *session, const struct chat_id *id, const uint8_t room[16],
	       const struct event_message *message, bool alert)
{
	stub_called(session, "post", message->text, alert);
	session->front->posted(session, id, room[0], 1, alert);
}

void chat_remove(struct session *session, const struct chat_id *id, const struct object_key *room,
		 const uint64_t *numbers, unsigned count, struct text text)
{
	(void)room;
	stub_called(session, "remove", text, (int)(numbers[count - 1] + count));
	session->front->done(session, id);
}

void chat_find(struct session *session, const struct chat_id *id, const struct chat_find *find)
{
	stub_called(session, "find", find->words, find->ask.limit);
	session->front->found(session, id, "{}", 2);
}

void chat_audit(struct session *session, const struct chat_id *id, const struct chat_audit *wanted)
{
	stub_called(session, "audit", wanted->actor, wanted->ask.limit);
	session->front->found(session, id, "{}", 2);
}

void chat_purge(struct session *session, const struct chat_id *id, const struct object_key *room,
		uint64_t seq, uint64_t time)
{
	(void)room;
	stub_called(session, "purge", stub_nothing, (int)(seq + time / 1000000));
	session->front->done(session, id);
}

void chat_history(struct session *session, const struct chat_id *id, const uint8_t room[16],
		  const struct chat_range *range)
{
	const struct chat_span span = {.first = 6, .last = 7, .more = range->from_oldest};
	struct buf list;

	(void)room;
	stub_called(session, "history", stub_nothing, range->limit);
	buf_init(&list);
	session->front->made(&list, (struct text){"{\"seq\":6,", 9},
			     (struct text){"\"from\":1,", 9}, (struct text){"\"text\":2}", 9});
	put_row(session, &list);
	session->front->messages(session, id, &list, &span);
	buf_fini(&list);
}

void chat_rooms(struct session *session, const struct chat_id *id, const struct chat_search *search)
{
	static const struct room_view room = {.name_length = 5, .name = "Lobby"};
	struct buf list;

	stub_called(session, "rooms", search->text, search->limit);
	buf_init(&list);
	session->front->room(session->chat, &list, &room);
	session->front->rooms(session, id, &list, search->offset > 0);
	buf_fini(&list);
}

void chat_pool(struct session *session, const struct chat_id *id)
{
	static const struct pool_view view = {
		.places = 2,
		.place[0] = {.active = true, .served = true, .worker = {.pid = 1, .state = "active"}},
		.others = 1,
		.other[0] = {.pid = 2, .state = "ready"}};

	stub_called(session, "pool", stub_nothing, 0);
	session->front->pool(session, id, &view);
}

void chat_import(struct session *session, const struct chat_id *id, struct import_line *line)
{
	stub_called(session, "import", line->user, line->type);
	session->front->object->imported(session, id, true);
}

void chat_user_add(struct session *session, const struct chat_id *id, struct text user,
		   struct text name, struct text password)
{
	stub_called(session, "user_add", password, 0);
	(void)name;
	session->front->account_added(session, id, user, 7);
}

void chat_user_password(struct session *session, const struct chat_id *id, struct text user,
			struct text password)
{
	(void)password;
	stub_called(session, "user_password", user, 0);
	session->front->done(session, id);
}

void chat_users(struct session *session, const struct chat_id *id, struct text text, uint32_t limit,
		uint32_t offset)
{
	static const struct principal_view user = {.uri_length = 7, .uri = "sip:a@b"};
	struct buf list;

	stub_called(session, "users", text, limit);
	buf_init(&list);
	session->front->account(&list, &user);
	session->front->accounts(session, id, &list, offset > 0);
	buf_fini(&list);
}

/* --- note.h --- */

void note_records(struct session *session, const struct chat_id *id, struct text request)
{
	stub_called(session, "note_records", request, 0);
	session->front->noted(session, id, 7);
}

void note_order(struct session *session, const struct chat_id *id, enum view_kind kind,
		struct text order)
{
	stub_called(session, "note_order", order, kind);
	session->front->noted(session, id, 8);
}
