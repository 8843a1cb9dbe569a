#ifndef PCHAT_SHM_SCOPED_H
#define PCHAT_SHM_SCOPED_H

#include <stdbool.h>

#include "conf/conf.h"
#include "conf/err.h"
#include "shm/event.h"
#include "shm/table.h"

/*
 * What administrators set while the server runs. A setting has a kind, a scope and a name:
 *
 *   SCOPED_CONFIG    of "global", "site:NAME" and "pool:NAME"; what the narrowest says counts
 *   SCOPED_POLICY    of the same, and of "tag:NAME": who was granted one of these has it
 *   SCOPED_ENDPOINT  of the URI of another address of the server
 *   SCOPED_POOL      of the name of a pool
 *   SCOPED_TOPOLOGY  of "published"
 *   SCOPED_RETENTION of "global" and of the URI of a category; what the category says counts
 */

/* --- What there can be (scoped_key.c). --- */

enum scoped_type {
	SCOPED_NUMBER,
	SCOPED_YES_NO,
	SCOPED_TEXT,
	SCOPED_URL,
	SCOPED_WORD,
	SCOPED_TIME, /* a number and s, m, h or d */
	SCOPED_PLACES, /* of workers: their numbers with commas between them */
};

struct scoped_key {
	uint8_t kind; /* enum scoped_kind */
	uint8_t type; /* enum scoped_type */
	const char *name;
	uint64_t min, max;  /* numbers; of a text the characters that it has at most */
	const char *values; /* of what is new and does not say so, or NULL; of words all, the
			       default first */
};

/* NULL: there is no such setting. */
const struct scoped_key *scoped_key_find(unsigned kind, struct text name);

/* Those of a kind, one after the other: number from 0, NULL behind the last. */
const struct scoped_key *scoped_key_at(unsigned kind, unsigned number);

bool scoped_value_valid(const struct scoped_key *key, struct text value);
bool scoped_scope_valid(unsigned kind, struct text scope);

/* The scope of one that is always there: the global one, the server's own pool, the topology. */
bool scoped_is_given(unsigned kind, struct text scope, const struct conf *conf);

/* A decimal number without a sign; what scoped_value_valid took is one. */
uint64_t scoped_number(struct text value);

/* A time in seconds; as scoped_number. */
uint64_t scoped_seconds(struct text value);

/* A bit for each place; 0: these are none. */
uint32_t scoped_places(struct text value);

/* The places that are to be served of so many: what was set, as far as these are there; otherwise the
 * first ones, as the configuration says. */
uint32_t scoped_places_of(const struct conf *conf, uint32_t set);

/*
 * What a scope has as a number: the same settings with the same values are the same number, whoever
 * works it out. It begins with SCOPED_REVISION, takes in each setting in the order of scoped_key_at, and
 * becomes 1 to 2^53 at the end.
 */
#define SCOPED_REVISION UINT64_C(0xcbf29ce484222325)
uint64_t scoped_revision_add(uint64_t revision, struct text name, struct text value);
uint64_t scoped_revision_end(uint64_t revision);

/* The scope of a category: its URI, which goes to out; and back: false, it is none. */
struct text scoped_category(const struct conf *conf, const uint8_t uuid[16],
			    char out[EVENT_SCOPE_MAX]);
bool scoped_category_parse(struct text scope, uint8_t uuid_r[16]);

/* "pool:NAME" and so on of this server; the name of its pool. */
struct text scoped_pool(const struct conf *conf);

/* --- Changing (sequencer). --- */

int scoped_apply(struct cache *cache, const struct event_setting *event, struct err *err);
int scoped_apply_grant(struct cache *cache, const struct event_grant *event, struct err *err);

/* --- Asking, for the sequencer; nobody changes the cache meanwhile. --- */

/* The row of a setting; 0: it has no value. */
uint32_t scoped_find(const struct cache *cache, unsigned kind, struct text scope, struct text name);

/* Whether a scope has any setting. */
bool scoped_any(const struct cache *cache, unsigned kind, struct text scope);

/* Its revision, as above. */
uint64_t scoped_revision(const struct cache *cache, unsigned kind, struct text scope);

/* The places that were set for the server's own pool; 0: none were. */
uint32_t scoped_places_set(const struct cache *cache, const struct conf *conf);

/* Whether a user (row) may use the server: what the policy says that was granted to him, or else
 * the one of the pool, of the site, the global one. Without any he may. */
bool scoped_may_use(const struct cache *cache, const struct conf *conf, uint32_t principal);

/* The number that a setting of SCOPED_CONFIG has here, from the narrowest scope that says so. False:
 * none does, and *number_r is as it was. */
bool scoped_config(const struct cache *cache, const struct conf *conf, const char *name,
		   uint64_t *number_r);

#endif
