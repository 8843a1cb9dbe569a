#ifndef PCHAT_T_WORKER_STUB_H
#define PCHAT_T_WORKER_STUB_H

#include "worker/net.h"
#include "worker/session.h"

/*
 * The front ends of a worker without what is below them: every call of chat.h is answered at once
 * with something made up. For tests and for the fuzz target, which feed bytes in and look at what
 * comes out.
 */
struct stub {
	struct event_base *base;
	struct conf conf;
	struct proc proc;
	struct proc_page page;
	struct net net;
	struct chat *chat;
	int peer; /* the other end of the connection that was opened last */
};

/* What the last call of chat.h was given, for tests to look at. */
struct stub_call {
	unsigned count;	  /* of calls */
	const char *name; /* "post" */
	char text[256];	  /* the first text, cut off */
	uint64_t number;
};

void stub_init(struct stub *stub);
void stub_fini(struct stub *stub);

/* Opens a client's connection (or a local administrator's) over a socket pair. */
struct conn *stub_open(struct stub *stub, bool local);

/* Hands it bytes; then the turn ends. False: the connection is gone. */
bool stub_feed(struct stub *stub, struct conn *conn, const void *data, size_t size);

/* Reads what came out; returns the bytes, terminated by a NUL. */
size_t stub_read(struct stub *stub, char *out, size_t size);

/* Ends all connections. */
void stub_close(struct stub *stub);

/* The session of the connection that was opened last. */
struct session *stub_session(struct stub *stub);

struct stub_call *stub_last(struct stub *stub);

/* Answers what the transfer under way waits for, and a turn goes by. There is one file of 100000
 * bytes, each its own offset modulo 251. False: nothing is waited for. */
bool stub_transfer(struct stub *stub, int code);

/* What questions are answered at once from now on; after CODE_BUSY, stub_transfer_again. */
void stub_transfer_code(struct stub *stub, int code);
void stub_transfer_again(struct stub *stub);

/* Whether something else was uploaded than that file. */
bool stub_spoiled(const struct stub *stub);

/* Whether there is a transfer. */
bool stub_transfers(const struct stub *stub);

#endif
