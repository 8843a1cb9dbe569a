#ifndef PCHAT_BENCH_LOAD_CONNECTION_H
#define PCHAT_BENCH_LOAD_CONNECTION_H

#include "t/bench/load.h"
#include "t/bench/load_frame.h"

/* A WebSocket to the server: TCP, TLS if wanted, frames. It holds no buffers while nothing is under
 * way. */
struct load_connection {
	int fd;	  /* -1: none */
	SSL *ssl; /* owned */
	enum { LINK_DOWN, LINK_CONNECTING, LINK_TLS, LINK_ASKING, LINK_OPEN } state;
	bool waits_to_write; /* epoll has been told */
	uint8_t *in, *out;   /* owned */
	size_t in_length, in_size, out_length, out_size;
};

struct load_network {
	const struct load_options *options; /* borrowed */
	SSL_CTX *tls;			    /* owned; NULL: plain */
	int epoll;
};

/* tag comes back in the epoll events. source: which of the options' source addresses to use. */
int load_connection_start(struct load_connection *c, const struct load_network *network,
			  unsigned source, void *tag);

/* Sets up what is not yet up. 1: frames can flow; 0: not yet; -1: failed. */
int load_connection_turn(struct load_connection *c, const struct load_network *network, void *tag);

/* Takes what has come: calls take for each frame. -1: the connection is over. */
typedef int load_take_fn(void *ctx, const struct load_frame *frame);
int load_connection_read(struct load_connection *c, load_take_fn *take, void *ctx);

/* Queues a frame; load_connection_flush sends what is queued. -1: out of memory; over. */
int load_connection_send(struct load_connection *c, unsigned opcode, const void *payload,
			 size_t size);
int load_connection_flush(struct load_connection *c, const struct load_network *network, void *tag);

void load_connection_stop(struct load_connection *c);

#endif
