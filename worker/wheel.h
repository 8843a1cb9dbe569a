#ifndef PCHAT_WORKER_WHEEL_H
#define PCHAT_WORKER_WHEEL_H

#include <bsd/sys/queue.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Deadlines with a coarse resolution, the tick, for many things at a small price: no timer each,
 * but a place in the list of its tick. A deadline that moved away meanwhile is found out when its
 * old one comes, so moving one costs nothing.
 */
enum { WHEEL_SLOTS = 256 };

struct wheel_entry {
	LIST_ENTRY(wheel_entry) link;
};

struct wheel {
	LIST_HEAD(, wheel_entry) slot[WHEEL_SLOTS];
	uint32_t now; /* ticks; everything due before was called */
};

void wheel_init(struct wheel *wheel, uint32_t now);

/* Calls entry at the tick due, or up to WHEEL_SLOTS - 1 ticks from now if that is sooner. */
void wheel_add(struct wheel *wheel, struct wheel_entry *entry, uint32_t due);
void wheel_del(struct wheel_entry *entry);

/*
 * Goes on to the tick now: calls due for each entry whose time has come. It returns the next
 * deadline of that entry, or 0 if the entry is to stay out (it may be freed by then).
 */
void wheel_turn(struct wheel *wheel, uint32_t now,
		uint32_t (*due)(struct wheel_entry *entry, void *arg), void *arg);

#endif
