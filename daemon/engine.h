#ifndef PCHAT_DAEMON_ENGINE_H
#define PCHAT_DAEMON_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "daemon/overload.h"
#include "shm/command.h"
#include "shm/journal.h"
#include "shm/proc.h"
#include "shm/role.h"
#include "shm/table.h"

/*
 * The engine decides: may this command be done now, and what events is it? It is the only place
 * where that is decided. It knows the private cache, which is ahead of what the others see by the
 * batch that is being made, and appends what it decided to that batch.
 */
struct engine {
	struct cache cache; /* private */
	const struct cache *shared; /* borrowed: recent history, which the private copy lacks */
	struct journal_writer writer;
	const struct conf *conf; /* borrowed */
	struct proc *proc;	 /* borrowed */
	uint64_t oldest;	 /* the ring is free below this LSN */
	uint32_t reap;		 /* session row at which the search for dead workers' goes on */
	uint32_t reaped;	 /* sessions that it has found */
	bool reaping;
	uint32_t recheck; /* participant row at which the search for lost rights goes on */
	uint32_t recheck_room; /* row of the only room that it is about; 0: all */
	bool rechecking;
	uint32_t circle_owner; /* whose circle is kept; 0: nobody's */
	struct circle circle;
	struct overload overload;
	uint32_t sweep, sweep_kind; /* where the search for what removed rooms left goes on */
	bool sweeping;
	uint32_t police; /* session row at which the search for those who are barred goes on */
	uint32_t policed; /* sessions that it has ended */
	bool policing;
	uint32_t full;	      /* enum table plus one of the one that had no place for this command */
	bool half_logged;     /* that half of the invitations is used */
	uint64_t full_logged; /* clock_mono() when the log last said that a table is full */
	bool broken; /* the journal has an event that could not be applied: stop */
};

enum decision {
	DECIDED,  /* its events are in the batch, or there is nothing to say */
	ANSWERED, /* *answer_r goes back to the sender */
	LATER,	  /* the batch or the ring is full: take it again when there is room */
};

enum decision engine_decide(struct engine *engine, unsigned mail_slot,
			    const struct command *command, struct answer *answer_r);

/* A reader's row for the shared cache: the only change that is no event. */
void engine_fill(struct engine *engine, struct cache *shared, const struct command *command);

/* Notes that a process is gone: its sessions are lost. */
void engine_slot_changed(struct engine *engine);

/* Takes sessions of processes that are gone as lost: a part of them, which goes on while
 * engine->reaping. True if there were any. */
bool engine_reap(struct engine *engine);

/* Ends sessions that have been lost for limits.linger, or (all) that are lost: a part of them. True
 * if there were any. */
bool engine_linger(struct engine *engine, bool all);

/* Takes out of rooms whoever has lost the right to be there: a part of the search, which goes on
 * while engine->rechecking. True if anybody left. */
bool engine_recheck(struct engine *engine);

/* Takes away what users have of rooms that are removed: a part of it, which goes on while
 * engine->sweeping. True if there was any. */
bool engine_sweep(struct engine *engine);

/* Ends sessions of users who may not use the server any more: a part of the search, which goes on
 * while engine->policing. True if any ended. */
bool engine_police(struct engine *engine);

/* Begins these searches from outside: a predecessor may have died in the middle of one. */
void engine_rights_changed(struct engine *engine);

/* Writes that the sequencer has started; flags: EVENT_COLD. */
int engine_start(struct engine *engine, unsigned flags, struct err *err);

#endif
