#ifndef PCHAT_DAEMON_MASTER_PLACE_H
#define PCHAT_DAEMON_MASTER_PLACE_H

#include "daemon/master.h"

/*
 * The active places and who serves them. A place is a set of listening sockets; a worker that is
 * ready serves none until it is given one, and keeps it until it ends.
 */

/* Gives every place that nobody serves to a worker that is ready, as far as there are any. */
void place_fill(struct master *master);

/* Whether every place is served. */
bool place_all_served(const struct master *master);

#endif
