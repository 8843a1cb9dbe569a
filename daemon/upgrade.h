#ifndef PCHAT_DAEMON_UPGRADE_H
#define PCHAT_DAEMON_UPGRADE_H

#include "odbc/db.h"
#include "shm/proc.h"

/* How a program brings its database's tables up to its own version. */
struct upgrade {
	enum db_result (*version)(struct db *db, unsigned *version_r, unsigned *wanted_r,
				  struct err *err);
	enum db_result (*open)(struct db *db, struct err *err);
	const char *what; /* "" or "compliance ", as it stands before "database" */
};

/* Tables of an older version may take long to be changed; the master is told that this is no hang,
 * and the log, what is going on. */
enum db_result upgrade_run(const struct upgrade *upgrade, struct db *db, struct proc *proc,
			   struct err *err);

#endif
