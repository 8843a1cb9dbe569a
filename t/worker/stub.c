#include "stub.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker/conn.h"
#include "worker/json_client.h"
#include "worker/local_client.h"

struct chat {
	const struct conf *conf;
	struct stub_call call;
	struct session *session;
};

void stub_init(struct stub *stub)
{
	struct err err;

	memset(stub, 0, sizeof(*stub));
	stub->base = event_base_new();
	stub->conf.domain = strdup("example.test");
	stub->conf.limits.history = 30;
	stub->conf.limits.message_size = 8192;
	stub->conf.json.frame_size = 65536;
	stub->conf.json.output_size = 1 << 20;
	stub->conf.json.handshake_timeout = stub->conf.json.idle_timeout = 300000000;
	stub->conf.json.ping_interval = 60000000;
	stub->conf.auth.mechanisms.count = 1;
	stub->conf.auth.mechanisms.item[0] = strdup("PLAIN");
	stub->proc.own = &stub->page;
	stub->chat = calloc(1, sizeof(*stub->chat));
	stub->chat->conf = &stub->conf;
	stub->peer = -1;
	if (net_init(&stub->net, stub->base, &stub->conf, &stub->proc, &err) == -1)
		abort();
}

void stub_fini(struct stub *stub)
{
	stub_close(stub);
	net_fini(&stub->net);
	event_base_free(stub->base);
	free(stub->chat);
	free(stub->conf.domain);
	free(stub->conf.auth.mechanisms.item[0]);
}

struct conn *stub_open(struct stub *stub, bool local)
{
	int pair[2], result;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == -1)
		abort();
	stub->peer = pair[1];
	result = local ? local_client_open(&stub->net, stub->chat, pair[0])
		       : json_client_open(&stub->net, stub->chat, pair[0], false);
	if (result == -1)
		abort();
	return LIST_FIRST(&stub->net.all);
}

static bool is_there(const struct stub *stub, const struct conn *conn)
{
	const struct conn *one;

	LIST_FOREACH(one, &stub->net.all, all)
	{
		if (one == conn)
			return true;
	}
	return false;
}

bool stub_feed(struct stub *stub, struct conn *conn, const void *data, size_t size)
{
	conn_feed(conn, data, size);
	net_turn(&stub->net);
	return is_there(stub, conn);
}

size_t stub_read(struct stub *stub, char *out, size_t size)
{
	size_t used = 0;
	ssize_t n;

	while (used + 1 < size && (n = read(stub->peer, out + used, size - 1 - used)) > 0)
		used += (size_t)n;
	out[used] = '\0';
	return used;
}

void stub_close(struct stub *stub)
{
	struct conn *conn;

	while ((conn = LIST_FIRST(&stub->net.all)) != NULL) {
		conn_kill(conn);
		net_turn(&stub->net);
	}
	if (stub->peer != -1)
		close(stub->peer);
	stub->peer = -1;
}

struct session *stub_session(struct stub *stub)
{
	return stub->chat->session;
}

struct stub_call *stub_last(struct stub *stub)
{
	return &stub->chat->call;
}

/* --- session.h --- */

void session_init(struct session *session, struct chat *chat, const struct front_end *front,
		  struct conn *conn)
{
	memset(session, 0, sizeof(*session));
	session->chat = chat;
	session->front = front;
	session->conn = conn;
	chat->session = session;
}

void session_end(struct session *session)
{
	session->state = SESSION_OVER;
}

void session_refuse(struct session *session, const struct chat_id *id, int code)
{
	session->front->refuse(session, id, code);
}

/* --- chat.h --- */

const struct conf *chat_conf(const struct chat *chat)
{
	return chat->conf;
}

void chat_count_refusal(struct chat *chat, int code)
{
	(void)chat;
	(void)code;
}

static void called(struct session *session, const char *name, struct text text, uint64_t number)
{
	struct stub_call *call = &session->chat->call;
	size_t length = text.length < sizeof(call->text) ? text.length : sizeof(call->text) - 1;

	call->count++;
	call->name = name;
	call->number = number;
	if (length > 0)
		memcpy(call->text, text.data, length);
	call->text[length] = '\0';
}

static const struct text nothing = {"", 0};
static const uint8_t uuid_known[16] = {1, 2, 3, 4, 5, 6, 0x47, 8, 0x89};

static void sign_in(struct session *session, const struct chat_id *id)
{
	const struct chat_signed_in result = {
		.uri = {"sip:alice@example.test", 22},
		.name = {"Alice", 5},
		.token = {"token", 5},
		.data = "v=1",
		.size = 3,
		.expires = 1,
	};

	session->state = SESSION_OPEN;
	conn_settle(session->conn);
	session->front->signed_in(session, id, &result);
}

void chat_sign_in(struct session *session, const struct chat_id *id, const char *mechanism,
		  const void *data, size_t size)
{
	called(session, "sign_in", (struct text){data, (uint32_t)size}, 0);
	if (strcmp(mechanism, "PLAIN") == 0)
		sign_in(session, id);
	else
		session->front->challenge(session, id, "challenge", 9);
}

void chat_sign_in_step(struct session *session, const struct chat_id *id, const void *data,
		       size_t size)
{
	called(session, "sign_in_step", (struct text){data, (uint32_t)size}, 0);
	sign_in(session, id);
}

void chat_resume(struct session *session, const struct chat_id *id, struct text token)
{
	called(session, "resume", token, 0);
	sign_in(session, id);
}

void chat_sign_in_local(struct session *session, const struct chat_id *id)
{
	called(session, "sign_in_local", nothing, 0);
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

	memcpy(message.room, uuid_known, sizeof(message.room));
	session->front->row(list, &message);
}

void chat_join(struct session *session, const struct chat_id *id, const struct chat_join *joins,
	       unsigned count)
{
	static struct room_view room = {.name_length = 5, .name = "Lobby"};
	struct chat_joined joined = {.room = &room, .last_seq = 7};
	struct buf messages, list;

	called(session, "join", nothing, count);
	buf_init(&messages);
	buf_init(&list);
	put_row(session, &messages);
	joined.messages = &messages;
	for (unsigned i = 0; i < count; i++) {
		if (i > 0)
			session->front->separate(&list);
		joined.code = joins[i].has_since ? CODE_NO_SUCH_NODE : CODE_OK;
		session->front->joined(session->chat, &list, &joined);
	}
	session->front->joins(session, id, &list);
	buf_fini(&messages);
	buf_fini(&list);
}

void chat_leave(struct session *session, const struct chat_id *id, const uint8_t room[16])
{
	called(session, "leave", nothing, room[0]);
	session->front->done(session, id);
}

void chat_participants(struct session *session, const struct chat_id *id, const uint8_t room[16])
{
	struct buf list;

	called(session, "participants", nothing, room[0]);
	buf_init(&list);
	session->front->user(&list, (struct text){"sip:a@b", 7}, (struct text){"A", 1});
	session->front->users(session, id, &list);
	buf_fini(&list);
}

void chat_post(struct session *session, const struct chat_id *id, const uint8_t room[16],
	       const struct event_message *message, bool alert)
{
	called(session, "post", message->text, alert);
	session->front->posted(session, id, room[0], 1, alert);
}

void chat_history(struct session *session, const struct chat_id *id, const uint8_t room[16],
		  const struct chat_range *range)
{
	struct buf list;

	(void)room;
	called(session, "history", nothing, range->limit);
	buf_init(&list);
	session->front->rows(&list, " [ {\"seq\":6} ] ", 15);
	put_row(session, &list);
	session->front->messages(session, id, &list, range->from_oldest);
	buf_fini(&list);
}

void chat_rooms(struct session *session, const struct chat_id *id, struct text text, uint32_t limit,
		uint32_t offset)
{
	static const struct room_view room = {.name_length = 5, .name = "Lobby"};
	struct buf list;

	called(session, "rooms", text, limit);
	buf_init(&list);
	session->front->room(session->chat, &list, &room);
	session->front->rooms(session, id, &list, offset > 0);
	buf_fini(&list);
}

void chat_user_add(struct session *session, const struct chat_id *id, struct text user,
		   struct text name, struct text password)
{
	called(session, "user_add", password, 0);
	(void)name;
	session->front->account_added(session, id, user, 7);
}

void chat_user_password(struct session *session, const struct chat_id *id, struct text user,
			struct text password)
{
	(void)password;
	called(session, "user_password", user, 0);
	session->front->done(session, id);
}

void chat_user_remove(struct session *session, const struct chat_id *id, struct text user)
{
	called(session, "user_remove", user, 0);
	session->front->done(session, id);
}

void chat_users(struct session *session, const struct chat_id *id, uint32_t limit, uint32_t offset)
{
	static const struct principal_view user = {.uri_length = 7, .uri = "sip:a@b"};
	struct buf list;

	called(session, "users", nothing, limit);
	buf_init(&list);
	session->front->account(&list, &user);
	session->front->accounts(session, id, &list, offset > 0);
	buf_fini(&list);
}

void chat_room_add(struct session *session, const struct chat_id *id, struct text name,
		   struct text description)
{
	(void)description;
	called(session, "room_add", name, 0);
	session->front->room_added(session, id, uuid_known);
}
