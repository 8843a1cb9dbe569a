#ifndef PCHAT_DAEMON_RELAY_NAME_H
#define PCHAT_DAEMON_RELAY_NAME_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "shm/event.h"

/*
 * How pchat-admin tells pchat-auth whom a connection to admin.sock is for: by the name that it
 * gives its own end before it connects. The kernel keeps the name and the process, and shows both
 * to whoever holds the accepted socket, so that a worker, which passes it on, can neither change
 * nor invent them. In the bytes of the connection there is nothing to be believed.
 *
 * The name is in the abstract space: "pchat-admin/PID/SERIAL/ITEM/ADDRESS". The first two make it
 * unique; ITEM is the number of the certificate's name in admin.access, which both processes have.
 */
struct relay_name {
	unsigned item;
	char address[EVENT_ADDRESS_MAX + 1]; /* the administrator's: "127.0.0.1:50000" */
};

/* The length of the address, for bind; 0: the address does not fit. */
socklen_t relay_name_put(const struct relay_name *name, uint64_t serial,
			 struct sockaddr_un *address_r);

/* Whether a peer bears such a name, well-formed or not: nobody else than pchat-admin may. */
bool relay_name_is(const struct sockaddr_un *address, socklen_t length);

bool relay_name_get(const struct sockaddr_un *address, socklen_t length, struct relay_name *name_r);

#endif
