#ifndef PCHAT_DAEMON_MASTER_SLOT_H
#define PCHAT_DAEMON_MASTER_SLOT_H

#include <stdbool.h>

#include "conf/conf.h"
#include "shm/layout.h"

/* What a process slot is for, and whether this configuration has a process in it. */

static inline bool slot_is_worker(unsigned slot)
{
	return slot >= SLOT_WORKER && slot < SLOT_WORKER + WORKER_SLOTS;
}

static inline bool slot_is_reader(unsigned slot)
{
	return slot >= SLOT_READER && slot < SLOT_READER + READER_SLOTS;
}

static inline bool slot_is_wanted(unsigned slot, const struct conf *conf)
{
	if (slot_is_worker(slot))
		return slot - SLOT_WORKER < conf->workers.active + conf->workers.standby;
	if (slot_is_reader(slot))
		return slot - SLOT_READER < conf->content.readers;
	if (slot == SLOT_COMPLIANCE)
		return conf->compliance.enabled;
	if (slot == SLOT_ADAPTER)
		return conf->compliance.enabled && conf->adapters.count > 0;
	if (slot == SLOT_FILE)
		return *conf->files.directory;
	if (slot == SLOT_ADMIN)
		return conf->admin.listen.count > 0;
	return slot == SLOT_SEQUENCER || slot == SLOT_STORE || slot == SLOT_AUTH;
}

/* A slot beyond the active places: started once all places are served. */
static inline bool slot_is_standby(unsigned slot, const struct conf *conf)
{
	return slot_is_worker(slot) && slot - SLOT_WORKER >= conf->workers.active;
}

/* Has a mailbox to the sequencer, whether or not there is a process: memory that nobody has touched
 * costs nothing, and the sequencer need not know how many of them there are. */
static inline bool slot_sends(unsigned slot)
{
	return slot == SLOT_STORE || slot == SLOT_AUTH || slot == SLOT_FILE ||
	       slot_is_worker(slot) || slot_is_reader(slot);
}

#endif
