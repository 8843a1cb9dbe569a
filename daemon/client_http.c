#include "config.h"

#include "daemon/client_http.h"

#include <http_parser.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/clock.h"
#include "daemon/client_link.h"

enum {
	BUFFER = 65536,
	REQUEST_MAX = 1024,
	TEXT_MAX = 8192,
	STILL_US = 60000000,
	CONTINUE_US = 1000000 /* RFC 9110 section 10.1.1: not for ever */
};

struct client_http {
	const struct client_options *options;
	const struct client_http_handlers *handlers;
	void *ctx;
	struct client_link *link; /* owned */
	http_parser parser;
	bool sending;  /* the request is one that sends a file */
	bool may_send; /* its body is wanted */
	bool complete; /* the answer is */
	bool failed;   /* by a handler: failure says why */
	struct err failure;
	bool refused;	      /* ... not any more */
	uint64_t left;	      /* bytes of the body that are to be given */
	uint64_t moved;	      /* clock_mono() when something last did */
	size_t out, out_size; /* sent, and there, of: */
	char buffer[BUFFER];
	size_t text_size;
	char text[TEXT_MAX + 1];
};

struct client_http *client_http_new(const struct client_options *options,
				    const struct client_http_handlers *handlers, void *ctx,
				    struct err *err)
{
	struct client_http *http = calloc(1, sizeof(*http));

	if (!http) {
		err_errno(err, "could not prepare a transfer");
		return NULL;
	}
	http->options = options;
	http->handlers = handlers;
	http->ctx = ctx;
	http->link = client_link_new(&options->url, options->ca, options->insecure, err);
	if (!http->link)
		client_http_free(&http);
	return http;
}

void client_http_free(struct client_http **http)
{
	if (*http)
		client_link_free(&(*http)->link);
	free(*http);
	*http = NULL;
}

static int put_request(struct client_http *http, const struct client_http_request *request,
		       struct err *err)
{
	char authority[272], lines[256] = "";
	int length;

	if (request->what == HTTP_SEND)
		snprintf(lines, sizeof(lines),
			 "Content-Length: %" PRIu64 "\r\nExpect: 100-continue\r\n", request->size);
	else if (request->from > 0)
		snprintf(lines, sizeof(lines),
			 "Range: bytes=%" PRIu64 "-\r\nIf-Range: \"%.64s\"\r\n", request->from,
			 request->tag);
	length = snprintf(http->buffer, REQUEST_MAX,
			  "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: pchat/" PACKAGE_VERSION
			  "\r\n%s\r\n",
			  request->what == HTTP_SEND ? "PUT" : "GET", request->path,
			  client_url_authority(&http->options->url, authority), lines);
	if (length < 0 || length >= REQUEST_MAX || strpbrk(request->path, " \r\n"))
		return err_set(err, "the server gave an address that makes no sense");
	http->out = 0;
	http->out_size = (size_t)length;
	return 0;
}

int client_http_start(struct client_http *http, const struct client_http_request *request,
		      struct err *err)
{
	http_parser_init(&http->parser, HTTP_RESPONSE);
	http->parser.data = http;
	http->sending = request->what == HTTP_SEND;
	http->left = http->sending ? request->size : 0;
	http->may_send = http->refused = http->complete = http->failed = false;
	http->text_size = 0;
	http->text[0] = '\0';
	http->moved = clock_mono();
	if (put_request(http, request, err) != 0)
		return -1;
	return client_link_start(http->link, err);
}

void client_http_poll(const struct client_http *http, struct pollfd *wait_r)
{
	bool wants = http->out < http->out_size || (http->may_send && http->left > 0);

	wait_r->fd = client_link_fd(http->link);
	wait_r->events = (short)(client_link_events(http->link) | (wants ? POLLOUT : 0));
}

/* --- The answer. --- */

static int on_head(http_parser *parser)
{
	struct client_http *http = parser->data;

	if (parser->status_code >= 200) {
		http->may_send = false;
		http->refused = true; /* whatever was not sent is not wanted */
	}
	return 0;
}

static int on_body(http_parser *parser, const char *data, size_t size)
{
	struct client_http *http = parser->data;

	if (!http->sending && (parser->status_code == 200 || parser->status_code == 206)) {
		http->failed = http->handlers->take(http->ctx, data, size, &http->failure) != 0;
		return http->failed ? -1 : 0;
	}
	if (size > TEXT_MAX - http->text_size)
		size = TEXT_MAX - http->text_size;
	memcpy(http->text + http->text_size, data, size);
	http->text_size += size;
	http->text[http->text_size] = '\0';
	return 0;
}

static int on_end(http_parser *parser)
{
	struct client_http *http = parser->data;

	if (parser->status_code == 100)
		http->may_send = http->sending;
	else
		http->complete = true;
	return 0;
}

static int take(struct client_http *http, const char *data, size_t size, struct err *err)
{
	static const http_parser_settings settings = {
		.on_headers_complete = on_head, .on_body = on_body, .on_message_complete = on_end};
	size_t used = http_parser_execute(&http->parser, &settings, data, size);

	if (http->complete)
		return 0;
	if (http->failed)
		return err_set(err, "%s", http->failure.text);
	if (used != size)
		return err_set(err, "the server does not speak HTTP here: %s",
			       http_errno_description(HTTP_PARSER_ERRNO(&http->parser)));
	return 0;
}

static int receive(struct client_http *http, struct err *err)
{
	char data[BUFFER];
	ssize_t count = 1;

	while (!http->complete && count > 0) {
		count = client_link_read(http->link, data, sizeof(data), err);
		if (count > 0) {
			http->moved = clock_mono();
			if (take(http, data, (size_t)count, err) != 0)
				return -1;
		}
	}
	return count < 0 && !http->complete ? -1 : 0;
}

/* --- The request. --- */

/* The next bytes of the file into the buffer. 1: there are some; 0: none are wanted now. */
static int refill(struct client_http *http, struct err *err)
{
	size_t size = http->left < BUFFER ? (size_t)http->left : BUFFER;
	ssize_t count;

	if (!http->may_send || size == 0)
		return 0;
	count = http->handlers->give(http->ctx, http->buffer, size, err);
	if (count < 0)
		return -1;
	if (count == 0)
		return err_set(err, "the file became shorter while it was sent");
	http->out = 0;
	http->out_size = (size_t)count;
	http->left -= (uint64_t)count;
	return 1;
}

static int transmit(struct client_http *http, struct err *err)
{
	for (;;) {
		ssize_t count;

		if (http->out == http->out_size) {
			int more = refill(http, err);

			if (more <= 0)
				return more;
		}
		count = client_link_write(http->link, http->buffer + http->out,
					  http->out_size - http->out, err);
		if (count <= 0)
			return (int)count;
		http->moved = clock_mono();
		http->out += (size_t)count;
	}
}

int client_http_turn(struct client_http *http, struct err *err)
{
	struct err unsent;
	int ready = client_link_turn(http->link, err), sent;

	if (ready <= 0)
		return ready;
	if (http->sending && !http->refused && http->out == http->out_size &&
	    clock_mono() - http->moved > CONTINUE_US)
		http->may_send = true; /* it does not know how to ask for the body */
	sent = transmit(http, &unsent);
	/* Why the server takes no more is in its answer, if there is one. */
	if (receive(http, err) != 0)
		return -1;
	if (http->complete) {
		client_link_stop(http->link);
		return 1;
	}
	if (sent < 0)
		*err = unsent;
	return sent < 0 ? -1 : 0;
}

unsigned client_http_status(const struct client_http *http)
{
	return http->parser.status_code;
}

const char *client_http_text(const struct client_http *http)
{
	return http->text;
}

bool client_http_stands_still(const struct client_http *http)
{
	return clock_mono() - http->moved > STILL_US;
}
