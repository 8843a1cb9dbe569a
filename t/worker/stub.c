#include "stub.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stub_calls.h"
#include "worker/conn.h"
#include "worker/json_client.h"
#include "worker/local_client.h"

const struct text stub_nothing = {"", 0};
const uint8_t stub_uuid[16] = {1, 2, 3, 4, 5, 6, 0x47, 8, 0x89};

void stub_init(struct stub *stub)
{
	struct err err;

	memset(stub, 0, sizeof(*stub));
	stub->base = event_base_new();
	stub->conf.domain = strdup("example.test");
	stub->conf.files.directory = strdup("");
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
	free(stub->conf.files.directory);
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

void session_lose(struct session *session)
{
	session_end(session);
}

void session_drop(struct session *session, enum chat_drop reason)
{
	session_end(session);
	session->front->drop(session, reason);
}

bool session_admin_may(struct session *session, enum admin_duty duty, const char *what)
{
	(void)session;
	(void)duty;
	(void)what;
	return true;
}

void session_refuse(struct session *session, const struct chat_id *id, int code)
{
	session->front->refuse(session, id, code);
}

void stub_called(struct session *session, const char *name, struct text text, uint64_t number)
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
