#include "t/fuzz/engine_stage.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <syslog.h>
#include <unistd.h>

#include "conf/log.h"
#include "fuzz.h"
#include "shm/apply.h"
#include "shm/find.h"

enum {
	RING = 1 << 20,
	BATCH = RING / 4,
	EVENTS = 4 << 20,
	TURNS = 10000, /* in which what follows from a command is done */
	ANY_LIST = 1 << 16,
};
static const uint8_t *const hash_key = (const uint8_t *)"0123456789abcdef";

/* --- Setting up. --- */

static void configure(struct conf *conf)
{
	static char domain[] = "example.test", site[] = "berlin", files[] = "/files";

	conf->cache.rooms = 6;
	conf->cache.principals = 10;
	conf->cache.sessions = 8;
	conf->cache.participants = 12;
	conf->cache.messages = 16;
	conf->cache.categories = 4;
	conf->cache.addins = 3;
	conf->cache.roles = 10;
	conf->cache.affiliations = 6;
	conf->cache.invitations = 8;
	conf->cache.markers = 4;
	conf->cache.feeds = 4;
	conf->cache.requests = 3;
	conf->cache.settings = 20;
	conf->cache.text = 64 * 76;
	conf->domain = domain;
	conf->site = site;
	conf->files.directory = files;
	conf->limits.feeds = conf->limits.requests = 3;
	conf->limits.message_size = 300;
	conf->limits.story_size = 600;
	conf->limits.rich_size = 100;
	conf->limits.file_size = 1000;
	conf->limits.rooms_per_session = 4;
	conf->limits.linger = UINT64_C(3600) * 1000000;
	conf->compliance.enabled = conf->compliance.refused = true;
}

static void open_journal(struct engine *engine)
{
	const int fd = memfd_create("journal", MFD_CLOEXEC);
	struct err err;

	fuzz_check(fd >= 0 && ftruncate(fd, JOURNAL_HEADER + RING) == 0);
	fuzz_check(journal_format(fd, 0, &err) == 0);
	fuzz_check(journal_open(&engine->writer, fd, JOURNAL_ALIGN, UINT64_MAX, false, BATCH, NULL,
				NULL, &err) == 0);
	fuzz_check(journal_append(&engine->writer, &(struct record){.type = EVENT_START}, NULL, 0,
				  JOURNAL_ALIGN));
	engine->oldest = JOURNAL_ALIGN;
}

static void open_shared(struct stage *stage)
{
	int rw, ro;
	struct err err;
	const uint64_t size = cache_size(&stage->conf, &err);

	fuzz_check(size > 0);
	fuzz_check(segment_create("cache", size, &rw, &ro, &err) == 0);
	fuzz_check(apply_open_shared(&stage->shared, rw, &err) == 0);
}

void stage_init(struct stage *stage)
{
	struct err err;

	log_level(LOG_EMERG);
	configure(&stage->conf);
	open_journal(&stage->engine);
	open_shared(stage);
	fuzz_check(apply_open_private(&stage->engine.cache, &stage->conf, &err) == 0);
	stage->events = malloc(EVENTS);
	fuzz_check(stage->events);
	stage->proc.own = &stage->own;
	stage->proc.page[SLOT_MASTER] = &stage->master;
	stage->engine.shared = &stage->shared;
	stage->engine.conf = &stage->conf;
	stage->engine.proc = &stage->proc;
}

static void sit(struct stage *stage, unsigned slot, uint32_t generation)
{
	stage->generation[slot] = generation;
	atomic_store(&stage->master.slots[slot].pid, 100);
	atomic_store(&stage->master.slots[slot].generation, generation);
}

void stage_replace_worker(struct stage *stage, unsigned slot)
{
	sit(stage, slot, stage->generation[slot] + 1);
	engine_slot_changed(&stage->engine);
}

/* --- Events. --- */

/* Padding that is too short for a record is all zero. */
static void apply_all(struct cache *cache, const uint8_t *events, size_t size)
{
	struct err err;

	for (size_t at = 0; at < size;) {
		const struct record *record = (const struct record *)(const void *)(events + at);

		if (record->length == 0) {
			at += JOURNAL_ALIGN;
			continue;
		}
		if (record->type != EVENT_PAD)
			fuzz_check(apply_record(cache, record, &err) == 0);
		at += record->length;
	}
}

/* What is durable is for everybody. */
static void commit(struct stage *stage)
{
	struct journal_writer *writer = &stage->engine.writer;
	struct err err;

	fuzz_check(stage->kept + writer->batch_used <= EVENTS);
	memcpy(stage->events + stage->kept, writer->batch, writer->batch_used);
	apply_all(&stage->shared, writer->batch, writer->batch_used);
	stage->kept += writer->batch_used;
	stage->engine.oldest = writer->end;
	fuzz_check(journal_commit(writer, true, &err) == 0);
}

/* What follows from a command ends. */
static void settle(struct stage *stage)
{
	struct engine *engine = &stage->engine;
	unsigned turns = 0;

	while (engine->reaping || engine->rechecking || engine->sweeping || engine->policing) {
		engine_reap(engine);
		engine_recheck(engine);
		engine_sweep(engine);
		engine_police(engine);
		commit(stage);
		fuzz_check(!engine->broken && turns++ < TURNS);
	}
}

void stage_end_lost(struct stage *stage)
{
	unsigned turns = 0;

	while (engine_linger(&stage->engine, true)) {
		commit(stage);
		fuzz_check(!stage->engine.broken && turns++ < TURNS);
	}
	fuzz_check(stage->engine.cache.header->first_lost == 0);
}

/* With a journal that has room for everything a command waits for a new batch only. */
bool stage_send(struct stage *stage, unsigned mail_slot, uint32_t size)
{
	struct command *command = &stage->mail.command;
	enum decision decision;
	unsigned turns = 0;

	if (stage->kept > EVENTS / 2)
		return false;
	command->number = ++stage->number[mail_slot];
	command->origin.generation = stage->generation[command->origin.slot];
	command->payload = size;
	command->length = (uint32_t)sizeof(*command) + size;
	while ((decision = engine_decide(&stage->engine, mail_slot, command, &stage->answer)) ==
	       LATER) {
		fuzz_check(!stage->engine.broken && turns++ < TURNS);
		commit(stage);
	}
	fuzz_check(!stage->engine.broken);
	commit(stage);
	settle(stage);
	return decision == DECIDED;
}

/* --- Who is there at the beginning. --- */

static void send_first(struct stage *stage, unsigned mail_slot, enum command_type type,
		       uint32_t session, unsigned flags, uint32_t size)
{
	struct command *command = &stage->mail.command;

	*command = (struct command){.type = (uint16_t)type, .flags = (uint16_t)flags};
	command->room = type == COMMAND_JOIN;
	command->origin = (struct origin){.slot = SLOT_WORKER, .session = session};
	fuzz_check(stage_send(stage, mail_slot, size));
}

static void sign_in(struct stage *stage, uint32_t session, uint32_t principal, unsigned flags)
{
	const struct command_session who = {.principal = principal};
	const struct event_session event = {.address = {"127.0.0.1:1", 11}};
	uint8_t *at = stage_payload(stage);

	memcpy(at, &who, sizeof(who));
	send_first(stage, SLOT_AUTH, COMMAND_SESSION_OPEN, session, flags,
		   (uint32_t)sizeof(who) + event_session_put(&event, at + sizeof(who), 1000));
}

/* Room for a payload behind a struct command_change that asks for nothing. */
static uint8_t *change_at(struct stage *stage)
{
	memset(stage_payload(stage), 0, sizeof(struct command_change));
	return stage_payload(stage) + sizeof(struct command_change);
}

static void change(struct stage *stage, enum command_type type, uint32_t size)
{
	fuzz_check(size > 0);
	send_first(stage, SLOT_WORKER, type, 1, 0, (uint32_t)sizeof(struct command_change) + size);
}

static void add_user(struct stage *stage, const char *uri)
{
	const struct event_principal event = {.kind = PRINCIPAL_USER,
					      .uri = {uri, (uint32_t)strlen(uri)},
					      .name = {"Name", 4}};

	change(stage, COMMAND_PRINCIPAL, event_principal_put(&event, change_at(stage), 1000));
}

static void add_category(struct stage *stage)
{
	const struct event_category event = {
		.uuid = {1}, .flags = CATEGORY_FLAGS, .name = {"General", 7}};
	const struct command_roles roles = {.kind = NODE_CATEGORY, .node = 1, .count = 1};
	const struct command_role role = {PRINCIPAL_ANY_USER, ROLE_ALLOWED, 1, 0};
	uint8_t *at;

	change(stage, COMMAND_CATEGORY, event_category_put(&event, change_at(stage), 1000));
	at = change_at(stage);
	memcpy(at, &roles, sizeof(roles));
	memcpy(at + sizeof(roles), &role, sizeof(role));
	change(stage, COMMAND_ROLES, sizeof(roles) + sizeof(role));
}

static void add_room(struct stage *stage)
{
	const struct event_room event = {.uuid = {1},
					 .category = 1,
					 .privacy = PRIVACY_OPEN,
					 .behavior = BEHAVIOR_NORMAL,
					 .invitations = 1,
					 .name = {"Lobby", 5}};

	change(stage, COMMAND_ROOM, event_room_put(&event, change_at(stage), 1000));
}

void stage_reset(struct stage *stage)
{
	struct engine *engine = &stage->engine;
	struct err err;

	fuzz_check(apply_reset(&engine->cache, &stage->conf, hash_key, &err) == 0);
	fuzz_check(apply_reset(&stage->shared, &stage->conf, hash_key, &err) == 0);
	engine->reaping = engine->rechecking = engine->sweeping = engine->policing = false;
	engine->circle_owner = 0;
	memset(&engine->overload, 0, sizeof(engine->overload));
	stage->kept = 0;
	sit(stage, SLOT_WORKER, STAGE_GENERATION);
	sit(stage, SLOT_WORKER + 1, STAGE_GENERATION);
	sign_in(stage, 1, 0, EVENT_ADMIN);
	add_user(stage, "sip:alice@example.test");
	add_user(stage, "sip:bob@example.test");
	add_category(stage);
	add_room(stage);
	sign_in(stage, 2, 1, 0);
	sign_in(stage, 3, 2, 0);
	sign_in(stage, 4, 0, EVENT_ADMIN | EVENT_READER);
	send_first(stage, SLOT_WORKER, COMMAND_JOIN, 2, 0, 0);
	send_first(stage, SLOT_WORKER, COMMAND_JOIN, 3, 0, 0);
}

/* --- What has to hold. --- */

/* Every row that was ever used is in use or free. */
static void check_tables(const struct cache *cache)
{
	for (unsigned t = 0; t < TABLE_COUNT; t++) {
		const struct cache_table *table = &cache->header->table[t];
		uint32_t used = table->used;

		if (table->rows == 0 || t == TABLE_POST)
			continue;
		for (uint32_t row = table->free; row != 0; used++) {
			fuzz_check(row <= table->fresh && used < table->fresh);
			row = *(const uint32_t *)table_row(cache, t, row);
		}
		fuzz_check(used == table->fresh && table->fresh <= table->rows);
	}
}

static uint32_t blocks_of(struct blob blob)
{
	return blob_blocks(TABLE_TEXT, blob.length);
}

#define EACH_ROW(cache, table_number, pointer)                                                     \
	for (uint32_t row_ = 1; row_ <= (cache)->header->table[table_number].fresh &&              \
				((pointer) = table_row(cache, table_number, row_));                \
	     row_++)

/* No text is lost, and none belongs to two. */
static void check_texts(const struct cache *cache)
{
	const struct room_row *room;
	const struct category_row *category;
	const struct addin_row *addin;
	const struct principal_row *principal;
	const struct setting_row *setting;
	const struct person_row *person;
	uint32_t blocks = 0;

	EACH_ROW(cache, TABLE_ROOM, room)
		blocks += room->id ? blocks_of(room->name) + blocks_of(room->description) : 0;
	EACH_ROW(cache, TABLE_CATEGORY, category)
		blocks += category->id ? blocks_of(category->name) +
						 blocks_of(category->description)
				       : 0;
	EACH_ROW(cache, TABLE_ADDIN, addin)
		blocks += addin->id ? blocks_of(addin->name) + blocks_of(addin->url) : 0;
	EACH_ROW(cache, TABLE_PRINCIPAL, principal)
		blocks += principal->id ? blocks_of(principal->uri) + blocks_of(principal->name) +
						  blocks_of(principal->policy)
					: 0;
	EACH_ROW(cache, TABLE_SETTING, setting)
		blocks += setting->kind ? blocks_of(setting->scope) + blocks_of(setting->name) +
						  blocks_of(setting->value)
					: 0;
	for (unsigned t = TABLE_INVITATION; t <= TABLE_REQUEST; t++)
		EACH_ROW(cache, t, person)
			blocks += person->principal ? blocks_of(person->text) : 0;
	fuzz_check(blocks == cache->header->table[TABLE_TEXT].used);
}

/* Lists agree with what is counted, and lead from where they are pointed at. */
static void check_rooms(const struct cache *cache)
{
	uint32_t participants = 0, roles = 0, in_categories = 0, rooms = 0;
	const struct category_row *category;
	const struct participant_row *p;
	const struct room_row *room;

	EACH_ROW(cache, TABLE_ROOM, room) {
		uint32_t count = 0;

		if (room->id == 0)
			continue;
		fuzz_check(find_room(cache, room->id) == row_ &&
			   find_room_by_uuid(cache, room->uuid) == row_);
		for (uint32_t at = room->first_participant; at != 0; at = p->room_next) {
			p = table_row(cache, TABLE_PARTICIPANT, at);
			fuzz_check(p->room == row_ && count++ < ANY_LIST);
		}
		fuzz_check(count == room->participants && room->users <= count);
		fuzz_check((room->users == 0) == (count == 0));
		fuzz_check(!room->disabled || count == 0);
		participants += count;
		rooms++;
		for (uint32_t at = room->first_role; at != 0; roles++)
			at = ((const struct role_row *)table_row(cache, TABLE_ROLE, at))->node_next;
	}
	EACH_ROW(cache, TABLE_CATEGORY, category) {
		if (category->id == 0)
			continue;
		fuzz_check(find_category(cache, category->id) == row_);
		in_categories += category->rooms;
		for (uint32_t at = category->first_role; at != 0; roles++)
			at = ((const struct role_row *)table_row(cache, TABLE_ROLE, at))->node_next;
	}
	fuzz_check(participants == cache->header->table[TABLE_PARTICIPANT].used);
	fuzz_check(roles == cache->header->table[TABLE_ROLE].used);
	fuzz_check(rooms == cache->header->table[TABLE_ROOM].used && rooms == in_categories);
}

/* Those who are lost, in their order; each is somewhere, and there its user has no other session. */
static void check_lost(const struct cache *cache)
{
	const struct cache_header *header = cache->header;
	const struct participant_row *p;
	const struct session_row *session;
	uint32_t lost = 0, listed = 0, last = 0;
	unsigned others;

	EACH_ROW(cache, TABLE_SESSION, session) {
		if (session->generation == 0 || session->lost == 0)
			continue;
		fuzz_check(session->participants > 0 && !(session->flags & EVENT_ADMIN));
		lost++;
	}
	for (uint32_t at = header->first_lost; at != 0; at = session->lost_next) {
		session = table_row(cache, TABLE_SESSION, at);
		fuzz_check(session->lost != 0 && session->lost_previous == last && listed++ < lost);
		last = at;
	}
	fuzz_check(listed == lost && lost == header->lost && header->last_lost == last);
	EACH_ROW(cache, TABLE_PARTICIPANT, p) {
		if (p->room == 0)
			continue;
		session = table_row(cache, TABLE_SESSION, p->session);
		fuzz_check(session->principal == p->principal);
		find_participant(cache, p->room, p->principal, p->session, &others);
		fuzz_check(session->lost == 0 || others == 0);
	}
}

static void check_again(const struct stage *stage)
{
	const struct cache *first = &stage->engine.cache;
	static struct cache again;
	struct err err;

	if (!again.base)
		fuzz_check(apply_open_private(&again, &stage->conf, &err) == 0);
	fuzz_check(apply_reset(&again, &stage->conf, hash_key, &err) == 0);
	apply_all(&again, stage->events, stage->kept);
	fuzz_check(first->header->size == again.header->size &&
		   memcmp(first->base, again.base, first->header->size) == 0);
}

void stage_check(struct stage *stage)
{
	check_tables(&stage->engine.cache);
	check_texts(&stage->engine.cache);
	check_rooms(&stage->engine.cache);
	check_lost(&stage->engine.cache);
	check_tables(&stage->shared);
	check_texts(&stage->shared);
	check_rooms(&stage->shared);
	check_lost(&stage->shared);
	check_again(stage);
}
