#ifndef PCHAT_WORKER_POOL_H
#define PCHAT_WORKER_POOL_H

#include "conf/conf.h"
#include "worker/chat.h"

/*
 * The part of the waist (chat.h) that is about the workers of this server: which places there are, and
 * who serves them. What is told is what the process table says at this moment.
 */

struct pool_worker {
	unsigned slot;
	int32_t pid;
	const char *state; /* "active", "draining" */
	uint64_t connections, sessions;
};

struct pool_view {
	uint64_t revision; /* of the pool's settings, of which "active" is one */
	unsigned places;
	struct {
		bool active; /* it is to be served */
		bool served;
		struct pool_worker worker; /* if it is served */
	} place[CONF_PLACES_MAX];
	unsigned others; /* processes that serve none */
	struct pool_worker other[CONF_PLACES_MAX];
};

/* Answered by pool of the front end. */
void chat_pool(struct session *session, const struct chat_id *id);

#endif
