#include "shm/table.h"

#include <string.h>

#include "conf/bug.h"
#include "conf/fault.h"

/* An event touches little but what it evicts: one message of the largest size that the
 * configuration allows can push out as many blocks of others. Pages never written cost nothing. */
enum { UNDO_SIZE = 8 << 20 };

struct undo_entry { /* behind the old bytes, so that the area can be walked from its end */
	uint64_t offset;
	uint32_t size;
	uint32_t is_version; /* goes on counting instead of going back */
};

static const uint32_t row_sizes[TABLE_COUNT] = {
	[TABLE_ROOM] = sizeof(struct room_row),
	[TABLE_PRINCIPAL] = sizeof(struct principal_row),
	[TABLE_SESSION] = sizeof(struct session_row),
	[TABLE_PARTICIPANT] = sizeof(struct participant_row),
	[TABLE_MESSAGE] = sizeof(struct message_row),
	[TABLE_POST] = sizeof(struct post_row),
	[TABLE_CATEGORY] = sizeof(struct category_row),
	[TABLE_ADDIN] = sizeof(struct addin_row),
	[TABLE_ROLE] = sizeof(struct role_row),
	[TABLE_AFFILIATION] = sizeof(struct affiliation_row),
	[TABLE_INVITATION] = sizeof(struct person_row),
	[TABLE_MARKER] = sizeof(struct person_row),
	[TABLE_FEED] = sizeof(struct person_row),
	[TABLE_REQUEST] = sizeof(struct person_row),
	[TABLE_SETTING] = sizeof(struct setting_row),
	[TABLE_TEXT] = sizeof(struct text_block),
	[TABLE_BODY] = sizeof(struct body_block),
};

static const enum table index_tables[INDEX_COUNT] = {
	[INDEX_ROOM_ID] = TABLE_ROOM,
	[INDEX_ROOM_UUID] = TABLE_ROOM,
	[INDEX_ROOM_NAME] = TABLE_ROOM,
	[INDEX_PRINCIPAL_ID] = TABLE_PRINCIPAL,
	[INDEX_PRINCIPAL_URI] = TABLE_PRINCIPAL,
	[INDEX_SESSION] = TABLE_SESSION,
	[INDEX_PARTICIPANT] = TABLE_PARTICIPANT,
	[INDEX_POST] = TABLE_POST,
	[INDEX_CATEGORY_ID] = TABLE_CATEGORY,
	[INDEX_CATEGORY_UUID] = TABLE_CATEGORY,
	[INDEX_CATEGORY_NAME] = TABLE_CATEGORY,
	[INDEX_ADDIN_ID] = TABLE_ADDIN,
	[INDEX_ADDIN_NAME] = TABLE_ADDIN,
	[INDEX_ROLE] = TABLE_ROLE,
	[INDEX_AFFILIATION] = TABLE_AFFILIATION,
	[INDEX_INVITATION] = TABLE_INVITATION,
	[INDEX_MARKER] = TABLE_MARKER,
	[INDEX_FEED] = TABLE_FEED,
	[INDEX_REQUEST] = TABLE_REQUEST,
	[INDEX_INVITATION_USER] = TABLE_INVITATION,
	[INDEX_MARKER_USER] = TABLE_MARKER,
	[INDEX_FEED_USER] = TABLE_FEED,
	[INDEX_REQUEST_USER] = TABLE_REQUEST,
	[INDEX_SETTING] = TABLE_SETTING,
};

/* --- Layout. --- */

static bool reserve(uint64_t *size, uint64_t count, uint64_t each, uint64_t *offset_r)
{
	uint64_t bytes;

	*offset_r = (*size + 63) & ~UINT64_C(63);
	return !__builtin_mul_overflow(count, each, &bytes) &&
	       !__builtin_add_overflow(*offset_r, bytes, size);
}

static uint32_t buckets_for(uint32_t rows)
{
	uint32_t buckets = 1;

	while (buckets < rows && buckets < UINT32_C(1) << 31)
		buckets <<= 1;
	return buckets;
}

/* The setting that gives a table its size, for messages, and that size in rows. */
static uint64_t rows_wanted(const struct conf *conf, enum table table, const char **setting_r)
{
	switch (table) {
	case TABLE_ROOM:
		*setting_r = "rooms";
		return conf->cache.rooms;
	case TABLE_PRINCIPAL:
		*setting_r = "principals";
		return conf->cache.principals;
	case TABLE_SESSION:
		*setting_r = "sessions";
		return conf->cache.sessions;
	case TABLE_PARTICIPANT:
		*setting_r = "participants";
		return conf->cache.participants;
	case TABLE_MESSAGE:
	case TABLE_POST:
		*setting_r = "messages";
		return conf->cache.messages;
	case TABLE_CATEGORY:
		*setting_r = "categories";
		return conf->cache.categories;
	case TABLE_ADDIN:
		*setting_r = "addins";
		return conf->cache.addins;
	case TABLE_ROLE:
		*setting_r = "roles";
		return conf->cache.roles;
	case TABLE_AFFILIATION:
		*setting_r = "affiliations";
		return conf->cache.affiliations;
	case TABLE_INVITATION:
		*setting_r = "invitations";
		return conf->cache.invitations;
	case TABLE_MARKER:
		*setting_r = "markers";
		return conf->cache.markers;
	case TABLE_FEED:
		*setting_r = "feeds";
		return conf->cache.feeds;
	case TABLE_REQUEST:
		*setting_r = "requests";
		return conf->cache.requests;
	case TABLE_SETTING:
		*setting_r = "settings";
		return conf->cache.settings;
	case TABLE_TEXT:
		*setting_r = "text";
		return conf->cache.text / sizeof(struct text_block);
	case TABLE_BODY:
		*setting_r = "history";
		return conf->cache.history / sizeof(struct body_block);
	default:
		bug_on(true);
	}
	return 0;
}

uint64_t table_layout(struct cache_header *header, const struct conf *conf, bool private,
		      struct err *err)
{
	uint64_t size = sizeof(*header);

	for (unsigned t = 0; t < TABLE_COUNT; t++) {
		struct cache_table *table = &header->table[t];
		const char *setting;
		uint64_t rows = rows_wanted(conf, t, &setting);

		if (private && (t == TABLE_MESSAGE || t == TABLE_BODY))
			rows = 0;
		if (rows > UINT32_MAX - 1 || !reserve(&size, rows, row_sizes[t], &table->offset)) {
			err_set(err, "cache { %s } is too large", setting);
			return 0;
		}
		table->rows = (uint32_t)rows;
		table->row_size = row_sizes[t];
	}
	for (unsigned i = 0; i < INDEX_COUNT; i++) {
		struct cache_index *index = &header->index[i];

		index->buckets = buckets_for(header->table[index_tables[i]].rows);
		if (!reserve(&size, index->buckets, sizeof(uint32_t), &index->offset)) {
			err_set(err, "the settings of cache { } are too large");
			return 0;
		}
	}
	header->undo_size = private ? 0 : UNDO_SIZE;
	if (!reserve(&size, header->undo_size, 1, &header->undo_offset)) {
		err_set(err, "the settings of cache { } are too large");
		return 0;
	}
	header->size = size;
	return size;
}

static bool inside(uint64_t offset, uint64_t count, uint64_t each, uint64_t size)
{
	uint64_t bytes, end;

	return offset % 8 == 0 && !__builtin_mul_overflow(count, each, &bytes) &&
	       !__builtin_add_overflow(offset, bytes, &end) && end <= size;
}

bool cache_valid(const struct cache *cache)
{
	const struct cache_header *header = cache->header;
	uint64_t size = header->size;

	if (header->magic != CACHE_MAGIC || header->version != CACHE_VERSION ||
	    size > cache->map.size)
		return false;
	for (unsigned t = 0; t < TABLE_COUNT; t++) {
		const struct cache_table *table = &header->table[t];

		if (table->row_size != row_sizes[t] ||
		    !inside(table->offset, table->rows, table->row_size, size) ||
		    table->fresh > table->rows)
			return false;
	}
	for (unsigned i = 0; i < INDEX_COUNT; i++) {
		const struct cache_index *index = &header->index[i];

		if (index->buckets == 0 || (index->buckets & (index->buckets - 1)) != 0 ||
		    !inside(index->offset, index->buckets, sizeof(uint32_t), size))
			return false;
	}
	return inside(header->undo_offset, header->undo_size, 1, size);
}

/* --- Undo. ---
 *
 * What must survive is the death of this process, not of the machine: the stores of a process that
 * is killed are all there, in program order. So it is the compiler alone that has to be held back.
 */

static void in_order(void)
{
	atomic_signal_fence(memory_order_seq_cst);
}

void table_begin(struct cache *cache, uint64_t target)
{
	struct cache_header *header = cache->header;

	if (!cache->undo)
		return;
	/* In this order: a target without an empty area would undo the event before. */
	atomic_store_explicit(&header->undo_used, 0, memory_order_release);
	in_order();
	atomic_store_explicit(&header->undo_target, target, memory_order_release);
	in_order();
}

static void save(struct cache *cache, const void *p, size_t size, bool is_version)
{
	struct cache_header *header = cache->header;
	uint64_t used = atomic_load_explicit(&header->undo_used, memory_order_relaxed);
	uint64_t padded = (size + 7) & ~(size_t)7, need = padded + sizeof(struct undo_entry);
	struct undo_entry entry = {.offset = (uint64_t)((const uint8_t *)p - cache->base),
				   .size = (uint32_t)size,
				   .is_version = is_version};

	bug_on(need > header->undo_size - used);
	uint8_t *at = cache->base + header->undo_offset + used;
	memcpy(at, p, size);
	memcpy(at + padded, &entry, sizeof(entry));
	in_order();
	atomic_store_explicit(&header->undo_used, used + need, memory_order_release);
	in_order();
	fault_point("cache.touch");
}

void table_touch(struct cache *cache, const void *p, size_t size)
{
	if (cache->undo)
		save(cache, p, size, false);
}

void table_end(struct cache *cache, uint64_t applied)
{
	struct cache_header *header = cache->header;

	in_order();
	if (atomic_load_explicit(&header->undo_target, memory_order_relaxed) != applied)
		atomic_store_explicit(&header->undo_target, applied, memory_order_release);
	in_order();
	atomic_store_explicit(&header->applied, applied, memory_order_release);
	in_order();
	if (cache->undo)
		fault_point("cache.applied");
}

/* Puts the last entry's bytes back and takes it off. */
static bool undo_one(struct cache *cache, uint64_t *used)
{
	struct cache_header *header = cache->header;
	const uint8_t *area = cache->base + header->undo_offset;
	struct undo_entry entry;
	uint64_t padded;

	if (*used < sizeof(entry))
		return false;
	memcpy(&entry, area + *used - sizeof(entry), sizeof(entry));
	padded = (entry.size + UINT64_C(7)) & ~UINT64_C(7);
	if (padded > *used - sizeof(entry) || !inside(entry.offset & ~UINT64_C(7), padded, 1, header->size))
		return false;
	*used -= sizeof(entry) + padded;
	if (entry.is_version) {
		uint32_t version;

		memcpy(&version, area + *used, sizeof(version));
		version += 2; /* a reader that began before the event must notice */
		memcpy(cache->base + entry.offset, &version, sizeof(version));
	} else {
		memcpy(cache->base + entry.offset, area + *used, entry.size);
	}
	return true;
}

bool table_rollback(struct cache *cache, bool *sound_r)
{
	struct cache_header *header = cache->header;
	uint64_t used = atomic_load(&header->undo_used);
	uint64_t applied = atomic_load(&header->applied);

	*sound_r = true;
	if (atomic_load(&header->undo_target) == applied)
		return false;
	if (used > header->undo_size) {
		*sound_r = false;
		return true;
	}
	/* undo_used is left alone until all is put back: dying here means doing it again. */
	while (used > 0)
		if (!undo_one(cache, &used)) {
			*sound_r = false;
			return true;
		}
	atomic_store(&header->undo_target, applied);
	return true;
}

/* --- Versions. --- */

void table_write_begin(struct cache *cache, _Atomic uint32_t *version)
{
	uint32_t v = atomic_load_explicit(version, memory_order_relaxed);

	if (cache->undo)
		save(cache, version, sizeof(*version), true);
	atomic_store_explicit(version, v + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

void table_write_end(_Atomic uint32_t *version)
{
	uint32_t v = atomic_load_explicit(version, memory_order_relaxed);

	atomic_store_explicit(version, v + 1, memory_order_release);
}

/* --- Rows. --- */

uint32_t table_free_rows(const struct cache *cache, enum table table)
{
	const struct cache_table *t = &cache->header->table[table];

	return t->rows - t->used;
}

/* used, fresh and free stand side by side and change together. */
static void touch_table(struct cache *cache, struct cache_table *t)
{
	table_touch(cache, &t->used, 3 * sizeof(uint32_t));
}

static bool is_block(enum table table)
{
	return table == TABLE_TEXT || table == TABLE_BODY;
}

uint32_t table_take(struct cache *cache, enum table table)
{
	struct cache_table *t = &cache->header->table[table];
	uint32_t row = t->free, *at;

	if (row == 0 && t->fresh == t->rows)
		return 0;
	touch_table(cache, t);
	if (row == 0) {
		row = ++t->fresh;
		at = table_row(cache, table, row);
	} else {
		at = table_row(cache, table, row);
		t->free = *at;
	}
	t->used++;
	table_touch(cache, at, is_block(table) ? sizeof(*at) : t->row_size);
	*at = 0;
	return row;
}

void table_give(struct cache *cache, enum table table, uint32_t row)
{
	struct cache_table *t = &cache->header->table[table];
	uint32_t *at = table_row(cache, table, row);

	bug_on(row == 0 || row > t->fresh);
	touch_table(cache, t);
	table_touch(cache, at, sizeof(*at));
	*at = t->free;
	t->free = row;
	t->used--;
}

/* --- Indexes. --- */

static uint32_t *bucket(const struct cache *cache, enum index index, uint64_t hash)
{
	const struct cache_index *i = &cache->header->index[index];

	return (uint32_t *)(void *)(cache->base + i->offset) + (hash & (i->buckets - 1));
}

uint32_t index_first(const struct cache *cache, enum index index, uint64_t hash)
{
	return *bucket(cache, index, hash);
}

void index_insert(struct cache *cache, enum index index, uint64_t hash, uint32_t row,
		  uint32_t *next)
{
	uint32_t *head = bucket(cache, index, hash);
	_Atomic uint32_t *version = &cache->header->index[index].version;

	table_write_begin(cache, version);
	table_touch(cache, head, sizeof(*head));
	table_touch(cache, next, sizeof(*next));
	*next = *head;
	*head = row;
	table_write_end(version);
}

void index_remove(struct cache *cache, enum index index, enum table table, uint64_t hash,
		  uint32_t row, size_t chain_offset)
{
	uint32_t *link = bucket(cache, index, hash);
	_Atomic uint32_t *version = &cache->header->index[index].version;

	while (*link != row) {
		bug_on(*link == 0);
		link = (uint32_t *)(void *)((uint8_t *)table_row(cache, table, *link) +
					    chain_offset);
	}
	table_write_begin(cache, version);
	table_touch(cache, link, sizeof(*link));
	*link = *(uint32_t *)(void *)((uint8_t *)table_row(cache, table, row) + chain_offset);
	table_write_end(version);
}

/* --- Blobs. --- */

static uint32_t block_bytes(enum table table)
{
	return table == TABLE_TEXT ? TEXT_BLOCK : BODY_BLOCK;
}

uint32_t blob_blocks(enum table table, uint32_t length)
{
	uint32_t bytes = block_bytes(table);

	return length / bytes + (length % bytes != 0);
}

struct blob blob_put(struct cache *cache, enum table table, struct text text)
{
	uint32_t bytes = block_bytes(table), *link, first = 0;
	struct blob blob = {.length = text.length};

	link = &first;
	for (uint32_t done = 0; done < text.length; done += bytes) {
		uint32_t block = table_take(cache, table), left = text.length - done;
		uint32_t *at;

		bug_on(block == 0);
		at = table_row(cache, table, block);
		memcpy(at + 1, text.data + done, left < bytes ? left : bytes);
		*link = block;
		link = at;
	}
	blob.first = first;
	return blob;
}

void blob_drop(struct cache *cache, enum table table, struct blob blob)
{
	for (uint32_t block = blob.first; block != 0;) {
		uint32_t next = *(const uint32_t *)table_row(cache, table, block);

		table_give(cache, table, block);
		block = next;
	}
}

void blob_copy(const struct cache *cache, enum table table, struct blob blob, void *out,
	       uint32_t size)
{
	uint32_t bytes = block_bytes(table), rows = cache->header->table[table].rows;
	uint32_t block = blob.first, length = blob.length < size ? blob.length : size;

	for (uint32_t done = 0; done < length; done += bytes) {
		uint32_t left = length - done;
		const uint32_t *at;

		if (block == 0 || block > rows)
			return;
		at = table_row(cache, table, block);
		memcpy((uint8_t *)out + done, at + 1, left < bytes ? left : bytes);
		block = *at;
	}
}

bool blob_equals(const struct cache *cache, enum table table, struct blob blob, struct text text)
{
	uint32_t bytes = block_bytes(table), rows = cache->header->table[table].rows;
	uint32_t block = blob.first;

	if (blob.length != text.length)
		return false;
	for (uint32_t done = 0; done < text.length; done += bytes) {
		uint32_t left = text.length - done;
		const uint32_t *at;

		if (block == 0 || block > rows)
			return false;
		at = table_row(cache, table, block);
		if (memcmp(at + 1, text.data + done, left < bytes ? left : bytes) != 0)
			return false;
		block = *at;
	}
	return true;
}
