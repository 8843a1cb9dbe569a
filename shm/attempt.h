#ifndef PCHAT_SHM_ATTEMPT_H
#define PCHAT_SHM_ATTEMPT_H

#include "conf/code.h"
#include "shm/table.h"

/*
 * Reading rows of the cache that the sequencer may be changing: copy, and see whether the copy was
 * disturbed. For cache*.c only.
 */
struct attempt {
	const _Atomic uint32_t *version;
	uint32_t seen;
	unsigned left;
};

struct attempt attempt(const _Atomic uint32_t *version);

/* Before each copy; false when enough has been tried (CODE_BUSY). */
bool attempt_begin(struct attempt *a);

/* After it: whether it was undisturbed. */
bool attempt_undisturbed(const struct attempt *a);

/* Whether a row number that was read is one of the table's. */
bool attempt_is_row(const struct cache *cache, enum table table, uint32_t row);

/* Copies a text of a row out, at most size bytes. Returns its length. */
uint16_t attempt_text(const struct cache *cache, struct blob blob, char *out, uint32_t size);

/* Whether a row has the key; *next_r is the next one in its chain. */
typedef bool attempt_same_fn(const struct cache *cache, uint32_t row, const void *key,
			     uint32_t *next_r);

/* Looks a key up in a chain that may be changing. CODE_OK with *row_r (0: not there), CODE_BUSY. */
int attempt_look_up(const struct cache *cache, enum index index, enum table table, uint64_t hash,
		    attempt_same_fn *same, const void *key, uint32_t *row_r);

/* The row of an id. CODE_NO_SUCH_NODE and CODE_NO_SUCH_PRINCIPAL where there is none. */
int attempt_room_row(const struct cache *cache, uint32_t id, uint32_t *row_r);
int attempt_principal_row(const struct cache *cache, uint32_t id, uint32_t *row_r);

#endif
