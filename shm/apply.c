#include "shm/apply.h"

#include <string.h>
#include <sys/mman.h>

#include "shm/find.h"
#include "shm/object.h"
#include "shm/recent.h"

/* --- Making. --- */

int apply_open_shared(struct cache *cache, int fd, struct err *err)
{
	*cache = (struct cache){0};
	if (segment_map(&cache->map, fd, true, err) < 0)
		return -1;
	cache->base = cache->map.base;
	cache->header = cache->map.base;
	if (cache->map.size < sizeof(*cache->header) ||
	    (cache->header->magic != 0 && !cache_valid(cache)))
		return err_set(err, "the cache's memory makes no sense");
	return 0;
}

int apply_open_private(struct cache *cache, const struct conf *conf, struct err *err)
{
	struct cache_header header = {0};
	uint64_t size = table_layout(&header, conf, true, err);
	void *base;

	*cache = (struct cache){0};
	if (size == 0)
		return -1;
	base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		    -1, 0);
	if (base == MAP_FAILED)
		return err_errno(err, "could not map %llu bytes for the sequencer's own tables",
				 (unsigned long long)size);
	cache->map = (struct segment){.base = base, .size = size};
	cache->base = base;
	cache->header = base;
	cache->private = true;
	return 0;
}

/* Forgets what the tables hold. Only what was ever used is written: the rest is zero already, and
 * pages that nobody wrote take no memory. */
static void wipe(struct cache *cache)
{
	const struct cache_header *header = cache->header;

	for (unsigned t = 0; t < TABLE_COUNT; t++)
		if (header->table[t].fresh > 0)
			memset(table_row(cache, t, 1), 0,
			       (size_t)header->table[t].fresh * header->table[t].row_size);
	for (unsigned i = 0; i < INDEX_COUNT; i++)
		if (header->index[i].offset != 0)
			memset(cache->base + header->index[i].offset, 0,
			       (size_t)header->index[i].buckets * sizeof(uint32_t));
}

int apply_reset(struct cache *cache, const struct conf *conf, const uint8_t hash_key[16],
		struct err *err)
{
	struct cache_header header = {.magic = CACHE_MAGIC, .version = CACHE_VERSION};

	if (table_layout(&header, conf, cache->private, err) == 0)
		return -1;
	if (header.size > cache->map.size)
		return err_set(err, "the cache has %zu bytes and needs %llu", cache->map.size,
			       (unsigned long long)header.size);
	if (cache->header->magic == CACHE_MAGIC)
		wipe(cache);
	memcpy(header.hash_key, hash_key, sizeof(header.hash_key));
	atomic_init(&header.state, CACHE_LOADING);
	header.next_post = 1;
	header.hand = 1;
	memcpy(cache->header, &header, sizeof(header));
	cache->undo = false;
	return 0;
}

void apply_copy(struct cache *private, const struct cache *shared)
{
	struct cache_header *to = private->header;
	const struct cache_header *from = shared->header;

	for (unsigned t = 0; t < TABLE_COUNT; t++) {
		if (to->table[t].rows == 0)
			continue;
		memcpy(table_row(private, t, 1), table_row(shared, t, 1),
		       (size_t)from->table[t].fresh * from->table[t].row_size);
		to->table[t].used = from->table[t].used;
		to->table[t].fresh = from->table[t].fresh;
		to->table[t].free = from->table[t].free;
	}
	for (unsigned i = 0; i < INDEX_COUNT; i++)
		memcpy(private->base + to->index[i].offset, shared->base + from->index[i].offset,
		       (size_t)from->index[i].buckets * sizeof(uint32_t));
	for (uint32_t row = 1; row <= to->table[TABLE_ROOM].fresh; row++) {
		struct room_row *room = table_row(private, TABLE_ROOM, row);

		room->oldest = room->newest = room->messages = 0;
	}
	memcpy(to->hash_key, from->hash_key, sizeof(to->hash_key));
	memcpy(to->last_command, from->last_command, sizeof(to->last_command));
	to->last = from->last;
	to->last_principal = from->last_principal;
	to->last_room = from->last_room;
	to->last_category = from->last_category;
	to->last_addin = from->last_addin;
	to->next_post = from->next_post;
	to->first_lost = from->first_lost;
	to->last_lost = from->last_lost;
	to->lost = from->lost;
	atomic_store(&to->applied, atomic_load(&from->applied));
}

/* --- From the database. --- */

int apply_load_object(struct cache *cache, unsigned type, const void *payload, uint32_t size,
		      struct err *err)
{
	return object_apply(cache, type, payload, size, err);
}

int apply_load_room(struct cache *cache, const struct event_room *event,
		    const struct command_load_room *more, struct err *err)
{
	struct room_row *room;

	if (object_load_room(cache, event, err) < 0)
		return -1;
	room = table_row(cache, TABLE_ROOM, find_room(cache, event->id));
	room->last_seq = more->last_seq;
	room->removals = more->removals;
	return 0;
}

/* --- Sessions and who is where. --- */

static int session_open(struct cache *cache, const struct record *record, struct err *err)
{
	uint32_t row = table_take(cache, TABLE_SESSION);
	const struct origin *origin = &record->origin;
	struct session_row *session;

	if (row == 0)
		return err_full(err, "sessions");
	session = table_row(cache, TABLE_SESSION, row);
	session->generation = origin->generation;
	session->session = origin->session;
	session->slot = origin->slot;
	session->flags = record->flags & EVENT_ADMIN_ROLES;
	session->principal = record->actor;
	session->first_participant = session->participants = 0;
	session->lost_next = session->lost_previous = 0;
	session->lost = 0;
	index_insert(cache, INDEX_SESSION,
		     hash_session(cache, origin->slot, origin->generation, origin->session), row,
		     &session->by_key);
	return 0;
}

/* Out of its session's list. */
static void session_unlink(struct cache *cache, const struct participant_row *p)
{
	struct session_row *session = table_row(cache, TABLE_SESSION, p->session);
	struct participant_row *other;

	if (p->session_previous != 0) {
		other = table_row(cache, TABLE_PARTICIPANT, p->session_previous);
		table_set(cache, other->session_next, p->session_next);
	} else {
		table_set(cache, session->first_participant, p->session_next);
	}
	if (p->session_next != 0) {
		other = table_row(cache, TABLE_PARTICIPANT, p->session_next);
		table_set(cache, other->session_previous, p->session_previous);
	}
	table_set(cache, session->participants, session->participants - 1);
}

/* Into that of another one. The row itself is saved, or new. */
static void session_link(struct cache *cache, uint32_t row, uint32_t session_number)
{
	struct participant_row *p = table_row(cache, TABLE_PARTICIPANT, row), *other;
	struct session_row *session = table_row(cache, TABLE_SESSION, session_number);

	p->session = session_number;
	p->session_previous = 0;
	p->session_next = session->first_participant;
	if (p->session_next != 0) {
		other = table_row(cache, TABLE_PARTICIPANT, p->session_next);
		table_set(cache, other->session_previous, row);
	}
	table_set(cache, session->first_participant, row);
	table_set(cache, session->participants, session->participants + 1);
}

/* last: it is the user's only one in the room. */
static void participant_remove(struct cache *cache, uint32_t row, bool last)
{
	struct participant_row *p = table_row(cache, TABLE_PARTICIPANT, row), *other;
	struct room_row *room = table_row(cache, TABLE_ROOM, p->room);

	index_remove(cache, INDEX_PARTICIPANT, TABLE_PARTICIPANT,
		     hash_participant(cache, p->room, p->principal), row,
		     offsetof(struct participant_row, by_key));
	table_write_begin(cache, &room->roster);
	if (p->room_previous != 0) {
		other = table_row(cache, TABLE_PARTICIPANT, p->room_previous);
		table_set(cache, other->room_next, p->room_next);
	} else {
		table_set(cache, room->first_participant, p->room_next);
	}
	if (p->room_next != 0) {
		other = table_row(cache, TABLE_PARTICIPANT, p->room_next);
		table_set(cache, other->room_previous, p->room_previous);
	}
	table_set(cache, room->participants, room->participants - 1);
	if (last)
		table_set(cache, room->users, room->users - 1);
	table_touch(cache, p, sizeof(*p));
	p->room = 0;
	table_write_end(&room->roster);
	session_unlink(cache, p);
	table_give(cache, TABLE_PARTICIPANT, row);
}

/* first: the user has no other one in the room. */
static void participant_link(struct cache *cache, uint32_t row, uint32_t room_number,
			     uint32_t session_number, bool first)
{
	struct participant_row *p = table_row(cache, TABLE_PARTICIPANT, row), *other;
	struct room_row *room = table_row(cache, TABLE_ROOM, room_number);

	table_write_begin(cache, &room->roster);
	p->room = room_number;
	p->room_previous = 0;
	p->room_next = room->first_participant;
	if (p->room_next != 0) {
		other = table_row(cache, TABLE_PARTICIPANT, p->room_next);
		table_set(cache, other->room_previous, row);
	}
	table_set(cache, room->first_participant, row);
	table_set(cache, room->participants, room->participants + 1);
	if (first)
		table_set(cache, room->users, room->users + 1);
	table_write_end(&room->roster);
	session_link(cache, row, session_number);
}

static uint32_t session_by(const struct cache *cache, const struct origin *origin)
{
	return find_session(cache, origin->slot, origin->generation, origin->session);
}

static uint32_t session_of(const struct cache *cache, const struct record *record)
{
	return session_by(cache, &record->origin);
}

static int join(struct cache *cache, const struct record *record, uint32_t session,
		const struct event_place *place, struct err *err)
{
	uint32_t room = find_room(cache, place->room), row;
	struct participant_row *p;

	if (room == 0 || session == 0)
		return err_set(err, "no such room or session");
	row = table_take(cache, TABLE_PARTICIPANT);
	if (row == 0)
		return err_full(err, "participants");
	p = table_row(cache, TABLE_PARTICIPANT, row);
	p->principal = record->actor;
	p->lsn = record->lsn;
	participant_link(cache, row, room, session, place->flags & EVENT_FIRST);
	index_insert(cache, INDEX_PARTICIPANT, hash_participant(cache, room, record->actor), row,
		     &p->by_key);
	return 0;
}

/* The row of a session's place in a room, probably near to the one that was asked for before. */
static uint32_t place_of(const struct cache *cache, uint32_t session, uint32_t room_id,
			 uint32_t principal, const struct find_near *near)
{
	uint32_t row = find_place(cache, session, room_id, near), room;

	if (row != 0)
		return row;
	room = find_room(cache, room_id);
	return room == 0 ? 0 : find_participant(cache, room, principal, session, NULL);
}

/* Whoever leaves all his rooms does so in the order of their list. */
static struct find_near first_of(const struct cache *cache, uint32_t session)
{
	const struct session_row *s = table_row(cache, TABLE_SESSION, session);

	return (struct find_near){{s->first_participant, 0}};
}

static int leave(struct cache *cache, const struct record *record, uint32_t session,
		 const struct event_place *place, struct err *err)
{
	struct find_near near;
	uint32_t row;

	if (session == 0)
		return err_set(err, "no such session");
	near = first_of(cache, session);
	row = place_of(cache, session, place->room, record->actor, &near);
	if (row == 0)
		return err_set(err, "the session is not in the room");
	participant_remove(cache, row, place->flags & EVENT_LAST);
	return 0;
}

/* Nobody came and nobody left: for the room nothing has changed. near: what was next to the place
 * that was taken over before. */
static int take_over(struct cache *cache, const struct record *record, uint32_t session,
		     const struct event_place *place, uint32_t from, struct find_near *near,
		     struct err *err)
{
	const struct session_row *lost = table_row(cache, TABLE_SESSION, from);
	struct participant_row *p;
	uint32_t row = 0;

	if (session != 0 && from != 0 && lost->lost != 0 && lost->principal == record->actor)
		row = place_of(cache, from, place->room, record->actor, near);
	if (row == 0)
		return err_set(err, "no such place to be taken over");
	p = table_row(cache, TABLE_PARTICIPANT, row);
	*near = find_neighbours(p);
	table_touch(cache, p, sizeof(*p));
	session_unlink(cache, p);
	session_link(cache, row, session);
	p->lsn = record->lsn;
	return 0;
}

static int move(struct cache *cache, const struct record *record, struct err *err)
{
	const struct event_place place = {.room = record->room, .flags = record->flags};
	const uint32_t session = session_of(cache, record);

	return record->type == EVENT_JOIN ? join(cache, record, session, &place, err)
					  : leave(cache, record, session, &place, err);
}

static int move_all(struct cache *cache, const struct record *record, struct err *err)
{
	const uint32_t session = session_of(cache, record);
	struct find_near near = {{0, 0}};
	struct event_rooms event;
	uint32_t from = 0;
	int result = 0;

	if (!event_rooms_get(record, &event))
		return err_set(err, "malformed rooms");
	if (event.from.session != 0)
		from = session_by(cache, &event.from);
	if (from != 0)
		near = first_of(cache, from);
	for (uint32_t i = 0; i < event.count && result == 0; i++) {
		const struct event_place *place = &event.place[i];

		if (record->type == EVENT_LEAVES)
			result = leave(cache, record, session, place, err);
		else if (place->flags & EVENT_TAKEN)
			result = take_over(cache, record, session, place, from, &near, err);
		else
			result = join(cache, record, session, place, err);
	}
	return result;
}

/* Nobody has said whether it is the last one. */
static void participant_drop(struct cache *cache, uint32_t row)
{
	const struct participant_row *p = table_row(cache, TABLE_PARTICIPANT, row);
	unsigned others;

	find_participant(cache, p->room, p->principal, p->session, &others);
	participant_remove(cache, row, others == 0);
}

/* To the end of those that are lost. */
static int session_lose(struct cache *cache, const struct record *record, struct err *err)
{
	struct cache_header *header = cache->header;
	const uint32_t row = session_of(cache, record);
	struct session_row *session, *other;

	if (row == 0 || record->time == 0)
		return err_set(err, "no such session, or no time");
	session = table_row(cache, TABLE_SESSION, row);
	if (session->lost != 0)
		return err_set(err, "the session is lost already");
	table_touch(cache, session, sizeof(*session));
	session->lost = record->time;
	session->lost_previous = header->last_lost;
	if (header->last_lost != 0) {
		other = table_row(cache, TABLE_SESSION, header->last_lost);
		table_set(cache, other->lost_next, row);
	} else {
		table_set(cache, header->first_lost, row);
	}
	table_set(cache, header->last_lost, row);
	table_set(cache, header->lost, header->lost + 1);
	return 0;
}

static void session_unlose(struct cache *cache, const struct session_row *session)
{
	struct cache_header *header = cache->header;
	struct session_row *other;

	if (session->lost_previous != 0) {
		other = table_row(cache, TABLE_SESSION, session->lost_previous);
		table_set(cache, other->lost_next, session->lost_next);
	} else {
		table_set(cache, header->first_lost, session->lost_next);
	}
	if (session->lost_next != 0) {
		other = table_row(cache, TABLE_SESSION, session->lost_next);
		table_set(cache, other->lost_previous, session->lost_previous);
	} else {
		table_set(cache, header->last_lost, session->lost_previous);
	}
	table_set(cache, header->lost, header->lost - 1);
}

static void session_remove(struct cache *cache, uint32_t row)
{
	struct session_row *session = table_row(cache, TABLE_SESSION, row);

	while (session->first_participant != 0)
		participant_drop(cache, session->first_participant);
	if (session->lost != 0)
		session_unlose(cache, session);
	index_remove(cache, INDEX_SESSION, TABLE_SESSION,
		     hash_session(cache, session->slot, session->generation, session->session), row,
		     offsetof(struct session_row, by_key));
	table_set(cache, session->generation, 0);
	table_give(cache, TABLE_SESSION, row);
}

static int session_close(struct cache *cache, const struct record *record, struct err *err)
{
	uint32_t row = session_of(cache, record);

	if (row == 0)
		return err_set(err, "no such session");
	session_remove(cache, row);
	return 0;
}

/* --- Messages. --- */

static void post_put(struct cache *cache, const struct record *record, struct text id)
{
	struct cache_header *header = cache->header;
	struct cache_table *table = &header->table[TABLE_POST];
	uint32_t row = header->next_post;
	struct post_row *post = table_row(cache, TABLE_POST, row);

	if (id.length == 0 || table->rows == 0)
		return;
	if (post->room != 0) {
		struct text old = {.data = (const char *)post->id, .length = post->id_length};

		index_remove(cache, INDEX_POST, TABLE_POST,
			     hash_post(cache, post->room, post->author, old), row,
			     offsetof(struct post_row, by_key));
	} else {
		table_set(cache, table->used, table->used + 1);
		table_set(cache, table->fresh, row);
	}
	table_touch(cache, post, sizeof(*post));
	post->room = record->room;
	post->author = record->actor;
	post->seq = record->seq;
	post->time = record->time;
	post->id_length = id.length;
	memcpy(post->id, id.data, id.length);
	index_insert(cache, INDEX_POST, hash_post(cache, post->room, post->author, id), row,
		     &post->by_key);
	table_set(cache, header->next_post, row == table->rows ? 1 : row + 1);
}

static int message(struct cache *cache, const struct record *record, struct err *err)
{
	uint32_t row = find_room(cache, record->room);
	struct event_message event;
	struct room_row *room;

	if (row == 0 || !event_message_get(record, &event))
		return err_set(err, "no such room, or a malformed message");
	room = table_row(cache, TABLE_ROOM, row);
	if (record->seq != room->last_seq + 1)
		return err_set(err, "message %llu of room %u comes after %llu",
			       (unsigned long long)record->seq, record->room,
			       (unsigned long long)room->last_seq);
	table_write_begin(cache, &room->version);
	table_set(cache, room->last_seq, record->seq);
	recent_append(cache, row, record, &event);
	table_write_end(&room->version);
	post_put(cache, record, event.id);
	return 0;
}

static int removed_from_recent(struct cache *cache, uint32_t room, const struct record *record,
			       struct err *err)
{
	struct event_replacement event;

	if (record->type == EVENT_PURGE)
		recent_purge(cache, room, record->seq);
	else if (event_replacement_get(record, &event))
		recent_remove(cache, room, record->seq, record->flags & EVENT_REPLACED, event.text);
	else
		return err_set(err, "a malformed replacement");
	return 0;
}

static int removal(struct cache *cache, const struct record *record, struct err *err)
{
	const uint32_t row = find_room(cache, record->room);
	struct room_row *room;
	int result;

	if (row == 0)
		return err_set(err, "no such room");
	room = table_row(cache, TABLE_ROOM, row);
	table_write_begin(cache, &room->version);
	table_set(cache, room->removals, room->removals + 1);
	table_set(cache, room->removal, record->lsn);
	result = removed_from_recent(cache, row, record, err);
	table_write_end(&room->version);
	return result;
}

/* A room that is being filled has nobody in it, and its recent messages are read when somebody wants
 * them: here only the numbers count. */
static int history(struct cache *cache, const struct record *record, struct err *err)
{
	const uint32_t row = find_room(cache, record->room);
	struct event_history event;
	struct room_row *room;

	if (row == 0 || !event_history_get(record, &event))
		return err_set(err, "no such room, or malformed history");
	room = table_row(cache, TABLE_ROOM, row);
	if (record->seq < room->last_seq + (event.what == HISTORY_MESSAGE))
		return err_set(err, "message %llu of room %u comes after %llu",
			       (unsigned long long)record->seq, record->room,
			       (unsigned long long)room->last_seq);
	table_write_begin(cache, &room->version);
	table_set(cache, room->last_seq, record->seq);
	table_set(cache, room->removal, record->lsn);
	if (event.what == HISTORY_END && event.removals > room->removals)
		table_set(cache, room->removals, event.removals);
	recent_clear(cache, row);
	table_write_end(&room->version);
	return 0;
}

int apply_recent(struct cache *cache, const struct record *record, struct err *err)
{
	uint32_t row = find_room(cache, record->room);
	struct event_message event;

	if (row == 0)
		return 0;
	if (record->type == EVENT_MESSAGE_REMOVED || record->type == EVENT_PURGE)
		return removed_from_recent(cache, row, record, err);
	if (record->type != EVENT_MESSAGE)
		return 0;
	if (!event_message_get(record, &event))
		return err_set(err, "a malformed message");
	recent_append(cache, row, record, &event);
	post_put(cache, record, event.id);
	return 0;
}

/* --- Events. --- */

static int apply_one(struct cache *cache, const struct record *record, struct err *err)
{
	switch (record->type) {
	case EVENT_START:
		/* A cold one: what senders say next has nothing to do with what the tail held. */
		if (record->flags & EVENT_COLD)
			memset(cache->header->last_command, 0,
			       sizeof(cache->header->last_command));
		return 0;
	case EVENT_SESSION_OPEN:
		return session_open(cache, record, err);
	case EVENT_SESSION_CLOSE:
		return session_close(cache, record, err);
	case EVENT_LOST:
		return session_lose(cache, record, err);
	case EVENT_JOIN:
	case EVENT_LEAVE:
		return move(cache, record, err);
	case EVENT_JOINS:
	case EVENT_LEAVES:
		return move_all(cache, record, err);
	case EVENT_MESSAGE:
		return message(cache, record, err);
	case EVENT_MESSAGE_REMOVED:
	case EVENT_PURGE:
		return removal(cache, record, err);
	case EVENT_VIEW:
	case EVENT_REFUSED:
	case EVENT_FILE_GRANT:
	case EVENT_FILE:
	case EVENT_FILE_READ:
	case EVENT_FILE_REMOVED:
		return 0;
	case EVENT_HISTORY:
		return history(cache, record, err);
	default:
		return object_apply(cache, record->type, record + 1, record->payload, err);
	}
}

int apply_record(struct cache *cache, const struct record *record, struct err *err)
{
	struct cache_header *header = cache->header;
	struct err why = {0};

	table_begin(cache, record->lsn + record->length);
	if (apply_one(cache, record, &why) < 0)
		return err_set(err, "could not apply event %s at LSN %llu: %s",
			       event_name(record->type), (unsigned long long)record->lsn, why.text);
	if (record->command != 0 && record->mail_slot < SLOTS)
		table_set(cache, header->last_command[record->mail_slot], record->command);
	table_set(cache, header->last, record->lsn);
	table_end(cache, record->lsn + record->length);
	return 0;
}

void apply_fill(struct cache *cache, uint32_t room, const struct command_fill *fill,
		const struct event_message *event)
{
	uint32_t row = find_room(cache, room);

	if (row == 0)
		return;
	table_begin(cache, UINT64_MAX);
	recent_prepend(cache, row, fill, event);
	table_end(cache, atomic_load(&cache->header->applied));
}
