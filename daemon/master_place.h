#ifndef PCHAT_DAEMON_MASTER_PLACE_H
#define PCHAT_DAEMON_MASTER_PLACE_H

#include "daemon/master.h"

/*
 * The places and who serves them. A place is a set of sockets. Those that are active listen, and a
 * worker that is ready serves none until it is given one, and keeps it until it ends or the place is
 * not active any more. Which are active the configuration says, or an administrator, whom the sequencer
 * speaks for (struct proc_page, places).
 *
 * A worker whose place is given up takes whoever waits at its sockets, closes them, has its clients go
 * elsewhere and ends; a new process takes its slot, as a standby. When the place is active again it has
 * new sockets.
 */

/* Those of the configuration are active. */
void place_init(struct master *master);

/* Sees which are to be served, has the others given up, and gives every place that nobody serves to a
 * worker that is ready, as far as there are any. */
void place_turn(struct master *master);

/* Whether as many are served as can be before there are standbys. */
bool place_all_served(const struct master *master);

#endif
