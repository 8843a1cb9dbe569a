#ifndef PCHAT_WORKER_SCAN_H
#define PCHAT_WORKER_SCAN_H

#include "worker/core.h"

/*
 * A request that looks at all rows of a table of the cache, of which there may be a million: a slice
 * at a time, and others have their turn in between. The first member of the structs of those who do.
 */
struct scan {
	struct request base;
	uint32_t position; /* as of cache_rooms_next */
	/* Looks at the next row. CODE_OK: there may be more; SCAN_END: there is none, or no more are
	 * wanted; CODE_BUSY: it is being changed, and looked at again a number of times: the list is
	 * to be whole, or there is none. */
	int (*look)(struct scan *scan);
	/* The end has come: answers, and ends the request. */
	void (*answer)(struct scan *scan);
};

enum { SCAN_END = -1 };

/* As request_begin. free: as of struct pending. */
struct scan *scan_begin(struct session *session, const struct chat_id *id, size_t size,
			int (*look)(struct scan *), void (*answer)(struct scan *),
			void (*free)(struct pending *));

/* Has the first slice done now, and the others later. */
void scan_run(struct scan *scan);

/* CODE_OK and CODE_BUSY as they are; what else cache_..._next says is the end. */
int scan_code(int code);

#endif
