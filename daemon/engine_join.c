#include "daemon/engine_ask.h"

#include "shm/find.h"

/* Who comes into rooms and leaves them. */

/* --- Leaving. --- */

/* Whether this is the user's only session in the room. */
static bool is_last(const struct engine *engine, const struct participant_row *p)
{
	const struct room_row *room = room_at(engine, p->room);
	unsigned others;

	if (room->participants == room->users) /* nobody has another one */
		return true;
	find_participant(&engine->cache, p->room, p->principal, p->session, &others);
	return others == 0;
}

/* ask: by its own wish, or NULL; flags: EVENT_NO_ACCESS. */
static void emit_leave(struct engine *engine, uint32_t participant, const struct ask_for *ask,
		       unsigned flags)
{
	const struct participant_row *p = table_row(&engine->cache, TABLE_PARTICIPANT, participant);
	struct record head = session_head(session_at(engine, p->session), EVENT_LEAVE);

	head.room = room_at(engine, p->room)->id;
	head.flags = (uint16_t)(flags | (is_last(engine, p) ? EVENT_LAST : 0));
	if (ask != NULL)
		answer_by(&head, ask);
	emit(engine, &head, NULL, 0);
}

/* A lost session that is nowhere any more has nothing that could be taken over. */
static void end_if_empty(struct engine *engine, uint32_t session)
{
	const struct session_row *row = session_at(engine, session);

	if (row->lost != 0 && row->participants == 0 && !engine->broken)
		(void)end_session(engine, session, NULL);
}

void put_out(struct engine *engine, uint32_t participant)
{
	const struct participant_row *p = table_row(&engine->cache, TABLE_PARTICIPANT, participant);
	const uint32_t session = p->session;

	emit_leave(engine, participant, NULL, EVENT_NO_ACCESS);
	end_if_empty(engine, session);
}

uint32_t leaves_count(uint32_t rooms)
{
	return (rooms + EVENT_ROOMS_MAX - 1) / EVENT_ROOMS_MAX;
}

uint64_t leaves_size(uint32_t rooms)
{
	return (uint64_t)leaves_count(rooms) * event_rooms_size(0) +
	       (uint64_t)rooms * sizeof(struct event_place);
}

/* As many as one event takes, from the one that was joined last on; unheard: only where the user
 * has another session. False: there are none. */
static bool emit_some_leaves(struct engine *engine, const struct session_row *session, bool unheard)
{
	const struct record head = session_head(session, EVENT_LEAVES);
	uint8_t payload[EVENT_ROOMS_SIZE];
	struct event_rooms event = {.count = 0};

	for (uint32_t row = session->first_participant;
	     row != 0 && event.count < EVENT_ROOMS_MAX;) {
		const struct participant_row *p = table_row(&engine->cache, TABLE_PARTICIPANT, row);
		const bool last = is_last(engine, p);

		if (!last || !unheard)
			event.place[event.count++] = (struct event_place){
				.room = room_at(engine, p->room)->id,
				.flags = last ? EVENT_LAST : 0,
			};
		row = p->session_next;
	}
	if (event.count == 0)
		return false;
	emit(engine, &head, payload, event_rooms_put(&event, payload, sizeof(payload)));
	return true;
}

void emit_leaves(struct engine *engine, uint32_t session)
{
	const struct session_row *row = session_at(engine, session);

	while (row->participants > 1 && !engine->broken)
		(void)emit_some_leaves(engine, row, false);
	if (row->participants == 1 && !engine->broken)
		emit_leave(engine, row->first_participant, NULL, 0);
}

void emit_leaves_unheard(struct engine *engine, uint32_t session)
{
	while (!engine->broken && emit_some_leaves(engine, session_at(engine, session), true))
		;
}

enum decision decide_leave(struct engine *engine, const struct ask_for *ask)
{
	const struct session_row *session = session_at(engine, ask->session);
	uint32_t room = find_room(&engine->cache, ask->command->room), row;

	if (room == 0)
		return refuse(ask, CODE_NO_SUCH_NODE);
	row = find_participant(&engine->cache, room, session->principal, ask->session, NULL);
	if (row == 0)
		return refuse(ask, CODE_USER_NOT_JOINED);
	if (room_for(engine, 0, 1, false) != FITS)
		return LATER;
	emit_leave(engine, row, ask, 0);
	return DECIDED;
}

/* --- Joining. --- */

enum joining {
	JOINS,	     /* and has no other session there */
	JOINS_AGAIN, /* but for the user it is another session */
	TAKES_OVER,  /* the place of a session that is lost */
	IS_THERE,
	MAY_NOT,
};

/* What a room is to a session. */
struct look {
	enum joining joining;
	int code;	/* MAY_NOT: why */
	uint32_t lost;	/* TAKES_OVER: row of the session whose place it is */
	uint32_t place; /* TAKES_OVER: row of the place */
};

/* Rooms that become one event. */
struct joins {
	struct event_rooms event;
	uint32_t lost;	       /* row of the session whose places are taken over; 0: none */
	struct find_near near; /* next to the place of it that was found last */
	uint32_t fresh;	       /* rooms that are joined otherwise */
};

static int may_join(struct engine *engine, const struct session_row *session, uint32_t room)
{
	if (session->flags & EVENT_ADMIN)
		return CODE_ERROR_PERMISSION;
	if (room == 0)
		return CODE_NO_SUCH_NODE;
	if (!may(engine, session->principal, room, RIGHT_JOIN))
		return may(engine, session->principal, room, RIGHT_SEE) ? CODE_ERROR_PERMISSION
									: CODE_NO_SUCH_NODE;
	return room_at(engine, room)->disabled ? CODE_NODE_DISABLED : CODE_OK;
}

/* A lost place in a room, where it is the user's only one. */
static struct look look_at_place(const struct engine *engine, uint32_t row)
{
	const struct participant_row *p = table_row(&engine->cache, TABLE_PARTICIPANT, row);

	return (struct look){.joining = TAKES_OVER, .lost = p->session, .place = row};
}

/* At a room that the session may join. */
static struct look look_around(const struct engine *engine, const struct ask_for *ask,
			       uint32_t room)
{
	const uint32_t principal = session_at(engine, ask->session)->principal;
	unsigned others;
	uint32_t row;

	if (find_participant(&engine->cache, room, principal, ask->session, &others) != 0)
		return (struct look){.joining = IS_THERE};
	/* Where there is a lost one there is no other (engine_linger.c). */
	row = others == 1 ? find_lost_participant(&engine->cache, room, principal) : 0;
	if (row != 0)
		return look_at_place(engine, row);
	return (struct look){.joining = others == 0 ? JOINS : JOINS_AGAIN};
}

/* At a room, by its id; so: what was found of others that are joined with it. */
static struct look look_at(struct engine *engine, const struct ask_for *ask, uint32_t id,
			   const struct joins *so)
{
	const struct session_row *session = session_at(engine, ask->session);
	const struct participant_row *p;
	uint32_t place = 0, room;
	int code;

	if (so->lost != 0)
		place = find_place(&engine->cache, so->lost, id, &so->near);
	p = place == 0 ? NULL : table_row(&engine->cache, TABLE_PARTICIPANT, place);
	room = p == NULL ? find_room(&engine->cache, id) : p->room;
	code = may_join(engine, session, room);
	if (code != CODE_OK)
		return (struct look){.joining = MAY_NOT, .code = code};
	return p == NULL ? look_around(engine, ask, room) : look_at_place(engine, place);
}

/* False: it is for an event of its own, or for none. */
static bool add_room(struct engine *engine, struct joins *joins, uint32_t id,
		     const struct look *look)
{
	uint16_t flags = look->joining == JOINS ? EVENT_FIRST : 0;

	if (look->joining == IS_THERE || look->joining == MAY_NOT ||
	    event_rooms_has(&joins->event, id))
		return false;
	if (look->joining == TAKES_OVER) {
		if (joins->lost != 0 && joins->lost != look->lost)
			return false;
		joins->lost = look->lost;
		joins->event.from = session_head(session_at(engine, look->lost), EVENT_LOST).origin;
		joins->near =
			find_neighbours(table_row(&engine->cache, TABLE_PARTICIPANT, look->place));
		flags = EVENT_TAKEN;
	}
	joins->fresh += look->joining != TAKES_OVER;
	joins->event.place[joins->event.count++] = (struct event_place){.room = id, .flags = flags};
	return true;
}

/* Together with the end of a session all of whose places are taken over then. */
static enum decision become_joins(struct engine *engine, const struct ask_for *ask,
				  const struct joins *joins)
{
	struct record head = head_of(ask, EVENT_JOINS);
	uint8_t payload[EVENT_ROOMS_SIZE];
	const uint32_t size = event_rooms_put(&joins->event, payload, sizeof(payload));
	enum decision decision;

	if (no_room(engine, ask, size, joins->lost == 0 ? 1 : 2, &decision))
		return decision;
	head.room = 0;
	head.actor = session_at(engine, ask->session)->principal;
	emit(engine, &head, payload, size);
	if (joins->lost != 0 && session_at(engine, joins->lost)->participants == 0) {
		end_if_empty(engine, joins->lost);
		proc_count(engine->proc, COUNTER_SESSIONS_RESUMED, 1);
	}
	return DECIDED;
}

static enum decision become_join(struct engine *engine, const struct ask_for *ask, bool first)
{
	struct record head = head_of(ask, EVENT_JOIN);
	enum decision decision;

	if (no_rows(engine, ask, TABLE_PARTICIPANT, 1, 0, &decision) ||
	    no_room(engine, ask, 0, 1, &decision))
		return decision;
	head.actor = session_at(engine, ask->session)->principal;
	head.flags = first ? EVENT_FIRST : 0;
	return become(engine, &head, NULL, 0);
}

enum decision decide_join(struct engine *engine, const struct ask_for *ask)
{
	struct joins joins = {.lost = 0};
	const struct look look = look_at(engine, ask, ask->command->room, &joins);

	if (look.joining == IS_THERE || look.joining == MAY_NOT)
		return refuse(ask, look.code);
	if (session_at(engine, ask->session)->participants >=
	    engine->conf->limits.rooms_per_session)
		return refuse(ask, CODE_LIMIT_EXCEEDED);
	if (look.joining != TAKES_OVER)
		return become_join(engine, ask, look.joining == JOINS);
	(void)add_room(engine, &joins, ask->command->room, &look);
	return become_joins(engine, ask, &joins);
}

/* Those of the rooms that are joined when nothing else happens meanwhile. */
static void choose_rooms(struct engine *engine, const struct ask_for *ask,
			 const struct event_rooms *wanted, struct joins *joins)
{
	const uint32_t most = engine->conf->limits.rooms_per_session;
	const uint32_t there = session_at(engine, ask->session)->participants;

	*joins = (struct joins){.lost = 0};
	for (uint32_t i = 0; i < wanted->count && there + joins->event.count < most; i++) {
		const struct look look = look_at(engine, ask, wanted->place[i].room, joins);

		(void)add_room(engine, joins, wanted->place[i].room, &look);
	}
}

/* Nothing is said here of the rooms that are not joined: each is asked for by itself then, and has
 * its own refusal, on record and with its counter. */
enum decision decide_join_rooms(struct engine *engine, const struct ask_for *ask)
{
	struct event_rooms wanted;
	enum decision decision;
	struct joins joins;

	if (!event_rooms_parse(ask->payload, ask->command->payload, &wanted))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	choose_rooms(engine, ask, &wanted, &joins);
	if (joins.event.count == 0)
		return refuse(ask, CODE_OK);
	if (no_rows(engine, ask, TABLE_PARTICIPANT, joins.fresh, joins.lost, &decision))
		return decision == ANSWERED && ask->answer->code == CODE_LIMIT_EXCEEDED
			       ? refuse(ask, CODE_OK)
			       : decision;
	return become_joins(engine, ask, &joins);
}
