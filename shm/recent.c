#include "shm/recent.h"

#include <string.h>

#include "shm/apply.h"

/* Takes the room's oldest message away. The caller has opened the room's version. */
static void drop_oldest(struct cache *cache, struct room_row *room)
{
	uint32_t row = room->oldest;
	struct message_row *message = table_row(cache, TABLE_MESSAGE, row), *newer;

	table_set(cache, room->oldest, message->newer);
	table_set(cache, room->messages, room->messages - 1);
	if (message->newer != 0) {
		newer = table_row(cache, TABLE_MESSAGE, message->newer);
		table_set(cache, newer->older, 0);
	} else {
		table_set(cache, room->newest, 0);
	}
	blob_drop(cache, TABLE_BODY, message->body);
	table_set(cache, message->room, 0);
	table_give(cache, TABLE_MESSAGE, row);
}

/* Makes the room that the hand points at, or the next one, give up its oldest message. open is
 * the room whose version the caller has opened. False: there is no message in the cache. */
static bool evict(struct cache *cache, uint32_t open)
{
	struct cache_header *header = cache->header;
	const struct cache_table *table = &header->table[TABLE_MESSAGE];

	for (uint32_t tried = 0; tried <= table->fresh; tried++) {
		const struct message_row *message = table_row(cache, TABLE_MESSAGE, header->hand);
		uint32_t room_number = header->hand <= table->fresh ? message->room : 0;
		struct room_row *room;

		table_set(cache, header->hand, header->hand >= table->fresh ? 1 : header->hand + 1);
		if (room_number == 0)
			continue;
		room = table_row(cache, TABLE_ROOM, room_number);
		if (room_number == open) {
			drop_oldest(cache, room);
		} else {
			table_write_begin(cache, &room->version);
			drop_oldest(cache, room);
			table_write_end(&room->version);
		}
		return true;
	}
	return false;
}

/* A row and blocks for a text of so many bytes; 0 if the cache can never hold that. */
static uint32_t make_room(struct cache *cache, uint32_t open, uint32_t length)
{
	uint32_t blocks = blob_blocks(TABLE_BODY, length);

	while (table_free_rows(cache, TABLE_MESSAGE) == 0 ||
	       table_free_rows(cache, TABLE_BODY) < blocks)
		if (!evict(cache, open))
			return 0;
	return table_take(cache, TABLE_MESSAGE);
}

static struct message_row row_of(const struct event_message *event, unsigned flags)
{
	struct message_row row = {
		.flags = flags & (EVENT_ALERT | EVENT_REPLACED | EVENT_GONE),
		.id_length = (uint8_t)event->id.length,
		.rich_type_length = (uint8_t)event->rich_type.length,
		.text_length = event->text.length,
		.title_length = (uint16_t)event->title.length,
	};

	memcpy(row.id, event->id.data, event->id.length);
	return row;
}

static bool follows(const struct cache *cache, const struct room_row *room, uint64_t seq)
{
	const struct message_row *newest = table_row(cache, TABLE_MESSAGE, room->newest);

	return newest->seq + 1 == seq;
}

void recent_append(struct cache *cache, uint32_t room_number, const struct record *record,
		   const struct event_message *event)
{
	struct room_row *room = table_row(cache, TABLE_ROOM, room_number);
	const bool unlogged = record->flags & EVENT_UNLOGGED;
	const struct text body = unlogged ? (struct text){0} : event_message_body(event);
	struct message_row *message, *newest;
	uint32_t row;

	if (cache->header->table[TABLE_MESSAGE].rows == 0)
		return;
	while (room->messages > 0 && (room->messages >= APPLY_ROOM_MESSAGES ||
				      !follows(cache, room, record->seq)))
		drop_oldest(cache, room);
	row = make_room(cache, room_number, body.length);
	if (row == 0)
		return;
	message = table_row(cache, TABLE_MESSAGE, row);
	*message = unlogged ? (struct message_row){.flags = EVENT_GONE}
			    : row_of(event, record->flags & EVENT_ALERT);
	message->room = room_number;
	message->older = room->newest;
	message->seq = record->seq;
	message->time = record->time;
	message->lsn = record->lsn;
	message->author = record->actor;
	message->body = blob_put(cache, TABLE_BODY, body);
	if (room->newest != 0) {
		newest = table_row(cache, TABLE_MESSAGE, room->newest);
		table_set(cache, newest->newer, row);
	} else {
		table_set(cache, room->oldest, row);
	}
	table_set(cache, room->newest, row);
	table_set(cache, room->messages, room->messages + 1);
}

static bool joins(const struct cache *cache, const struct room_row *room, uint64_t seq)
{
	const struct message_row *oldest;

	if (room->oldest == 0)
		return seq == room->last_seq;
	oldest = table_row(cache, TABLE_MESSAGE, room->oldest);
	return seq + 1 == oldest->seq;
}

void recent_prepend(struct cache *cache, uint32_t room_number, const struct command_fill *fill,
		    const struct event_message *event)
{
	struct room_row *room = table_row(cache, TABLE_ROOM, room_number);
	const struct text body = event_message_body(event);
	struct message_row *message, *oldest;
	uint32_t row;

	/* What was read before a removal may be what was removed. */
	if (cache->header->table[TABLE_MESSAGE].rows == 0 || !joins(cache, room, fill->seq) ||
	    room->messages >= APPLY_ROOM_MESSAGES ||
	    (room->removal != 0 && room->removal >= fill->asked) ||
	    table_free_rows(cache, TABLE_BODY) < blob_blocks(TABLE_BODY, body.length))
		return;
	row = table_take(cache, TABLE_MESSAGE);
	if (row == 0)
		return;
	table_write_begin(cache, &room->version);
	message = table_row(cache, TABLE_MESSAGE, row);
	*message = row_of(event, fill->flags);
	message->room = room_number;
	message->newer = room->oldest;
	message->seq = fill->seq;
	message->time = fill->time;
	message->author = fill->author;
	message->body = blob_put(cache, TABLE_BODY, body);
	if (room->oldest != 0) {
		oldest = table_row(cache, TABLE_MESSAGE, room->oldest);
		table_set(cache, oldest->older, row);
	} else {
		table_set(cache, room->newest, row);
	}
	table_set(cache, room->oldest, row);
	table_set(cache, room->messages, room->messages + 1);
	table_write_end(&room->version);
}

static uint32_t find(const struct cache *cache, const struct room_row *room, uint64_t seq)
{
	uint32_t row = room->newest;

	while (row != 0) {
		const struct message_row *message = table_row(cache, TABLE_MESSAGE, row);

		if (message->seq == seq)
			return row;
		row = message->seq > seq ? message->older : 0;
	}
	return 0;
}

void recent_remove(struct cache *cache, uint32_t room_number, uint64_t seq, bool replaced,
		   struct text text)
{
	struct room_row *room = table_row(cache, TABLE_ROOM, room_number);
	const uint32_t row = find(cache, room, seq);
	struct message_row *message;
	struct blob body = {0};

	if (row == 0)
		return;
	if (table_free_rows(cache, TABLE_BODY) < blob_blocks(TABLE_BODY, text.length)) {
		recent_purge(cache, room_number, seq); /* the database has what is older */
		return;
	}
	message = table_row(cache, TABLE_MESSAGE, row);
	if (replaced)
		body = blob_put(cache, TABLE_BODY, text);
	table_touch(cache, message, sizeof(*message));
	blob_drop(cache, TABLE_BODY, message->body);
	message->flags |= replaced ? EVENT_REPLACED : EVENT_GONE;
	message->body = body;
	message->text_length = body.length;
	message->title_length = message->rich_type_length = 0;
}

void recent_purge(struct cache *cache, uint32_t room_number, uint64_t seq)
{
	struct room_row *room = table_row(cache, TABLE_ROOM, room_number);

	while (room->oldest != 0) {
		const struct message_row *oldest = table_row(cache, TABLE_MESSAGE, room->oldest);

		if (oldest->seq > seq)
			break;
		drop_oldest(cache, room);
	}
}

void recent_clear(struct cache *cache, uint32_t room_number)
{
	struct room_row *room = table_row(cache, TABLE_ROOM, room_number);

	while (room->oldest != 0)
		drop_oldest(cache, room);
}
