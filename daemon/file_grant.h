#ifndef PCHAT_DAEMON_FILE_GRANT_H
#define PCHAT_DAEMON_FILE_GRANT_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "shm/event.h"

/*
 * Tokens that are good, by the SHA-256 of each, as the journal grants them. There are at most so many;
 * the oldest give way.
 */
struct file_grant {
	uint8_t hash[FILE_HASH];
	uint8_t file[16];
	uint8_t sha256[FILE_HASH];
	bool upload; /* else download */
	uint32_t room, author;
	uint32_t holder; /* who has the token */
	uint64_t size, time; /* as in struct event_file */
	uint64_t lsn;	     /* of the record that grants it */
	uint64_t expires;    /* UTC us */
	struct origin origin; /* of the session, without a request; all 0: that is over */
	uint16_t name, type;  /* bytes of text */
	TAILQ_ENTRY(file_grant) order; /* of their records */
	UT_hash_handle hh;
	char text[];
};

struct file_grants {
	struct file_grant *table;
	TAILQ_HEAD(file_grant_list, file_grant) list;
	unsigned count, max;
};

void grants_init(struct file_grants *grants, unsigned max);
void grants_fini(struct file_grants *grants);

/* Takes an EVENT_FILE_GRANT or EVENT_FILE_READ. One with the same hash is replaced; where there would
 * be too many, or too many of one user, the oldest goes. False: out of memory. */
bool grants_put(struct file_grants *grants, const struct record *record,
		const struct event_file *event);

/* The grant of a token that is good at that time, or NULL. */
struct file_grant *grants_find(struct file_grants *grants, const uint8_t hash[FILE_HASH],
			       uint64_t now);

void grants_drop(struct file_grants *grants, const uint8_t hash[FILE_HASH]);
void grants_drop_file(struct file_grants *grants, const uint8_t file[16]);
void grants_drop_room(struct file_grants *grants, uint32_t room);
void grants_expire(struct file_grants *grants, uint64_t now);

/* All sessions are over: who they were is not known any more. */
void grants_forget_sessions(struct file_grants *grants);

/* The record of the oldest; UINT64_MAX: there is none. */
uint64_t grants_oldest(const struct file_grants *grants);

/* A copy that outlives it, for free(); NULL: out of memory. */
struct file_grant *grant_copy(const struct file_grant *grant);

static inline struct text grant_name(const struct file_grant *grant)
{
	return (struct text){grant->text, grant->name};
}

static inline struct text grant_type(const struct file_grant *grant)
{
	return (struct text){grant->text + grant->name, grant->type};
}

#endif
