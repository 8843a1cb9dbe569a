#ifndef PCHAT_WORKER_CONN_H
#define PCHAT_WORKER_CONN_H

#include <event2/event_struct.h>

#include "worker/frame.h"
#include "worker/net.h"
#include "worker/outq.h"

/*
 * A connection: socket, TLS, bounded output, deadlines. Nothing in here calls back from conn_send
 * or conn_close: whoever hands one frame to a thousand connections sees none of them change.
 * What has to be done is done when the turn of the loop ends (net_turn).
 */
enum conn_state {
	CONN_HANDSHAKE, /* TLS */
	CONN_OPEN,
	CONN_CLOSING, /* what is in the queue goes out; nothing is read or added any more */
	CONN_LINGER,  /* all is out, the end too: waits for the peer's end */
	CONN_DEAD,    /* to be freed when the turn ends */
};

struct conn_ops {
	/* Bytes came. Returns how many were used; fewer than size only where conn_paused. Called
	   with size 0, too, when a paused connection goes on. */
	size_t (*input)(struct conn *conn, const uint8_t *data, size_t size);
	/* All that it was given is out of our hands. May be NULL. */
	void (*drained)(struct conn *conn);
	/* Nothing came for a while: ask whether the peer is there. May be NULL. */
	void (*quiet)(struct conn *conn);
	/* Its time is over: not settled in time, or nothing came for too long. Closes it. */
	void (*expired)(struct conn *conn);
	/* The server stops. Closes it. */
	void (*stop)(struct conn *conn);
	/* It takes its output too slowly. The queue was emptied; a last word may be sent. Closes
	 * it. */
	void (*slow)(struct conn *conn);
	/* It is dead: free all of it. */
	void (*closed)(struct conn *conn);
};

struct conn {
	struct event event;
	struct net *net;	    /* borrowed */
	const struct conn_ops *ops; /* borrowed */
	void *owner;		    /* borrowed: of ops that do not find it otherwise */
	SSL *tls;		    /* owned; NULL: plain */
	struct outq out;
	uint8_t *held; /* owned: input that waits until the output has gone down; or NULL */
	uint32_t held_size;
	uint32_t record; /* bytes of a TLS record that must be offered again as they are */
	LIST_ENTRY(conn) all;
	TAILQ_ENTRY(conn) touched;
	struct wheel_entry timer;
	uint32_t waits_since; /* millisecond (net->clock) in which it was touched */
	uint32_t last_in;     /* tick in which something came */
	uint32_t deadline;    /* tick by which it must be settled or closed; 0: settled */
	int fd;
	uint8_t state;	 /* enum conn_state */
	uint8_t watched; /* EV_READ, EV_WRITE */
	bool is_touched, timed;
	bool one_of_many; /* touched, and in net->many */
	bool blocked;	  /* the socket takes no more now */
	bool full;	  /* is not read until its output has gone down */
	bool paused;	  /* is not read until the owner says so */
	bool waiting;	  /* its input was left off in the middle */
	bool again;	  /* is to be read, whatever the socket says */
	bool slow;	  /* was given more than it may have unsent */
	bool ended;	  /* the peer sends no more */
};

/* Takes a connected socket (non-blocking). 0, or -1 where it could not be taken: then fd is closed
 * and conn is as before. */
int conn_init(struct conn *conn, struct net *net, const struct conn_ops *ops, int take_fd,
	      bool tls);

/* Its sign-in is done: from now on only silence ends it. */
void conn_settle(struct conn *conn);

/* The opposite: it expires after so many microseconds unless this is called again before. */
void conn_allow(struct conn *conn, uint64_t microseconds);

/* Takes a reference of its own. Too much output makes the connection slow. */
void conn_send(struct conn *conn, struct frame *frame);

/* The same for one of very many receivers, who may get it when others have been served. */
void conn_send_many(struct conn *conn, struct frame *frame);

/* The same with the caller's reference; NULL (no memory for it) kills the connection. */
void conn_give(struct conn *conn, struct frame *take_frame);

/* Closes in order: what is queued goes out first, within two seconds. */
void conn_close(struct conn *conn);

/* Closes at once. */
void conn_kill(struct conn *conn);

/* Whether the reader of input should stop for now: too much output waits, or it is closing. */
bool conn_paused(const struct conn *conn);

/* Stops and starts reading for a reason of the owner's. */
void conn_pause(struct conn *conn);
void conn_resume(struct conn *conn);

/* Hands bytes to the owner as if they had come from the socket. */
void conn_feed(struct conn *conn, const uint8_t *data, size_t size);

/* "127.0.0.1:50000", "[::1]:50000" or "unix", for logs and records. Returns text. */
enum { CONN_ADDRESS = 64 };
const char *conn_address(const struct conn *conn, char text[CONN_ADDRESS]);

/* For net.c. */
uint32_t conn_due(struct conn *conn);
void conn_turn(struct conn *conn);
void conn_untouch(struct conn *conn);

#endif
