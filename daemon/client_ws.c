#include "config.h"

#include "daemon/client_ws.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <wslay/wslay.h>

#include "conf/clock.h"
#include "daemon/client_link.h"
#include "daemon/client_upgrade.h"

enum {
	MESSAGE_MAX = 64 << 20, /* a page of history is far smaller */
	TURN_MAX = 256 << 10,	/* bytes read in one turn, so that the keyboard is served, too */
	HEAD_SIZE = 4096,
};

enum state { STOPPED, LINKING, REQUESTING, ANSWERING, OPEN };

struct client_ws {
	const struct client_url *url;	/* borrowed */
	struct client_link *link;	/* owned */
	struct client_upgrade *upgrade; /* owned, while the WebSocket is being opened */
	wslay_event_context_ptr wslay;	/* owned, while it is open */
	client_ws_message_fn *message;
	void *ctx;
	enum state state;
	size_t sent;	       /* of the upgrade's request */
	char early[HEAD_SIZE]; /* what came in one piece with the answer to the upgrade */
	size_t early_begin, early_end;
	size_t budget; /* bytes that this turn may still read */
	bool again, refused;
	uint64_t heard;
	struct err *err; /* the caller's, during a turn */
};

struct client_ws *client_ws_new(const struct client_url *url, const char *ca, bool insecure,
				client_ws_message_fn *message, void *ctx, struct err *err)
{
	struct client_ws *ws = calloc(1, sizeof(*ws));
	if (!ws) {
		err_errno(err, "could not make a WebSocket");
		return NULL;
	}
	ws->url = url;
	ws->message = message;
	ws->ctx = ctx;
	ws->link = client_link_new(url, ca, insecure, err);
	if (!ws->link)
		client_ws_free(&ws);
	return ws;
}

void client_ws_stop(struct client_ws *ws)
{
	client_link_stop(ws->link);
	client_upgrade_free(&ws->upgrade);
	if (ws->wslay)
		wslay_event_context_free(ws->wslay);
	ws->wslay = NULL;
	ws->state = STOPPED;
	ws->early_begin = ws->early_end = 0;
	ws->again = false;
}

void client_ws_free(struct client_ws **ws)
{
	if (*ws) {
		if ((*ws)->link)
			client_ws_stop(*ws);
		client_link_free(&(*ws)->link);
	}
	free(*ws);
	*ws = NULL;
}

int client_ws_start(struct client_ws *ws, struct err *err)
{
	unsigned char key[UPGRADE_KEY];
	client_ws_stop(ws);
	if (getrandom(key, sizeof(key), 0) != sizeof(key))
		return err_errno(err, "could not get random bytes");
	ws->upgrade = client_upgrade_new(ws->url, key, err);
	if (!ws->upgrade)
		return -1;
	ws->sent = 0;
	ws->refused = false;
	ws->heard = clock_mono();
	ws->state = LINKING;
	return client_link_start(ws->link, err);
}

static ssize_t on_recv(wslay_event_context_ptr wslay, uint8_t *data, size_t size, int flags,
		       void *ctx)
{
	struct client_ws *ws = ctx;
	ssize_t count;
	(void)flags;
	if (ws->early_begin < ws->early_end) {
		size_t left = ws->early_end - ws->early_begin;
		size = size < left ? size : left;
		memcpy(data, ws->early + ws->early_begin, size);
		ws->early_begin += size;
		return (ssize_t)size;
	}
	ws->again = ws->budget == 0;
	if (size > ws->budget)
		size = ws->budget;
	count = size == 0 ? 0 : client_link_read(ws->link, data, size, ws->err);
	if (count > 0) {
		ws->budget -= (size_t)count;
		ws->heard = clock_mono();
		return count;
	}
	wslay_event_set_error(wslay,
			      count == 0 ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

static ssize_t on_send(wslay_event_context_ptr wslay, const uint8_t *data, size_t size, int flags,
		       void *ctx)
{
	struct client_ws *ws = ctx;
	ssize_t count = client_link_write(ws->link, data, size, ws->err);
	(void)flags;
	if (count > 0)
		return count;
	wslay_event_set_error(wslay,
			      count == 0 ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

static int on_genmask(wslay_event_context_ptr wslay, uint8_t *mask, size_t size, void *ctx)
{
	(void)ctx;
	if (getrandom(mask, size, 0) == (ssize_t)size)
		return 0;
	wslay_event_set_error(wslay, WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

static void on_message(wslay_event_context_ptr wslay, const struct wslay_event_on_msg_recv_arg *arg,
		       void *ctx)
{
	struct client_ws *ws = ctx;
	(void)wslay;
	if (arg->opcode == WSLAY_TEXT_FRAME)
		ws->message(ws->ctx, (const char *)arg->msg, arg->msg_length);
}

static int open_frames(struct client_ws *ws, struct err *err)
{
	static const struct wslay_event_callbacks callbacks = {
		.recv_callback = on_recv,
		.send_callback = on_send,
		.genmask_callback = on_genmask,
		.on_msg_recv_callback = on_message,
	};
	client_upgrade_free(&ws->upgrade);
	if (wslay_event_context_client_init(&ws->wslay, &callbacks, ws) != 0) {
		ws->wslay = NULL;
		return err_set(err, "could not make a WebSocket: out of memory");
	}
	wslay_event_config_set_max_recv_msg_length(ws->wslay, MESSAGE_MAX);
	ws->state = OPEN;
	return 0;
}

static int send_request(struct client_ws *ws, struct err *err)
{
	const char *request = client_upgrade_request(ws->upgrade);
	size_t length = strlen(request);
	while (ws->sent < length) {
		ssize_t count =
			client_link_write(ws->link, request + ws->sent, length - ws->sent, err);
		if (count <= 0)
			return (int)count;
		ws->sent += (size_t)count;
	}
	ws->state = ANSWERING;
	return 0;
}

static int take_answer(struct client_ws *ws, struct err *err)
{
	for (;;) {
		size_t used;
		ssize_t count = client_link_read(ws->link, ws->early, sizeof(ws->early), err);
		if (count <= 0)
			return (int)count;
		ws->heard = clock_mono();
		int done = client_upgrade_take(ws->upgrade, ws->early, (size_t)count, &used, err);
		ws->refused = done < 0;
		if (done < 0)
			return -1;
		if (done) {
			ws->early_begin = used;
			ws->early_end = (size_t)count;
			return open_frames(ws, err);
		}
	}
}

static int turn_opening(struct client_ws *ws, struct err *err)
{
	int result = 0;
	if (ws->state == LINKING) {
		result = client_link_turn(ws->link, err);
		if (result <= 0)
			return result;
		ws->state = REQUESTING;
	}
	if (ws->state == REQUESTING)
		result = send_request(ws, err);
	if (result == 0 && ws->state == ANSWERING)
		result = take_answer(ws, err);
	return result;
}

static int closed_by_server(struct client_ws *ws, struct err *err)
{
	unsigned code = wslay_event_get_status_code_received(ws->wslay);
	if (!wslay_event_get_close_received(ws->wslay))
		return err_set(err, "the server broke the WebSocket protocol");
	return err_set(err, "the server closed the connection with code %u", code);
}

static int turn_open(struct client_ws *ws, struct err *err)
{
	err_set(err, "the WebSocket failed");
	ws->budget = TURN_MAX;
	if (wslay_event_want_read(ws->wslay) && wslay_event_recv(ws->wslay) != 0)
		return -1;
	if (wslay_event_want_write(ws->wslay) && wslay_event_send(ws->wslay) != 0)
		return -1;
	if (!wslay_event_want_read(ws->wslay) && !wslay_event_want_write(ws->wslay))
		return closed_by_server(ws, err);
	return 1;
}

int client_ws_turn(struct client_ws *ws, struct err *err)
{
	int result = 0;
	ws->err = err;
	if (ws->state == STOPPED)
		return err_set(err, "there is no connection");
	if (ws->state != OPEN)
		result = turn_opening(ws, err);
	if (result == 0 && ws->state == OPEN)
		result = turn_open(ws, err);
	ws->err = NULL;
	return result;
}

int client_ws_send(struct client_ws *ws, const char *text, size_t length)
{
	const struct wslay_event_msg message = {
		.opcode = WSLAY_TEXT_FRAME, .msg = (const uint8_t *)text, .msg_length = length};
	if (!ws->wslay)
		return -1;
	return wslay_event_queue_msg(ws->wslay, &message) == 0 ? 0 : -1;
}

void client_ws_ping(struct client_ws *ws)
{
	const struct wslay_event_msg ping = {.opcode = WSLAY_PING};
	if (ws->wslay)
		wslay_event_queue_msg(ws->wslay, &ping);
}

void client_ws_close(struct client_ws *ws)
{
	if (ws->wslay)
		wslay_event_queue_close(ws->wslay, WSLAY_CODE_NORMAL_CLOSURE, NULL, 0);
}

int client_ws_fd(const struct client_ws *ws)
{
	return client_link_fd(ws->link);
}

short client_ws_events(const struct client_ws *ws)
{
	short events = client_link_events(ws->link);
	if (ws->state == REQUESTING)
		events |= POLLOUT;
	if (ws->wslay && wslay_event_want_write(ws->wslay))
		events |= POLLOUT;
	return events;
}

bool client_ws_again(const struct client_ws *ws)
{
	return ws->again || ws->early_begin < ws->early_end;
}

uint64_t client_ws_heard(const struct client_ws *ws)
{
	return ws->heard;
}

bool client_ws_trusted(const struct client_ws *ws)
{
	return client_link_trusted(ws->link);
}

bool client_ws_reached(const struct client_ws *ws)
{
	return client_link_reached(ws->link);
}

bool client_ws_refused(const struct client_ws *ws)
{
	return ws->refused || client_link_refused(ws->link);
}
