#ifndef PCHAT_DAEMON_ADAPTER_TASK_H
#define PCHAT_DAEMON_ADAPTER_TASK_H

#include "conf/conf.h"
#include "daemon/adapter_pack.h"
#include "daemon/adapter_plan.h"
#include "daemon/adapter_run.h"
#include "odbc/record_adapter.h"
#include "shm/proc.h"

/*
 * One adapter. What is to happen next follows from its row in the database:
 *
 *	nothing under way, due		looks how far the records go: that is this run
 *	records in it that are left	puts some of them into a batch, and notes where it ends
 *	a batch is noted		a writer makes its files
 *	the writer says it is done	notes that, and goes on with the next batch of the run
 *	the writer fails		notes that; the same batch again, later and later
 *
 * The row is ours alone to write: what could not be put is put again until it is. After each
 * connection it is read all the same, because that may be another database, which has lost its end:
 * then what that one says counts, and records are written again rather than not at all.
 */
struct adapter_task {
	const struct conf_adapter *conf; /* borrowed */
	struct record_adapter row;
	struct adapter_plan plan;
	struct adapter_run run;
	bool known;	  /* row has been read; */
	bool stale;	  /* but from another connection */
	bool dirty;	  /* the database does not have row yet */
	bool hurry;	  /* an administrator wanted it before the row was read */
	uint64_t stored;  /* row.done as the database has it */
	uint64_t target;  /* number of the last record of this run; 0: none is under way */
	uint64_t records; /* in the batch under way */
};

/* What all of them share; borrowed. */
struct adapter_shared {
	struct db *db;
	struct proc *proc;
	int conf; /* conf_snapshot_adapters */
};

void adapter_task_init(struct adapter_task *task, const struct conf_adapter *conf);

/* The connection is a new one. */
void adapter_task_attached(struct adapter_task *task);

/* What goes on without the database: takes the result of a writer. */
void adapter_task_watch(struct adapter_task *task, const struct adapter_shared *shared);

/* What wants it. may_begin: a writer may be started. DB_OK, or the connection is lost. */
enum db_result adapter_task_step(struct adapter_task *task, const struct adapter_shared *shared,
				 bool may_begin, struct err *err);

/* Whether a step has something to do at this time. */
bool adapter_task_due(const struct adapter_task *task, uint64_t now);

/* Not before this there is something to do, clock_mono(); a writer's end comes before. */
uint64_t adapter_task_next(const struct adapter_task *task);

/* An administrator wants it now. */
void adapter_task_hurry(struct adapter_task *task);

#endif
