#include "worker/http.h"

#include <stdlib.h>
#include <string.h>

#include "conf/code.h"
#include "worker/file_token.h"
#include "worker/http_answer.h"
#include "worker/transfer.h"

/*
 * One request. The connection is not read but for the bytes of an upload, and of these at most a
 * piece is under way: the client waits as long as pchat-file does. Of a download, the next piece is
 * asked for when the one before it is out of our hands. As many bytes as make a whole piece have to
 * go through within json.idle_timeout, however busily a client trickles.
 */
enum { STORE_US = 90000000 /* for the last bytes, more than transfer.c waits */ };

enum stage {
	HTTP_ASKING, /* what the token is good for */
	HTTP_TAKING, /* an upload */
	HTTP_GIVING, /* a download, its head first */
	HTTP_OVER,   /* the answer is given */
};

struct http {
	struct conn *conn;	       /* borrowed */
	const struct conn_ops *before; /* borrowed: whose the connection was */
	struct session *session;       /* borrowed */
	struct transfer *transfer;     /* owned; until it is over */
	enum stage stage;
	bool upload, head_only, expects;
	uint8_t token[FILE_HASH];
	uint64_t length;  /* of an upload's body */
	uint64_t at, end; /* the next byte, and that behind the last */
	uint32_t part;	  /* bytes that were asked for or handed on; 0: none */
	uint32_t taken;	  /* bytes since the deadline was moved last */
	bool asked;	  /* ... and the answer is to come */
	char range[HTTP_RANGE_MAX + 1], if_range[HTTP_TAG_MAX + 1];
};

static void allow(struct http *http)
{
	conn_allow(http->conn, http->conn->net->conf->json.idle_timeout);
}

/* --- The end. --- */

static void over(struct http *http)
{
	http->stage = HTTP_OVER;
	transfer_free(&http->transfer);
	conn_close(http->conn);
}

static void answer(struct http *http, struct buf *out)
{
	conn_give(http->conn, buf_frame(out));
	over(http);
}

static void refuse_with(struct http *http, int status, int code)
{
	struct buf out;

	chat_count_refusal(http->session->chat, code);
	buf_init(&out);
	http_refusal(&out, status, code);
	answer(http, &out);
}

static void refuse(struct http *http, int code)
{
	refuse_with(http, http_status(code), code);
}

/* The client is told where there is still a place for it. */
static void give_up(struct http *http, int status, int code)
{
	if (http->stage == HTTP_ASKING || http->stage == HTTP_TAKING)
		refuse_with(http, status, code);
	else if (http->stage == HTTP_GIVING)
		over(http);
}

/* --- Uploading. --- */

/* Hands bytes on; returns how many of them. */
static size_t put(struct http *http, const uint8_t *data, size_t size)
{
	const uint64_t left = http->end - http->at;
	uint32_t part = size < TRANSFER_WRITE_MAX ? (uint32_t)size : (uint32_t)TRANSFER_WRITE_MAX;
	int code;

	if (part > left)
		part = (uint32_t)left;
	code = transfer_write(http->transfer, http->at, data, part, part == left);
	if (code != CODE_OK && code != CODE_BUSY) {
		refuse(http, code);
		return 0;
	}
	conn_pause(http->conn);
	if (part == left)
		conn_allow(http->conn, STORE_US);
	http->part = code == CODE_OK ? part : 0;
	return http->part;
}

static void begin_taking(struct http *http, const struct file_info *file)
{
	struct buf out;

	if (http->length != file->size) {
		refuse(http, http->length > file->size ? CODE_TOO_LARGE : CODE_INVALID_ARGUMENT);
		return;
	}
	http->stage = HTTP_TAKING;
	http->end = file->size;
	if (http->expects) {
		buf_init(&out);
		buf_string(&out, "HTTP/1.1 100 Continue\r\n\r\n");
		conn_give(http->conn, buf_frame(&out));
	}
	if (http->end == 0)
		put(http, (const uint8_t *)"", 0);
	else
		conn_resume(http->conn);
}

static void on_taken(void *owner, int code, const struct file_info *file)
{
	struct http *http = owner;
	struct buf out;

	if (code != CODE_OK) {
		refuse(http, code);
		return;
	}
	http->at += http->part;
	http->taken += http->part;
	http->part = 0;
	if (file == NULL) {
		if (http->taken >= TRANSFER_WRITE_MAX) {
			http->taken = 0;
			allow(http);
		}
		conn_resume(http->conn);
		return;
	}
	buf_init(&out);
	http_stored(&out, http->session->chat, file);
	answer(http, &out);
}

static size_t on_input(struct conn *conn, const uint8_t *data, size_t size)
{
	struct http *http = conn->owner;

	if (http->stage != HTTP_TAKING || size == 0 || conn_paused(conn))
		return 0;
	return put(http, data, size);
}

/* --- Downloading. --- */

static void ask_part(struct http *http)
{
	const uint64_t left = http->end - http->at;
	int code;

	http->part = left < TRANSFER_READ_MAX ? (uint32_t)left : (uint32_t)TRANSFER_READ_MAX;
	code = transfer_read(http->transfer, http->at, http->part);
	http->asked = code == CODE_OK || code == CODE_BUSY;
	if (!http->asked) {
		chat_count_refusal(http->session->chat, code);
		conn_kill(http->conn);
	}
}

static void on_drained(struct conn *conn)
{
	struct http *http = conn->owner;

	if (http->stage != HTTP_GIVING || http->asked)
		return;
	if (http->at < http->end)
		ask_part(http);
	else
		over(http);
}

/* That bytes are missing at the end is all that can be said now. */
static void on_given(void *owner, int code, const void *data, uint32_t size)
{
	struct http *http = owner;
	struct buf out;

	http->asked = false;
	if (code != CODE_OK || size != http->part) {
		chat_count_refusal(http->session->chat,
				   code == CODE_OK ? CODE_FILE_DOWNLOAD_FAILED : code);
		conn_kill(http->conn);
		return;
	}
	buf_init(&out);
	buf_add(&out, data, size);
	conn_give(http->conn, buf_frame(&out));
	http->at += size;
	allow(http);
}

static void begin_giving(struct http *http, const struct file_info *file)
{
	struct http_range range =
		http_range(http->head_only ? "" : http->range, http->if_range, file);
	struct buf out;

	http->stage = HTTP_GIVING;
	if (range.kind != HTTP_RANGE_OUTSIDE && !http->head_only) {
		http->at = range.first;
		http->end = range.end;
	}
	buf_init(&out);
	http_head_of(&out, file, &range);
	conn_give(http->conn, buf_frame(&out));
}

/* --- Both. --- */

static void on_known(void *owner, int code, const struct file_info *file)
{
	struct http *http = owner;

	allow(http);
	if (code != CODE_OK)
		refuse(http, code);
	else if (http->upload)
		begin_taking(http, file);
	else
		begin_giving(http, file);
}

static void ask_token(struct http *http)
{
	const int code = transfer_token(http->transfer, http->token, http->upload);

	if (code != CODE_OK && code != CODE_BUSY)
		refuse(http, code);
}

static void on_again(void *owner)
{
	struct http *http = owner;

	switch (http->stage) {
	case HTTP_ASKING:
		ask_token(http);
		break;
	case HTTP_TAKING:
		if (http->end == 0)
			put(http, (const uint8_t *)"", 0);
		else
			conn_resume(http->conn);
		break;
	case HTTP_GIVING:
		ask_part(http);
		break;
	case HTTP_OVER:
		break;
	}
}

static void begin(struct http *http, const struct http_head *head)
{
	static const struct transfer_ops ops = {
		.known = on_known,
		.given = on_given,
		.taken = on_taken,
		.again = on_again,
	};
	const char *text = head->path + strlen(FILE_TOKEN_PATH);

	http->upload = head->method == HTTP_PUT;
	http->head_only = head->method == HTTP_HEAD;
	if (!http->upload && !http->head_only && head->method != HTTP_GET) {
		refuse(http, CODE_METHOD_NOT_FOUND);
	} else if (!file_token_parse(text, strlen(text), http->token)) {
		refuse(http, CODE_INVALID_TOKEN);
	} else if (http->upload && http->length == HTTP_NO_LENGTH) {
		refuse_with(http, 411, CODE_INVALID_ARGUMENT);
	} else {
		http->transfer = transfer_new(http->session, &ops, http);
		if (http->transfer != NULL)
			ask_token(http);
		else
			refuse(http, CODE_BUSY);
	}
}

/* --- The connection. --- */

static void on_expired(struct conn *conn)
{
	struct http *http = conn->owner;

	give_up(http, 408, CODE_TIMEOUT);
}

static void on_stop(struct conn *conn)
{
	struct http *http = conn->owner;

	give_up(http, 503, CODE_UNAVAILABLE);
}

static void on_slow(struct conn *conn)
{
	conn_kill(conn);
}

static void on_closed(struct conn *conn)
{
	struct http *http = conn->owner;

	transfer_free(&http->transfer);
	conn->ops = http->before;
	conn->owner = NULL;
	explicit_bzero(http->token, sizeof(http->token));
	free(http);
	conn->ops->closed(conn);
}

static void drop(struct session *session, enum chat_drop reason)
{
	(void)reason;
	on_stop(session->conn);
}

bool http_take(struct conn *conn, struct session *session, const struct http_head *head)
{
	static const struct conn_ops ops = {
		.input = on_input,
		.drained = on_drained,
		.expired = on_expired,
		.stop = on_stop,
		.slow = on_slow,
		.closed = on_closed,
	};
	static const struct front_end front = {.drop = drop}; /* nothing else is told to it */
	struct http *http;

	if (strncmp(head->path, FILE_TOKEN_PATH, strlen(FILE_TOKEN_PATH)) != 0)
		return false;
	http = calloc(1, sizeof(*http));
	if (http == NULL) {
		conn_kill(conn);
		return true;
	}
	http->conn = conn;
	http->session = session;
	http->before = conn->ops;
	http->length = head->length;
	http->expects = head->expects;
	memcpy(http->range, head->range, sizeof(http->range));
	memcpy(http->if_range, head->if_range, sizeof(http->if_range));
	conn->ops = &ops;
	conn->owner = http;
	session->front = &front;
	conn_pause(conn);
	allow(http);
	begin(http, head);
	return true;
}
