#include <string.h>
#include <sysexits.h>

#include "conf/log.h"
#include "daemon/sequencer.h"
#include "shm/apply.h"

enum { WAIT_MS = 500 };

static const _Atomic uint64_t nothing_overwritten;

static uint64_t batch_size(uint64_t ring)
{
	uint64_t most = 16 << 20;

	return ring / 4 < most ? ring / 4 : most;
}

static int failed(const char *text)
{
	log_error("could not load: %s", text);
	return EX_CONFIG;
}

/* --- What a predecessor left. --- */

struct replay {
	struct cache *cache;
	uint64_t from; /* what lies below is in the cache */
	struct err *err;
};

static int replay_one(const struct record *record, void *arg)
{
	struct replay *replay = arg;

	if (record->lsn < replay->from)
		return 0;
	return apply_record(replay->cache, record, replay->err);
}

/* The predecessor's cache is whole but for the event it was at, and lacks what it had made durable
 * but not applied. What it had written beyond that nobody has heard of: it is written over. */
static int load_warm(struct sequencer *s, struct err *err)
{
	struct cache_header *header = s->shared.header;
	uint64_t synced = atomic_load(&header->synced), from = header->last;
	struct replay replay = {.cache = &s->shared, .err = err};
	struct journal journal;
	bool sound;

	s->shared.undo = true;
	if (table_rollback(&s->shared, &sound))
		log_notice("an event that was being applied is undone");
	if (!sound)
		return err_set(err, "the cache's undo area makes no sense");
	replay.from = atomic_load(&header->applied);
	if (from == 0) {
		if (journal_map(&journal, FD_JOURNAL, NULL, err) < 0)
			return -1;
		from = journal.header->base;
		journal_unmap(&journal);
	}
	if (journal_open(&s->engine.writer, FD_JOURNAL, from, synced, s->recover,
			 batch_size(s->child.conf->journal.size), replay_one, &replay, err) < 0)
		return -1;
	memcpy(s->engine.cache.header->hash_key, header->hash_key, sizeof(header->hash_key));
	if (apply_reset(&s->engine.cache, s->child.conf, header->hash_key, err) < 0)
		return -1;
	apply_copy(&s->engine.cache, &s->shared);
	return 0;
}

/* --- From the database. --- */

struct load {
	struct sequencer *s;
	struct command_load begin;
	bool begun, done;
	uint64_t rooms, objects;
};

static bool is_zero(const uint8_t id[16])
{
	static const uint8_t zero[16];

	return memcmp(id, zero, sizeof(zero)) == 0;
}

/* A journal that is new goes on where the database's last one ended. */
static int prepare_journal(struct load *load, struct journal *journal, struct err *err)
{
	bool new = false;

	if (journal_map(journal, FD_JOURNAL, &new, err) == 0)
		return 0;
	if (!new || journal_format(FD_JOURNAL, load->begin.cursor, err) < 0)
		return -1;
	log_notice("made a new journal, which begins at LSN %llu",
		   (unsigned long long)load->begin.cursor);
	memset(load->begin.journal, 0, sizeof(load->begin.journal));
	return journal_map(journal, FD_JOURNAL, NULL, err);
}

/* A cursor of another journal says nothing about this one, unless this one is new and goes on
 * where that ended. */
static int check_cursor(struct load *load, const struct journal *journal, struct err *err)
{
	const struct journal_header *header = journal->header;
	bool ours = memcmp(load->begin.journal, header->id, sizeof(header->id)) == 0;

	if (load->begin.cursor < header->base && is_zero(load->begin.journal))
		load->begin.cursor = header->base;
	if (!ours && load->begin.cursor != header->base)
		return err_set(err,
			       "the content database was filled from another journal (its cursor "
			       "is at LSN %llu, this journal begins at %llu)",
			       (unsigned long long)load->begin.cursor,
			       (unsigned long long)header->base);
	return 0;
}

static int load_begin(struct load *load, const struct command *command, struct err *err)
{
	struct journal journal;
	struct sequencer *s = load->s;
	uint8_t key[16];
	int result;

	if (command->payload != sizeof(load->begin))
		return err_set(err, "the store sent a malformed beginning");
	memcpy(&load->begin, command + 1, sizeof(load->begin));
	load->rooms = load->objects = 0;
	if (prepare_journal(load, &journal, err) < 0)
		return -1;
	result = check_cursor(load, &journal, err);
	memcpy(key, journal.header->id, sizeof(key));
	journal_unmap(&journal);
	if (result < 0 || apply_reset(&s->shared, s->child.conf, key, err) < 0 ||
	    apply_reset(&s->engine.cache, s->child.conf, key, err) < 0)
		return -1;
	s->shared.header->last_principal = load->begin.last_principal;
	s->shared.header->last_room = load->begin.last_room;
	s->shared.header->last_category = load->begin.last_category;
	s->shared.header->last_addin = load->begin.last_addin;
	load->begun = true;
	return 0;
}

static int load_object(struct load *load, const struct command *command, struct err *err)
{
	struct err why;

	load->objects++;
	if (apply_load_object(&load->s->shared, command->flags, command + 1, command->payload,
			      &why) == 0)
		return 0;
	return err_set(err, "%s number %llu of the database: %s", event_name(command->flags),
		       (unsigned long long)load->objects, why.text);
}

static int load_room(struct load *load, const struct command *command, struct err *err)
{
	struct command_load_room more;
	struct event_room room;

	load->rooms++;
	if (command->payload < sizeof(more))
		return err_set(err, "the store sent a malformed room");
	memcpy(&more, command + 1, sizeof(more));
	if (!event_room_parse((const uint8_t *)(command + 1) + sizeof(more),
			      command->payload - (uint32_t)sizeof(more), &room))
		return err_set(err, "room number %llu of the database is malformed",
			       (unsigned long long)load->rooms);
	return apply_load_room(&load->s->shared, &room, &more, err);
}

static int load_command(struct load *load, const struct command *command, struct err *err)
{
	if (command->type == COMMAND_LOAD_BEGIN)
		return load_begin(load, command, err);
	if (!load->begun) /* the rest of what a predecessor had asked for */
		return 0;
	switch (command->type) {
	case COMMAND_LOAD_OBJECT:
		return load_object(load, command, err);
	case COMMAND_LOAD_ROOM:
		return load_room(load, command, err);
	case COMMAND_LOAD_END:
		load->done = true;
		return 0;
	default:
		return err_set(err, "the store sent a command of type %u", command->type);
	}
}

/* Takes what the store has sent so far. */
static int take_load(struct load *load, struct err *err)
{
	struct sequencer *s = load->s;
	struct mailbox_reader *mail = &s->mail[SLOT_STORE];
	const struct command *command;
	enum mailbox_take taken;

	while (!load->done && (taken = mailbox_take(mail, &command)) != MAILBOX_EMPTY)
		if (taken == MAILBOX_BAD)
			log_error("the store's mailbox makes no sense; it is skipped");
		else if (load_command(load, command, err) < 0)
			return -1;
	if (mailbox_publish(mail))
		proc_wake(&s->child.proc, SLOT_STORE);
	return 0;
}

/* Recent history and known posts from what the ring still has of before the cursor. Damage there
 * costs nothing but that: the database has it all. */
static void load_recent(struct sequencer *s, uint64_t cursor)
{
	const struct journal *journal = &s->engine.writer.journal;
	uint64_t lsn = journal_tail(&s->engine.writer);
	const struct record *record;
	struct err err;

	lsn = (lsn + JOURNAL_ALIGN - 1) & ~(uint64_t)(JOURNAL_ALIGN - 1);
	while (lsn < cursor) {
		if (journal_read(journal, &lsn, cursor, &nothing_overwritten, &record) !=
		    JOURNAL_RECORD)
			lsn += JOURNAL_ALIGN;
		else if (apply_recent(&s->shared, record, &err) < 0)
			log_warning("recent history: %s", err.text);
	}
}

/* Sessions are over with their processes, and none is in the database: whatever the tail says of
 * them, who joined before its beginning cannot leave in it. */
static bool is_of_session(const struct record *record)
{
	return record->type == EVENT_SESSION_OPEN || record->type == EVENT_SESSION_CLOSE ||
	       record->type == EVENT_JOIN || record->type == EVENT_LEAVE ||
	       record->type == EVENT_JOINS || record->type == EVENT_LEAVES ||
	       record->type == EVENT_LOST;
}

static int load_tail(struct load *load, struct err *err)
{
	struct sequencer *s = load->s;
	struct journal_writer *writer = &s->engine.writer;
	uint64_t lsn = load->begin.cursor;
	const struct record *record;
	enum journal_read read;

	if (journal_open(writer, FD_JOURNAL, lsn, UINT64_MAX, s->recover,
			 batch_size(s->child.conf->journal.size), NULL, NULL, err) < 0)
		return -1;
	load_recent(s, lsn);
	while ((read = journal_read(&writer->journal, &lsn, writer->end, &nothing_overwritten,
				    &record)) == JOURNAL_RECORD)
		if (!is_of_session(record) && apply_record(&s->shared, record, err) < 0)
			return -1;
	if (read != JOURNAL_END)
		return err_set(err, "could not read the journal at LSN %llu",
			       (unsigned long long)lsn);
	apply_copy(&s->engine.cache, &s->shared);
	return 0;
}

static int load_cold(struct sequencer *s, struct err *err)
{
	struct load load = {.s = s};

	log_info("waiting for the content database");
	proc_state(&s->child.proc, PROC_LOADING);
	while (!load.done) {
		proc_arm(&s->child.proc);
		if (take_load(&load, err) < 0)
			return -1;
		if (!load.done)
			sequencer_wait(s, WAIT_MS);
		if (s->stop)
			return 0;
	}
	if (load_tail(&load, err) < 0)
		return -1;
	log_info("loaded %u users and groups, %u rooms and %u roles",
		 s->shared.header->table[TABLE_PRINCIPAL].used,
		 s->shared.header->table[TABLE_ROOM].used,
		 s->shared.header->table[TABLE_ROLE].used);
	return 0;
}

/* What is not recorded must not be overwritten: the record's cursor has to be known before anything
 * is written. Where there is no record yet it begins here, with what is in the cache now. */
static void wait_for_compliance(struct sequencer *s)
{
	const _Atomic uint64_t *cursor = &s->child.proc.page[SLOT_COMPLIANCE]->cursor;
	bool said = false;

	while ((atomic_load(cursor) == 0 || atomic_load(cursor) == CURSOR_NEW) && !s->stop) {
		if (!said)
			log_info("waiting for the compliance database");
		said = true;
		if (atomic_load(cursor) == CURSOR_NEW)
			proc_wake(&s->child.proc, SLOT_COMPLIANCE);
		proc_arm(&s->child.proc);
		if (atomic_load(cursor) == 0 || atomic_load(cursor) == CURSOR_NEW)
			sequencer_wait(s, WAIT_MS);
	}
}

/* Where the record's cursor points to what is gone, an administrator has to say that it may be. */
static int check_compliance(struct sequencer *s, struct err *err)
{
	if (!s->child.conf->compliance.enabled)
		return 0;
	wait_for_compliance(s);
	if (s->stop || atomic_load(&s->child.proc.page[SLOT_COMPLIANCE]->cursor) >=
			       journal_tail(&s->engine.writer))
		return 0;
	return err_set(
		err,
		"the compliance database stands at LSN %llu, and the journal has overwritten "
		"what follows; see \"pchatctl compliance accept-gap\"",
		(unsigned long long)sequencer_oldest(s));
}

/* The start is an event, too: the first of the new epoch. */
static int begin(struct sequencer *s, bool cold, struct err *err)
{
	if (atomic_load(&s->child.proc.own->begun) == 0)
		atomic_store(&s->child.proc.own->begun, s->engine.writer.end);
	if (check_compliance(s, err) < 0)
		return -1;
	if (s->stop)
		return 0;
	s->engine.oldest = sequencer_oldest(s);
	s->published = s->engine.writer.end;
	if (engine_start(&s->engine, cold ? EVENT_COLD : 0, err) < 0 ||
	    sequencer_commit(s, err) < 0)
		return -1;
	s->shared.undo = true;
	atomic_store_explicit(&s->shared.header->state, CACHE_READY, memory_order_release);
	return 0;
}

int sequencer_load(struct sequencer *s)
{
	bool cold = atomic_load(&s->shared.header->state) != CACHE_READY;
	struct err err;

	if ((cold ? load_cold(s, &err) : load_warm(s, &err)) < 0)
		return failed(err.text);
	if (s->stop)
		return 0;
	if (begin(s, cold, &err) < 0)
		return failed(err.text);
	log_info("the journal goes on at LSN %llu", (unsigned long long)s->engine.writer.end);
	return 0;
}
