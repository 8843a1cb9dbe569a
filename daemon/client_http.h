#ifndef PCHAT_DAEMON_CLIENT_HTTP_H
#define PCHAT_DAEMON_CLIENT_HTTP_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "conf/err.h"
#include "daemon/client_session.h"

/*
 * The bytes of a file to or from a server (pchat-protocol(7), "Sending and fetching"): one request
 * over a connection of its own. Nothing here blocks but the look-up of the host's name.
 */
struct client_http;

/* Where bytes come from and go to; -1 ends the request, and err says why. */
struct client_http_handlers {
	/* The next bytes of the file that is sent, at most size. */
	ssize_t (*give)(void *ctx, void *data, size_t size, struct err *err);
	/* Bytes of the file that is fetched. */
	int (*take)(void *ctx, const void *data, size_t size, struct err *err);
};

/* Sends a file of so many bytes; or, with HTTP_FETCH, fetches one from this byte on. tag: the file's
 * SHA-256 in hexadecimal, so that the parts belong together. */
struct client_http_request {
	enum { HTTP_FETCH, HTTP_SEND } what;
	const char *path; /* of server.info's host: "/files/..." */
	uint64_t size;	  /* HTTP_SEND */
	uint64_t from;	  /* HTTP_FETCH */
	const char *tag;  /* HTTP_FETCH with from */
};

/* options, handlers and ctx are borrowed. The caller frees with client_http_free. */
struct client_http *client_http_new(const struct client_options *options,
				    const struct client_http_handlers *handlers, void *ctx,
				    struct err *err);
void client_http_free(struct client_http **http);

/* Begins; may be called again when a request is over. */
int client_http_start(struct client_http *http, const struct client_http_request *request,
		      struct err *err) __attribute__((warn_unused_result));

/* What poll(2) should wait for. */
void client_http_poll(const struct client_http *http, struct pollfd *wait_r);

/* Does what there is to do. 1: the answer is complete; 0: it goes on; -1: it failed, and err says why. */
int client_http_turn(struct client_http *http, struct err *err)
	__attribute__((warn_unused_result));

/* The answer's status, 0 before there is one; and its body, where that is no file: text, at most a
 * few kilobytes of it. Borrowed. */
unsigned client_http_status(const struct client_http *http);
const char *client_http_text(const struct client_http *http);

/* Whether nothing has moved for a minute. */
bool client_http_stands_still(const struct client_http *http);

#endif
