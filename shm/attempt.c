#include "shm/attempt.h"

#include <time.h>

#include "shm/find.h"

/*
 * How often a reader tries to get a copy that nobody was changing. A change takes a few hundred
 * nanoseconds. One that lasts longer is that of a sequencer which has lost its processor in the middle
 * of it, maybe to this very process: so the last tries let others have the processor in between.
 */
enum { TRIES = 256, LAST_TRIES = 4, PAUSE_NS = 50000 };

struct attempt attempt(const _Atomic uint32_t *version)
{
	return (struct attempt){.version = version, .left = TRIES};
}

static void let_others(void)
{
	static const struct timespec pause = {.tv_nsec = PAUSE_NS};

	nanosleep(&pause, NULL);
}

static void pause_shortly(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

bool attempt_begin(struct attempt *a)
{
	while (a->left > 0) {
		if (a->left-- <= LAST_TRIES)
			let_others();
		a->seen = atomic_load_explicit(a->version, memory_order_acquire);
		if (a->seen % 2 == 0)
			return true;
		pause_shortly();
	}
	return false;
}

bool attempt_undisturbed(const struct attempt *a)
{
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(a->version, memory_order_relaxed) == a->seen;
}

bool attempt_is_row(const struct cache *cache, enum table table, uint32_t row)
{
	return row != 0 && row <= cache->header->table[table].rows;
}

uint16_t attempt_text(const struct cache *cache, struct blob blob, char *out, uint32_t size)
{
	uint32_t length = blob.length < size ? blob.length : size;

	blob_copy(cache, TABLE_TEXT, blob, out, size);
	return (uint16_t)length;
}

int attempt_look_up(const struct cache *cache, enum index index, enum table table, uint64_t hash,
		    attempt_same_fn *same, const void *key, uint32_t *row_r)
{
	struct attempt a = attempt(&cache->header->index[index].version);

	while (attempt_begin(&a)) {
		uint32_t row = index_first(cache, index, hash), next = 0;
		uint32_t steps = cache->header->table[table].rows;

		while (attempt_is_row(cache, table, row) && steps-- > 0 &&
		       !same(cache, row, key, &next))
			row = next;
		if (!attempt_undisturbed(&a))
			continue;
		*row_r = attempt_is_row(cache, table, row) ? row : 0;
		return CODE_OK;
	}
	return CODE_BUSY;
}

static bool same_room(const struct cache *cache, uint32_t row, const void *key, uint32_t *next_r)
{
	const struct room_row *room = table_row(cache, TABLE_ROOM, row);

	*next_r = room->by_id;
	return room->id == *(const uint32_t *)key;
}

int attempt_room_row(const struct cache *cache, uint32_t id, uint32_t *row_r)
{
	int code = attempt_look_up(cache, INDEX_ROOM_ID, TABLE_ROOM, hash_id(cache, id), same_room,
				   &id, row_r);

	return code == CODE_OK && *row_r == 0 ? CODE_NO_SUCH_NODE : code;
}

static bool same_principal(const struct cache *cache, uint32_t row, const void *key,
			   uint32_t *next_r)
{
	const struct principal_row *principal = table_row(cache, TABLE_PRINCIPAL, row);

	*next_r = principal->by_id;
	return principal->id == *(const uint32_t *)key;
}

int attempt_principal_row(const struct cache *cache, uint32_t id, uint32_t *row_r)
{
	int code = attempt_look_up(cache, INDEX_PRINCIPAL_ID, TABLE_PRINCIPAL, hash_id(cache, id),
				   same_principal, &id, row_r);

	return code == CODE_OK && *row_r == 0 ? CODE_NO_SUCH_PRINCIPAL : code;
}
