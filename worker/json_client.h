#ifndef PCHAT_WORKER_JSON_CLIENT_H
#define PCHAT_WORKER_JSON_CLIENT_H

#include "worker/chat.h"
#include "worker/net.h"

/* The front end of clients: JSON-RPC 2.0 over WebSocket (pchat-protocol(7)). */

/* Takes a connected socket. 0, or -1: no memory, and it was closed. */
int json_client_open(struct net *net, struct chat *chat, int take_fd, bool tls);

#endif
