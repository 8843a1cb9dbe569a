#ifndef PCHAT_SHM_TABLE_H
#define PCHAT_SHM_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "conf/err.h"
#include "shm/event.h"
#include "shm/layout.h"
#include "shm/segment.h"

/*
 * The mechanics of the cache (struct cache_header in shm/layout.h): rows, free lists, indexes,
 * blobs and undo. Only cache.c and apply.c use it; what the rows mean is their affair.
 *
 * Every change of a word that existed before the event goes through table_touch first. Of a row that
 * was just taken nothing needs it: table_take has saved the row, and the bytes of a block only
 * matter while something points to them.
 */
struct cache {
	struct segment map;
	uint8_t *base;
	struct cache_header *header;
	bool undo;    /* what is touched is saved: the shared copy, once it is loaded */
	bool private; /* the sequencer's own copy, without TABLE_MESSAGE and TABLE_BODY */
};

/* Computes offsets and sizes of all tables; private leaves messages and their blocks out. Fills
 * header (zeroed by the caller); returns the whole size, 0 and err where it is too large. */
uint64_t table_layout(struct cache_header *header, const struct conf *conf, bool private,
		      struct err *err);

/* Whether the header of a mapped cache is one of this program's and all tables lie within the map. */
bool cache_valid(const struct cache *cache);

/* --- Undo. --- */

void table_begin(struct cache *cache, uint64_t target);
void table_touch(struct cache *cache, const void *p, size_t size);

/* Touches a word and changes it. */
#define table_set(cache, lvalue, value)                                                            \
	do {                                                                                       \
		table_touch(cache, &(lvalue), sizeof(lvalue));                                     \
		(lvalue) = (value);                                                                \
	} while (0)

void table_end(struct cache *cache, uint64_t applied);

/* Undoes an event that a dead predecessor left incomplete. True if there was one. False in
 * *sound_r: the undo area makes no sense and the cache must be built anew. */
bool table_rollback(struct cache *cache, bool *sound_r);

/* --- Versions: between these two calls readers wait. --- */

void table_write_begin(struct cache *cache, _Atomic uint32_t *version);
void table_write_end(_Atomic uint32_t *version);

/* --- Rows. --- */

static inline void *table_row(const struct cache *cache, enum table table, uint32_t row)
{
	const struct cache_table *t = &cache->header->table[table];

	return cache->base + t->offset + (uint64_t)(row - 1) * t->row_size;
}

uint32_t table_free_rows(const struct cache *cache, enum table table);

/* A row that is not in use, 0 if there is none. Its bytes are what they were, but for the first
 * word, which is 0; versions in it must be kept. */
uint32_t table_take(struct cache *cache, enum table table);
void table_give(struct cache *cache, enum table table, uint32_t row);

/* --- Indexes. next is where the row's chain word lies. --- */

uint32_t index_first(const struct cache *cache, enum index index, uint64_t hash);
void index_insert(struct cache *cache, enum index index, uint64_t hash, uint32_t row,
		  uint32_t *next);

/* Takes row out of its chain; chain_offset is where in a row of the table the chain word lies. */
void index_remove(struct cache *cache, enum index index, enum table table, uint64_t hash,
		  uint32_t row, size_t chain_offset);

/* --- Blobs, in TABLE_TEXT or TABLE_BODY. --- */

uint32_t blob_blocks(enum table table, uint32_t length);

/* The caller has made sure that there are enough blocks (table_free_rows). */
struct blob blob_put(struct cache *cache, enum table table, struct text text);
void blob_drop(struct cache *cache, enum table table, struct blob blob);

/* Copies a blob out, at most size bytes, never following a chain out of the table: a reader may
 * meet one that is being changed. */
void blob_copy(const struct cache *cache, enum table table, struct blob blob, void *out,
	       uint32_t size);
bool blob_equals(const struct cache *cache, enum table table, struct blob blob, struct text text);

#endif
