#ifndef PCHAT_WORKER_LOCAL_CLIENT_H
#define PCHAT_WORKER_LOCAL_CLIENT_H

#include "worker/chat.h"
#include "worker/net.h"

/* The front end of local administrators: JSON-RPC 2.0 over a unix socket, one object a line. Who is
 * at the other end is known by the socket's credentials. */

/* Takes a connected socket. 0, or -1: no memory, and it was closed. */
int local_client_open(struct net *net, struct chat *chat, int take_fd);

#endif
