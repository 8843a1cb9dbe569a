#include <inttypes.h>
#include <string.h>

#include "conf/clock.h"
#include "conf/fault.h"
#include "conf/log.h"
#include "daemon/file.h"

/* While nothing happens to files, .cursor is written once in so many parts of the ring. */
enum { RING_PARTS = 16, RECORDS_PER_BEAT = 16384, RETRY_US = 10000000 };

static const struct proc_page *sequencer(const struct file_server *server)
{
	return server->child.proc.page[SLOT_SEQUENCER];
}

static uint64_t durable(const struct file_server *server)
{
	return atomic_load_explicit(&sequencer(server)->durable, memory_order_acquire);
}

/* --- Events. --- */

/* The disk failed: the cursor stays here until it is tried again. */
static void hold(struct file_server *server, uint64_t lsn, const struct err *err)
{
	file_failed(server, err);
	if (server->hold == 0 || lsn < server->hold)
		server->hold = lsn;
	server->again = clock_mono() + RETRY_US;
}

static void use_grant(struct file_server *server, const struct record *record,
		      const struct event_file *event)
{
	if (record->time + FILE_TOKEN_US <= clock_utc())
		return;
	if (!grants_put(&server->grants, record, event))
		log_warning("a token for a file is not good: out of memory");
}

/* From here on it is a file. */
static void use_file(struct file_server *server, const struct record *record,
		     const struct event_file *event)
{
	int code = CODE_OK, settled;
	struct err err;

	grants_drop(&server->grants, event->token_hash);
	settled = place_settle(&server->place, event->uuid, record->time, &err);
	if (settled == -1)
		hold(server, record->lsn, &err);
	if (settled == -1 || (settled == 0 && !server->replaying))
		code = CODE_FILE_UPLOAD_FAILED;
	else if (!server->replaying)
		proc_count(&server->child.proc, COUNTER_FILES_STORED, 1);
	fault_point("file.settled");
	file_decided(server, record, code);
}

static void use_read(struct file_server *server, const struct record *record,
		     const struct event_file *event)
{
	use_grant(server, record, event);
	if (!server->replaying)
		proc_count(&server->child.proc, COUNTER_FILES_OPENED, 1);
	file_decided(server, record, CODE_OK);
}

static void use_removed(struct file_server *server, const struct record *record,
			const struct event_file *event)
{
	struct err err;
	int removed;

	grants_drop_file(&server->grants, event->uuid);
	removed = place_remove(&server->place, event->uuid, &err);
	if (removed == -1)
		hold(server, record->lsn, &err);
	else if (removed == 1)
		proc_count(&server->child.proc, COUNTER_FILES_REMOVED, 1);
	file_decided(server, record, CODE_OK);
}

/* What follows is done while others are served; see file_sweep. */
static void use_room_removed(struct file_server *server, const struct record *record)
{
	struct file_sweep *sweep = &server->sweep;
	struct event_removed event;

	if (!event_removed_get(record, &event) || event.kind != NODE_ROOM)
		return;
	grants_drop_room(&server->grants, event.id);
	while (sweep->count == FILE_ROOMS_MAX && file_sweep(server))
		proc_heartbeat(&server->child.proc);
	if (sweep->count == 0)
		sweep->lsn = record->lsn;
	else if (sweep->next > 0 && sweep->count == sweep->looked)
		sweep->rest = record->lsn;
	memcpy(sweep->room[sweep->count++], event.uuid, sizeof(event.uuid));
	server->dirty = true;
}

static void use_start(struct file_server *server, const struct record *record)
{
	if (record->flags & EVENT_COLD)
		grants_forget_sessions(&server->grants);
}

static void use_file_event(struct file_server *server, const struct record *record)
{
	struct event_file event;

	/* It came out of an archive, its content by other ways. */
	if (record->flags & EVENT_IMPORTED)
		return;
	if (!event_file_get(record, &event)) {
		log_error("the event at LSN %" PRIu64 " of a file is malformed", record->lsn);
		file_decided(server, record, CODE_SERVER_ERROR);
		return;
	}
	server->dirty = true;
	switch (record->type) {
	case EVENT_FILE_GRANT:
		use_grant(server, record, &event);
		break;
	case EVENT_FILE:
		use_file(server, record, &event);
		break;
	case EVENT_FILE_READ:
		use_read(server, record, &event);
		break;
	default:
		use_removed(server, record, &event);
	}
}

/* Below the cursor only tokens are of interest: what became of the files is done. */
static void use(struct file_server *server, const struct record *record)
{
	const bool known = record->lsn < server->written.lsn;

	switch (record->type) {
	case EVENT_START:
		use_start(server, record);
		break;
	case EVENT_FILE:
	case EVENT_FILE_REMOVED:
	case EVENT_FILE_GRANT:
	case EVENT_FILE_READ:
		use_file_event(server, record);
		break;
	case EVENT_REMOVED:
		if (!known)
			use_room_removed(server, record);
		break;
	default:
		break;
	}
}

/* --- Reading on. --- */

/* What was missed is missed: the tables and the directory may differ from here on. */
static void skip(struct file_server *server, const char *why)
{
	log_error("%s at LSN %" PRIu64 ": what happened to files there is not known; run "
		  "pchatctl file check",
		  why, server->lsn);
	server->lsn = durable(server);
	server->dirty = true;
	file_lost(server);
}

static const char lost[] = "the journal has overwritten what was not read yet,";

static void follow_to(struct file_server *server, uint64_t end)
{
	const _Atomic uint64_t *tail = &sequencer(server)->tail;
	const struct record *record;
	unsigned seen = 0;

	for (;;) {
		const uint64_t lsn = server->lsn;

		switch (journal_read(&server->journal, &server->lsn, end, tail, &record)) {
		case JOURNAL_RECORD:
			/* The ring is not held for this process. */
			record = journal_copy(&server->journal, record, lsn, tail, server->record);
			if (record == NULL) {
				skip(server, lost);
				return;
			}
			use(server, record);
			if (++seen % RECORDS_PER_BEAT == 0)
				proc_heartbeat(&server->child.proc);
			break;
		case JOURNAL_END:
			return;
		case JOURNAL_LOST:
			skip(server, lost);
			return;
		case JOURNAL_BAD:
			skip(server, "the journal is damaged");
			return;
		}
	}
}

void file_follow(struct file_server *server)
{
	const uint64_t end = durable(server);

	if (server->lsn < end)
		follow_to(server, end);
}

/* From there on everything is done once more: what was done already is as it was. For what comes
 * meanwhile somebody waits. */
void file_retry(struct file_server *server)
{
	uint64_t end;

	if (server->hold == 0 || clock_mono() < server->again)
		return;
	file_follow(server);
	end = server->lsn;
	server->lsn = server->hold;
	server->hold = 0;
	server->replaying = true;
	follow_to(server, end);
	server->replaying = false;
	server->dirty = true;
}

/* --- Rooms that are gone. --- */

static void swept(struct file_server *server)
{
	struct file_sweep *sweep = &server->sweep;

	sweep->next = 0;
	sweep->count -= sweep->looked;
	memmove(sweep->room, sweep->room + sweep->looked, sweep->count * sizeof(sweep->room[0]));
	sweep->looked = sweep->count;
	sweep->lsn = sweep->count > 0 ? sweep->rest : 0;
	server->dirty = true;
}

bool file_sweep(struct file_server *server)
{
	struct file_sweep *sweep = &server->sweep;
	struct err err;
	int removed;

	if (sweep->count == 0)
		return false;
	/* Those that came while it is under way have their turn behind it. */
	if (sweep->next == 0)
		sweep->looked = sweep->count;
	removed = place_sweep(&server->place, (uint8_t)sweep->next,
			      (const uint8_t(*)[16])sweep->room, sweep->looked, &err);
	if (removed == -1)
		hold(server, sweep->lsn, &err);
	else
		proc_count(&server->child.proc, COUNTER_FILES_REMOVED, (uint64_t)removed);
	if (++sweep->next == 256)
		swept(server);
	return sweep->count > 0;
}

void file_expire_removed(struct file_server *server)
{
	const uint64_t now = clock_utc(), keep = server->child.conf->files.keep_removed;
	struct err err;

	if (place_expire(&server->place, server->expired++, now > keep ? now - keep : 0, &err) == -1)
		file_failed(server, &err);
}

/* --- The cursor. --- */

static void cursor_of(const struct file_server *server, struct file_cursor *cursor_r)
{
	const uint64_t oldest = grants_oldest(&server->grants);

	memcpy(cursor_r->journal, server->journal.header->id, sizeof(cursor_r->journal));
	cursor_r->lsn = server->lsn;
	if (server->sweep.lsn > 0 && server->sweep.lsn < cursor_r->lsn)
		cursor_r->lsn = server->sweep.lsn;
	if (server->hold > 0 && server->hold < cursor_r->lsn)
		cursor_r->lsn = server->hold;
	cursor_r->grants = oldest < cursor_r->lsn ? oldest : cursor_r->lsn;
}

void file_keep_cursor(struct file_server *server, bool now)
{
	const uint64_t part = server->journal.size / RING_PARTS;
	struct file_cursor cursor;
	struct err err;

	cursor_of(server, &cursor);
	if (!now && !server->dirty && cursor.lsn - server->written.lsn < part)
		return;
	if (memcmp(&cursor, &server->written, sizeof(cursor)) == 0) {
		server->dirty = false;
		return;
	}
	if (place_cursor_put(&server->place, &cursor, &err) == -1) {
		file_failed(server, &err);
		return;
	}
	if (server->hold == 0 && complaint_end(&server->disk))
		log_notice("files can be kept again");
	server->written = cursor;
	server->dirty = false;
}

/* --- The beginning. --- */

static bool is_of(const struct file_cursor *cursor, const struct journal *journal)
{
	return memcmp(cursor->journal, journal->header->id, sizeof(cursor->journal)) == 0;
}

static bool is_new(const struct file_cursor *cursor)
{
	return cursor->lsn == 0 && cursor->grants == 0;
}

/* Where to read from: nothing that matters happened before, or it is lost. */
static void find_start(struct file_server *server)
{
	const uint64_t tail = atomic_load_explicit(&sequencer(server)->tail, memory_order_acquire);
	struct file_cursor *cursor = &server->written;

	server->lsn = durable(server);
	if (is_new(cursor)) {
		cursor->lsn = server->lsn;
		return;
	}
	if (!is_of(cursor, &server->journal) || cursor->lsn < tail || cursor->lsn > server->lsn) {
		log_error("the journal does not have what happened since files were last kept here; "
			  "run pchatctl file check");
		cursor->lsn = server->lsn;
		server->lost = true;
		return;
	}
	server->lsn = cursor->grants >= tail ? cursor->grants : cursor->lsn;
}

static void alive(void *arg)
{
	proc_heartbeat(arg);
}

/* The journal is behind us, and nothing of a predecessor's is undecided: what has not become a file
 * never will, but for what the disk kept from becoming one, and what may have been lost. */
static int settle(struct file_server *server, struct err *err)
{
	if ((server->lost && place_adopt(&server->place, clock_utc(), err) == -1) ||
	    (server->hold == 0 && place_clear(&server->place, err) == -1) ||
	    place_count(&server->place, alive, &server->child.proc, err) == -1)
		return -1;
	server->replaying = false;
	for (unsigned i = 0; i < 256; i++) {
		file_expire_removed(server);
		proc_heartbeat(&server->child.proc);
	}
	file_keep_cursor(server, true);
	log_info("keeping %" PRIu64 " files of %" PRIu64 " bytes; %u tokens are good",
		 server->place.files, server->place.bytes, server->grants.count);
	return 1;
}

static bool is_ready(const struct file_server *server)
{
	return atomic_load_explicit(&sequencer(server)->state, memory_order_acquire) ==
		       PROC_READY &&
	       mailbox_settled(&server->mailbox);
}

int file_begin(struct file_server *server, struct err *err)
{
	if (server->place.directory == -1 &&
	    place_open(&server->place, server->child.conf->files.directory,
		       server->child.conf->files.keep_removed > 0, err) == -1)
		return -1;
	if (!is_ready(server))
		return 0;
	if (!server->cache)
		server->cache = cache_map(FD_CACHE, err);
	if (!server->cache || (server->journal.header == NULL &&
			       journal_map(&server->journal, FD_JOURNAL, NULL, err) == -1))
		return -1;
	if (place_cursor_get(&server->place, &server->written, err) == -1)
		return -1;
	server->replaying = true;
	find_start(server);
	file_follow(server);
	return settle(server, err);
}
