#ifndef PCHAT_DAEMON_MASTER_H
#define PCHAT_DAEMON_MASTER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "conf/conf.h"
#include "conf/err.h"
#include "daemon/master_account.h"
#include "daemon/master_backoff.h"
#include "daemon/master_detach.h"
#include "daemon/master_listener.h"
#include "daemon/master_supply.h"
#include "shm/proc.h"

struct event;
struct event_base;

/*
 * The master: starts, watches, promotes and stops all other processes. Its loop sleeps until a
 * signal, a message or a moment has come and then acts, in one fixed order (master_run). Handlers
 * only set flags. Of shared memory it touches the process table alone, and what it reads there it
 * uses for nothing but to judge whether the slot's process is alive.
 */

/* What the master knows of one slot. */
struct process {
	unsigned slot;
	bool wanted;		/* the configuration has a process here */
	pid_t pid;		/* 0: none */
	uint32_t generation;	/* of the process; without one: of the next */
	int control;		/* owned; -1: none */
	struct event *readable; /* owned; of control */
	struct master *master;	/* borrowed */

	bool ready;		       /* it said so */
	bool killed;		       /* by us; its end is near */
	bool told;		       /* to stop */
	int place;		       /* a worker's active place, -1: standby */
	bool draining;		       /* a worker that has been told to give up its place */
	uint64_t drained;	       /* clock_mono() by which it has to be gone then */
	uint64_t started, ready_since; /* clock_mono() */

	bool ever_ready;   /* so was this one or one before it: never given up any more */
	unsigned failures; /* ends before that */
	bool at_once;	   /* the next start does not wait: we killed it for one question's sake */
	uint64_t due;	   /* clock_mono() of the next start */
	struct backoff backoff;

	unsigned hangs; /* of a writer to a database, in a row: killed with its cursor where it was */
	uint64_t stuck; /* its cursor then */
};

/* An orderly stop, phase by phase (master_stop.h). */
struct stop {
	bool under_way;
	unsigned phase;
	uint64_t began, deadline; /* of all; of the phase */
	bool forced;		  /* something had to be killed */
};

struct status;

struct master {
	const char *file;      /* borrowed: the configuration's */
	const char *directory; /* borrowed: of the programs, or NULL */
	bool foreground;
	bool recover;	       /* the sequencer gets -r until one was ready */
	struct conf *conf;     /* borrowed; only its log level ever changes */
	struct detach *detach; /* borrowed */

	struct account account, worker_account, compliance_account, admin_account;
	struct supply supply;
	struct listener listener;
	struct proc table; /* own page writable, all pages readable; eventfds borrowed from supply */
	struct process process[SLOTS];
	struct process *place[CONF_PLACES_MAX]; /* who serves it; NULL: nobody */
	uint32_t wanted;			 /* bits: the places that are to be served */
	uint64_t unbound; /* clock_mono() when the log last said that a place has no sockets */
	uint32_t generation;			 /* the last one given */
	uint64_t now;				 /* clock_mono() of this turn */
	uint64_t watched;			 /* the turn before */
	uint64_t grace;				 /* until then nobody is too late (master_watch.c) */

	bool loaded;  /* sequencer and store have been ready: the others may start */
	bool serving; /* every process but the standbys has been ready */

	struct stop stop;
	struct status *status; /* owned */
	int result;	       /* exit status */
	struct err failure;    /* why, if it is not EX_OK */

	struct event_base *base;  /* owned */
	struct event *signals[5]; /* owned */
	struct event *timer;	  /* owned */

	bool child_wanted, stop_wanted, reload_wanted; /* set by handlers */
};

/* Makes everything that is made once. wait: microseconds for what an earlier master's processes may
 * still hold. On failure and at the end: master_fini. */
int master_init(struct master *master, uint64_t wait, struct err *err);

/* Runs until everything has stopped. Returns the exit status. */
int master_run(struct master *master);

void master_fini(struct master *master);

/* Something without which there is no server: logs it and stops. */
void master_fail(struct master *master, int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Shows the master's own state, in its page and its title. */
void master_state(struct master *master, enum proc_state state);

/* Has something to tell the sequencer: a slot's generation has changed. */
void master_wake_sequencer(struct master *master);

#endif
