#include "daemon/upgrade.h"

#include "conf/log.h"

enum db_result upgrade_run(const struct upgrade *upgrade, struct db *db, struct proc *proc,
			   struct err *err)
{
	const uint32_t before = atomic_load(&proc->own->state);
	unsigned version, wanted;
	enum db_result result = upgrade->version(db, &version, &wanted, err);

	if (result != DB_OK)
		return result;
	if (version > 0 && version < wanted) {
		log_notice("the tables of %sdatabase %u are changed from version %u to %u",
			   upgrade->what, db_place(db) + 1, version, wanted);
		proc_state(proc, PROC_UPGRADING);
	}
	result = upgrade->open(db, err);
	proc_heartbeat(proc);
	if (version > 0 && version < wanted) {
		proc_state(proc, before);
		if (result == DB_OK)
			log_notice("the tables of %sdatabase %u have version %u now",
				   upgrade->what, db_place(db) + 1, wanted);
	}
	return result;
}
