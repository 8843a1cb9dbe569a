#include <string.h>

#include "daemon/engine_ask.h"
#include "shm/find.h"

/* What users have of their own, out of an archive. */

enum { PAYLOAD = 64 + EVENT_FEED_NAME_MAX + EVENT_WORDS_MAX };

static const struct person_row *row_of(const struct engine *engine, unsigned kind,
				       uint32_t principal, uint32_t item)
{
	const uint32_t row = find_person(&engine->cache, kind, principal, item);

	return row == 0
		       ? NULL
		       : table_row(&engine->cache, TABLE_INVITATION + kind - EVENT_INVITATION, row);
}

/* The next of those that a user has of a kind; *at begins at 0. */
static const struct person_row *next_of(const struct engine *engine, unsigned kind,
					uint32_t principal, uint32_t *at)
{
	const enum table table = TABLE_INVITATION + kind - EVENT_INVITATION;
	const enum index index = INDEX_INVITATION_USER + kind - EVENT_INVITATION;
	const struct person_row *p = table_row(&engine->cache, table, *at);

	*at = *at == 0 ? index_first(&engine->cache, index, hash_id(&engine->cache, principal))
		       : p->by_user;
	for (; *at != 0; *at = p->by_user) {
		p = table_row(&engine->cache, table, *at);
		if (p->principal == principal)
			return p;
	}
	return NULL;
}

/* CODE_OK with *there_r: nothing is to be done. */
struct finding {
	bool there;
	int code;
};

static struct finding of_code(int code)
{
	return (struct finding){.code = code};
}

static struct finding is_there(bool there)
{
	return (struct finding){.there = there};
}

/* --- Invitations. --- */

static bool number_taken(const struct engine *engine, uint32_t principal, uint64_t number)
{
	const struct person_row *p;
	uint32_t at = 0;

	while ((p = next_of(engine, EVENT_INVITATION, principal, &at)) != NULL)
		if (p->item != 0 && p->number == number)
			return true;
	return false;
}

/* Which invitation was the last, and which is the last that is no news. */
static struct finding see_state(struct engine *engine, const struct person_row *state,
				const struct event_person *event)
{
	if (event->item != 0)
		return of_code(CODE_INVALID_ARGUMENT);
	if (state != NULL && state->number >= event->number && state->time >= event->time)
		return is_there(true);
	return of_code(state == NULL && !rows_fit(engine, TABLE_INVITATION, 1)
			       ? CODE_LIMIT_EXCEEDED
			       : CODE_OK);
}

/* It keeps its number, unless the user has got another of that number here. */
static struct finding see_invitation(struct engine *engine, struct event_person *event)
{
	const struct person_row *state = row_of(engine, EVENT_INVITATION, event->principal, 0);

	if (event->what == PERSON_STATE)
		return see_state(engine, state, event);
	if (row_of(engine, EVENT_INVITATION, event->principal, event->item) != NULL)
		return is_there(true);
	if (event->number == 0)
		return of_code(CODE_INVALID_ARGUMENT);
	if (number_taken(engine, event->principal, event->number))
		event->number = state->number + 1;
	return of_code(invitations_fit(engine, 1));
}

/* --- Feeds. --- */

static bool is_same_feed(const struct engine *engine, const struct person_row *p,
			 const struct event_person *feed)
{
	char text[EVENT_FEED_NAME_MAX + EVENT_WORDS_MAX];

	if (p->who != feed->who || p->room != feed->room || p->flags != feed->flags ||
	    p->name_length != feed->name.length ||
	    p->text.length != feed->name.length + feed->text.length)
		return false;
	blob_copy(&engine->cache, TABLE_TEXT, p->text, text, sizeof(text));
	return memcmp(text, feed->name.data, feed->name.length) == 0 &&
	       memcmp(text + feed->name.length, feed->text.data, feed->text.length) == 0;
}

/* It keeps its number, unless the user has another of that number here. */
static struct finding see_feed(struct engine *engine, struct event_person *event)
{
	const struct person_row *p;
	uint32_t at = 0;

	if (event->name.length == 0 || event->item == 0)
		return of_code(CODE_INVALID_ARGUMENT);
	while ((p = next_of(engine, EVENT_FEED, event->principal, &at)) != NULL)
		if (is_same_feed(engine, p, event))
			return is_there(true);
	if (row_of(engine, EVENT_FEED, event->principal, event->item) != NULL)
		for (event->item = 1;
		     row_of(engine, EVENT_FEED, event->principal, event->item) != NULL;)
			event->item++;
	return of_code(!rows_fit(engine, TABLE_FEED, 1) ? CODE_LIMIT_EXCEEDED
									: CODE_OK);
}

/* --- Markers and requests. --- */

static struct finding see_marker(struct engine *engine, struct event_person *event)
{
	const struct person_row *p = row_of(engine, EVENT_MARKER, event->principal, event->item);
	const uint64_t last = room_at(engine, find_room(&engine->cache, event->item))->last_seq;

	if (event->number > last)
		event->number = last;
	if (event->number == 0 || (p != NULL && p->number >= event->number))
		return is_there(true);
	return of_code(p == NULL && !rows_fit(engine, TABLE_MARKER, 1)
			       ? CODE_LIMIT_EXCEEDED
			       : CODE_OK);
}

static struct finding see_request(struct engine *engine, const struct event_person *event)
{
	if (row_of(engine, EVENT_ACCESS_REQUEST, event->principal, event->item) != NULL)
		return is_there(true);
	return of_code(!rows_fit(engine, TABLE_REQUEST, 1) ? CODE_LIMIT_EXCEEDED
									   : CODE_OK);
}

static struct finding see(struct engine *engine, unsigned type, struct event_person *event)
{
	switch (type) {
	case EVENT_INVITATION:
		return see_invitation(engine, event);
	case EVENT_FEED:
		return see_feed(engine, event);
	case EVENT_MARKER:
		return see_marker(engine, event);
	default:
		return see_request(engine, event);
	}
}

/* --- All of them. --- */

static int check_references(const struct engine *engine, unsigned type,
			    const struct event_person *event)
{
	const uint32_t row = find_principal(&engine->cache, event->principal);
	const struct principal_row *user = table_row(&engine->cache, TABLE_PRINCIPAL, row);
	const uint32_t room = type == EVENT_FEED ? event->room : event->item;

	if (row == 0 || user->kind != PRINCIPAL_USER || user->state == PRINCIPAL_DELETED ||
	    (event->who != 0 && find_principal(&engine->cache, event->who) == 0))
		return CODE_NO_SUCH_PRINCIPAL;
	if (event->what == PERSON_STATE || (type == EVENT_FEED && room == 0))
		return CODE_OK;
	return find_room(&engine->cache, room) == 0 ? CODE_NO_SUCH_NODE : CODE_OK;
}

enum decision import_person(struct engine *engine, const struct ask_for *ask,
			    const struct import *import)
{
	const unsigned type = import->head.type;
	struct event_person event;
	struct finding finding;
	uint8_t payload[PAYLOAD];

	if (!event_person_parse(import->payload, import->size, &event) || !is_text(event.name) ||
	    !is_text(event.text) || !is_countable(event.number) || !is_countable(event.time) ||
	    (event.what != PERSON_PUT && (event.what != PERSON_STATE || type != EVENT_INVITATION)))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	finding.code = check_references(engine, type, &event);
	if (finding.code == CODE_OK)
		finding = see(engine, type, &event);
	if (finding.code == CODE_OK && !finding.there &&
	    !text_fits(engine, event.name.length, event.text.length))
		finding.code = CODE_LIMIT_EXCEEDED;
	if (finding.code != CODE_OK || finding.there)
		return refuse(ask, finding.code);
	return import_become(engine, ask, import, type == EVENT_FEED ? 0 : event.item, payload,
			     event_person_put(&event, payload, sizeof(payload)));
}
