#ifndef PCHAT_WORKER_ACCEPT_H
#define PCHAT_WORKER_ACCEPT_H

#include <event2/event.h>
#include <event2/event_struct.h>

#include "shm/child.h"
#include "shm/fdpass.h"
#include "worker/chat.h"
#include "worker/net.h"

/* Listening sockets. What comes when a worker has as many connections as it may have is closed; when
 * no descriptor can be had, it waits in the kernel. Administrators are let in above the limit. */
struct accept;

struct accept_socket {
	struct event event;
	struct accept *accept; /* borrowed */
	enum listen_kind kind;
};

struct accept {
	struct net *net;   /* borrowed */
	struct chat *chat; /* borrowed */
	unsigned count;
	bool open; /* the sockets are watched */
	struct accept_socket sockets[FDPASS_MAX];
};

void accept_init(struct accept *accept, struct net *net, struct chat *chat);

/* Takes listening sockets: number i is of kind kinds[i]. */
void accept_add(struct accept *accept, const int *take_fds, unsigned count, const uint8_t *kinds);

/* Once a second: tries again where no descriptor could be had. */
void accept_second(struct accept *accept);

/* Closes all. */
void accept_fini(struct accept *accept);

#endif
