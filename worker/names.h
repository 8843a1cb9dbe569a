#ifndef PCHAT_WORKER_NAMES_H
#define PCHAT_WORKER_NAMES_H

#include "shm/cache.h"
#include "worker/chat.h"

/* Users' URIs and names as the messages show them, kept from the cache for the next message. */
struct name;

enum { NAMES = 16384 };

struct names {
	struct name *place[NAMES]; /* owned; by id modulo NAMES */
};

struct name_view {
	struct text uri, name; /* valid until the next call */
};

/* CODE_OK, CODE_NO_SUCH_PRINCIPAL (the texts are empty then) or CODE_BUSY. */
int names_get(struct names *names, const struct cache *cache, uint32_t principal,
	      struct name_view *view_r);

/* The same as an item of a list, as the front end writes it; valid until the next call. */
int names_item(struct names *names, const struct cache *cache, uint32_t principal,
	       const struct front_end *front, struct text *item_r);

/* The same as the sender of a message. CODE_NO_SUCH_PRINCIPAL: the item is empty. */
int names_sender(struct names *names, const struct cache *cache, uint32_t principal,
		 const struct front_end *front, struct text *item_r);

/* The user was changed. */
void names_forget(struct names *names, uint32_t principal);

void names_fini(struct names *names);

#endif
