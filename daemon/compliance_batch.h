#ifndef PCHAT_DAEMON_COMPLIANCE_BATCH_H
#define PCHAT_DAEMON_COMPLIANCE_BATCH_H

#include "daemon/compliance_state.h"
#include "daemon/record_hash.h"
#include "shm/layout.h"

/*
 * Records on their way into the compliance database: those between the cursor that it has and the
 * cursor that it will have.
 */
struct compliance_batch {
	struct record_row *row; /* owned */
	char **text;		/* owned: the bytes of all texts of each row */
	unsigned rows, size; /* that it ends with; the event that ends it may make more */
	uint64_t bytes;		      /* of the texts */
	struct record_cursor cursor;  /* when all of it is recorded */
	struct record_hasher *hasher; /* owned */
	struct state *state;	      /* owned */
	const char *domain;	      /* borrowed */
	bool purge_asked;	      /* one of them asks for a purge */
};

int compliance_batch_init(struct compliance_batch *batch, unsigned size, const char *domain,
			  struct err *err);
void compliance_batch_fini(struct compliance_batch *batch);

/* Begins a batch behind a cursor. */
void compliance_batch_begin(struct compliance_batch *batch, const struct record_cursor *from);

bool compliance_batch_full(const struct compliance_batch *batch);

/* Adds a copy of a row, with its number and hash. */
enum db_result compliance_batch_add(struct compliance_batch *batch, const struct record_row *row,
				    struct err *err);

/* Records an event, in the transaction under way (compliance_event.c). */
enum db_result compliance_event(struct compliance_batch *batch, struct db *db,
				const struct record *record, struct err *err);

/* Does what a record (with everything but its number) of a VIEW_HOLD, VIEW_RELEASE or VIEW_PURGE
 * asks for. *refusal_r: why it is not done, in a word; NULL: it is (compliance_order.c). */
enum db_result compliance_order(struct compliance_batch *batch, struct db *db, unsigned kind,
				const struct record_row *row, const char **refusal_r,
				struct err *err);

/* All sessions ended with a server that did not say so: makes a record for each room that one of
 * them was in, and each session, until the batch is full. *more_r: there are others left. */
enum db_result compliance_orphans(struct compliance_batch *batch, struct db *db,
				  const struct record *start, bool *more_r, struct err *err);

/* Events up to an LSN were given up. lost: the record that was the newest, and that the database does
 * not have; NULL: there is none. */
struct record_anchor;
enum db_result compliance_gap(struct compliance_batch *batch, uint64_t to, uint64_t time,
			      const struct record_anchor *lost, struct err *err);

/* The database was an older copy, and that record is not again what it was. */
enum db_result compliance_restored(struct compliance_batch *batch, uint64_t time,
				   const struct record_checkpoint *differs, struct err *err);

/* The key that signs from now on, by its name, "": none; nothing where it is the same as before. */
enum db_result compliance_key(struct compliance_batch *batch, struct db *db, uint64_t time,
			      const char *name, struct err *err);

#endif
