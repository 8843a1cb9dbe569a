#ifndef PCHAT_WORKER_PEOPLE_H
#define PCHAT_WORKER_PEOPLE_H

#include <bsd/sys/queue.h>
#include <stdint.h>
#include <uthash.h>

struct session;

/* The users who are signed in at this worker, each with his sessions. */
struct person {
	uint32_t principal;
	LIST_HEAD(, session) sessions;
	UT_hash_handle hh;
};

struct people {
	struct person *table; /* owned, by principal */
};

/* A session that is a user's now; 0, or -1: no memory. */
int people_enter(struct people *people, struct session *session);

/* The same is over; also for one that never entered. */
void people_leave(struct people *people, struct session *session);

/* NULL: he is not signed in here. */
struct person *people_find(struct people *people, uint32_t principal);

#endif
