#include "worker/local_client.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unistr.h>

#include "worker/json_peer.h"

struct local_client {
	struct conn conn;
	struct json_peer peer;
	struct buf line; /* that has not ended yet */
};

static struct local_client *client_of(struct conn *conn)
{
	return (struct local_client *)((char *)conn - offsetof(struct local_client, conn));
}

static struct frame *frame_line(struct buf *text)
{
	buf_char(text, '\n');
	return buf_frame(text);
}

static struct frame *frame_message(const struct chat *chat, const struct chat_message *message)
{
	struct buf buf;

	buf_init(&buf);
	json_message_text(&buf, chat, message);
	return frame_line(&buf);
}

static struct frame *frame_presence(const struct chat *chat, const struct chat_presence *presence)
{
	struct buf buf;

	buf_init(&buf);
	json_presence_text(&buf, chat, presence);
	return frame_line(&buf);
}

static struct frame *frame_changed(const struct chat *chat, const struct object_room *room)
{
	struct buf buf;

	buf_init(&buf);
	json_changed_text(&buf, chat, room);
	return frame_line(&buf);
}

static struct frame *frame_removal(const struct chat *chat, const struct chat_removal *removal)
{
	struct buf buf;

	buf_init(&buf);
	json_removal_text(&buf, chat, removal);
	return frame_line(&buf);
}

static struct frame *frame_file(const struct chat *chat, const struct file_news *news)
{
	struct buf buf;

	buf_init(&buf);
	json_file_text(&buf, chat, news);
	return frame_line(&buf);
}

static void end(struct local_client *client)
{
	session_end(&client->peer.session);
	conn_close(&client->conn);
}

static void drop(struct session *session, enum chat_drop reason)
{
	struct buf buf;

	buf_init(&buf);
	json_dropped_text(&buf, reason);
	json_send(session, &buf);
	conn_close(session->conn);
}

/* The answer to a sign-in that nobody has asked for: it lets the client's requests in. */
static void signed_in(struct session *session, const struct chat_id *id,
		      const struct chat_signed_in *result)
{
	(void)id;
	(void)result;
	conn_resume(session->conn);
}

static void refuse(struct session *session, const struct chat_id *id, int code)
{
	json_refuse(session, id, code);
	if (session->state != SESSION_OPEN)
		conn_close(session->conn);
}

static const struct front_end *front_end(void)
{
	static struct front_end front = {.number = 1};

	if (front.refuse == NULL) {
		json_front_init(&front);
		front.message = frame_message;
		front.presence = frame_presence;
		front.changed = frame_changed;
		front.removal = frame_removal;
		front.news = frame_file;
		front.drop = drop;
		front.signed_in = signed_in;
		front.refuse = refuse;
	}
	return &front;
}

/* --- Lines. --- */

static void take_line(struct local_client *client, const char *text, size_t size)
{
	if (u8_check((const uint8_t *)text, size) != NULL)
		size = 0; /* no JSON either */
	if (!json_request(&client->peer, text, size))
		end(client);
}

static void too_long(struct local_client *client)
{
	static const struct chat_id nobody;

	session_refuse(&client->peer.session, &nobody, CODE_TOO_LARGE);
	end(client);
}

static size_t on_input(struct conn *conn, const uint8_t *data, size_t size)
{
	struct local_client *client = client_of(conn);
	size_t used = 0;

	while (used < size && !conn_paused(conn)) {
		const uint8_t *newline = memchr(data + used, '\n', size - used);
		size_t part = newline == NULL ? size - used : (size_t)(newline - data) - used;

		if (part > conn->net->conf->json.frame_size - buf_used(&client->line)) {
			too_long(client);
			return size;
		}
		buf_add(&client->line, data + used, part);
		if (client->line.failed) {
			conn_kill(conn);
			return size;
		}
		used += part;
		if (newline == NULL)
			break;
		used++;
		take_line(client, buf_text(&client->line), buf_used(&client->line));
		buf_fini(&client->line);
	}
	return used;
}

static void on_expired(struct conn *conn)
{
	end(client_of(conn));
}

static void on_slow(struct conn *conn)
{
	struct session *session = &client_of(conn)->peer.session;

	session_end(session);
	drop(session, CHAT_SLOW);
}

static void on_closed(struct conn *conn)
{
	struct local_client *client = client_of(conn);

	session_end(&client->peer.session);
	buf_fini(&client->line);
	free(client);
}

int local_client_open(struct net *net, struct chat *chat, int take_fd)
{
	static const struct conn_ops ops = {
		.input = on_input,
		.expired = on_expired,
		.stop = on_expired,
		.slow = on_slow,
		.closed = on_closed,
	};
	static const struct chat_id nobody;
	struct local_client *client = calloc(1, sizeof(*client));

	if (client == NULL) {
		close(take_fd);
		return -1;
	}
	session_init(&client->peer.session, chat, front_end(), &client->conn);
	client->peer.frame = frame_line;
	client->peer.local = true;
	if (conn_init(&client->conn, net, &ops, take_fd, false) == -1) {
		free(client);
		return -1;
	}
	/* What it asks is read when it is known who it is. */
	conn_pause(&client->conn);
	chat_sign_in_local(&client->peer.session, &nobody);
	return 0;
}
