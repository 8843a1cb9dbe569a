#include "shm/person.h"

#include <string.h>

#include "shm/find.h"
#include "shm/object.h"

/* The table and the indexes of one kind. */
struct place {
	enum table table;
	enum index key, user;
	const char *setting;
};

static struct place place_of(unsigned kind)
{
	static const char *const settings[] = {"invitations", "markers", "feeds", "requests"};
	const unsigned n = kind - EVENT_INVITATION;

	return (struct place){.table = TABLE_INVITATION + n,
			      .key = INDEX_INVITATION + n,
			      .user = INDEX_INVITATION_USER + n,
			      .setting = settings[n]};
}

static struct text body_of(const struct event_person *event, char *buffer)
{
	if (event->name.length > 0)
		memcpy(buffer, event->name.data, event->name.length);
	if (event->text.length > 0)
		memcpy(buffer + event->name.length, event->text.data, event->text.length);
	return (struct text){buffer, event->name.length + event->text.length};
}

static void insert(struct cache *cache, const struct place *place, uint32_t row)
{
	struct person_row *p = table_row(cache, place->table, row);

	index_insert(cache, place->key, hash_person(cache, p->principal, p->item), row, &p->by_key);
	index_insert(cache, place->user, hash_id(cache, p->principal), row, &p->by_user);
}

static void fill(struct person_row *p, const struct event_person *event, struct blob text)
{
	p->who = event->who;
	p->room = event->room;
	p->flags = event->flags;
	p->name_length = (uint16_t)event->name.length;
	p->number = event->number;
	p->time = event->time;
	p->text = text;
}

static int put(struct cache *cache, unsigned kind, const struct event_person *event,
	       struct err *err)
{
	const struct place place = place_of(kind);
	_Atomic uint32_t *version = &cache->header->index[place.user].version;
	char buffer[EVENT_FEED_NAME_MAX + EVENT_WORDS_MAX];
	const struct text body = body_of(event, buffer);
	uint32_t row = find_person(cache, kind, event->principal, event->item);
	struct person_row *p;

	if (table_free_rows(cache, TABLE_TEXT) < blob_blocks(TABLE_TEXT, body.length))
		return err_full(err, "text");
	if (row == 0) {
		row = table_take(cache, place.table);
		if (row == 0)
			return err_full(err, place.setting);
		p = table_row(cache, place.table, row);
		table_write_begin(cache, version);
		p->principal = event->principal;
		p->item = event->item;
		fill(p, event, blob_put(cache, TABLE_TEXT, body));
		table_write_end(version);
		insert(cache, &place, row);
		return 0;
	}
	p = table_row(cache, place.table, row);
	table_write_begin(cache, version);
	table_touch(cache, p, sizeof(*p));
	blob_drop(cache, TABLE_TEXT, p->text);
	fill(p, event, blob_put(cache, TABLE_TEXT, body));
	table_write_end(version);
	return 0;
}

static void take_away(struct cache *cache, unsigned kind, uint32_t row)
{
	const struct place place = place_of(kind);
	_Atomic uint32_t *version = &cache->header->index[place.user].version;
	struct person_row *p = table_row(cache, place.table, row);

	index_remove(cache, place.key, place.table, hash_person(cache, p->principal, p->item), row,
		     offsetof(struct person_row, by_key));
	index_remove(cache, place.user, place.table, hash_id(cache, p->principal), row,
		     offsetof(struct person_row, by_user));
	blob_drop(cache, TABLE_TEXT, p->text);
	table_write_begin(cache, version);
	table_set(cache, p->principal, 0);
	table_write_end(version);
	table_give(cache, place.table, row);
}

/* The row with item 0 knows which invitation was the last, and which is the last that is no news:
 * both only ever rise. */
static int note_invitation(struct cache *cache, uint32_t principal, uint64_t given, uint64_t read,
			   struct err *err)
{
	const uint32_t row = find_person(cache, EVENT_INVITATION, principal, 0);
	struct event_person event = {.principal = principal, .number = given, .time = read};

	if (row != 0) {
		const struct person_row *p = table_row(cache, TABLE_INVITATION, row);

		if (p->number > given)
			event.number = p->number;
		if (p->time > read)
			event.time = p->time;
	}
	return put(cache, EVENT_INVITATION, &event, err);
}

int person_apply(struct cache *cache, unsigned kind, const struct event_person *event,
		 struct err *err)
{
	uint32_t row;

	switch (event->what) {
	case PERSON_PUT:
		if (event->item == 0)
			return err_set(err, "it is of no room and has no number");
		if (kind == EVENT_INVITATION &&
		    note_invitation(cache, event->principal, event->number, 0, err) < 0)
			return -1;
		return put(cache, kind, event, err);
	case PERSON_READ:
		return note_invitation(cache, event->principal, 0, event->number, err);
	case PERSON_STATE:
		return note_invitation(cache, event->principal, event->number, event->time, err);
	default:
		row = find_person(cache, kind, event->principal, event->item);
		if (row != 0)
			take_away(cache, kind, row);
		return 0;
	}
}
