#ifndef PCHAT_DAEMON_STORE_H
#define PCHAT_DAEMON_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/complaint.h"
#include "daemon/retention.h"
#include "daemon/store_batch.h"
#include "odbc/backoff.h"
#include "odbc/content.h"
#include "shm/child.h"
#include "shm/journal.h"
#include "shm/mailbox.h"
#include "shm/schedule.h"

/*
 * The store: brings the events of the journal into the content database, and gives the sequencer
 * what is in that database when it starts with an empty cache.
 */
struct store {
	struct child child;
	struct mailbox mailbox;
	struct yielding yielding;
	struct db *db; /* owned */
	struct backoff backoff;
	struct complaint database, drain;
	unsigned place; /* of the database that was connected last, from 1 on */
	struct store_batch batch;
	struct journal journal;
	bool mapped;   /* journal is */
	bool attached; /* connected, and cursor is what the database has */
	bool ready;    /* the master knows that we are */
	bool checked;  /* the cursor is one of this journal */
	uint64_t expire; /* clock_mono(): when old rows of the audit are looked for next */
	bool sweep;    /* there may be messages of removed rooms */
	bool indexed;  /* there is an index of texts */
	bool fill;     /* there may be messages that it does not have */
	uint32_t filled; /* id of the room up to which there are none */
	struct retention retention;
	bool retaining;		 /* rooms are being looked through */
	uint32_t retain_room;	 /* the sequencer is still to be told to purge this one; 0: none */
	uint64_t retain_through; /* up to this number */
	unsigned retain_rooms;	 /* that were purged in this pass */
	uint64_t retain_due;	 /* clock_mono() of the next pass */
	bool stop;
	uint32_t loaded;   /* generation of the sequencer that has been given everything */
	uint64_t deadline; /* clock_mono() at which an orderly stop must be over */
	uint64_t begun;	   /* clock_mono() of the last transaction */
	struct content_cursor cursor;
};

/* Waits for a wake-up, the master or the time, in milliseconds; the heartbeat goes on. */
void store_wait(struct store *store, int timeout);

/* What failed has closed the connection: says so and lets the back-off run. */
void store_failed(struct store *store, enum db_result result, const struct err *err);

/* The database did what it was asked for, or nothing is asked of it: what failed is over. That it can be
 * connected does not say so: its disk may be full. */
void store_worked(struct store *store);

/* Whether the sequencer waits for us to load it (store_load.c), and doing so. */
bool store_load_wanted(const struct store *store);
void store_load(struct store *store);

/* Stores what the journal has and the database has not (store_drain.c). How long to wait before
 * the next time, in milliseconds; 0: there is more. */
int store_drain(struct store *store);

/* Looks for messages that retention has no place for, where it is time to (store_retention.c). How
 * long to wait then, at most `wait`. */
int store_retain(struct store *store, int wait);

/* Leaves the processor to others as far as the journal has room, and nobody waits for the store. */
void store_yield(struct store *store);

/* Whether the journal has something that the database has not. */
bool store_behind(const struct store *store);

/* Whether everything that is durable is stored, or nothing more can be. */
bool store_drained(const struct store *store);

#endif
