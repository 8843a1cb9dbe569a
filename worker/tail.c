#include "worker/tail.h"

#include <stdlib.h>
#include <string.h>

#include "conf/clock.h"
#include "conf/log.h"
#include "worker/core.h"
#include "worker/file.h"
#include "worker/object_find.h"
#include "worker/person.h"
#include "worker/roster.h"

enum {
	RECORDS_A_TURN = 4096,
	DELIVERIES_A_TURN = 8192, /* a few milliseconds, as NET_READ_US */
	MANY = 256, /* receivers; more take milliseconds, which others should not wait for */
	STALL_US = 1000000, /* how long a row of the cache may stay unreadable (its writer died) */
};

enum step { STEP_ON, STEP_END, STEP_STALLED };

int tail_init(struct tail *tail, struct chat *chat, const struct journal *journal, struct err *err)
{
	memset(tail, 0, sizeof(*tail));
	tail->chat = chat;
	tail->journal = journal;
	tail->writer = chat->proc->page[SLOT_SEQUENCER];
	if (tail->writer == NULL)
		return err_set(err, "the sequencer's page is missing");
	tail->record = malloc(JOURNAL_COPY);
	if (tail->record == NULL)
		return err_errno(err, "could not allocate room for a record of the journal");
	tail->lsn = atomic_load_explicit(&tail->writer->durable, memory_order_acquire);
	return 0;
}

void tail_fini(struct tail *tail)
{
	free(tail->record);
	tail->record = NULL;
}

/* --- To the sessions in a room. --- */

/* The same event for all of a room's sessions, encoded at most once for each front end. */
struct delivery {
	struct chat *chat;
	const struct chat_message *message; /* one of the five */
	const struct chat_presence *presence;
	const struct object_room *changed;
	const struct chat_removal *removal;
	const struct file_news *news;
	struct frame *frame[FRONT_ENDS]; /* owned */
};

static struct frame *encode(struct delivery *delivery, const struct front_end *front)
{
	struct frame **frame = &delivery->frame[front->number];

	if (*frame != NULL)
		return *frame;
	if (delivery->message != NULL)
		*frame = front->message(delivery->chat, delivery->message);
	else if (delivery->presence != NULL)
		*frame = front->presence(delivery->chat, delivery->presence);
	else if (delivery->changed != NULL)
		*frame = front->changed(delivery->chat, delivery->changed);
	else if (delivery->removal != NULL)
		*frame = front->removal(delivery->chat, delivery->removal);
	else
		*frame = front->news(delivery->chat, delivery->news);
	return *frame;
}

static void deliver(struct delivery *delivery, const struct fanout_room *room, uint32_t except)
{
	for (uint32_t i = 0; i < room->count; i++) {
		struct session *session = room->place[i].session;
		struct frame *frame;

		if (session->number == except)
			continue;
		frame = encode(delivery, session->front);
		if (frame == NULL)
			conn_kill(session->conn);
		else if (room->count > MANY)
			conn_send_many(session->conn, frame);
		else
			conn_send(session->conn, frame);
	}
	proc_count(delivery->chat->proc, COUNTER_DELIVERIES, room->count);
	delivery->chat->tail.delivered += room->count;
	for (unsigned i = 0; i < FRONT_ENDS; i++)
		frame_unref(&delivery->frame[i]);
}

/* CODE_BUSY counts as any other refusal once the stall has lasted too long. */
static bool stalls(const struct tail *tail, int code)
{
	return code == CODE_BUSY && (tail->stalled == 0 || clock_mono() - tail->stalled < STALL_US);
}

static bool is_own(const struct chat *chat, const struct record *record)
{
	return record->origin.slot == chat->proc->slot &&
	       record->origin.generation == chat->proc->generation && record->origin.session != 0;
}

static void settle(struct chat *chat, const struct record *record)
{
	struct outcome outcome = {.kind = OUTCOME_EVENT, .record = record};
	struct pending *pending;

	if (!is_own(chat, record))
		return;
	pending = pending_find(&chat->pending, record->origin.request, record->origin.session);
	if (pending != NULL)
		pending->settle(pending, &outcome);
}

/* --- Events. Each returns false where it is to be tried again: nothing was done then. --- */

static bool use_message(struct tail *tail, const struct record *record)
{
	struct chat *chat = tail->chat;
	struct fanout_room *room = fanout_find(&chat->fanout, record->room);
	struct chat_message message = {
		.seq = record->seq,
		.time = record->time,
		.alert = (record->flags & EVENT_ALERT) != 0,
	};
	struct delivery delivery = {.chat = chat, .message = &message};
	struct event_message event;
	struct name_view name;

	const bool fed = feeds_any(chat->feeds);
	const bool sound = (room != NULL || fed) && event_message_get(record, &event);

	if (room != NULL && sound) {
		if (stalls(tail, names_get(&chat->names, chat->cache, record->actor, &name)))
			return false;
		memcpy(message.room, room->uuid, sizeof(message.room));
		message.from = name.uri;
		message.name = name.name;
		message.title = event.title;
		message.text = event.text;
		message.rich_type = event.rich_type;
		message.rich = event.rich;
		message.id = event.id;
		deliver(&delivery, room, 0);
	}
	if (fed && sound)
		person_feed_message(chat, record, &event);
	settle(chat, record);
	return true;
}

/* Tells the others in the room that a user came or went. */
static bool tell_presence(struct tail *tail, const struct record *record, bool joined)
{
	struct chat *chat = tail->chat;
	struct fanout_room *room = fanout_find(&chat->fanout, record->room);
	struct chat_presence presence = {
		.joined = joined,
		.no_access = (record->flags & EVENT_NO_ACCESS) != 0,
		.counted = true,
	};
	struct delivery delivery = {.chat = chat, .presence = &presence};
	uint32_t except = is_own(chat, record) ? record->origin.session : 0;
	struct name_view name;
	int code;

	if (room == NULL || record->actor == 0)
		return true;
	code = roster_count(chat, record->room, &presence.count);
	if (code == CODE_LIMIT_EXCEEDED)
		return true;
	if (code == CODE_OK)
		code = names_get(&chat->names, chat->cache, record->actor, &name);
	if (code != CODE_OK)
		return !stalls(tail, code);
	memcpy(presence.room, room->uuid, sizeof(presence.room));
	presence.uri = name.uri;
	presence.name = name.name;
	deliver(&delivery, room, except);
	return true;
}

static bool enter_room(struct tail *tail, struct session *session, const struct record *record)
{
	struct chat *chat = tail->chat;
	const struct fanout_room *room = fanout_find(&chat->fanout, record->room);
	struct room_view view;
	int code = CODE_OK;

	if (room == NULL)
		code = cache_room(chat->cache, record->room, &view);
	if (stalls(tail, code))
		return false;
	if (code != CODE_OK || fanout_join(&chat->fanout, session, record->room,
					   room == NULL ? view.uuid : room->uuid) == -1)
		session_drop(session, CHAT_RESTART); /* it would miss the room's messages */
	return true;
}

static struct session *own_session(struct chat *chat, const struct record *record)
{
	return is_own(chat, record) ? session_find(chat, record->origin.session) : NULL;
}

/* Entering first: what is done twice when the others cannot be told yet does no harm. */
static bool join_room(struct tail *tail, struct session *session, const struct record *record)
{
	if (session != NULL && session->state == SESSION_OPEN &&
	    !enter_room(tail, session, record))
		return false;
	return !(record->flags & EVENT_FIRST) || tell_presence(tail, record, true);
}

/* Tells a session that it is not in a room any more, though it did not ask to leave. */
static void tell_lost(struct session *session, const struct record *record,
		      const struct name_view *name)
{
	struct fanout_room *room = fanout_find(&session->chat->fanout, record->room);
	struct chat_presence presence = {.no_access = true, .uri = name->uri, .name = name->name};

	if (room == NULL || !fanout_has(session, record->room))
		return;
	memcpy(presence.room, room->uuid, sizeof(presence.room));
	conn_give(session->conn, session->front->presence(session->chat, &presence));
}

static bool leave_room(struct tail *tail, struct session *session, const struct record *record)
{
	bool lost = session != NULL && (record->flags & EVENT_NO_ACCESS);
	struct chat *chat = tail->chat;
	struct name_view name = {0};

	/* Here, because after the others have been told nothing can be tried again. */
	if (lost && stalls(tail, names_get(&chat->names, chat->cache, record->actor, &name)))
		return false;
	if ((record->flags & EVENT_LAST) && !tell_presence(tail, record, false))
		return false;
	if (lost) {
		(void)names_get(&chat->names, chat->cache, record->actor, &name);
		tell_lost(session, record, &name);
	}
	if (session != NULL)
		fanout_leave(&tail->chat->fanout, session, record->room);
	return true;
}

static bool move(struct tail *tail, struct session *session, const struct record *record)
{
	const bool joins = record->type == EVENT_JOIN || record->type == EVENT_JOINS;

	if (record->flags & (EVENT_FIRST | EVENT_LAST))
		kept_roster_forget(&tail->chat->kept, record->room);
	return joins ? join_room(tail, session, record) : leave_room(tail, session, record);
}

static bool use_move(struct tail *tail, const struct record *record)
{
	if (!move(tail, own_session(tail->chat, record), record))
		return false;
	settle(tail->chat, record);
	return true;
}

/* One room after the other; after a stall it goes on with the one that is next. */
static bool use_moves(struct tail *tail, const struct record *record)
{
	struct session *session = own_session(tail->chat, record);
	struct record part = *record;
	struct event_rooms event;

	if (!event_rooms_get(record, &event))
		return true;
	if (session != NULL && record->type == EVENT_JOINS)
		fanout_expect(session, event.count);
	for (; tail->moved < event.count; tail->moved++) {
		part.room = event.place[tail->moved].room;
		part.flags = event.place[tail->moved].flags;
		if (!move(tail, session, &part))
			return false;
	}
	tail->moved = 0;
	settle(tail->chat, record);
	return true;
}

static void use_session_open(struct chat *chat, const struct record *record)
{
	struct session *session = own_session(chat, record);

	if (session != NULL)
		sign_in_opened(session, record);
	else if (is_own(chat, record))
		session_close_later(chat,
				    record->origin.session, false); /* nobody waits for it any more */
}

static void use_session_close(struct chat *chat, const struct record *record)
{
	struct session *session = own_session(chat, record);

	if (session == NULL)
		return;
	session->closed = true;
	session_drop(session, CHAT_SIGNED_OUT);
}

static void use_principal(struct chat *chat, const struct record *record)
{
	struct event_principal principal;

	if (event_principal_get(record, &principal)) {
		names_forget(&chat->names, principal.id);
		kept_forget(&chat->kept);
		/* They may be about his name. */
		if (feeds_any(chat->feeds) && people_find(&chat->people, principal.id) != NULL)
			(void)person_feeds_load(chat, principal.id);
	}
	settle(chat, record);
}

/* Tells those in a room that it is another now. */
static bool use_room(struct tail *tail, const struct record *record)
{
	struct chat *chat = tail->chat;
	struct fanout_room *room = fanout_find(&chat->fanout, record->room);
	struct object_names names;
	struct delivery delivery = {.chat = chat, .changed = &names.room};
	struct room_view view;
	int code = CODE_OK;

	if (room != NULL) {
		code = cache_room(chat->cache, record->room, &view);
		if (code == CODE_OK)
			code = object_name_room(chat, &view, &names);
		if (stalls(tail, code))
			return false;
		if (code == CODE_OK)
			deliver(&delivery, room, 0);
	}
	settle(chat, record);
	return true;
}

/* Tells those in a room that messages are gone or replaced. */
static bool use_removal(struct tail *tail, const struct record *record)
{
	struct chat *chat = tail->chat;
	struct fanout_room *room = fanout_find(&chat->fanout, record->room);
	struct chat_removal removal = {.purge = record->type == EVENT_PURGE,
				       .replaced = (record->flags & EVENT_REPLACED) != 0,
				       .seq = record->seq};
	struct delivery delivery = {.chat = chat, .removal = &removal};
	struct event_replacement event = {0};
	struct room_view view;

	if (room != NULL && (removal.purge || event_replacement_get(record, &event))) {
		const int code = cache_room(chat->cache, record->room, &view);

		if (stalls(tail, code))
			return false;
		memcpy(removal.room, room->uuid, sizeof(removal.room));
		removal.removals = code == CODE_OK ? view.removals : 0;
		removal.text = event.text;
		deliver(&delivery, room, 0);
	}
	settle(chat, record);
	return true;
}

/* Tells those in a room that there is a file more or less. */
static bool use_file(struct tail *tail, const struct record *record)
{
	struct chat *chat = tail->chat;
	struct fanout_room *room = fanout_find(&chat->fanout, record->room);
	struct file_news news = {.removed = record->type == EVENT_FILE_REMOVED};
	struct delivery delivery = {.chat = chat, .news = &news};
	struct name_view name = {0};
	struct event_file event;

	/* What came out of an archive is no news, but for who brought it in. */
	if (record->flags & EVENT_IMPORTED)
		settle(chat, record);
	if (room == NULL || record->flags & EVENT_IMPORTED || !event_file_get(record, &event))
		return true;
	if (record->actor != 0 &&
	    stalls(tail, names_get(&chat->names, chat->cache, record->actor, &name)))
		return false;
	news.file = (struct file_info){
		.size = event.size, .time = record->time, .name = event.name, .type = event.type};
	memcpy(news.file.room, room->uuid, sizeof(news.file.room));
	memcpy(news.file.file, event.uuid, sizeof(news.file.file));
	memcpy(news.file.sha256, event.sha256, sizeof(news.file.sha256));
	news.from = name.uri;
	news.from_name = name.name;
	deliver(&delivery, room, 0);
	return true;
}

/* Tells users of what is theirs. */
static bool use_person(struct tail *tail, const struct record *record)
{
	if (!person_tell(tail->chat, record) && stalls(tail, CODE_BUSY))
		return false;
	settle(tail->chat, record);
	return true;
}

/* What is kept of the cache, after events that were not seen or a cache that was made anew. */
static void forget_all(struct chat *chat)
{
	names_fini(&chat->names);
	kept_forget(&chat->kept);
}

static bool use(struct tail *tail, const struct record *record)
{
	switch (record->type) {
	case EVENT_START:
		if (record->flags & EVENT_COLD) {
			session_drop_all(tail->chat, CHAT_RESTART);
			forget_all(tail->chat);
		}
		return true;
	case EVENT_PRINCIPAL:
		use_principal(tail->chat, record);
		return true;
	case EVENT_ROOM:
		return use_room(tail, record);
	case EVENT_SESSION_OPEN:
		use_session_open(tail->chat, record);
		return true;
	case EVENT_SESSION_CLOSE:
		use_session_close(tail->chat, record);
		return true;
	case EVENT_JOIN:
	case EVENT_LEAVE:
		return use_move(tail, record);
	case EVENT_JOINS:
	case EVENT_LEAVES:
		return use_moves(tail, record);
	case EVENT_MESSAGE:
		return use_message(tail, record);
	case EVENT_MESSAGE_REMOVED:
	case EVENT_PURGE:
		return use_removal(tail, record);
	case EVENT_FILE:
	case EVENT_FILE_REMOVED:
		return use_file(tail, record);
	case EVENT_INVITATION:
	case EVENT_MARKER:
	case EVENT_FEED:
	case EVENT_ACCESS_REQUEST:
		return use_person(tail, record);
	default:
		settle(tail->chat, record);
		return true;
	}
}

/* --- Reading on. --- */

/* Too slow, or the journal is damaged: the sessions come back and are told what they missed. */
static enum step reset(struct tail *tail, const char *why)
{
	struct proc *proc = tail->chat->proc;

	log_warning("%s at %llu: all sessions start over", why, (unsigned long long)tail->lsn);
	proc_count(proc, COUNTER_JOURNAL_RESETS, 1);
	session_drop_all(tail->chat, CHAT_JOURNAL);
	forget_all(tail->chat);
	tail->lsn = atomic_load_explicit(&tail->writer->durable, memory_order_acquire);
	tail->stalled = 0;
	tail->moved = 0;
	return STEP_END;
}

static enum step step(struct tail *tail, uint64_t limit)
{
	uint64_t next = tail->lsn;
	const struct record *record;

	switch (journal_read(tail->journal, &next, limit, &tail->writer->tail, &record)) {
	case JOURNAL_RECORD:
		break;
	case JOURNAL_END:
		tail->lsn = next > tail->lsn ? next : tail->lsn;
		return STEP_END;
	case JOURNAL_LOST:
		return reset(tail, "the journal overtook this worker");
	case JOURNAL_BAD:
		return reset(tail, "the journal is damaged");
	}
	record = journal_copy(tail->journal, record, tail->lsn, &tail->writer->tail, tail->record);
	if (record == NULL)
		return reset(tail, "the journal overtook this worker");
	if (!use(tail, record)) {
		if (tail->stalled == 0)
			tail->stalled = clock_mono();
		return STEP_STALLED;
	}
	tail->stalled = 0;
	tail->lsn = next;
	atomic_store_explicit(&tail->chat->proc->own->cursor_time, record->time,
			      memory_order_relaxed);
	return STEP_ON;
}

static enum step steps(struct tail *tail, unsigned max, uint64_t max_delivered)
{
	uint64_t durable = atomic_load_explicit(&tail->writer->durable, memory_order_acquire);
	enum step result = STEP_ON;

	if (tail->lsn == 0)
		tail->lsn = durable;
	if (durable < tail->lsn)
		return STEP_END;
	tail->delivered = 0;
	for (unsigned i = 0; i < max && tail->delivered < max_delivered && result == STEP_ON; i++)
		result = step(tail, durable);
	atomic_store_explicit(&tail->chat->proc->own->cursor, tail->lsn, memory_order_relaxed);
	return result;
}

bool tail_turn(struct tail *tail)
{
	return steps(tail, RECORDS_A_TURN, DELIVERIES_A_TURN) == STEP_ON;
}

void tail_catch_up(struct tail *tail)
{
	(void)steps(tail, UINT32_MAX, UINT64_MAX);
}

uint64_t tail_delay(const struct tail *tail)
{
	const struct proc_page *own = tail->chat->proc->own;
	uint64_t used = atomic_load_explicit(&own->cursor_time, memory_order_relaxed);
	uint64_t now = clock_utc();

	return tail_ready(tail) && now > used ? now - used : 0;
}

bool tail_ready(const struct tail *tail)
{
	uint64_t durable = atomic_load_explicit(&tail->writer->durable, memory_order_acquire);

	return tail->stalled == 0 && durable > tail->lsn;
}
