#include <string.h>

#include "daemon/engine_ask.h"
#include "shm/cache.h"
#include "shm/find.h"

/* Messages: posted, removed, replaced, purged. */

bool room_has(const struct engine *engine, uint32_t room, enum category_flag flag)
{
	return category_at(engine, room_at(engine, room)->category)->flags & flag;
}

/* --- Posting. --- */

/* Whoever is in a normal room may speak there, unless rights are just being looked through again. */
static bool may_post(struct engine *engine, uint32_t principal, uint32_t room)
{
	if (room_at(engine, room)->behavior == BEHAVIOR_NORMAL && !engine->rechecking)
		return true;
	return may(engine, principal, room, RIGHT_POST);
}

int check_message(const struct engine *engine, const struct event_message *event)
{
	const struct conf *conf = engine->conf;
	const uint32_t most = event->title.length > 0 ? conf->limits.story_size
						      : conf->limits.message_size;

	if (event->text.length == 0 || !is_text(event->text) || !is_text(event->id) ||
	    !is_text(event->rich_type) || !is_text(event->rich) ||
	    (event->title.length > 0 && !is_name(event->title)))
		return CODE_INVALID_ARGUMENT;
	return event->text.length > most || event->rich.length > conf->limits.rich_size
		       ? CODE_TOO_LARGE
		       : CODE_OK;
}

/* A post that was repeated because its answer was lost: the first one's row, or NULL. */
static const struct post_row *first_of(const struct engine *engine, uint32_t room, uint32_t author,
				       struct text id)
{
	const uint32_t row = id.length == 0 ? 0 : find_post(&engine->cache, room, author, id);

	return row == 0 ? NULL : table_row(&engine->cache, TABLE_POST, row);
}

static int may_speak(struct engine *engine, const struct ask_for *ask, uint32_t room)
{
	const uint32_t principal = session_at(engine, ask->session)->principal;

	if (room == 0)
		return CODE_NO_SUCH_NODE;
	if (find_participant(&engine->cache, room, principal, ask->session, NULL) == 0)
		return CODE_USER_NOT_JOINED;
	return may_post(engine, principal, room) ? CODE_OK : CODE_ERROR_PERMISSION;
}

enum decision decide_message(struct engine *engine, const struct ask_for *ask)
{
	const struct session_row *session = session_at(engine, ask->session);
	const struct command *command = ask->command;
	uint32_t room = find_room(&engine->cache, command->room);
	struct record head = head_of(ask, EVENT_MESSAGE);
	const struct post_row *first;
	struct event_message event;
	enum decision decision;
	int code = CODE_INVALID_ARGUMENT;

	if (event_message_parse(ask->payload, command->payload, &event))
		code = check_message(engine, &event);
	if (code == CODE_OK)
		code = may_speak(engine, ask, room);
	if (code != CODE_OK)
		return refuse(ask, code);
	first = first_of(engine, command->room, session->principal, event.id);
	if (first != NULL) {
		ask->answer->seq = first->seq;
		ask->answer->time = first->time;
		return refuse(ask, CODE_OK);
	}
	if (overload_refuse(&engine->overload))
		return refuse(ask, CODE_BUSY);
	if (no_room(engine, ask, command->payload, 1, &decision))
		return decision;
	head.actor = session->principal;
	head.flags = command->flags & EVENT_ALERT;
	if (!room_has(engine, room, CATEGORY_HISTORY))
		head.flags |= EVENT_UNLOGGED;
	head.seq = room_at(engine, room)->last_seq + 1;
	overload_accept(&engine->overload, room_at(engine, room)->participants);
	return become(engine, &head, ask->payload, command->payload);
}

/* --- Removing. --- */

/*
 * Only administrators remove or replace. Where the category lets them, authors remove what is
 * theirs, as long as it is among the room's recent messages: of older ones the sequencer does not
 * know the author, and a worker's word is not enough.
 */
static int may_remove(struct engine *engine, const struct ask_for *ask, uint32_t room,
		      uint32_t author)
{
	const struct session_row *session = session_at(engine, ask->session);

	if (session->flags & EVENT_ADMIN)
		return CODE_OK;
	if (!may(engine, session->principal, room, RIGHT_JOIN))
		return may(engine, session->principal, room, RIGHT_SEE) ? CODE_ERROR_PERMISSION
									: CODE_NO_SUCH_NODE;
	return author == session->principal && !(ask->command->flags & EVENT_REPLACED) &&
			       room_has(engine, room, CATEGORY_AUTHORS_REMOVE)
		       ? CODE_OK
		       : CODE_ERROR_PERMISSION;
}

struct removal {
	struct command_message_remove head;
	const uint8_t *numbers; /* not aligned */
	struct event_replacement event;
};

static uint64_t number_at(const struct removal *removal, uint32_t i)
{
	uint64_t number;

	memcpy(&number, removal->numbers + i * sizeof(number), sizeof(number));
	return number;
}

static int parse_removal(const struct engine *engine, const struct ask_for *ask,
			 struct removal *removal)
{
	const bool replace = ask->command->flags & EVENT_REPLACED;
	uint32_t left = ask->command->payload, size;

	if (left < sizeof(removal->head))
		return CODE_INVALID_ARGUMENT;
	memcpy(&removal->head, ask->payload, sizeof(removal->head));
	if (removal->head.count == 0 || removal->head.count > COMMAND_MESSAGE_REMOVE_MAX)
		return CODE_INVALID_ARGUMENT;
	left -= (uint32_t)sizeof(removal->head);
	size = removal->head.count * (uint32_t)sizeof(uint64_t);
	removal->numbers = (const uint8_t *)ask->payload + sizeof(removal->head);
	if (left < size || !event_replacement_parse(removal->numbers + size, left - size,
						    &removal->event) ||
	    !is_text(removal->event.text) || (removal->event.text.length > 0) != replace)
		return CODE_INVALID_ARGUMENT;
	return removal->event.text.length > engine->conf->limits.message_size ? CODE_TOO_LARGE
									      : CODE_OK;
}

/* All of it or nothing: every one is looked at before the first goes. */
static int check_removal(struct engine *engine, const struct ask_for *ask, uint32_t room,
			 const struct removal *removal)
{
	if (room == 0)
		return CODE_NO_SUCH_NODE;
	for (uint32_t i = 0; i < removal->head.count; i++) {
		const uint64_t number = number_at(removal, i);
		const uint32_t author = cache_author(engine->shared, ask->command->room, number);
		const int code = may_remove(engine, ask, room, author);

		if (code != CODE_OK)
			return code;
		if (number == 0 || number > room_at(engine, room)->last_seq)
			return CODE_INVALID_ARGUMENT;
	}
	return CODE_OK;
}

static void emit_removal(struct engine *engine, const struct ask_for *ask, uint64_t number,
			 bool last, const struct text *text)
{
	struct record head = head_of(ask, EVENT_MESSAGE_REMOVED);
	struct event_replacement event = {.text = *text};
	uint8_t payload[16 + 65536];
	uint32_t size;

	if (!last) {
		head.origin.request = 0;
		head.command = 0;
	}
	head.actor = session_at(engine, ask->session)->principal;
	head.seq = number;
	head.flags = ask->command->flags & EVENT_REPLACED;
	event.author = cache_author(engine->shared, ask->command->room, number);
	size = event_replacement_put(&event, payload, sizeof(payload));
	emit(engine, &head, payload, size);
}

enum decision decide_message_remove(struct engine *engine, const struct ask_for *ask)
{
	uint32_t room = find_room(&engine->cache, ask->command->room);
	struct removal removal;
	enum decision decision;
	uint64_t bytes;
	int code = parse_removal(engine, ask, &removal);

	if (code == CODE_OK)
		code = check_removal(engine, ask, room, &removal);
	if (code != CODE_OK)
		return refuse(ask, code);
	bytes = (uint64_t)removal.head.count * (16 + removal.event.text.length);
	if (no_room(engine, ask, bytes, removal.head.count, &decision))
		return decision;
	for (uint32_t i = 0; i < removal.head.count; i++)
		emit_removal(engine, ask, number_at(&removal, i), i + 1 == removal.head.count,
			     &removal.event.text);
	return DECIDED;
}

enum decision decide_purge(struct engine *engine, const struct ask_for *ask)
{
	const struct session_row *session = session_at(engine, ask->session);
	uint32_t room = find_room(&engine->cache, ask->command->room);
	struct record head = head_of(ask, EVENT_PURGE);
	struct command_purge purge;
	enum decision decision;

	if (ask->command->payload != sizeof(purge))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	memcpy(&purge, ask->payload, sizeof(purge));
	if (!(session->flags & EVENT_ADMIN))
		return refuse(ask, CODE_ERROR_PERMISSION);
	if (room == 0)
		return refuse(ask, CODE_NO_SUCH_NODE);
	if (purge.through == 0 || purge.through > room_at(engine, room)->last_seq)
		return refuse(ask, CODE_INVALID_ARGUMENT);
	if (no_room(engine, ask, 0, 1, &decision))
		return decision;
	head.actor = session->principal;
	head.seq = purge.through;
	return become(engine, &head, NULL, 0);
}
