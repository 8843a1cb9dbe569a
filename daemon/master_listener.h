#ifndef PCHAT_DAEMON_MASTER_LISTENER_H
#define PCHAT_DAEMON_MASTER_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "conf/err.h"

/*
 * The listening sockets. Every active place has one of its own for each address (SO_REUSEPORT),
 * so the kernel spreads connections over the places; the master keeps them open as long as the place
 * is active, so that connections wait in the backlog while it has no worker.
 */
struct listener {
	unsigned places, addresses;
	int json[CONF_PLACES_MAX][CONF_ITEMS_MAX]; /* owned; -1: none */
	int admin;				   /* owned; one for all workers */
	int remote[CONF_ITEMS_MAX];		   /* owned; pchat-admin's */
	int control;				   /* owned; the master's own */
	const struct conf *conf;		   /* borrowed */
};

/* wait: microseconds to wait for an address that is in use (an earlier master's workers that are
 * ending). On failure what was made remains for listener_fini. */
int listener_init(struct listener *listener, const struct conf *conf, uint64_t wait,
		  struct err *err);

/* Closes them all and removes the unix sockets. */
void listener_fini(struct listener *listener);

/* Makes those of a place that are not there or do not listen any more: a worker can have shut one
 * down, for every process and for good. */
int listener_open(struct listener *listener, unsigned place, struct err *err);

/* Those of a place that is not active any more. Where a worker has them they listen until it closes
 * them, too. */
void listener_close(struct listener *listener, unsigned place);

/* The sockets of an open place and their kinds (enum listen_kind), to be handed over. Returns how
 * many; fds and kinds have room for CONF_ITEMS_MAX + 1. The descriptors stay the listener's. */
unsigned listener_place(const struct listener *listener, unsigned place, int *fds, uint8_t *kinds);


#endif
