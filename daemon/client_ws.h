#ifndef PCHAT_DAEMON_CLIENT_WS_H
#define PCHAT_DAEMON_CLIENT_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/err.h"
#include "daemon/client_url.h"

/*
 * A WebSocket to a server (RFC 6455), client side: client_link and client_upgrade below, libwslay
 * for the frames. It can be started again after it was closed.
 */
struct client_ws;

/* A whole text message; borrowed. It must not free or stop the WebSocket. */
typedef void client_ws_message_fn(void *ctx, const char *text, size_t length);

/* url is borrowed and outlives it. The caller frees with client_ws_free. */
struct client_ws *client_ws_new(const struct client_url *url, const char *ca, bool insecure,
				client_ws_message_fn *message, void *ctx, struct err *err);
void client_ws_free(struct client_ws **ws);

int client_ws_start(struct client_ws *ws, struct err *err) __attribute__((warn_unused_result));

/*
 * Does what input and output there is to do. 1: the WebSocket is open; 0: not yet; -1: it is
 * over, err says why. Messages are handed over from here.
 */
int client_ws_turn(struct client_ws *ws, struct err *err) __attribute__((warn_unused_result));

/* Queue a text message, a ping, a close; the next turn sends them. -1: the WebSocket is closing. */
int client_ws_send(struct client_ws *ws, const char *text, size_t length)
	__attribute__((warn_unused_result));
void client_ws_ping(struct client_ws *ws);
void client_ws_close(struct client_ws *ws);

/* For poll(2). again: there is more to read that poll would not tell of. */
int client_ws_fd(const struct client_ws *ws);
short client_ws_events(const struct client_ws *ws);
bool client_ws_again(const struct client_ws *ws);

/* clock_mono() when the last byte came. */
uint64_t client_ws_heard(const struct client_ws *ws);

/* See client_link_trusted. */
bool client_ws_trusted(const struct client_ws *ws);

/* The last attempt reached something; what it reached is no server for us. */
bool client_ws_reached(const struct client_ws *ws);
bool client_ws_refused(const struct client_ws *ws);

/* Closes the connection at once. */
void client_ws_stop(struct client_ws *ws);

#endif
