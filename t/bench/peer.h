#ifndef T_BENCH_PEER_H
#define T_BENCH_PEER_H

#include "t/bench/load.h"

/*
 * peer-load: the load of pchat-load for other chat servers, so that they can be measured beside
 * ours. What differs from protocol to protocol is here; the rest is in peer-load.c and
 * peer_client.c.
 */
enum { PEER_HELD = 16384, PEER_TEXT = 2048 };

struct peer_client {
	int fd; /* -1: not connected yet */
	uint32_t index, joined;
	uint32_t asked;	    /* the number of the post whose sender asked for a page last */
	uint8_t stage;	    /* of its protocol's greeting */
	char in[PEER_HELD]; /* what has come of a line or tag */
	size_t length;
};

struct peer_post {
	struct peer_client *client;
	uint32_t room;
};

struct peer;

struct peer_protocol {
	const char *name;
	bool echoes; /* who posts gets his own message, too */

	/* Connected: says the first words. */
	void (*greet)(struct peer *w, struct peer_client *c);
	/* Takes what is whole of the bytes; returns how many that was. data is writable and a zero
	   byte stands behind it. */
	size_t (*take)(struct peer *w, struct peer_client *c, char *data, size_t size);
	/* The bytes of post number; text begins with its time and is closed by the protocol. */
	size_t (*post)(const struct peer *w, unsigned number, const char *text, char *out,
		       size_t size);
	/* The same of a question for the newest messages of its room; NULL: there is none. */
	size_t (*page)(const struct peer *w, unsigned number, char *out, size_t size);
};

extern const struct peer_protocol peer_irc, peer_xmpp;

struct peer {
	const struct peer_protocol *protocol; /* borrowed, as the next four */
	const struct load_options *options;
	struct load_shared *shared;
	struct load_stats *stats;
	const struct load_plan *plan;
	struct peer_client *client; /* owned */
	struct peer_post *post;	    /* owned: those who post */
	uint32_t clients, posts, next, opening, ready;
	uint64_t now, begin, end, slot;
	bool running, measured; /* running: posts are made; measured: this phase's end was seen */
	double rate;		/* posts/s of all in this phase; 0: closed loop */
	int epoll;
};

/* Serves a share of the users until the parent says stop. */
_Noreturn void peer_work(struct peer *w, unsigned process);

/* For protocols: writes at once; these sockets are never full of what one user writes. */
void peer_send(const struct peer_client *c, const char *text, size_t size);
__attribute__((format(printf, 2, 3))) void peer_say(const struct peer_client *c, const char *format,
						    ...);

/* The server has taken post number: the next one may come. */
void peer_answered(struct peer *w, unsigned number);

/* A message came; text is what stands behind "load ". */
void peer_received(struct peer *w, const char *text);

/* A client has joined one more of its rooms. */
void peer_joined(struct peer *w, struct peer_client *c);

#endif
