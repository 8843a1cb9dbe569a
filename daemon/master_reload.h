#ifndef PCHAT_DAEMON_MASTER_RELOAD_H
#define PCHAT_DAEMON_MASTER_RELOAD_H

#include "daemon/master.h"

/*
 * Reads the configuration anew. If there is a mistake in it everything stays as it is. Else what
 * can change while the server runs (log.level) does, in all processes; what cannot is logged by
 * name. Processes that start later go on with the old settings, too: those of one server agree.
 */
void reload_configuration(struct master *master);

#endif
