#ifndef PCHAT_DAEMON_COMPLIANCE_H
#define PCHAT_DAEMON_COMPLIANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/complaint.h"
#include "daemon/compliance_batch.h"
#include "daemon/compliance_expire.h"
#include "daemon/record_anchor.h"
#include "daemon/record_sign.h"
#include "odbc/backoff.h"
#include "shm/cache.h"
#include "shm/child.h"
#include "shm/journal.h"
#include "shm/schedule.h"

/*
 * The compliance process: brings what happened from the journal into the compliance database, each
 * event once and in its order. The sequencer overwrites nothing that is not there yet.
 */
struct compliance {
	struct child child;
	struct yielding yielding;
	struct db *db;		      /* owned */
	struct cache *cache;	      /* owned */
	struct record_signer *signer; /* owned; NULL: checkpoints are not signed */
	struct compliance_batch batch;
	struct backoff backoff;
	struct complaint database, drain;
	unsigned place; /* of the database that was connected last, from 1 on */
	struct journal journal;
	bool mapped;   /* journal is */
	bool attached; /* connected, and cursor is what the database has */
	bool ready;    /* the master knows that we are */
	bool checked;  /* the cursor is one of this journal */
	bool stop;
	uint64_t deadline;	 /* clock_mono() at which an orderly stop must be over */
	uint64_t begun;		 /* clock_mono() of the last transaction */
	uint64_t checkpoint_due; /* clock_mono() */
	uint64_t checkpointed;	 /* number of the record of the last one */
	struct record_cursor cursor;
	struct compliance_expire expire;

	struct record_anchor anchor;
	struct complaint anchor_file;
	bool anchor_lost;    /* the database that was connected does not have it */
	bool anchor_differs; /* nor has it again, now that it was filled again */
	struct record_checkpoint differs; /* that is to be on record; number 0: nothing is */
};

/* What failed has closed the connection: says so and lets the back-off run. */
void compliance_failed(struct compliance *compliance, enum db_result result, const struct err *err);

/* The database did what it was asked for, or nothing is asked of it: what failed is over. That it can be
 * connected does not say so: its disk may be full. */
void compliance_worked(struct compliance *compliance);

/* Tells the sequencer where the records end. */
void compliance_publish(struct compliance *compliance);

/* Records what the journal has and the database has not (compliance_drain.c). How long to wait
 * before the next time, in milliseconds; 0: there is more. */
int compliance_drain(struct compliance *compliance);

/* What a transaction has in common with others: its end, in which the batch becomes durable with the
 * cursor and, where one is due, a checkpoint; and what becomes of one that failed. */
enum db_result compliance_commit(struct compliance *compliance, struct err *err);
void compliance_transaction_failed(struct compliance *compliance, enum db_result result,
				   const struct err *err);

/* What is known of the database from somewhere else (compliance_anchor.c). DB_RETRY: it is not the
 * one that was written to, and an administrator has to say what to do. */
enum db_result compliance_anchor_check(struct compliance *compliance, struct err *err);

/* The batch is about to be recorded; it is; a checkpoint is. */
void compliance_anchor_compare(struct compliance *compliance);
void compliance_anchor_move(struct compliance *compliance);
void compliance_anchor_keep(struct compliance *compliance,
			    const struct record_checkpoint *checkpoint);

/* Each checkpoint stands in the log, too. */
void compliance_log_checkpoint(const struct record_checkpoint *checkpoint);

/* Brings what there is at the beginning into the database (compliance_snapshot.c), in transactions
 * of its own. */
enum db_result compliance_snapshot(struct compliance *compliance, struct err *err);

/* Leaves the processor to others as far as the journal has room, and nobody waits for the record. */
void compliance_yield(struct compliance *compliance);

bool compliance_behind(const struct compliance *compliance);

/* Whether everything that is durable is recorded and under a checkpoint, or nothing more can be. */
bool compliance_drained(const struct compliance *compliance);

#endif
