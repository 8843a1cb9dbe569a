#include "worker/json_client.h"

#include <stdlib.h>
#include <unistd.h>

#include "worker/http.h"
#include "worker/json_peer.h"
#include "worker/ws.h"

struct json_client {
	struct ws ws;
	struct json_peer peer;
};

static struct json_client *client_of(struct ws *ws)
{
	return (struct json_client *)((char *)ws - offsetof(struct json_client, ws));
}

static struct frame *frame_message(const struct chat *chat, const struct chat_message *message)
{
	struct buf buf;

	buf_init(&buf);
	json_message_text(&buf, chat, message);
	return ws_frame(&buf);
}

static struct frame *frame_presence(const struct chat *chat, const struct chat_presence *presence)
{
	struct buf buf;

	buf_init(&buf);
	json_presence_text(&buf, chat, presence);
	return ws_frame(&buf);
}

static struct frame *frame_changed(const struct chat *chat, const struct object_room *room)
{
	struct buf buf;

	buf_init(&buf);
	json_changed_text(&buf, chat, room);
	return ws_frame(&buf);
}

static struct frame *frame_removal(const struct chat *chat, const struct chat_removal *removal)
{
	struct buf buf;

	buf_init(&buf);
	json_removal_text(&buf, chat, removal);
	return ws_frame(&buf);
}

static struct frame *frame_file(const struct chat *chat, const struct file_news *news)
{
	struct buf buf;

	buf_init(&buf);
	json_file_text(&buf, chat, news);
	return ws_frame(&buf);
}

static enum ws_close close_code(enum chat_drop reason)
{
	switch (reason) {
	case CHAT_SLOW:
	case CHAT_SIGNED_OUT:
		return WS_CLOSE_POLICY;
	case CHAT_JOURNAL:
		return WS_CLOSE_TRY_LATER;
	case CHAT_STOPPING:
	case CHAT_RESTART:
	case CHAT_IDLE:
		break;
	}
	return WS_CLOSE_GOING_AWAY;
}

static void drop(struct session *session, enum chat_drop reason)
{
	struct json_peer *peer = json_peer_of(session);
	struct json_client *client =
		(struct json_client *)((char *)peer - offsetof(struct json_client, peer));
	struct buf buf;

	if (client->ws.open) {
		buf_init(&buf);
		json_dropped_text(&buf, reason);
		json_send(session, &buf);
	}
	ws_close(&client->ws, close_code(reason));
}

static const struct front_end *front_end(void)
{
	static struct front_end front = {
		.number = 0,
		.message = frame_message,
		.presence = frame_presence,
		.changed = frame_changed,
		.removal = frame_removal,
		.news = frame_file,
		.drop = drop,
	};

	if (front.refuse == NULL)
		json_front_init(&front);
	return &front;
}

static bool on_request(struct ws *ws, const struct http_head *head)
{
	return http_take(&ws->conn, &client_of(ws)->peer.session, head);
}

static void on_text(struct ws *ws, const char *text, size_t size)
{
	struct json_client *client = client_of(ws);
	bool go_on = json_request(&client->peer, text, size);

	if (go_on && !client->peer.signed_out)
		return;
	session_end(&client->peer.session);
	ws_close(ws, go_on ? WS_CLOSE_NORMAL : WS_CLOSE_POLICY);
}

static void on_ended(struct ws *ws)
{
	session_end(&client_of(ws)->peer.session);
}

static void on_slow(struct ws *ws)
{
	session_drop(&client_of(ws)->peer.session, CHAT_SLOW);
}

static void on_expired(struct ws *ws)
{
	struct session *session = &client_of(ws)->peer.session;
	bool signed_in = session->state == SESSION_OPEN;

	if (signed_in) {
		session_drop(session, CHAT_IDLE);
		return;
	}
	session_end(session);
	ws_close(ws, WS_CLOSE_POLICY);
}

static void on_closed(struct ws *ws)
{
	struct json_client *client = client_of(ws);

	session_lose(&client->peer.session);
	ws_fini(ws);
	free(client);
}

int json_client_open(struct net *net, struct chat *chat, int take_fd, bool tls)
{
	static const struct ws_ops ops = {
		.request = on_request,
		.text = on_text,
		.ended = on_ended,
		.slow = on_slow,
		.expired = on_expired,
		.closed = on_closed,
	};
	struct json_client *client = calloc(1, sizeof(*client));

	if (client == NULL) {
		close(take_fd);
		return -1;
	}
	session_init(&client->peer.session, chat, front_end(), &client->ws.conn);
	client->peer.frame = ws_frame;
	if (ws_init(&client->ws, net, &ops, take_fd, tls) == 0)
		return 0;
	free(client);
	return -1;
}
