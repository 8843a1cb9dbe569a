#include <string.h>

#include "conf/clock.h"
#include "conf/log.h"
#include "shm/role.h"
#include "worker/object_find.h"
#include "worker/object_send.h"
#include "worker/person.h"

/* Feeds: saved searches, kept for those who are signed in here, and told of. */

enum {
	TRIES = 32,
	PAYLOAD = 64 + EVENT_FEED_NAME_MAX + EVENT_WORDS_MAX,
	LIST_MAX = 1000,
	CUT_LOG_US = 60000000,
};

/* --- Keeping. --- */

static int put(struct chat *chat, const struct event_person *event)
{
	struct feed_wish wish = {.principal = event->principal,
				 .number = event->item,
				 .author = event->who,
				 .room = event->room,
				 .flags = event->flags,
				 .name = event->name,
				 .words = event->text};
	struct person *person = people_find(&chat->people, event->principal);
	struct name_view name = {0};
	int code = CODE_OK;

	if (person == NULL)
		return CODE_OK;
	if (event->flags & FEED_EGO)
		code = names_get(&chat->names, chat->cache, event->principal, &name);
	if (code == CODE_BUSY)
		return code;
	wish.own = name.name;
	return feeds_put(chat->feeds, &wish) == 0 ? CODE_OK : CODE_BUSY;
}

static int read_feed(const struct chat *chat, uint32_t principal, uint32_t number, char *name,
		     char *words, struct event_person *event_r)
{
	struct person_view view;
	uint32_t name_length = 0, words_length = 0;
	int code = CODE_BUSY;

	for (unsigned i = 0; i < TRIES && code == CODE_BUSY; i++)
		code = cache_person_item(chat->cache, EVENT_FEED, principal, number, &view, name,
					 &name_length, words, &words_length);
	if (code != CODE_OK)
		return code;
	*event_r = (struct event_person){.principal = principal,
					 .item = number,
					 .who = view.who,
					 .room = view.room,
					 .flags = view.flags,
					 .what = PERSON_PUT,
					 .name = {name, name_length},
					 .text = {words, words_length}};
	return CODE_OK;
}

static int list_feeds(const struct chat *chat, uint32_t principal, struct person_view *list,
		      uint32_t *count_r)
{
	int code = CODE_BUSY;

	for (unsigned i = 0; i < TRIES && code == CODE_BUSY; i++)
		code = cache_person(chat->cache, EVENT_FEED, principal, list, LIST_MAX, count_r);
	if (*count_r > LIST_MAX)
		*count_r = LIST_MAX;
	return code;
}

int person_feeds_load(struct chat *chat, uint32_t principal)
{
	char name[EVENT_FEED_NAME_MAX], words[EVENT_WORDS_MAX];
	struct person_view list[LIST_MAX];
	uint32_t count = 0;
	int code = list_feeds(chat, principal, list, &count);

	for (uint32_t i = 0; i < count && code == CODE_OK; i++) {
		struct event_person event;

		code = read_feed(chat, principal, list[i].item, name, words, &event);
		if (code == CODE_OK)
			code = put(chat, &event);
		else if (code == CODE_NO_SUCH_NODE)
			code = CODE_OK;
	}
	return code;
}

void person_feeds_forget(struct session *session)
{
	const struct person *person = session->person;

	if (person == NULL || LIST_FIRST(&person->sessions) != session ||
	    LIST_NEXT(session, of_person) != NULL)
		return;
	feeds_forget(session->chat->feeds, person->principal);
}

bool person_feed_changed(struct chat *chat, const struct event_person *event)
{
	if (event->what == PERSON_PUT)
		return put(chat, event) == CODE_OK;
	feeds_remove(chat->feeds, event->principal, event->item);
	return true;
}

/* --- Telling. --- */

static bool may_read(const struct chat *chat, uint32_t principal, uint32_t room)
{
	unsigned rights = 0;
	int code = CODE_BUSY;

	for (unsigned i = 0; i < TRIES && code == CODE_BUSY; i++)
		code = cache_rights(chat->cache, principal, room, &rights);
	return code == CODE_OK && (rights & RIGHT_JOIN);
}

/* Once for each session of the user, however many of his feeds match. */
static void tell(struct chat *chat, const struct feed_match *list, unsigned count,
		 const struct chat_message *message)
{
	struct person *person = people_find(&chat->people, list->principal);
	struct session *session;

	if (person == NULL)
		return;
	LIST_FOREACH(session, &person->sessions, of_person)
	if (session->state == SESSION_OPEN)
		session->front->person->fed(session, list, count, message);
}

static void note_cut(struct chat *chat)
{
	const uint64_t now = clock_mono();

	proc_count(chat->proc, COUNTER_FEEDS_CUT, 1);
	if (chat->feeds_logged != 0 && now - chat->feeds_logged < CUT_LOG_US)
		return;
	chat->feeds_logged = now;
	log_warning("a message had so much to do with so many feeds that not all were told");
}

void person_feed_message(struct chat *chat, const struct record *record,
			 const struct event_message *event)
{
	struct feed_match list[FEED_MATCHES];
	struct chat_message message = {.seq = record->seq,
				       .time = record->time,
				       .alert = (record->flags & EVENT_ALERT) != 0,
				       .title = event->title,
				       .text = event->text,
				       .rich_type = event->rich_type,
				       .rich = event->rich,
				       .id = event->id};
	struct room_view room;
	struct name_view name;
	bool cut;
	unsigned end, count = feeds_match(chat->feeds, record->room, record->actor, event->title,
					  event->text, list, &cut);

	if (cut)
		note_cut(chat);
	if (count == 0 || cache_room(chat->cache, record->room, &room) != CODE_OK ||
	    names_get(&chat->names, chat->cache, record->actor, &name) == CODE_BUSY)
		return;
	memcpy(message.room, room.uuid, sizeof(message.room));
	message.from = name.uri;
	message.name = name.name;
	for (unsigned i = 0; i < count; i = end) {
		for (end = i + 1; end < count && list[end].principal == list[i].principal;)
			end++;
		if (may_read(chat, list[i].principal, record->room))
			tell(chat, &list[i], end - i, &message);
	}
}

/* --- Asked for. --- */

static void feed_settle(struct pending *pending, const struct outcome *outcome)
{
	struct request *request = (struct request *)pending;
	struct event_person event = {0};
	int code = outcome_code(outcome);

	if (code != CODE_OK) {
		request_refuse(request, code);
		return;
	}
	if (outcome->kind == OUTCOME_EVENT)
		(void)event_person_get(outcome->record, &event);
	pending->session->front->person->feed_made(pending->session, &request->id, event.item);
	request_end(request);
}

static int resolve(const struct session *session, const struct person_feed *feed,
		   struct event_person *event)
{
	struct room_view room;
	int code = CODE_OK;

	if (feed->from.length > 0)
		code = object_find_principal(session->chat, feed->from, &event->who);
	if (code == CODE_OK && event->who == PRINCIPAL_ANY_USER)
		code = CODE_INVALID_ARGUMENT;
	if (code == CODE_OK && feed->room != NULL) {
		code = object_find_room(session->chat, feed->room, &room);
		if (code == CODE_OK)
			event->room = room.id;
	}
	return code;
}

static void send_feed(struct session *session, struct request *request,
		      const struct event_person *event)
{
	const struct command head = {.type = COMMAND_FEED};
	uint8_t payload[PAYLOAD];
	uint32_t size = event_person_put(event, payload, sizeof(payload));
	int code = size == 0 ? CODE_INVALID_ARGUMENT
			     : chat_command(session->chat, &head, session->number,
					    request->base.tag, payload, size);

	if (code != CODE_OK)
		request_refuse(request, code);
}

void person_feed_put(struct session *session, const struct chat_id *id,
		     const struct person_feed *feed)
{
	struct event_person event = {.principal = session->principal,
				     .item = feed->number,
				     .what = PERSON_PUT,
				     .flags = feed->flags,
				     .name = feed->name,
				     .text = feed->words};
	struct request *request = request_begin(session, id, sizeof(*request), feed_settle);
	int code;

	if (request == NULL)
		return;
	code = resolve(session, feed, &event);
	if (code == CODE_OK &&
	    (event.name.length > EVENT_FEED_NAME_MAX || event.text.length > EVENT_WORDS_MAX))
		code = CODE_TOO_LARGE;
	if (code == CODE_OK)
		send_feed(session, request, &event);
	else
		request_refuse(request, code);
}

void person_feed_remove(struct session *session, const struct chat_id *id, uint32_t number)
{
	const struct event_person event = {
		.principal = session->principal, .item = number, .what = PERSON_GONE};
	struct request *request = request_begin(session, id, sizeof(*request), object_done);

	if (request != NULL)
		send_feed(session, request, &event);
}

static int write_feed(struct session *session, uint32_t number, struct buf *buf)
{
	char name[EVENT_FEED_NAME_MAX], words[EVENT_WORDS_MAX];
	struct chat *chat = session->chat;
	struct person_feed feed = {0};
	struct event_person event;
	struct name_view from = {0};
	struct room_view room;
	int code = read_feed(chat, session->principal, number, name, words, &event);

	if (code != CODE_OK)
		return code == CODE_BUSY ? code : CODE_OK; /* gone meanwhile */
	if (event.who != 0)
		code = names_get(&chat->names, chat->cache, event.who, &from);
	if (code != CODE_BUSY && event.room != 0)
		code = cache_room(chat->cache, event.room, &room);
	if (code == CODE_BUSY)
		return code;
	feed = (struct person_feed){.number = number,
				    .flags = event.flags,
				    .name = event.name,
				    .words = event.text,
				    .from = from.uri};
	session->front->person->feed(chat, buf, &feed,
				     event.room != 0 && code == CODE_OK ? room.uuid : NULL);
	return CODE_OK;
}

void person_feeds(struct session *session, const struct chat_id *id)
{
	struct person_view list[LIST_MAX];
	uint32_t count = 0;
	struct buf buf;
	int code = list_feeds(session->chat, session->principal, list, &count);

	buf_init(&buf);
	for (uint32_t i = 0; i < count && code == CODE_OK; i++)
		code = write_feed(session, list[i].item, &buf);
	if (code == CODE_OK)
		session->front->person->feeds(session, id, &buf);
	else
		session_refuse(session, id, code);
	buf_fini(&buf);
}
