#ifndef PCHAT_DAEMON_MASTER_SPAWN_H
#define PCHAT_DAEMON_MASTER_SPAWN_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "conf/conf.h"
#include "conf/err.h"
#include "daemon/master_account.h"
#include "daemon/master_listener.h"
#include "daemon/master_supply.h"

/* What every start needs; all borrowed. */
struct spawn {
	const char *directory; /* of the programs, for a build tree; NULL: where they are installed */
	const struct conf *conf;
	const struct supply *supply;
	const struct account *compliance_account;
	const struct listener *listener;
	const struct account *account, *worker_account, *admin_account;
	bool recover; /* the sequencer gets -r */
};

/*
 * Where the program of a slot is. In the directory of a build tree it may stand in daemon/ or
 * worker/.
 */
int spawn_program(const struct spawn *spawn, unsigned slot, char path_r[PATH_MAX], struct err *err);

/*
 * Starts the program of a slot. Returns its pid, and the master's end of its control socket (the
 * caller's, close-on-exec, non-blocking) in *control_r; or -1.
 */
pid_t spawn_start(const struct spawn *spawn, unsigned slot, uint32_t generation, int *control_r,
		  struct err *err);

#endif
