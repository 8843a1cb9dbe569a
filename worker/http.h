#ifndef PCHAT_WORKER_HTTP_H
#define PCHAT_WORKER_HTTP_H

#include "worker/http_head.h"
#include "worker/session.h"

/*
 * The front end that carries files: PUT, GET and HEAD of /files/TOKEN on the port of the WebSocket
 * clients (pchat-protocol(7), "FILES"). One request a connection.
 */

/* Takes a connection over whose request's head has come, with the session that nobody has signed
 * in to, until it is closed. False: the request is for something else, and nothing was done. */
bool http_take(struct conn *conn, struct session *session, const struct http_head *head);

#endif
