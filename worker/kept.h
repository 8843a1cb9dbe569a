#ifndef PCHAT_WORKER_KEPT_H
#define PCHAT_WORKER_KEPT_H

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct front_end;
struct page;

/*
 * Pages of rooms' newest messages as a front end writes them: those who come into a room, or back,
 * want the same ones. A page is kept when it is asked for the second time, and is good until
 * something in its room or somebody's name changes. A place is used by many rooms; the last one has
 * it.
 */
struct kept_page {
	const struct front_end *front; /* borrowed; NULL: none was asked for */
	uint64_t low, high;	       /* numbers of its messages */
	uint32_t room, version;	       /* cache_room_version */
	uint32_t size;
	char *text; /* owned, size bytes; NULL: it was asked for once */
};

enum { KEPT_PAGES = 256, KEPT_SIZE = 32768 };

struct kept {
	struct kept_page page[KEPT_PAGES];
};

/* Adds the page's rows, if they are kept and the room still has that version. */
bool kept_get(const struct kept *kept, const struct front_end *front, const struct page *page,
	      uint32_t version, struct buf *rows);

/* These are all of its rows: kept if they are neither too large nor asked for the first time. */
void kept_put(struct kept *kept, const struct front_end *front, const struct page *page,
	      uint32_t version, const struct buf *rows);

/* Drops all. */
void kept_forget(struct kept *kept);

#endif
