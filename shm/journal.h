#ifndef PCHAT_SHM_JOURNAL_H
#define PCHAT_SHM_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/err.h"
#include "shm/event.h"
#include "shm/layout.h"
#include "shm/segment.h"

/*
 * The journal ring (struct journal_header and struct record in shm/layout.h). One process appends,
 * any number read. A reader's functions need no more than a read-only descriptor.
 */
struct journal {
	struct segment map;		     /* the whole file, read-only */
	const struct journal_header *header; /* in the map */
	const uint8_t *ring;		     /* in the map */
	uint64_t size;			     /* of the ring */
};

/*
 * Maps the journal behind fd and checks its header. A file whose header is all zero is new: -1 is
 * returned with *new_r true. new_r may be NULL. Behind the ring JOURNAL_GUARD readable bytes follow
 * in memory, so that whoever believes the length of a record that is overwritten under his eyes
 * does not leave the map.
 */
enum { JOURNAL_GUARD = 2 << 20 };

int journal_map(struct journal *journal, int fd, bool *new_r, struct err *err);
void journal_unmap(struct journal *journal);

enum journal_read {
	JOURNAL_RECORD, /* *record_r is the record at *lsn; *lsn was moved behind it */
	JOURNAL_END,	/* *lsn is at the limit */
	JOURNAL_LOST,	/* *lsn is below tail: the reader was too slow and must start over */
	JOURNAL_BAD,	/* the record at *lsn does not agree: damage */
};

/*
 * The next record at *lsn (padding is skipped), of those below limit (the sequencer's durable LSN).
 * tail: the sequencer's tail word in its page; the record is good if it is still at or above
 * that after checking. The record points into the map: a reader that may be overtaken, because
 * nothing is held for it (a worker, pchat-file), takes a copy of it by journal_copy.
 */
enum journal_read journal_read(const struct journal *journal, uint64_t *lsn, uint64_t limit,
			       const _Atomic uint64_t *tail, const struct record **record_r);

/* Whether what was read from a record may have been overwritten meanwhile. lsn: what *lsn was
 * before the journal_read that gave it (the record's own words may be another record's by now). */
bool journal_overtaken(const struct record *record, uint64_t lsn, const _Atomic uint64_t *tail);

/* A copy of the record that nobody changes, at own, which has room for JOURNAL_COPY bytes; NULL: it
 * was overwritten before it was there. lsn as above. */
#define JOURNAL_COPY (sizeof(struct record) + EVENT_PAYLOAD_MAX)
const struct record *journal_copy(const struct journal *journal, const struct record *record,
				  uint64_t lsn, const _Atomic uint64_t *tail, void *own);

/* --- What follows is the sequencer's. --- */

struct journal_writer {
	struct journal journal;
	int fd;		 /* borrowed */
	uint64_t end;	 /* where the next record goes */
	uint64_t synced; /* everything below is durable */
	uint32_t epoch;
	uint64_t time;	/* of the newest record */
	uint8_t *batch; /* owned; the last batch_used bytes before end, not yet written */
	size_t batch_used, batch_size;
	size_t batch_pad; /* of batch_used: padding, which does not count towards batch_size */
	bool started;	  /* this epoch's EVENT_START was appended */
	bool cleared;	  /* its place on the disk was cleared before */
	bool failed;	  /* a write or sync failed: the writer does nothing any more */
};

/*
 * Makes a new journal of all the file's size, whose first record will have the LSN base (rounded up
 * to 8, at least 8), and syncs it. The ring is filled with zeros first: nothing older can be taken
 * for a record, the disk has the room, and later syncs need not change what the file system knows
 * of the file. The header comes last, so a journal that was not finished is still a new file.
 */
int journal_format(int fd, uint64_t base, struct err *err);

/*
 * Finds the end of the journal: reads on from the LSN from (a durable cursor, or base) while
 * records agree, calling each (if not NULL) with every one but padding; what each returns other
 * than 0 ends it with an error. limit: stop there at the latest (a restart that knows how far its
 * predecessor had published), or UINT64_MAX.
 *
 * Damage before the end is an error that names the LSN. With recover the journal ends before the
 * damage: the records behind it are counted in the log and made unreadable. A cursor older than all
 * that the ring holds is an error in any case.
 *
 * Then what may not be on disk is written again and synced, and the writer stands at the end with
 * an epoch above any in the ring. batch_size: bytes of records that one batch can take.
 */
int journal_open(struct journal_writer *writer, int fd, uint64_t from, uint64_t limit, bool recover,
		 size_t batch_size, int (*each)(const struct record *record, void *arg), void *arg,
		 struct err *err);

/*
 * Adds a record to the batch. The caller has filled type, flags, room, actor, seq, origin, command
 * and mail_slot in head, and gives the payload; lsn, time (now, or the last one's if the clock
 * went back), epoch, synced, length and CRC are set here. oldest is the LSN below which the ring is
 * free. Returns the record in the batch (valid until journal_commit), or NULL if the batch or the
 * ring has no room for it. A batch never grows larger than its size and nothing is written here.
 * The first record after journal_open must be an EVENT_START: a reader takes a new epoch from no
 * other.
 */
const struct record *journal_append(struct journal_writer *writer, const struct record *head,
				    const void *payload, uint32_t size, uint64_t oldest);

/* Whether ring and batch could take payloads of so many bytes in all in count records, and leave
 * reserve bytes of the ring free. */
bool journal_fits(const struct journal_writer *writer, uint64_t bytes, unsigned count,
		  uint64_t oldest, uint64_t reserve);

/* The lowest LSN whose bytes are untouched once the batch is written: the tail to publish (release,
 * then a full fence) before journal_commit. A tail once published is never lowered: after a restart
 * this may be lower than what the dead predecessor had overwritten. */
uint64_t journal_tail(const struct journal_writer *writer);

/* Writes the batch and, if sync, makes everything up to end durable. -1: the journal's state is
 * unknown, and the process must end without acknowledging anything of the batch; called again it
 * fails again. */
int journal_commit(struct journal_writer *writer, bool sync, struct err *err);

void journal_close(struct journal_writer *writer);

#endif
