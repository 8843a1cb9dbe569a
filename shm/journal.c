#include "config.h"

#include "shm/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/bug.h"
#include "conf/clock.h"
#include "conf/fault.h"
#include "conf/log.h"
#include "shm/crc32c.h"

/* LSNs stay far below the end of their type, so that sums of them need no check. */
#define JOURNAL_LSN_MAX (UINT64_C(1) << 62)

enum { JOURNAL_RING_UNIT = 4096, JOURNAL_CHUNK = 1 << 20 };

static uint64_t align_up(uint64_t n)
{
	return (n + JOURNAL_ALIGN - 1) & ~(uint64_t)(JOURNAL_ALIGN - 1);
}

/* --- Header and map. --- */

static uint32_t header_crc(const struct journal_header *header)
{
	struct journal_header copy = *header;

	copy.crc = 0;
	return crc32c(0, &copy, sizeof(copy));
}

/* The size of the ring in a file of so many bytes, 0 if that is none. */
static uint64_t ring_size(off_t file)
{
	if (file < JOURNAL_HEADER + JOURNAL_RING_UNIT || (uint64_t)file > JOURNAL_LSN_MAX)
		return 0;
	return ((uint64_t)file - JOURNAL_HEADER) / JOURNAL_RING_UNIT * JOURNAL_RING_UNIT;
}

static int header_check(const struct journal_header *header, uint64_t size, struct err *err)
{
	if (header->magic != JOURNAL_MAGIC)
		return err_set(err, "could not open the journal: the file is not a journal");
	if (header->crc != header_crc(header))
		return err_set(err, "could not open the journal: its header is damaged");
	if (header->version != JOURNAL_VERSION)
		return err_set(err,
			       "could not open the journal: it has version %" PRIu32
			       ", this program knows version %d; see \"New programs\" in "
			       "pchat-failover(7)",
			       header->version, JOURNAL_VERSION);
	if (header->size != size)
		return err_set(err,
			       "could not open the journal: it was made for a ring of %" PRIu64
			       " bytes, but the file has room for %" PRIu64,
			       header->size, size);
	if (header->base < JOURNAL_ALIGN || header->base % JOURNAL_ALIGN != 0 ||
	    header->base > JOURNAL_LSN_MAX)
		return err_set(
			err, "could not open the journal: its first LSN %" PRIu64 " is impossible",
			header->base);
	return 0;
}

static int journal_map_file(struct segment *map, int fd, size_t size, struct err *err)
{
	size_t whole = size + JOURNAL_GUARD;
	void *base =
		mmap(NULL, whole, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED)
		return err_errno(err, "could not get address space for the journal");
	if (mmap(base, size, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED) {
		err_errno(err, "could not map the journal");
		munmap(base, whole);
		return -1;
	}
	*map = (struct segment){.base = base, .size = whole};
	return 0;
}

int journal_map(struct journal *journal, int fd, bool *new_r, struct err *err)
{
	static const struct journal_header none;
	struct stat st;

	*journal = (struct journal){0};
	if (new_r)
		*new_r = false;
	if (fstat(fd, &st) < 0)
		return err_errno(err, "could not find the size of the journal");
	journal->size = ring_size(st.st_size);
	if (journal->size == 0)
		return err_set(err, "could not open the journal: %lld bytes are not a size for it",
			       (long long)st.st_size);
	if (journal_map_file(&journal->map, fd, JOURNAL_HEADER + journal->size, err) < 0)
		return -1;
	journal->header = journal->map.base;
	journal->ring = (const uint8_t *)journal->map.base + JOURNAL_HEADER;

	if (memcmp(journal->header, &none, sizeof(none)) == 0) {
		if (new_r)
			*new_r = true;
		err_set(err, "could not open the journal: it has not been made yet");
	} else if (header_check(journal->header, journal->size, err) == 0) {
		return 0;
	}
	journal_unmap(journal);
	return -1;
}

void journal_unmap(struct journal *journal)
{
	segment_unmap(&journal->map);
	*journal = (struct journal){0};
}

/* --- Reading. --- */

/* Bytes from an LSN's place to the end of the ring. */
static uint64_t journal_rest(const struct journal *journal, uint64_t lsn)
{
	return journal->size - lsn % journal->size;
}

/* Where the record at an LSN stands; its first word is there whatever lsn is. */
static const struct record *journal_at(const struct journal *journal, uint64_t lsn)
{
	return (const struct record *)(const void *)(journal->ring + lsn % journal->size);
}

/*
 * The length of the record with this LSN, of no more than available bytes, or 0 if there is no such
 * record. The bytes may change meanwhile: nothing is read twice, and nothing outside the ring.
 */
static uint32_t journal_check(const struct journal *journal, uint64_t lsn, uint64_t available)
{
	const struct record *record = journal_at(journal, lsn);
	uint64_t rest = journal_rest(journal, lsn);
	struct record head;

	if (rest < sizeof(head) || available < sizeof(head))
		return 0;
	memcpy(&head, record, sizeof(head));
	atomic_signal_fence(memory_order_seq_cst);
	if (head.length < sizeof(head) || head.length > rest || head.length > available ||
	    head.payload > head.length - sizeof(head) ||
	    head.length != align_up(sizeof(head) + (uint64_t)head.payload))
		return 0;
	if (head.lsn != lsn || head.synced > lsn || head.reserved != 0 || head.origin.reserved != 0)
		return 0;
	if (head.crc != crc32c(0, &record->lsn, head.length - offsetof(struct record, lsn)))
		return 0;
	return head.length;
}

static bool journal_below(uint64_t lsn, const _Atomic uint64_t *tail)
{
	atomic_thread_fence(memory_order_acquire);
	return lsn < atomic_load_explicit(tail, memory_order_acquire);
}

enum journal_read journal_read(const struct journal *journal, uint64_t *lsn, uint64_t limit,
			       const _Atomic uint64_t *tail, const struct record **record_r)
{
	const struct record *record;
	uint64_t rest;
	uint32_t length;
	bool pad;

	while (*lsn < limit) {
		if (journal_below(*lsn, tail))
			return JOURNAL_LOST;
		if (*lsn % JOURNAL_ALIGN != 0)
			return JOURNAL_BAD;
		rest = journal_rest(journal, *lsn);
		if (rest < sizeof(*record)) {
			*lsn += rest;
			continue;
		}
		length = journal_check(journal, *lsn, limit - *lsn);
		record = journal_at(journal, *lsn);
		pad = record->type == EVENT_PAD;
		if (journal_below(*lsn, tail))
			return JOURNAL_LOST;
		if (length == 0)
			return JOURNAL_BAD;
		*lsn += length;
		if (!pad) {
			*record_r = record;
			return JOURNAL_RECORD;
		}
	}
	return JOURNAL_END;
}

bool journal_overtaken(const struct record *record, uint64_t lsn, const _Atomic uint64_t *tail)
{
	/* The second is a caller's mistake: lsn is the one behind the record. */
	return journal_below(lsn, tail) || record->lsn < lsn;
}

const struct record *journal_copy(const struct journal *journal, const struct record *record,
				  uint64_t lsn, const _Atomic uint64_t *tail, void *own)
{
	struct record *copy = own;

	memcpy(copy, record, sizeof(*copy));
	if (copy->payload > EVENT_PAYLOAD_MAX ||
	    copy->payload > journal->size - copy->lsn % journal->size - sizeof(*copy))
		return NULL;
	memcpy(copy + 1, record + 1, copy->payload);
	return journal_overtaken(record, lsn, tail) ? NULL : copy;
}

/* --- Writing. --- */

static int journal_pwrite(int fd, uint64_t offset, const uint8_t *bytes, size_t size,
			  struct err *err)
{
	ssize_t n;

	while (size > 0) {
		n = pwrite(fd, bytes, size, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "could not write to the journal at byte %" PRIu64,
					 offset);
		if (n == 0)
			return err_set(err,
				       "could not write to the journal at byte %" PRIu64
				       ": nothing was written",
				       offset);
		bytes += n;
		offset += (uint64_t)n;
		size -= (size_t)n;
	}
	return 0;
}

static int journal_sync(int fd, struct err *err)
{
	if (fdatasync(fd) < 0)
		return err_errno(err, "could not sync the journal");
	return 0;
}

/* Writes bytes of the stream, in two parts where they go round the end of the ring. */
static int journal_write(const struct journal_writer *writer, uint64_t lsn, const uint8_t *bytes,
			 size_t size, struct err *err)
{
	const struct journal *journal = &writer->journal;
	uint64_t rest = journal_rest(journal, lsn);
	size_t first = size < rest ? size : (size_t)rest;

	if (journal_pwrite(writer->fd, JOURNAL_HEADER + lsn % journal->size, bytes, first, err) < 0)
		return -1;
	return journal_pwrite(writer->fd, JOURNAL_HEADER, bytes + first, size - first, err);
}

static int journal_fill_zero(int fd, uint64_t size, struct err *err)
{
	uint8_t *zero = calloc(1, JOURNAL_CHUNK);
	uint64_t done = 0;
	size_t chunk;

	if (!zero)
		return err_errno(err, "could not get memory to make the journal");
	while (done < size) {
		chunk = size - done < JOURNAL_CHUNK ? (size_t)(size - done) : JOURNAL_CHUNK;
		if (journal_pwrite(fd, done, zero, chunk, err) < 0)
			break;
		done += chunk;
	}
	free(zero);
	return done < size ? -1 : journal_sync(fd, err);
}

int journal_format(int fd, uint64_t base, struct err *err)
{
	struct journal_header header = {.magic = JOURNAL_MAGIC, .version = JOURNAL_VERSION};
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(err, "could not find the size of the journal");
	header.size = ring_size(st.st_size);
	if (header.size == 0)
		return err_set(err, "could not make a journal: %lld bytes are not a size for it",
			       (long long)st.st_size);
	if (base > JOURNAL_LSN_MAX - JOURNAL_ALIGN)
		return err_set(err,
			       "could not make a journal: its first LSN %" PRIu64 " is impossible",
			       base);
	header.base = base < JOURNAL_ALIGN ? JOURNAL_ALIGN : align_up(base);
	header.created = clock_utc();
	if (getrandom(header.id, sizeof(header.id), 0) != sizeof(header.id))
		return err_errno(err, "could not get random bytes for the journal's id");
	header.crc = header_crc(&header);

	if (journal_fill_zero(fd, JOURNAL_HEADER + header.size, err) < 0 ||
	    journal_pwrite(fd, 0, (const uint8_t *)&header, sizeof(header), err) < 0)
		return -1;
	return journal_sync(fd, err);
}

/* --- Finding the end. --- */

/*
 * What is known of a journal whose end is looked for. First the records from the cursor on are
 * walked through, to end; then the rest of the ring is searched for whatever still looks like a
 * record. Such a one behind the end is
 *  - left over from a batch that never became durable: nobody was told of it, it is nothing; or
 *  - proof that bytes before it are damaged, if it claims that what stands at end was durable; or
 *  - more than a lap ahead, which proves that the cursor is older than all that is here.
 * What was given up by an earlier recovery was made unreadable then and is not found again.
 */
struct recovery {
	uint64_t from, limit;
	uint64_t end;	    /* behind the last record that agrees */
	uint64_t synced;    /* the highest LSN below which everything is known to be durable */
	uint32_t epoch;	    /* of the last record that agrees, 0: not known */
	uint32_t epoch_max; /* of all that looks like a record, as are: */
	uint64_t time_max;
	uint64_t newest; /* behind the newest of them */
	uint64_t behind; /* records behind the end which are no older than those before */
	uint64_t proof;	 /* the lowest LSN of one that proves damage, or UINT64_MAX */
};

/*
 * Whether a record can be the next by its epoch. A new one begins with EVENT_START (or with the
 * padding before it) and with nothing else: where the first sector of a sequencer's first batch was
 * lost, what was there before may be whole and end where a later record of that batch begins.
 */
static bool recovery_follows(const struct recovery *recovery, const struct record *record)
{
	if (recovery->epoch == 0 || record->epoch == recovery->epoch)
		return true;
	return record->epoch > recovery->epoch &&
	       (record->type == EVENT_START || record->type == EVENT_PAD);
}

/*
 * The epoch of the record that ends at the cursor, or 0 if it is not to be found. Without it a
 * record left over by an older epoch could begin the walk.
 */
static uint32_t recovery_epoch_before(const struct recovery *recovery,
				      const struct journal *journal)
{
	uint64_t from = recovery->from, lowest = journal->header->base, lsn, end;
	const struct record *record;

	if (from - lowest > journal->size)
		lowest = from - journal->size;
	for (lsn = from; lsn >= lowest + sizeof(*record);) {
		lsn -= JOURNAL_ALIGN;
		record = journal_at(journal, lsn);
		if (journal_rest(journal, lsn) < sizeof(*record) || record->lsn != lsn)
			continue;
		end = lsn + journal_check(journal, lsn, from - lsn);
		if (end == lsn)
			continue;
		if (journal_rest(journal, end) < sizeof(*record) && end < from)
			end += journal_rest(journal, end);
		return end == from ? record->epoch : 0;
	}
	return 0;
}

static int recovery_walk(struct recovery *recovery, const struct journal *journal,
			 int (*each)(const struct record *record, void *arg), void *arg,
			 struct err *err)
{
	uint64_t stop = recovery->from + journal->size, lsn = recovery->from;
	const struct record *record;
	uint32_t length;

	if (stop > recovery->limit)
		stop = recovery->limit;
	while (lsn < stop) {
		if (journal_rest(journal, lsn) < sizeof(*record)) {
			lsn += journal_rest(journal, lsn);
			recovery->end = lsn;
			continue;
		}
		length = journal_check(journal, lsn, stop - lsn);
		record = journal_at(journal, lsn);
		if (length == 0 || !recovery_follows(recovery, record))
			break;
		if (each && record->type != EVENT_PAD && each(record, arg) != 0)
			return err_set(err, "could not apply the journal's record at LSN %" PRIu64,
				       lsn);
		recovery->epoch = record->epoch;
		if (record->synced > recovery->synced)
			recovery->synced = record->synced;
		if (record->time > recovery->time_max)
			recovery->time_max = record->time;
		lsn += length;
		recovery->end = lsn;
	}
	recovery->epoch_max = recovery->epoch;
	recovery->newest = recovery->end;
	return 0;
}

/* Notes what one record in the rest of the ring says. */
static void recovery_note(struct recovery *recovery, const struct record *record)
{
	if (record->epoch > recovery->epoch_max)
		recovery->epoch_max = record->epoch;
	if (record->time > recovery->time_max)
		recovery->time_max = record->time;
	if (record->lsn + record->length > recovery->newest)
		recovery->newest = record->lsn + record->length;
	if (record->lsn < recovery->end || record->epoch < recovery->epoch)
		return;
	if (record->type != EVENT_PAD)
		recovery->behind++;
	if (record->lsn > recovery->end && record->synced > recovery->end &&
	    record->lsn < recovery->proof)
		recovery->proof = record->lsn;
}

/*
 * The length of whatever record stands at a place of the ring, or 0. Asked of every eighth byte of
 * it while users wait, so what is cheap to see comes first.
 */
static uint32_t recovery_candidate(const struct journal *journal, uint64_t place,
				   uint64_t available)
{
	const struct record *record = (const struct record *)(const void *)(journal->ring + place);

	if (record->length < sizeof(*record) || record->length > journal->size - place ||
	    record->length % JOURNAL_ALIGN != 0)
		return 0;
	if (record->lsn >= 2 * JOURNAL_LSN_MAX || record->lsn % journal->size != place)
		return 0;
	return journal_check(journal, record->lsn, available);
}

/*
 * Looks at every place of the ring that was not walked through. With erase, what stands behind the
 * end loses its header; otherwise it is noted. The inside of a record is not looked at.
 */
static int recovery_search(struct recovery *recovery, const struct journal_writer *writer,
			   bool erase, struct err *err)
{
	static const uint8_t zero[sizeof(struct record)];
	const struct journal *journal = &writer->journal;
	uint64_t left = recovery->from + journal->size - recovery->end;
	uint64_t place = recovery->end % journal->size, lsn;
	const struct record *record;
	uint32_t length;

	for (; left > 0; left -= length, place += length) {
		if (place == journal->size)
			place = 0;
		record = (const struct record *)(const void *)(journal->ring + place);
		length = recovery_candidate(journal, place, left);
		if (length == 0) {
			length = JOURNAL_ALIGN;
			continue;
		}
		lsn = record->lsn;
		if (!erase)
			recovery_note(recovery, record);
		else if (lsn >= recovery->end &&
			 journal_write(writer, lsn, zero, sizeof(zero), err) < 0)
			return -1;
	}
	return 0;
}

/* What the search means: 0, the journal is whole; 1, it is damaged and the administrator gives up
 * what lies behind; -1, it cannot be used. */
static int recovery_judge(const struct recovery *recovery, const struct journal *journal,
			  bool recover, struct err *err)
{
	bool short_of_limit = recovery->limit != UINT64_MAX && recovery->end < recovery->limit;

	if (recovery->epoch_max == UINT32_MAX)
		return err_set(err, "could not open the journal: its epochs are used up");
	if (recovery->proof != UINT64_MAX && recovery->proof - recovery->end >= journal->size)
		return err_set(err,
			       "could not read the journal from LSN %" PRIu64
			       ": it holds newer records only",
			       recovery->from);
	if (recovery->newest < recovery->from && recovery->epoch_max > 0)
		log_warning("the journal ends at LSN %" PRIu64 ", before the cursor %" PRIu64
			    "; it goes on at the cursor",
			    recovery->newest, recovery->from);
	if (recovery->proof == UINT64_MAX && !short_of_limit)
		return 0;
	if (!recover)
		return err_set(err,
			       "the journal is damaged at LSN %" PRIu64 ": %" PRIu64
			       " readable records stand behind it",
			       recovery->end, recovery->behind);
	log_error("the journal is damaged at LSN %" PRIu64 "; it ends there now, and %" PRIu64
		  " readable records behind it are given up",
		  recovery->end, recovery->behind);
	return 1;
}

/*
 * Writes the same bytes again, from the last LSN known to be durable on, and syncs them. After an
 * fdatasync that failed the kernel may take pages for written that never reached the disk: what is
 * read here would not be there after the next loss of power.
 */
static int journal_rewrite(struct journal_writer *writer, uint64_t from, struct err *err)
{
	const struct journal *journal = &writer->journal;
	uint64_t lsn = from, chunk;

	while (lsn < writer->end) {
		chunk = journal_rest(journal, lsn);
		if (chunk > writer->end - lsn)
			chunk = writer->end - lsn;
		if (chunk > writer->batch_size)
			chunk = writer->batch_size;
		memcpy(writer->batch, journal_at(journal, lsn), chunk);
		if (journal_write(writer, lsn, writer->batch, (size_t)chunk, err) < 0)
			return -1;
		lsn += chunk;
	}
	return journal_sync(writer->fd, err);
}

static int journal_recover(struct journal_writer *writer, struct recovery *recovery, bool recover,
			   int (*each)(const struct record *record, void *arg), void *arg,
			   struct err *err)
{
	int given_up;

	recovery->epoch = recovery_epoch_before(recovery, &writer->journal);
	if (recovery_walk(recovery, &writer->journal, each, arg, err) < 0)
		return -1;
	recovery_search(recovery, writer, false, err);
	given_up = recovery_judge(recovery, &writer->journal, recover, err);
	if (given_up < 0)
		return -1;
	if (given_up > 0 && recovery_search(recovery, writer, true, err) < 0)
		return -1;
	writer->end = recovery->end;
	writer->synced = recovery->end;
	writer->epoch = recovery->epoch_max + 1;
	writer->time = recovery->time_max;
	return journal_rewrite(writer, recovery->synced, err);
}

int journal_open(struct journal_writer *writer, int fd, uint64_t from, uint64_t limit, bool recover,
		 size_t batch_size, int (*each)(const struct record *record, void *arg), void *arg,
		 struct err *err)
{
	struct recovery recovery = {
		.from = from,
		.limit = limit,
		.end = from,
		.synced = from,
		.proof = UINT64_MAX,
	};

	*writer = (struct journal_writer){.fd = fd};
	if (journal_map(&writer->journal, fd, NULL, err) < 0)
		return -1;
	if (from % JOURNAL_ALIGN != 0 || from < writer->journal.header->base ||
	    from > JOURNAL_LSN_MAX || limit < from) {
		err_set(err,
			"could not read the journal from LSN %" PRIu64 " to %" PRIu64
			": its first LSN is %" PRIu64,
			from, limit, writer->journal.header->base);
		goto fail;
	}
	/* Padding is at most as large as the record that did not fit, and a batch has one at most.
	 */
	if (batch_size < sizeof(struct record) || batch_size > SIZE_MAX / 4) {
		err_set(err, "could not make a batch of %zu bytes", batch_size);
		goto fail;
	}
	writer->batch_size = batch_size;
	writer->batch = malloc(2 * batch_size);
	if (!writer->batch) {
		err_errno(err, "could not get memory for a batch of %zu bytes", batch_size);
		goto fail;
	}
	if (journal_recover(writer, &recovery, recover, each, arg, err) == 0)
		return 0;
fail:
	journal_close(writer);
	return -1;
}

/* --- Appending. --- */

/* The bytes that an append of one record of this length leaves unused at the end of the ring. */
static uint64_t journal_padding(const struct journal_writer *writer, uint64_t length)
{
	uint64_t rest = journal_rest(&writer->journal, writer->end);

	return rest < length ? rest : 0;
}

/* How many bytes can be appended before they reach what is still needed: records at or above
 * oldest, and those of which a crash could make an end. */
static uint64_t journal_free(const struct journal_writer *writer, uint64_t oldest)
{
	uint64_t end = oldest < writer->synced ? oldest : writer->synced;

	end += writer->journal.size;
	return end > writer->end ? end - writer->end : 0;
}

/* The batch has room for length more bytes of records; padding is not counted. */
static bool journal_batch_takes(const struct journal_writer *writer, uint64_t length)
{
	size_t used = writer->batch_used - writer->batch_pad;

	return length <= writer->batch_size - used;
}

/* Fills in what is the journal's own, and the sum over it all. */
static struct record *journal_put(struct journal_writer *writer, const struct record *head,
				  const void *payload, uint32_t size, uint32_t length)
{
	uint8_t *to = writer->batch + writer->batch_used;
	struct record *record = (struct record *)(void *)to;

	*record = *head;
	record->length = length;
	record->lsn = writer->end;
	record->synced = writer->synced;
	record->time = writer->time;
	record->epoch = writer->epoch;
	record->origin.reserved = 0;
	record->reserved = 0;
	record->payload = size;
	if (payload && size > 0)
		memcpy(to + sizeof(*record), payload, size);
	else
		memset(to + sizeof(*record), 0, size);
	memset(to + sizeof(*record) + size, 0, length - sizeof(*record) - size);
	record->crc = crc32c(0, &record->lsn, length - offsetof(struct record, lsn));
	writer->end += length;
	writer->batch_used += length;
	return record;
}

/* Goes to the start of the ring: with a record of padding, or with nothing if that has no room. */
static void journal_pad(struct journal_writer *writer, uint32_t padding)
{
	static const struct record head = {.type = EVENT_PAD};

	writer->batch_pad += padding;
	if (padding >= sizeof(head)) {
		journal_put(writer, &head, NULL, padding - (uint32_t)sizeof(head), padding);
		return;
	}
	memset(writer->batch + writer->batch_used, 0, padding);
	writer->batch_used += padding;
	writer->end += padding;
}

const struct record *journal_append(struct journal_writer *writer, const struct record *head,
				    const void *payload, uint32_t size, uint64_t oldest)
{
	uint64_t length = align_up(sizeof(*head) + (uint64_t)size);
	uint64_t padding = journal_padding(writer, length), now;

	bug_on(!writer->started && head->type != EVENT_START);
	if (writer->failed || size > EVENT_PAYLOAD_MAX || length > writer->journal.size ||
	    !journal_batch_takes(writer, length) || padding + length > journal_free(writer, oldest))
		return NULL;
	now = clock_utc();
	if (now > writer->time)
		writer->time = now;
	if (padding > 0)
		journal_pad(writer, (uint32_t)padding);
	writer->started = true;
	return journal_put(writer, head, payload, size, (uint32_t)length);
}

bool journal_fits(const struct journal_writer *writer, uint64_t bytes, unsigned count,
		  uint64_t oldest, uint64_t reserve)
{
	uint64_t space = journal_free(writer, oldest), total;

	if (bytes > JOURNAL_LSN_MAX || reserve > JOURNAL_LSN_MAX)
		return false;
	total = bytes + (uint64_t)count * (sizeof(struct record) + JOURNAL_ALIGN - 1);
	if (writer->failed || !journal_batch_takes(writer, total))
		return false;
	/* If they reach the end of the ring, no more than what is left there is lost to padding. */
	return total + journal_padding(writer, total) + reserve <= space;
}

uint64_t journal_tail(const struct journal_writer *writer)
{
	const struct journal *journal = &writer->journal;

	if (writer->end < journal->header->base + journal->size)
		return journal->header->base;
	return writer->end - journal->size;
}

/*
 * Clears the place of this epoch's first record before anything is written there, so that what
 * stands behind the end is gone for good: neither a record that was written and never published nor
 * a torn one, to which a torn write of ours happens to bring the half that it lacks, can come back.
 * Not at the start, because only who appends says what of the ring is free.
 */
static int journal_clear(struct journal_writer *writer, uint64_t lsn, struct err *err)
{
	static const uint8_t zero[sizeof(struct record)];

	if (writer->cleared)
		return 0;
	if (journal_rest(&writer->journal, lsn) < sizeof(zero))
		lsn += journal_rest(&writer->journal, lsn);
	if (journal_write(writer, lsn, zero, sizeof(zero), err) < 0 ||
	    journal_sync(writer->fd, err) < 0)
		return -1;
	writer->cleared = true;
	return 0;
}

int journal_commit(struct journal_writer *writer, bool sync, struct err *err)
{
	uint64_t start = writer->end - writer->batch_used;

	if (writer->failed)
		return err_set(err, "could not go on with the journal after an earlier failure");
	writer->failed = true;
	if (writer->batch_used > 0) {
		if (journal_clear(writer, start, err) < 0)
			return -1;
		fault_point("journal.write");
		if (journal_write(writer, start, writer->batch, writer->batch_used, err) < 0)
			return -1;
		writer->batch_used = writer->batch_pad = 0;
	}
	if (sync && writer->synced < writer->end) {
		fault_point("journal.sync");
		if (journal_sync(writer->fd, err) < 0)
			return -1;
		fault_point("journal.synced");
		writer->synced = writer->end;
	}
	writer->failed = false;
	return 0;
}

void journal_close(struct journal_writer *writer)
{
	journal_unmap(&writer->journal);
	free(writer->batch);
	*writer = (struct journal_writer){.fd = -1};
}
