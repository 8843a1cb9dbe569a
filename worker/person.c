#include "worker/person.h"

#include <stdlib.h>
#include <string.h>

#include "conf/clock.h"
#include "shm/role.h"
#include "worker/object_find.h"
#include "worker/object_send.h"

enum {
	TRIES = 32,
	PAYLOAD = 64 + EVENT_FEED_NAME_MAX + EVENT_WORDS_MAX,
	/* Markers of one session: so many at once, and one in so many microseconds from then on.
	   What is more waits: a client that sets markers in a loop must not fill the journal. */
	MARKER_BURST = 32,
	MARKER_INTERVAL_US = 100000,
	LIST_MAX = 500,
};

static int get_item(const struct chat *chat, unsigned kind, uint32_t principal, uint32_t item,
		    struct person_view *view_r)
{
	int code = CODE_BUSY;

	*view_r = (struct person_view){0};
	for (unsigned i = 0; i < TRIES && code == CODE_BUSY; i++)
		code = cache_person_item(chat->cache, kind, principal, item, view_r, NULL, NULL,
					 NULL, NULL);
	return code == CODE_NO_SUCH_NODE ? CODE_OK : code;
}

int person_marker_get(const struct session *session, uint32_t room, uint64_t *marker_r)
{
	struct person_view view;
	int code = get_item(session->chat, EVENT_MARKER, session->principal, room, &view);

	*marker_r = view.number;
	return code;
}

static int send_person(struct session *session, uint32_t tag, enum command_type type, uint32_t room,
		       const struct event_person *event)
{
	const struct command head = {.type = (uint16_t)type, .room = room};
	struct event_person person = *event;
	uint8_t payload[PAYLOAD];
	uint32_t size;

	person.principal = person.principal == 0 ? session->principal : person.principal;
	size = event_person_put(&person, payload, sizeof(payload));
	return size == 0 ? CODE_INVALID_ARGUMENT
			 : chat_command(session->chat, &head, session->number, tag, payload, size);
}

/* --- Invitations. --- */

static int newest_first(const void *a, const void *b)
{
	const struct person_view *x = a, *y = b;

	return x->number < y->number ? 1 : x->number > y->number ? -1 : 0;
}

/* All that the user has of a kind; owned by the caller, NULL without memory. */
static struct person_view *all_of(const struct session *session, unsigned kind, uint32_t *count_r)
{
	const struct cache *cache = session->chat->cache;
	uint32_t size = 64, count = 0;
	struct person_view *list = NULL, *larger;

	for (unsigned i = 0; i < TRIES; i++) {
		larger = reallocarray(list, size, sizeof(*list));
		if (larger == NULL)
			break;
		list = larger;
		if (cache_person(cache, kind, session->principal, list, size, &count) != CODE_OK)
			continue;
		*count_r = count;
		if (count <= size)
			return list;
		size = count + count / 8;
	}
	free(list);
	return NULL;
}

/* Fills in what is to be shown of an invitation. CODE_NO_SUCH_NODE: it is not to be shown, because
 * the user lost the room. */
static int show(struct chat *chat, const struct person_view *view, uint64_t read,
		struct room_view *room, struct person_invitation *invitation_r)
{
	unsigned rights = 0;
	struct name_view name = {0};
	int code = CODE_BUSY;

	for (unsigned i = 0; i < TRIES && code == CODE_BUSY; i++)
		code = cache_room(chat->cache, view->item, room);
	if (code == CODE_OK)
		code = cache_rights(chat->cache, view->principal, view->item, &rights);
	if (code == CODE_OK && !(rights & RIGHT_JOIN))
		code = CODE_NO_SUCH_NODE;
	if (code == CODE_OK && view->who != 0)
		code = names_get(&chat->names, chat->cache, view->who, &name);
	if (code == CODE_NO_SUCH_PRINCIPAL)
		code = CODE_OK;
	*invitation_r = (struct person_invitation){.id = view->number,
						   .time = view->time,
						   .room = room,
						   .from = name.uri,
						   .name = name.name,
						   .is_new = view->number > read};
	return code;
}

static int write_invitations(struct session *session, const struct person_view *list,
			     uint32_t count, uint64_t since, uint64_t read, uint32_t limit,
			     struct buf *buf, bool *more_r)
{
	uint32_t shown = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct person_invitation invitation;
		struct room_view room;
		int code;

		if (list[i].item == 0 || list[i].number <= since)
			continue;
		code = show(session->chat, &list[i], read, &room, &invitation);
		if (code == CODE_BUSY)
			return code;
		if (code != CODE_OK)
			continue;
		if (shown++ == limit) {
			*more_r = true;
			break;
		}
		session->front->person->invitation(session->chat, buf, &invitation);
	}
	return CODE_OK;
}

void person_invitations(struct session *session, const struct chat_id *id, uint64_t since,
			uint32_t limit)
{
	struct person_view state = {0}, *list;
	uint32_t count = 0;
	bool more = false;
	struct buf buf;
	int code = CODE_BUSY;

	list = all_of(session, EVENT_INVITATION, &count);
	buf_init(&buf);
	for (uint32_t i = 0; list != NULL && i < count; i++)
		if (list[i].item == 0)
			state = list[i];
	if (list != NULL) {
		qsort(list, count, sizeof(*list), newest_first);
		code = write_invitations(session, list, count, since, state.time, limit, &buf,
					 &more);
	}
	if (code == CODE_OK)
		session->front->person->invitations(session, id, &buf, state.number, state.time,
						    more);
	else
		session_refuse(session, id, code);
	buf_fini(&buf);
	free(list);
}

void person_invitation_read(struct session *session, const struct chat_id *id, uint64_t number)
{
	const struct event_person event = {.number = number, .what = PERSON_READ};
	struct request *request = request_begin(session, id, sizeof(*request), object_done);
	int code;

	if (request == NULL)
		return;
	code = send_person(session, request->base.tag, COMMAND_INVITATION_READ, 0, &event);
	if (code != CODE_OK)
		request_refuse(request, code);
}

/* --- Read markers. --- */

struct marker {
	struct request base;
	uint32_t room;
	uint64_t seq;
	bool sent;
};

static void marker_send(struct marker *marker)
{
	const struct event_person event = {.number = marker->seq, .what = PERSON_PUT};
	struct session *session = marker->base.base.session;
	int code;

	marker->sent = true;
	pending_until(&session->chat->pending, &marker->base.base, 0);
	code = send_person(session, marker->base.base.tag, COMMAND_MARKER, marker->room, &event);
	if (code != CODE_OK)
		request_refuse(&marker->base, code);
}

static void marker_settle(struct pending *pending, const struct outcome *outcome)
{
	struct marker *marker = (struct marker *)pending;
	struct session *session = pending->session;
	struct event_person event = {0};
	struct room_view room;
	uint64_t seq;
	int code;

	if (!marker->sent) {
		marker_send(marker);
		return;
	}
	code = outcome_code(outcome);
	if (code == CODE_OK)
		code = cache_room(session->chat->cache, marker->room, &room);
	if (code != CODE_OK) {
		request_refuse(&marker->base, code);
		return;
	}
	if (outcome->kind == OUTCOME_EVENT)
		(void)event_person_get(outcome->record, &event);
	seq = outcome->kind == OUTCOME_EVENT ? event.number : outcome->answer->seq;
	session->front->person->marked(session, &marker->base.id, seq,
				       person_unread(room.last_seq, seq));
	request_end(&marker->base);
}

/* When the session's next marker may go out. */
static uint64_t marker_due(struct session *session, uint64_t now)
{
	const uint64_t burst = (uint64_t)MARKER_BURST * MARKER_INTERVAL_US;

	if (session->marker_due + burst < now)
		session->marker_due = now - burst;
	session->marker_due += MARKER_INTERVAL_US;
	return session->marker_due;
}

void person_marker(struct session *session, const struct chat_id *id, const struct object_key *key,
		   uint64_t seq)
{
	const uint64_t now = clock_mono();
	struct marker *marker;
	struct room_view room;
	uint64_t due;
	int code;

	marker = (struct marker *)request_begin(session, id, sizeof(*marker), marker_settle);
	if (marker == NULL)
		return;
	code = object_find_room(session->chat, key, &room);
	if (code != CODE_OK) {
		request_refuse(&marker->base, code);
		return;
	}
	marker->room = room.id;
	marker->seq = seq;
	due = marker_due(session, now);
	if (due > now)
		pending_until(&session->chat->pending, &marker->base.base, due);
	else
		marker_send(marker);
}

/* --- The list of members: leaving it, and asking to be on it. --- */

static void send_for_room(struct session *session, const struct chat_id *id,
			  const struct object_key *key, enum command_type type,
			  const struct event_person *event, struct text user)
{
	struct request *request = request_begin(session, id, sizeof(*request), object_done);
	struct event_person person = *event;
	struct room_view room;
	int code;

	if (request == NULL)
		return;
	code = object_find_room(session->chat, key, &room);
	if (code == CODE_OK && user.length > 0)
		code = object_find_principal(session->chat, user, &person.principal);
	if (code == CODE_OK)
		code = send_person(session, request->base.tag, type, room.id, &person);
	if (code != CODE_OK)
		request_refuse(request, code);
}

void person_quit(struct session *session, const struct chat_id *id, const struct object_key *room)
{
	const struct event_person event = {.what = PERSON_GONE};

	send_for_room(session, id, room, COMMAND_QUIT, &event, (struct text){"", 0});
}

void person_access(struct session *session, const struct chat_id *id, const struct object_key *room,
		   enum person_what what, struct text user, struct text text)
{
	const struct event_person event = {.what = (uint8_t)what, .text = text};

	if (text.length > EVENT_WORDS_MAX)
		session_refuse(session, id, CODE_TOO_LARGE);
	else
		send_for_room(session, id, room, COMMAND_ACCESS, &event, user);
}

static int write_request(struct session *session, const struct person_view *view, struct buf *buf)
{
	char feed_name[EVENT_FEED_NAME_MAX], text[EVENT_WORDS_MAX];
	struct person_request request = {.time = view->time, .what = PERSON_PUT};
	struct chat *chat = session->chat;
	uint32_t name_length = 0;
	struct person_view again;
	struct name_view name;
	struct room_view room;
	int code = cache_room(chat->cache, view->item, &room);

	if (code == CODE_OK)
		code = cache_person_item(chat->cache, EVENT_ACCESS_REQUEST, view->principal,
					 view->item, &again, feed_name, &name_length, text,
					 &request.text.length);
	if (code == CODE_OK)
		code = names_get(&chat->names, chat->cache, view->principal, &name);
	if (code != CODE_OK)
		return code == CODE_BUSY ? code : CODE_OK; /* gone meanwhile */
	memcpy(request.room, room.uuid, sizeof(request.room));
	request.text.data = text;
	request.user = name.uri;
	request.name = name.name;
	session->front->person->request(chat, buf, &request);
	return CODE_OK;
}

/* The requests for a room, if the session may answer them. */
static int requests_for(const struct session *session, const struct object_key *key,
			struct person_view *list, uint32_t *count_r)
{
	struct room_view room;
	unsigned rights;
	int code = object_find_room(session->chat, key, &room);

	if (code == CODE_OK)
		code = object_rights(session, room.id, &rights);
	if (code == CODE_OK && !(rights & RIGHT_MANAGE))
		code = rights & RIGHT_SEE ? CODE_ERROR_PERMISSION : CODE_NO_SUCH_NODE;
	if (code == CODE_OK)
		code = cache_requests(session->chat->cache, room.id, list, LIST_MAX, count_r);
	return code;
}

void person_requests(struct session *session, const struct chat_id *id,
		     const struct object_key *room, uint32_t limit, uint32_t offset)
{
	struct person_view list[LIST_MAX];
	uint32_t count = 0, all;
	struct buf buf;
	int code;

	code = room != NULL ? requests_for(session, room, list, &count)
			    : cache_person(session->chat->cache, EVENT_ACCESS_REQUEST,
					   session->principal, list, LIST_MAX, &count);
	all = count < LIST_MAX ? count : LIST_MAX;
	buf_init(&buf);
	for (uint32_t i = offset; i < all && i - offset < limit && code == CODE_OK; i++)
		code = write_request(session, &list[i], &buf);
	if (code == CODE_OK)
		session->front->person->requests(session, id, &buf,
						 count > (uint64_t)offset + limit);
	else
		session_refuse(session, id, code);
	buf_fini(&buf);
}

/* --- Events. --- */

static bool tell_invitation(struct chat *chat, const struct event_person *event)
{
	const struct person_view view = {.principal = event->principal,
					 .item = event->item,
					 .who = event->who,
					 .number = event->number,
					 .time = event->time};
	struct person *person = people_find(&chat->people, event->principal);
	struct person_invitation invitation;
	struct session *session;
	struct room_view room;
	int code;

	if (person == NULL || event->what != PERSON_PUT)
		return true;
	code = show(chat, &view, 0, &room, &invitation);
	if (code == CODE_OK)
		LIST_FOREACH(session, &person->sessions, of_person)
	session->front->person->invited(session, &invitation);
	return code != CODE_BUSY;
}

static bool tell_marker(struct chat *chat, const struct record *record,
			const struct event_person *event)
{
	const bool here = record->origin.slot == chat->proc->slot &&
			  record->origin.generation == chat->proc->generation;
	struct person *person = people_find(&chat->people, event->principal);
	struct session *session;
	struct room_view room;
	int code;

	if (person == NULL || event->what != PERSON_PUT)
		return true;
	code = cache_room(chat->cache, event->item, &room);
	if (code != CODE_OK)
		return code != CODE_BUSY;
	LIST_FOREACH(session, &person->sessions, of_person)
	if (!here || session->number != record->origin.session)
		session->front->person->marker(session, room.uuid, event->number,
					       person_unread(room.last_seq, event->number));
	return true;
}

static void tell_request(struct chat *chat, uint32_t principal,
			 const struct person_request *request)
{
	struct person *person = people_find(&chat->people, principal);
	struct session *session;

	if (person == NULL)
		return;
	LIST_FOREACH(session, &person->sessions, of_person)
	session->front->person->access(session, request);
}

/* The user, and those who are managers by themselves. */
static bool tell_access(struct chat *chat, const struct event_person *event)
{
	struct person_request request = {
		.text = event->text, .time = event->time, .what = event->what};
	struct role_view roles[LIST_MAX];
	struct room_view room;
	struct name_view name;
	uint32_t count = 0;
	int code;

	if (chat->people.table == NULL)
		return true;
	code = cache_room(chat->cache, event->item, &room);
	if (code == CODE_OK)
		code = cache_roles(chat->cache, NODE_ROOM, event->item, roles, LIST_MAX, &count);
	if (code == CODE_OK)
		code = names_get(&chat->names, chat->cache, event->principal, &name);
	if (code != CODE_OK)
		return code != CODE_BUSY;
	memcpy(request.room, room.uuid, sizeof(request.room));
	request.user = name.uri;
	request.name = name.name;
	tell_request(chat, event->principal, &request);
	for (uint32_t i = 0; i < count && i < LIST_MAX; i++)
		if ((roles[i].roles & ROLE_BIT(ROLE_MANAGER)) &&
		    roles[i].principal != event->principal)
			tell_request(chat, roles[i].principal, &request);
	return true;
}

bool person_tell(struct chat *chat, const struct record *record)
{
	struct event_person event;

	if (!event_person_get(record, &event))
		return true;
	switch (record->type) {
	case EVENT_INVITATION:
		return tell_invitation(chat, &event);
	case EVENT_MARKER:
		return tell_marker(chat, record, &event);
	case EVENT_ACCESS_REQUEST:
		return tell_access(chat, &event);
	case EVENT_FEED:
		return person_feed_changed(chat, &event);
	default:
		return true;
	}
}
