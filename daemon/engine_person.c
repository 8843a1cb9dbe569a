#include <string.h>

#include "conf/clock.h"
#include "conf/log.h"
#include "daemon/engine_ask.h"
#include "shm/find.h"

/* What belongs to one user: invitations, read markers, feeds, requests to become a member. */

enum {
	PAYLOAD = 64 + EVENT_FEED_NAME_MAX + EVENT_WORDS_MAX,
	SWEEP_ROWS = 2000, /* looked at in one turn */
};

static enum table table_of(unsigned kind)
{
	return TABLE_INVITATION + kind - EVENT_INVITATION;
}

static const struct person_row *person_at(const struct engine *engine, unsigned kind, uint32_t row)
{
	return row == 0 ? NULL : table_row(&engine->cache, table_of(kind), row);
}

static const struct person_row *person_of(const struct engine *engine, unsigned kind,
					  uint32_t principal, uint32_t item)
{
	return person_at(engine, kind, find_person(&engine->cache, kind, principal, item));
}

/* How many of a kind a user has. *free_r: the lowest number that none of them has. */
static unsigned count_of(const struct engine *engine, unsigned kind, uint32_t principal,
			 uint32_t *free_r)
{
	const enum index index = INDEX_INVITATION_USER + kind - EVENT_INVITATION;
	uint32_t row = index_first(&engine->cache, index, hash_id(&engine->cache, principal));
	unsigned count = 0;

	for (*free_r = 1; person_of(engine, kind, principal, *free_r) != NULL;)
		++*free_r;
	for (const struct person_row *p; (p = person_at(engine, kind, row)) != NULL;
	     row = p->by_user)
		count += p->principal == principal;
	return count;
}

static void emit_person(struct engine *engine, const struct record *as,
			const struct event_person *event)
{
	uint8_t payload[PAYLOAD];

	emit(engine, as, payload, event_person_put(event, payload, sizeof(payload)));
}

/* What the server does by itself, in the name of somebody. */
static void emit_own(struct engine *engine, unsigned kind, uint32_t actor,
		     const struct event_person *event)
{
	const struct record head = {.type = (uint16_t)kind, .actor = actor, .room = event->item};

	emit_person(engine, &head, event);
}

static enum decision become_person(struct engine *engine, const struct ask_for *ask, unsigned kind,
				   const struct event_person *event)
{
	struct record head = head_of(ask, kind);
	enum decision decision;

	if (no_room(engine, ask, PAYLOAD, 1, &decision))
		return decision;
	head.actor = session_at(engine, ask->session)->principal;
	emit_person(engine, &head, event);
	return DECIDED;
}

static bool parse(const struct ask_for *ask, struct event_person *event_r)
{
	return event_person_parse(ask->payload, ask->command->payload, event_r) &&
	       is_text(event_r->name) && is_text(event_r->text) && event_r->what != PERSON_STATE;
}

/* --- Invitations. --- */

static bool is_user(const struct engine *engine, uint32_t principal)
{
	const uint32_t row = find_principal(&engine->cache, principal);
	const struct principal_row *p = table_row(&engine->cache, TABLE_PRINCIPAL, row);

	return row != 0 && p->kind == PRINCIPAL_USER && p->state == PRINCIPAL_ACTIVE;
}

bool invites(const struct engine *engine, uint32_t room)
{
	return room_at(engine, room)->invitations && room_has(engine, room, CATEGORY_INVITATIONS);
}

int invitations_fit(struct engine *engine, uint32_t count)
{
	return rows_fit(engine, TABLE_INVITATION, 2 * count) ? CODE_OK : CODE_LIMIT_EXCEEDED;
}

/* Lists of invitations grow with the memberships; whoever runs the server should know in time. */
static void warn_at_half(struct engine *engine)
{
	const struct cache_table *table = &engine->cache.header->table[TABLE_INVITATION];
	const bool half = table->used > table->rows / 2;

	if (half && !engine->half_logged)
		log_warning("cache { invitations } is half full: %u of %u", table->used,
			    table->rows);
	engine->half_logged = half;
}

static void invite(struct engine *engine, uint32_t actor, uint32_t room, uint32_t principal)
{
	const struct person_row *state = person_of(engine, EVENT_INVITATION, principal, 0);
	const struct event_person event = {.principal = principal,
					   .item = room,
					   .who = actor,
					   .number = state == NULL ? 1 : state->number + 1,
					   .time = clock_utc(),
					   .what = PERSON_PUT};

	emit_own(engine, EVENT_INVITATION, actor, &event);
	warn_at_half(engine);
}

void member_changed(struct engine *engine, uint32_t actor, uint32_t room, uint32_t principal,
		    bool present)
{
	struct event_person event = {
		.principal = principal, .item = room, .who = actor, .what = PERSON_GONE};
	const bool invited = person_of(engine, EVENT_INVITATION, principal, room) != NULL;

	if (!present && invited)
		emit_own(engine, EVENT_INVITATION, actor, &event);
	if (!present)
		return;
	if (!invited && principal != actor && is_user(engine, principal) &&
	    invites(engine, find_room(&engine->cache, room)))
		invite(engine, actor, room, principal);
	event.what = PERSON_GRANTED;
	if (person_of(engine, EVENT_ACCESS_REQUEST, principal, room) != NULL)
		emit_own(engine, EVENT_ACCESS_REQUEST, actor, &event);
}

enum decision decide_invitation_read(struct engine *engine, const struct ask_for *ask)
{
	const uint32_t principal = session_at(engine, ask->session)->principal;
	const struct person_row *state;
	struct event_person wanted, event;

	if (!parse(ask, &wanted))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	state = person_of(engine, EVENT_INVITATION, principal, 0);
	if (state == NULL || wanted.number <= state->time || state->time == state->number)
		return refuse(ask, CODE_OK);
	event = (struct event_person){.principal = principal,
				      .number = wanted.number < state->number ? wanted.number
									      : state->number,
				      .what = PERSON_READ};
	return become_person(engine, ask, EVENT_INVITATION, &event);
}

/* --- Read markers. --- */

enum decision decide_marker(struct engine *engine, const struct ask_for *ask)
{
	const uint32_t principal = session_at(engine, ask->session)->principal;
	const uint32_t row = find_room(&engine->cache, ask->command->room);
	struct event_person wanted, event = {.principal = principal, .what = PERSON_PUT};
	const struct person_row *marker;
	uint64_t last;

	if (!parse(ask, &wanted) || principal == 0)
		return refuse(ask, CODE_INVALID_ARGUMENT);
	if (row == 0 || !may(engine, principal, row, RIGHT_SEE))
		return refuse(ask, CODE_NO_SUCH_NODE);
	if (!may(engine, principal, row, RIGHT_JOIN))
		return refuse(ask, CODE_ERROR_PERMISSION);
	last = room_at(engine, row)->last_seq;
	event.item = ask->command->room;
	event.number = wanted.number < last ? wanted.number : last;
	marker = person_of(engine, EVENT_MARKER, principal, event.item);
	if (event.number <= (marker == NULL ? 0 : marker->number)) {
		ask->answer->seq = marker == NULL ? 0 : marker->number;
		return refuse(ask, CODE_OK);
	}
	if (marker == NULL && !rows_fit(engine, TABLE_MARKER, 1))
		return refuse(ask, CODE_LIMIT_EXCEEDED);
	return become_person(engine, ask, EVENT_MARKER, &event);
}

/* --- Feeds. --- */

static int check_feed(struct engine *engine, const struct event_person *feed)
{
	const uint32_t room = find_room(&engine->cache, feed->room);

	if (feed->name.length == 0 ||
	    (feed->text.length == 0 && feed->who == 0 && !(feed->flags & FEED_EGO)))
		return CODE_INVALID_ARGUMENT;
	if ((feed->flags & FEED_ANY) && (feed->flags & FEED_PHRASE))
		return CODE_INVALID_ARGUMENT;
	if (feed->who != 0 && find_principal(&engine->cache, feed->who) == 0)
		return CODE_NO_SUCH_PRINCIPAL;
	if (feed->room != 0 && (room == 0 || !may(engine, feed->principal, room, RIGHT_JOIN)))
		return CODE_NO_SUCH_NODE;
	return text_fits(engine, feed->name.length + feed->text.length, 0) ? CODE_OK
									   : CODE_LIMIT_EXCEEDED;
}

enum decision decide_feed(struct engine *engine, const struct ask_for *ask)
{
	const uint32_t principal = session_at(engine, ask->session)->principal;
	struct event_person feed;
	uint32_t unused;
	int code = CODE_OK;

	if (!parse(ask, &feed) || principal == 0 || feed.what > PERSON_GONE)
		return refuse(ask, CODE_INVALID_ARGUMENT);
	feed.principal = principal;
	feed.number = feed.time = 0;
	if (feed.item == 0 ? feed.what == PERSON_GONE
			   : person_of(engine, EVENT_FEED, principal, feed.item) == NULL)
		return refuse(ask, CODE_NO_SUCH_NODE);
	if (feed.what == PERSON_PUT)
		code = check_feed(engine, &feed);
	if (code == CODE_OK && feed.item == 0) {
		if (count_of(engine, EVENT_FEED, principal, &unused) >= engine->conf->limits.feeds)
			code = CODE_LIMIT_EXCEEDED;
		else if (!rows_fit(engine, TABLE_FEED, 1))
			code = CODE_LIMIT_EXCEEDED;
		feed.item = unused;
	}
	return code == CODE_OK ? become_person(engine, ask, EVENT_FEED, &feed) : refuse(ask, code);
}

/* --- Leaving a room's list of members, and asking to stand there. --- */

enum decision decide_quit(struct engine *engine, const struct ask_for *ask)
{
	const uint32_t principal = session_at(engine, ask->session)->principal;
	const uint32_t row = find_room(&engine->cache, ask->command->room);
	enum decision decision;

	if (row == 0 || principal == 0 || !may(engine, principal, row, RIGHT_SEE))
		return refuse(ask, CODE_NO_SUCH_NODE);
	if (!room_has(engine, row, CATEGORY_MEMBERS_LEAVE))
		return refuse(ask, CODE_ERROR_PERMISSION);
	if (!(role_get(&engine->cache, NODE_ROOM, row, principal) & ROLE_BIT(ROLE_MEMBER)))
		return refuse(ask, CODE_INVALID_FLOW_OF_OPERATIONS);
	if (no_room(engine, ask, 4096, 8, &decision))
		return decision;
	change_member(engine, ask, row, principal, false);
	return DECIDED;
}

static enum decision ask_access(struct engine *engine, const struct ask_for *ask, uint32_t row,
				const struct event_person *wanted)
{
	const uint32_t principal = session_at(engine, ask->session)->principal;
	const struct event_person event = {.principal = principal,
					   .item = ask->command->room,
					   .time = clock_utc(),
					   .what = PERSON_PUT,
					   .text = wanted->text};
	uint32_t unused;

	if (principal == 0 || !may(engine, principal, row, RIGHT_SEE))
		return refuse(ask, CODE_NO_SUCH_NODE);
	if (!room_has(engine, row, CATEGORY_REQUESTS))
		return refuse(ask, CODE_ERROR_PERMISSION);
	if (may(engine, principal, row, RIGHT_JOIN))
		return refuse(ask, CODE_INVALID_FLOW_OF_OPERATIONS);
	if (person_of(engine, EVENT_ACCESS_REQUEST, principal, event.item) != NULL)
		return refuse(ask, CODE_OK);
	if (count_of(engine, EVENT_ACCESS_REQUEST, principal, &unused) >=
	    engine->conf->limits.requests)
		return refuse(ask, CODE_LIMIT_EXCEEDED);
	if (!rows_fit(engine, TABLE_REQUEST, 1))
		return refuse(ask, CODE_LIMIT_EXCEEDED);
	if (!text_fits(engine, event.text.length, 0))
		return refuse(ask, CODE_LIMIT_EXCEEDED);
	return become_person(engine, ask, EVENT_ACCESS_REQUEST, &event);
}

/* By whom it is asked: a manager answers a request, its user withdraws it. */
static enum decision end_access(struct engine *engine, const struct ask_for *ask, uint32_t row,
				struct event_person *event)
{
	const struct session_row *session = session_at(engine, ask->session);
	const bool own = event->what == PERSON_GONE;
	enum decision decision;
	int code;

	if (own)
		event->principal = session->principal;
	else if (!(session->flags & EVENT_ADMIN) &&
		 !may(engine, session->principal, row, RIGHT_MANAGE))
		return refuse(ask, may(engine, session->principal, row, RIGHT_SEE)
					   ? CODE_ERROR_PERMISSION
					   : CODE_NO_SUCH_NODE);
	event->item = ask->command->room;
	event->who = session->principal;
	event->number = event->time = 0;
	event->name = event->text = (struct text){"", 0};
	if (person_of(engine, EVENT_ACCESS_REQUEST, event->principal, event->item) == NULL)
		return refuse(ask, CODE_NO_SUCH_PRINCIPAL);
	if (event->what != PERSON_GRANTED)
		return become_person(engine, ask, EVENT_ACCESS_REQUEST, event);
	code = may_become_member(engine, row, event->principal);
	if (code == CODE_OK && invites(engine, row))
		code = invitations_fit(engine, 1);
	if (code != CODE_OK)
		return refuse(ask, code);
	if (no_room(engine, ask, 4096, 8, &decision))
		return decision;
	change_member(engine, ask, row, event->principal, true);
	return DECIDED;
}

enum decision decide_access(struct engine *engine, const struct ask_for *ask)
{
	const uint32_t row = find_room(&engine->cache, ask->command->room);
	struct event_person event;

	if (!parse(ask, &event) || event.what == PERSON_READ)
		return refuse(ask, CODE_INVALID_ARGUMENT);
	if (row == 0)
		return refuse(ask, CODE_NO_SUCH_NODE);
	return event.what == PERSON_PUT ? ask_access(engine, ask, row, &event)
					: end_access(engine, ask, row, &event);
}

/* --- What removed users and rooms leave behind. --- */

bool strip_person(struct engine *engine, const struct record *as, uint32_t principal)
{
	for (unsigned kind = EVENT_INVITATION; kind <= EVENT_ACCESS_REQUEST; kind++) {
		const enum index index = INDEX_INVITATION_USER + kind - EVENT_INVITATION;
		uint32_t row =
			index_first(&engine->cache, index, hash_id(&engine->cache, principal));

		while (row != 0 && !engine->broken) {
			const struct person_row *p = person_at(engine, kind, row);
			const struct event_person event = {
				.principal = principal, .item = p->item, .what = PERSON_GONE};

			row = p->by_user;
			if (p->principal != principal)
				continue;
			if (room_for(engine, PAYLOAD, 1, false) != FITS)
				return false;
			emit_own(engine, kind, as->actor, &event);
		}
	}
	return true;
}

void sweep_rooms(struct engine *engine)
{
	engine->sweeping = true;
	engine->sweep_kind = EVENT_INVITATION;
	engine->sweep = 1;
}

static bool is_left_over(const struct engine *engine, unsigned kind, const struct person_row *p)
{
	const uint32_t room = kind == EVENT_FEED ? p->room : p->item;

	return p->principal != 0 && room != 0 && find_room(&engine->cache, room) == 0;
}

static bool sweep_row(struct engine *engine, unsigned kind, const struct person_row *p)
{
	const struct event_person event = {
		.principal = p->principal, .item = p->item, .what = PERSON_GONE};

	if (room_for(engine, PAYLOAD, 1, false) != FITS)
		return false;
	emit_own(engine, kind, 0, &event);
	return true;
}

bool engine_sweep(struct engine *engine)
{
	bool any = false;

	for (unsigned looked = 0; engine->sweeping && looked < SWEEP_ROWS && !engine->broken;) {
		const unsigned kind = engine->sweep_kind;
		const struct person_row *p;

		if (engine->sweep > engine->cache.header->table[table_of(kind)].fresh) {
			engine->sweeping = kind < EVENT_ACCESS_REQUEST;
			engine->sweep_kind++;
			engine->sweep = 1;
			continue;
		}
		p = person_at(engine, kind, engine->sweep);
		if (is_left_over(engine, kind, p)) {
			if (!sweep_row(engine, kind, p))
				return any;
			any = true;
		}
		engine->sweep++;
		looked++;
	}
	return any;
}
