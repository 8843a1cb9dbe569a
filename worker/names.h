#ifndef PCHAT_WORKER_NAMES_H
#define PCHAT_WORKER_NAMES_H

#include "shm/cache.h"

/* Users' URIs and names as the messages show them, kept from the cache for the next message. */
struct name;

enum { NAMES = 4096 };

struct names {
	struct name *place[NAMES]; /* owned; by id modulo NAMES */
};

struct name_view {
	struct text uri, name; /* valid until the next call */
};

/* CODE_OK, CODE_NO_SUCH_PRINCIPAL (the texts are empty then) or CODE_BUSY. */
int names_get(struct names *names, const struct cache *cache, uint32_t principal,
	      struct name_view *view_r);

/* The user was changed. */
void names_forget(struct names *names, uint32_t principal);

void names_fini(struct names *names);

#endif
