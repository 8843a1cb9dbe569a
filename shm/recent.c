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
	blob_drop(cache, TABLE_BODY, message->text);
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

static bool follows(const struct cache *cache, const struct room_row *room, uint64_t seq)
{
	const struct message_row *newest = table_row(cache, TABLE_MESSAGE, room->newest);

	return newest->seq + 1 == seq;
}

void recent_append(struct cache *cache, uint32_t room_number, const struct record *record,
		   const struct event_message *event)
{
	struct room_row *room = table_row(cache, TABLE_ROOM, room_number);
	struct message_row *message, *newest;
	uint32_t row;

	if (cache->header->table[TABLE_MESSAGE].rows == 0)
		return;
	while (room->messages > 0 && (room->messages >= APPLY_ROOM_MESSAGES ||
				      !follows(cache, room, record->seq)))
		drop_oldest(cache, room);
	row = make_room(cache, room_number, event->text.length);
	if (row == 0)
		return;
	message = table_row(cache, TABLE_MESSAGE, row);
	*message = (struct message_row){.room = room_number,
					.older = room->newest,
					.seq = record->seq,
					.time = record->time,
					.lsn = record->lsn,
					.author = record->actor,
					.flags = record->flags & EVENT_ALERT,
					.id_length = (uint16_t)event->id.length};
	memcpy(message->id, event->id.data, event->id.length);
	message->text = blob_put(cache, TABLE_BODY, event->text);
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
	struct message_row *message, *oldest;
	uint32_t row;

	if (cache->header->table[TABLE_MESSAGE].rows == 0 || !joins(cache, room, fill->seq) ||
	    room->messages >= APPLY_ROOM_MESSAGES ||
	    table_free_rows(cache, TABLE_BODY) < blob_blocks(TABLE_BODY, event->text.length))
		return;
	row = table_take(cache, TABLE_MESSAGE);
	if (row == 0)
		return;
	table_write_begin(cache, &room->version);
	message = table_row(cache, TABLE_MESSAGE, row);
	*message = (struct message_row){.room = room_number,
					.newer = room->oldest,
					.seq = fill->seq,
					.time = fill->time,
					.author = fill->author,
					.flags = fill->flags & EVENT_ALERT,
					.id_length = (uint16_t)event->id.length};
	memcpy(message->id, event->id.data, event->id.length);
	message->text = blob_put(cache, TABLE_BODY, event->text);
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

void recent_clear(struct cache *cache, uint32_t room_number)
{
	struct room_row *room = table_row(cache, TABLE_ROOM, room_number);

	while (room->oldest != 0)
		drop_oldest(cache, room);
}
