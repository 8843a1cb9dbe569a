#include "daemon/file_grant.h"

#include <stdlib.h>
#include <string.h>

/* The part of all tokens that one user may have, so that he does not push out those of others. */
enum { SHARE = 8, SHARE_LEAST = 16 };

void grants_init(struct file_grants *grants, unsigned max)
{
	*grants = (struct file_grants){.max = max};
	TAILQ_INIT(&grants->list);
}

static void drop(struct file_grants *grants, struct file_grant *grant)
{
	HASH_DEL(grants->table, grant);
	TAILQ_REMOVE(&grants->list, grant, order);
	grants->count--;
	free(grant);
}

void grants_fini(struct file_grants *grants)
{
	while (!TAILQ_EMPTY(&grants->list))
		drop(grants, TAILQ_FIRST(&grants->list));
}

static struct file_grant *make(const struct record *record, const struct event_file *event)
{
	struct file_grant *grant =
		calloc(1, sizeof(*grant) + event->name.length + event->type.length);

	if (!grant)
		return NULL;
	memcpy(grant->hash, event->token_hash, sizeof(grant->hash));
	memcpy(grant->file, event->uuid, sizeof(grant->file));
	memcpy(grant->sha256, event->sha256, sizeof(grant->sha256));
	grant->upload = record->type == EVENT_FILE_GRANT;
	grant->room = record->room;
	grant->author = event->author;
	grant->holder = record->actor;
	grant->size = event->size;
	grant->time = event->time;
	grant->lsn = record->lsn;
	grant->expires = record->time + FILE_TOKEN_US;
	grant->origin = record->origin;
	grant->origin.request = 0;
	grant->name = (uint16_t)event->name.length;
	grant->type = (uint16_t)event->type.length;
	memcpy(grant->text, event->name.data, event->name.length);
	memcpy(grant->text + event->name.length, event->type.data, event->type.length);
	return grant;
}

/* The oldest of the user's, if he has as many as he may. */
static struct file_grant *excess_of(const struct file_grants *grants, uint32_t holder)
{
	const unsigned most =
		grants->max / SHARE > SHARE_LEAST ? grants->max / SHARE : SHARE_LEAST;
	struct file_grant *grant, *oldest = NULL;
	unsigned count = 0;

	TAILQ_FOREACH(grant, &grants->list, order) {
		if (grant->holder != holder)
			continue;
		if (count++ == 0)
			oldest = grant;
	}
	return count >= most ? oldest : NULL;
}

bool grants_put(struct file_grants *grants, const struct record *record,
		const struct event_file *event)
{
	struct file_grant *grant = make(record, event), *excess;

	if (!grant)
		return false;
	grants_drop(grants, grant->hash);
	excess = excess_of(grants, grant->holder);
	if (excess)
		drop(grants, excess);
	while (grants->count >= grants->max)
		drop(grants, TAILQ_FIRST(&grants->list));
	HASH_ADD(hh, grants->table, hash, sizeof(grant->hash), grant);
	TAILQ_INSERT_TAIL(&grants->list, grant, order);
	grants->count++;
	return true;
}

struct file_grant *grants_find(struct file_grants *grants, const uint8_t hash[FILE_HASH],
			       uint64_t now)
{
	struct file_grant *grant;

	HASH_FIND(hh, grants->table, hash, FILE_HASH, grant);
	return grant && now < grant->expires ? grant : NULL;
}

void grants_drop(struct file_grants *grants, const uint8_t hash[FILE_HASH])
{
	struct file_grant *grant;

	HASH_FIND(hh, grants->table, hash, FILE_HASH, grant);
	if (grant)
		drop(grants, grant);
}

void grants_drop_file(struct file_grants *grants, const uint8_t file[16])
{
	struct file_grant *grant = TAILQ_FIRST(&grants->list), *next;

	for (; grant; grant = next) {
		next = TAILQ_NEXT(grant, order);
		if (memcmp(grant->file, file, sizeof(grant->file)) == 0)
			drop(grants, grant);
	}
}

void grants_drop_room(struct file_grants *grants, uint32_t room)
{
	struct file_grant *grant = TAILQ_FIRST(&grants->list), *next;

	for (; grant; grant = next) {
		next = TAILQ_NEXT(grant, order);
		if (grant->room == room)
			drop(grants, grant);
	}
}

/* In the order of their records they expire, too. */
void grants_expire(struct file_grants *grants, uint64_t now)
{
	while (!TAILQ_EMPTY(&grants->list) && TAILQ_FIRST(&grants->list)->expires <= now)
		drop(grants, TAILQ_FIRST(&grants->list));
}

void grants_forget_sessions(struct file_grants *grants)
{
	struct file_grant *grant;

	TAILQ_FOREACH(grant, &grants->list, order)
		grant->origin = (struct origin){0};
}

uint64_t grants_oldest(const struct file_grants *grants)
{
	const struct file_grant *first = TAILQ_FIRST(&grants->list);

	return first ? first->lsn : UINT64_MAX;
}

struct file_grant *grant_copy(const struct file_grant *grant)
{
	const size_t size = sizeof(*grant) + grant->name + grant->type;
	struct file_grant *copy = malloc(size);

	if (copy)
		memcpy(copy, grant, size);
	return copy;
}
