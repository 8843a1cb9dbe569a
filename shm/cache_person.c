#include <string.h>

#include "shm/attempt.h"
#include "shm/cache.h"
#include "shm/find.h"

/* What users have of their own: all under the version of the index by user. */

static enum table table_of(unsigned kind)
{
	return TABLE_INVITATION + kind - EVENT_INVITATION;
}

static struct attempt attempt_kind(const struct cache *cache, unsigned kind)
{
	return attempt(
		&cache->header->index[INDEX_INVITATION_USER + kind - EVENT_INVITATION].version);
}

static struct person_view view_of(const struct person_row *p)
{
	return (struct person_view){.principal = p->principal,
				    .item = p->item,
				    .who = p->who,
				    .room = p->room,
				    .flags = p->flags,
				    .number = p->number,
				    .time = p->time};
}

static uint32_t first_of(const struct cache *cache, unsigned kind, uint32_t principal)
{
	return index_first(cache, INDEX_INVITATION_USER + kind - EVENT_INVITATION,
			   hash_id(cache, principal));
}

static uint32_t copy_person(const struct cache *cache, unsigned kind, uint32_t principal,
			    struct person_view *list, uint32_t max)
{
	const enum table table = table_of(kind);
	uint32_t row = first_of(cache, kind, principal), count = 0;
	uint32_t steps = cache->header->table[table].rows;

	for (; attempt_is_row(cache, table, row) && steps > 0; steps--) {
		const struct person_row *p = table_row(cache, table, row);

		if (p->principal == principal && count++ < max)
			list[count - 1] = view_of(p);
		row = p->by_user;
	}
	return count;
}

int cache_person(const struct cache *cache, unsigned kind, uint32_t principal,
		 struct person_view *list, uint32_t max, uint32_t *count_r)
{
	struct attempt a = attempt_kind(cache, kind);

	while (attempt_begin(&a)) {
		*count_r = copy_person(cache, kind, principal, list, max);
		if (attempt_undisturbed(&a))
			return CODE_OK;
	}
	return CODE_BUSY;
}

/* The row of one, 0: there is none. */
static uint32_t item_row(const struct cache *cache, unsigned kind, uint32_t principal,
			 uint32_t item)
{
	const enum table table = table_of(kind);
	uint32_t row = first_of(cache, kind, principal), steps = cache->header->table[table].rows;

	for (; attempt_is_row(cache, table, row) && steps > 0; steps--) {
		const struct person_row *p = table_row(cache, table, row);

		if (p->principal == principal && p->item == item)
			return row;
		row = p->by_user;
	}
	return 0;
}

static void copy_texts(const struct cache *cache, const struct person_row *p, char *name,
		       uint32_t *name_length_r, char *text, uint32_t *text_length_r)
{
	char body[EVENT_FEED_NAME_MAX + EVENT_WORDS_MAX];
	uint32_t length = attempt_text(cache, p->text, body, sizeof(body));
	uint32_t cut = p->name_length < length ? p->name_length : length;

	if (cut > EVENT_FEED_NAME_MAX || length - cut > EVENT_WORDS_MAX)
		cut = length = 0; /* of a row that is being changed */
	memcpy(name, body, cut);
	memcpy(text, body + cut, length - cut);
	*name_length_r = cut;
	*text_length_r = length - cut;
}

int cache_person_item(const struct cache *cache, unsigned kind, uint32_t principal, uint32_t item,
		      struct person_view *view_r, char *name, uint32_t *name_length_r, char *text,
		      uint32_t *text_length_r)
{
	struct attempt a = attempt_kind(cache, kind);

	while (attempt_begin(&a)) {
		const uint32_t row = item_row(cache, kind, principal, item);

		if (row != 0) {
			const struct person_row *p = table_row(cache, table_of(kind), row);

			*view_r = view_of(p);
			if (name != NULL)
				copy_texts(cache, p, name, name_length_r, text, text_length_r);
		}
		if (attempt_undisturbed(&a))
			return row == 0 ? CODE_NO_SUCH_NODE : CODE_OK;
	}
	return CODE_BUSY;
}

static uint32_t copy_requests(const struct cache *cache, uint32_t room, struct person_view *list,
			      uint32_t max)
{
	const struct cache_table *table = &cache->header->table[TABLE_REQUEST];
	uint32_t fresh = table->fresh < table->rows ? table->fresh : table->rows, count = 0;

	for (uint32_t row = 1; row <= fresh; row++) {
		const struct person_row *p = table_row(cache, TABLE_REQUEST, row);

		if (p->principal != 0 && p->item == room && count++ < max)
			list[count - 1] = view_of(p);
	}
	return count;
}

int cache_requests(const struct cache *cache, uint32_t room, struct person_view *list, uint32_t max,
		   uint32_t *count_r)
{
	struct attempt a = attempt_kind(cache, EVENT_ACCESS_REQUEST);

	while (attempt_begin(&a)) {
		*count_r = copy_requests(cache, room, list, max);
		if (attempt_undisturbed(&a))
			return CODE_OK;
	}
	return CODE_BUSY;
}
