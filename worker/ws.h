#ifndef PCHAT_WORKER_WS_H
#define PCHAT_WORKER_WS_H

#include "worker/conn.h"

/*
 * A WebSocket (RFC 6455, server side) over a connection: the upgrade request, then frames. What
 * it needs for taking a message apart exists only while one is under way.
 */
struct ws;
struct ws_input;
struct http_head;
struct http_parse;

struct ws_ops {
	/* The head of the first request has come. Takes the connection over for something else, or
	   returns false. May be NULL. */
	bool (*request)(struct ws *ws, const struct http_head *head);
	/* A whole text message, valid UTF-8. */
	void (*text)(struct ws *ws, const char *text, size_t size);
	/* The other end closes, or broke the protocol: no frame can be sent any more. */
	void (*ended)(struct ws *ws);
	/* As in struct conn_ops; slow and expired close by ws_close. */
	void (*slow)(struct ws *ws);
	void (*expired)(struct ws *ws);
	/* It is dead: free all of it. */
	void (*closed)(struct ws *ws);
};

struct ws {
	struct conn conn;
	const struct ws_ops *ops; /* borrowed */
	struct http_parse *parse; /* owned; until the upgrade is done */
	struct ws_input *in;	  /* owned; while a message is under way */
	bool open;		  /* the upgrade is done and no close frame was sent */
};

enum ws_close {
	WS_CLOSE_NORMAL = 1000,
	WS_CLOSE_GOING_AWAY = 1001,
	WS_CLOSE_PROTOCOL = 1002,
	WS_CLOSE_BINARY = 1003,
	WS_CLOSE_NOT_UTF8 = 1007,
	WS_CLOSE_POLICY = 1008,
	WS_CLOSE_TOO_BIG = 1009,
	WS_CLOSE_TRY_LATER = 1013,
};

/* As conn_init. */
int ws_init(struct ws *ws, struct net *net, const struct ws_ops *ops, int take_fd, bool tls);

/* Frees what ws itself holds; called from ops->closed. */
void ws_fini(struct ws *ws);

/* Makes text the frame of a whole text message. */
struct frame *ws_frame(struct buf *text);

/* Sends a close frame and closes the connection. */
void ws_close(struct ws *ws, enum ws_close code);

#endif
