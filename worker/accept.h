#ifndef PCHAT_WORKER_ACCEPT_H
#define PCHAT_WORKER_ACCEPT_H

#include <event2/event.h>
#include <event2/event_struct.h>

#include "shm/child.h"
#include "shm/fdpass.h"
#include "worker/chat.h"
#include "worker/net.h"

/* Listening sockets. While a worker has as many connections as it may have, or descriptors are
 * used up, new ones wait in the kernel. */
struct accept;

struct accept_socket {
	struct event event;
	struct accept *accept; /* borrowed */
	enum listen_kind kind;
	bool open; /* it is watched */
};

struct accept {
	struct net *net;   /* borrowed */
	struct chat *chat; /* borrowed */
	unsigned count;
	bool failed; /* no descriptor could be had: try again in a second */
	struct accept_socket sockets[FDPASS_MAX];
};

void accept_init(struct accept *accept, struct net *net, struct chat *chat);

/* Takes listening sockets: number i is of kind kinds[i]. */
void accept_add(struct accept *accept, const int *take_fds, unsigned count, const uint8_t *kinds);

/* Stops or goes on accepting as there is room. Called when a turn ends, and once a second. */
void accept_turn(struct accept *accept);
void accept_second(struct accept *accept);

/* Closes all. */
/* Takes what waits in the clients' sockets, and lets go of all sockets. */
void accept_drain(struct accept *accept);

void accept_fini(struct accept *accept);

#endif
