#ifndef PCHAT_WORKER_KEPT_H
#define PCHAT_WORKER_KEPT_H

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct text;
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

/*
 * Lists of the users in a room, likewise, but from the first time on: most who come back ask for
 * what was asked for once. One is good until somebody comes or goes for whom there
 * is an event of the journal, or changes his name: whoever reads the journal says so. The cache
 * knows of an event before that, so a list is at most newer than what was read, and what is newer
 * is told.
 */
struct kept_roster {
	const struct front_end *front; /* borrowed; NULL: none is kept */
	uint32_t room, users;
	uint32_t size;
	char *text; /* owned, size bytes; NULL: none is kept */
};

enum { KEPT_ROSTERS = 2048, KEPT_ROSTER_SIZE = 8192 };

struct kept {
	struct kept_page page[KEPT_PAGES];
	struct kept_roster roster[KEPT_ROSTERS];
};

/* Adds the page's rows, if they are kept and the room still has that version. */
bool kept_get(const struct kept *kept, const struct front_end *front, const struct page *page,
	      uint32_t version, struct buf *rows);

/* These are all of its rows: kept if they are neither too large nor asked for the first time. */
void kept_put(struct kept *kept, const struct front_end *front, const struct page *page,
	      uint32_t version, const struct buf *rows);

/* A list of users, valid until the next one is kept or forgotten, and their number. */
bool kept_roster_get(const struct kept *kept, const struct front_end *front, uint32_t room,
		     struct text *list_r, uint32_t *users_r);
void kept_roster_put(struct kept *kept, const struct front_end *front, uint32_t room,
		     const struct buf *list, uint32_t users);

/* Somebody came into the room, or left it. */
void kept_roster_forget(struct kept *kept, uint32_t room);

/* Drops all. */
void kept_forget(struct kept *kept);

#endif
