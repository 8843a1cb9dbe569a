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

void emit_leave(struct engine *engine, uint32_t participant, const struct ask_for *ask,
		unsigned flags)
{
	const struct participant_row *p = table_row(&engine->cache, TABLE_PARTICIPANT, participant);
	struct record head = session_head(session_at(engine, p->session), EVENT_LEAVE);

	head.room = room_at(engine, p->room)->id;
	head.flags = (uint16_t)(flags | (is_last(engine, p) ? EVENT_LAST : 0));
	if (ask != NULL) {
		head.origin = ask->command->origin;
		head.command = ask->command->number;
		head.mail_slot = (uint16_t)ask->mail_slot;
	}
	emit(engine, &head, NULL, 0);
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

/* As many as one event takes, from the one that was joined last on. */
static void emit_some_leaves(struct engine *engine, const struct session_row *session)
{
	const struct record head = session_head(session, EVENT_LEAVES);
	uint8_t payload[EVENT_ROOMS_SIZE];
	struct event_rooms event;

	event.count = 0;
	for (uint32_t row = session->first_participant;
	     row != 0 && event.count < EVENT_ROOMS_MAX;) {
		const struct participant_row *p = table_row(&engine->cache, TABLE_PARTICIPANT, row);

		event.place[event.count++] = (struct event_place){
			.room = room_at(engine, p->room)->id,
			.flags = is_last(engine, p) ? EVENT_LAST : 0,
		};
		row = p->session_next;
	}
	emit(engine, &head, payload, event_rooms_put(&event, payload, sizeof(payload)));
}

void emit_leaves(struct engine *engine, uint32_t session)
{
	const struct session_row *row = session_at(engine, session);

	while (row->participants > 1 && !engine->broken)
		emit_some_leaves(engine, row);
	if (row->participants == 1 && !engine->broken)
		emit_leave(engine, row->first_participant, NULL, 0);
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
	IS_THERE,
	MAY_NOT,
};

/* What a room (id) is to a session; *code_r why it may not be there. */
static enum joining look_at(struct engine *engine, const struct ask_for *ask, uint32_t id,
			    int *code_r)
{
	const struct session_row *session = session_at(engine, ask->session);
	const uint32_t room = find_room(&engine->cache, id);
	unsigned others;

	*code_r = CODE_OK;
	if (session->flags & EVENT_ADMIN)
		*code_r = CODE_ERROR_PERMISSION;
	else if (room == 0)
		*code_r = CODE_NO_SUCH_NODE;
	else if (!may(engine, session->principal, room, RIGHT_JOIN))
		*code_r = may(engine, session->principal, room, RIGHT_SEE) ? CODE_ERROR_PERMISSION
									   : CODE_NO_SUCH_NODE;
	else if (room_at(engine, room)->disabled)
		*code_r = CODE_NODE_DISABLED;
	if (*code_r != CODE_OK)
		return MAY_NOT;
	if (find_participant(&engine->cache, room, session->principal, ask->session, &others) != 0)
		return IS_THERE;
	return others == 0 ? JOINS : JOINS_AGAIN;
}

enum decision decide_join(struct engine *engine, const struct ask_for *ask)
{
	const struct session_row *session = session_at(engine, ask->session);
	struct record head = head_of(ask, EVENT_JOIN);
	enum decision decision;
	int code;
	const enum joining joining = look_at(engine, ask, ask->command->room, &code);

	if (joining == IS_THERE || joining == MAY_NOT)
		return refuse(ask, code);
	if (session->participants >= engine->conf->limits.rooms_per_session ||
	    !rows_fit(engine, TABLE_PARTICIPANT, 1))
		return refuse(ask, CODE_LIMIT_EXCEEDED);
	if (no_room(engine, ask, 0, 1, &decision))
		return decision;
	head.actor = session->principal;
	head.flags = joining == JOINS ? EVENT_FIRST : 0;
	return become(engine, &head, NULL, 0);
}

/* Those of the rooms that are joined when nothing else happens meanwhile. */
static void choose_rooms(struct engine *engine, const struct ask_for *ask,
			 const struct event_rooms *wanted, struct event_rooms *joined)
{
	const uint32_t most = engine->conf->limits.rooms_per_session;
	const uint32_t there = session_at(engine, ask->session)->participants;

	joined->count = 0;
	for (uint32_t i = 0; i < wanted->count && there + joined->count < most; i++) {
		const uint32_t room = wanted->place[i].room;
		int code;
		const enum joining joining = look_at(engine, ask, room, &code);

		if ((joining == JOINS || joining == JOINS_AGAIN) && !event_rooms_has(joined, room))
			joined->place[joined->count++] = (struct event_place){
				.room = room, .flags = joining == JOINS ? EVENT_FIRST : 0};
	}
}

/* Nothing is said here of the rooms that are not joined: each is asked for by itself then, and has
 * its own refusal, on record and with its counter. */
enum decision decide_join_rooms(struct engine *engine, const struct ask_for *ask)
{
	struct record head = head_of(ask, EVENT_JOINS);
	struct event_rooms wanted, joined;
	uint8_t payload[EVENT_ROOMS_SIZE];
	enum decision decision;
	uint32_t size;

	if (!event_rooms_parse(ask->payload, ask->command->payload, &wanted))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	choose_rooms(engine, ask, &wanted, &joined);
	if (joined.count == 0 || !rows_fit(engine, TABLE_PARTICIPANT, joined.count))
		return refuse(ask, CODE_OK);
	size = event_rooms_put(&joined, payload, sizeof(payload));
	if (no_room(engine, ask, size, 1, &decision))
		return decision;
	head.room = 0;
	head.actor = session_at(engine, ask->session)->principal;
	return become(engine, &head, payload, size);
}
