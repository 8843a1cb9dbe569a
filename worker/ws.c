#include "worker/ws.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unistr.h>
#include <wslay/wslay.h>

#include "conf/plain.h"
#include "worker/upgrade.h"

enum { CONTROL_MAX = 125, HEAD_MAX = 10, HEAD_IN_MAX = HEAD_MAX + 4 };

struct ws_input {
	wslay_frame_context_ptr frames; /* owned */
	const uint8_t *data;		/* borrowed: not yet taken by it */
	size_t size;
	uint64_t fed, used; /* bytes that it was given, and that made up whole or begun frames */
	uint64_t left;	    /* bytes of the payload of the frame under way that are to come */
	bool in_frame, in_message;
	struct buf message; /* of the frames so far */
	uint8_t control_size;
	uint8_t control[CONTROL_MAX];
	uint8_t newest[HEAD_IN_MAX]; /* the last bytes that it was given */
};

static struct ws *ws_of(struct conn *conn)
{
	return (struct ws *)((char *)conn - offsetof(struct ws, conn));
}

static ssize_t give_bytes(uint8_t *out, size_t size, int flags, void *arg)
{
	struct ws_input *in = arg;

	(void)flags;
	if (size > in->size)
		size = in->size;
	if (size == 0)
		return -1; /* means: none now */
	memcpy(out, in->data, size);
	in->data += size;
	in->size -= size;
	in->fed += size;
	return (ssize_t)size;
}

static struct ws_input *input_new(void)
{
	static const struct wslay_frame_callbacks callbacks = {.recv_callback = give_bytes};
	struct ws_input *in = calloc(1, sizeof(*in));

	if (in == NULL)
		return NULL;
	if (wslay_frame_context_init(&in->frames, &callbacks, in) != 0) {
		free(in);
		return NULL;
	}
	return in;
}

static void input_free(struct ws_input **inp)
{
	struct ws_input *in = *inp;

	*inp = NULL;
	if (in == NULL)
		return;
	wslay_frame_context_free(in->frames);
	buf_fini(&in->message);
	free(in);
}

/* The head of an unmasked frame that is a whole message. */
static size_t head_put(uint8_t head[HEAD_MAX], unsigned opcode, uint64_t size)
{
	unsigned bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;

	head[0] = (uint8_t)(0x80 | opcode);
	head[1] = (uint8_t)(bytes == 0 ? size : bytes == 2 ? 126 : 127);
	for (unsigned i = 0; i < bytes; i++)
		head[2 + i] = (uint8_t)(size >> (8 * (bytes - 1 - i)));
	return 2 + bytes;
}

struct frame *ws_frame(struct buf *text)
{
	uint8_t head[HEAD_MAX];

	buf_prepend(text, head, head_put(head, WSLAY_TEXT_FRAME, buf_used(text)));
	return buf_frame(text);
}

static void send_control(struct ws *ws, unsigned opcode, const void *data, size_t size)
{
	uint8_t head[HEAD_MAX];
	struct buf buf;

	buf_init(&buf);
	buf_add(&buf, head, head_put(head, opcode, size));
	buf_add(&buf, data, size);
	conn_give(&ws->conn, buf_frame(&buf));
}

void ws_close(struct ws *ws, enum ws_close code)
{
	const uint8_t text[2] = {(uint8_t)(code >> 8), (uint8_t)code};

	if (ws->open)
		send_control(ws, WSLAY_CONNECTION_CLOSE, text, sizeof(text));
	ws->open = false;
	conn_close(&ws->conn);
}

/* The peer broke the protocol. */
static void fail(struct ws *ws, enum ws_close code)
{
	proc_count(ws->conn.net->proc, COUNTER_CONNECTIONS_DROPPED_PROTOCOL, 1);
	ws->conn.net->dropped_protocol++;
	ws_close(ws, code);
	ws->ops->ended(ws);
}

static bool close_code_valid(unsigned code)
{
	return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
	       (code >= 3000 && code <= 4999);
}

static void take_close(struct ws *ws, const uint8_t *data, size_t size)
{
	unsigned code = size >= 2 ? (unsigned)(data[0] << 8 | data[1]) : WS_CLOSE_NORMAL;

	if (size == 1 || !close_code_valid(code)) {
		fail(ws, WS_CLOSE_PROTOCOL);
		return;
	}
	if (size > 2 && u8_check(data + 2, size - 2) != NULL) {
		fail(ws, WS_CLOSE_NOT_UTF8);
		return;
	}
	ws_close(ws, code);
	ws->ops->ended(ws);
}

static void take_control(struct ws *ws, unsigned opcode)
{
	struct ws_input *in = ws->in;

	switch (opcode) {
	case WSLAY_PING:
		send_control(ws, WSLAY_PONG, in->control, in->control_size);
		break;
	case WSLAY_CONNECTION_CLOSE:
		take_close(ws, in->control, in->control_size);
		break;
	default: /* a pong: that something came is all that counts */
		break;
	}
	in->control_size = 0;
}

/* Most of what comes is ASCII, all or nearly all of it. */
static void take_text(struct ws *ws, const void *text, size_t size)
{
	const size_t low = plain_low(text, size);

	if (u8_check((const uint8_t *)text + low, size - low) == NULL)
		ws->ops->text(ws, text, size);
	else
		fail(ws, WS_CLOSE_NOT_UTF8);
}

/* Checks the head of a frame that begins; returns 0 or the code with which to close. */
static int check_head(struct ws *ws, const struct wslay_frame_iocb *io)
{
	struct ws_input *in = ws->in;

	if (!io->mask || io->rsv != 0)
		return WS_CLOSE_PROTOCOL;
	switch (io->opcode) {
	case WSLAY_CONTINUATION_FRAME:
		if (!in->in_message)
			return WS_CLOSE_PROTOCOL;
		break;
	case WSLAY_TEXT_FRAME:
		if (in->in_message)
			return WS_CLOSE_PROTOCOL;
		break;
	case WSLAY_BINARY_FRAME:
		return in->in_message ? WS_CLOSE_PROTOCOL : WS_CLOSE_BINARY;
	case WSLAY_CONNECTION_CLOSE:
	case WSLAY_PING:
	case WSLAY_PONG:
		return 0;
	default:
		return WS_CLOSE_PROTOCOL;
	}
	if (io->payload_length > ws->conn.net->conf->json.frame_size - buf_used(&in->message))
		return WS_CLOSE_TOO_BIG;
	return 0;
}

/* A part of a data frame's payload; the last one of a message completes it. */
static void take_data(struct ws *ws, const struct wslay_frame_iocb *io, bool first)
{
	struct ws_input *in = ws->in;
	bool last = io->fin && in->left == 0;

	if (first && last && !in->in_message) {
		take_text(ws, io->data, io->data_length); /* all in one piece: not copied */
		return;
	}
	in->in_message = true;
	buf_add(&in->message, io->data, io->data_length);
	if (in->message.failed) {
		conn_kill(&ws->conn);
		return;
	}
	if (!last)
		return;
	in->in_message = false;
	take_text(ws, buf_text(&in->message), buf_used(&in->message));
	buf_fini(&in->message);
}

static void take_part(struct ws *ws, const struct wslay_frame_iocb *io)
{
	struct ws_input *in = ws->in;
	bool first = !in->in_frame;

	if (first) {
		uint8_t head[HEAD_MAX];
		int code = check_head(ws, io);

		if (code != 0) {
			fail(ws, (enum ws_close)code);
			return;
		}
		in->used += head_put(head, io->opcode, io->payload_length) + 4; /* and the mask */
		in->left = io->payload_length;
	}
	in->used += io->data_length;
	in->left -= io->data_length;
	in->in_frame = in->left > 0;
	if (!wslay_is_ctrl_frame(io->opcode)) {
		take_data(ws, io, first);
		return;
	}
	memcpy(in->control + in->control_size, io->data, io->data_length);
	in->control_size = (uint8_t)(in->control_size + io->data_length);
	if (!in->in_frame)
		take_control(ws, io->opcode);
}

static void remember(struct ws_input *in, const uint8_t *data, size_t size)
{
	if (size >= HEAD_IN_MAX) {
		memcpy(in->newest, data + size - HEAD_IN_MAX, HEAD_IN_MAX);
		return;
	}
	memmove(in->newest, in->newest + size, HEAD_IN_MAX - size);
	memcpy(in->newest + HEAD_IN_MAX - size, data, size);
}

/* The library tells of a frame only when the first byte of its payload is there. A frame that is
 * too long is refused as soon as its head says so. */
static bool announces_too_much(const struct ws *ws)
{
	const struct ws_input *in = ws->in;
	size_t got = in->in_frame ? 0 : (size_t)(in->fed - in->used), bytes;
	const uint8_t *head = in->newest + HEAD_IN_MAX - got;
	uint64_t length = 0;

	if (got < 2 || got > HEAD_IN_MAX || (head[1] & 0x7f) < 126)
		return false;
	bytes = (head[1] & 0x7f) == 126 ? 2 : 8;
	if (got < 2 + bytes)
		return false;
	for (size_t i = 0; i < bytes; i++)
		length = length << 8 | head[2 + i];
	return length > ws->conn.net->conf->json.frame_size;
}

static size_t take_frames(struct ws *ws, const uint8_t *data, size_t size)
{
	struct ws_input *in = ws->in;

	if (in == NULL && size > 0)
		in = ws->in = input_new();
	if (in == NULL) {
		if (size > 0)
			conn_kill(&ws->conn);
		return size;
	}
	in->data = data;
	in->size = size;
	while (!conn_paused(&ws->conn)) {
		struct wslay_frame_iocb io = {0};
		ssize_t n = wslay_frame_recv(in->frames, &io);

		if (n == WSLAY_ERR_WANT_READ)
			break;
		if (n < 0) {
			fail(ws, WS_CLOSE_PROTOCOL);
			break;
		}
		take_part(ws, &io);
	}
	size -= in->size;
	remember(in, data, size);
	in->data = NULL;
	in->size = 0;
	if (!conn_paused(&ws->conn) && announces_too_much(ws))
		fail(ws, WS_CLOSE_TOO_BIG);
	if (in->fed == in->used && !in->in_frame && !in->in_message)
		input_free(&ws->in);
	return size;
}

static const struct conn_ops conn_ops;

/* Answers the request; afterwards the WebSocket is open, or the connection is closing. */
static void answer_upgrade(struct ws *ws, const struct http_head *head, int status)
{
	struct buf answer;

	buf_init(&answer);
	upgrade_answer(head, status, &answer);
	conn_give(&ws->conn, buf_frame(&answer));
	if (status == UPGRADE_DONE) {
		ws->open = true;
		return;
	}
	proc_count(ws->conn.net->proc, COUNTER_CONNECTIONS_DROPPED_PROTOCOL, 1);
	ws->conn.net->dropped_protocol++;
	conn_close(&ws->conn);
	ws->ops->ended(ws);
}

/* Takes bytes of the request's head; returns how many of them belonged to it. */
static size_t take_head(struct ws *ws, const uint8_t *data, size_t size)
{
	const struct http_head *head = http_parse_head(ws->parse);
	size_t used;

	switch (http_parse_input(ws->parse, data, size, &used)) {
	case HTTP_MORE:
		return size;
	case HTTP_BAD:
		answer_upgrade(ws, NULL, 400);
		return size;
	case HTTP_COMPLETE:
		break;
	}
	if (ws->ops->request == NULL || !ws->ops->request(ws, head))
		answer_upgrade(ws, head, upgrade_judge(head));
	http_parse_free(&ws->parse);
	return used;
}

static size_t on_input(struct conn *conn, const uint8_t *data, size_t size)
{
	struct ws *ws = ws_of(conn);
	size_t used = 0;

	if (ws->parse != NULL)
		used = take_head(ws, data, size);
	if (conn->ops != &conn_ops)
		return used + (used < size ? conn->ops->input(conn, data + used, size - used) : 0);
	if (!ws->open)
		return size;
	return used + take_frames(ws, data + used, size - used);
}

static void on_quiet(struct conn *conn)
{
	struct ws *ws = ws_of(conn);

	if (ws->open)
		send_control(ws, WSLAY_PING, NULL, 0);
}

static void on_expired(struct conn *conn)
{
	ws_of(conn)->ops->expired(ws_of(conn));
}

static void on_stop(struct conn *conn)
{
	struct ws *ws = ws_of(conn);

	ws_close(ws, WS_CLOSE_GOING_AWAY);
	ws->ops->ended(ws);
}

static void on_slow(struct conn *conn)
{
	ws_of(conn)->ops->slow(ws_of(conn));
}

static void on_closed(struct conn *conn)
{
	ws_of(conn)->ops->closed(ws_of(conn));
}

static const struct conn_ops conn_ops = {
	.input = on_input,
	.quiet = on_quiet,
	.expired = on_expired,
	.stop = on_stop,
	.slow = on_slow,
	.closed = on_closed,
};

int ws_init(struct ws *ws, struct net *net, const struct ws_ops *ops, int take_fd, bool tls)
{
	ws->ops = ops;
	ws->in = NULL;
	ws->open = false;
	ws->parse = http_parse_new();
	if (ws->parse == NULL) {
		close(take_fd);
		return -1;
	}
	if (conn_init(&ws->conn, net, &conn_ops, take_fd, tls) == 0)
		return 0;
	http_parse_free(&ws->parse);
	return -1;
}

void ws_fini(struct ws *ws)
{
	http_parse_free(&ws->parse);
	input_free(&ws->in);
}
