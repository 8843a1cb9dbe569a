#include "worker/wheel.h"

void wheel_init(struct wheel *wheel, uint32_t now)
{
	for (unsigned i = 0; i < WHEEL_SLOTS; i++)
		LIST_INIT(&wheel->slot[i]);
	wheel->now = now;
}

void wheel_add(struct wheel *wheel, struct wheel_entry *entry, uint32_t due)
{
	if (due <= wheel->now)
		due = wheel->now + 1;
	if (due - wheel->now >= WHEEL_SLOTS)
		due = wheel->now + WHEEL_SLOTS - 1;
	LIST_INSERT_HEAD(&wheel->slot[due % WHEEL_SLOTS], entry, link);
}

void wheel_del(struct wheel_entry *entry)
{
	LIST_REMOVE(entry, link);
}

static void turn_one(struct wheel *wheel, uint32_t (*due)(struct wheel_entry *, void *), void *arg)
{
	unsigned place = wheel->now % WHEEL_SLOTS;
	struct wheel_entry *entry;

	/* What is added meanwhile is due later and so never comes into this slot. */
	while ((entry = LIST_FIRST(&wheel->slot[place])) != NULL) {
		uint32_t next;

		LIST_REMOVE(entry, link);
		next = due(entry, arg);
		if (next != 0)
			wheel_add(wheel, entry, next);
	}
}

void wheel_turn(struct wheel *wheel, uint32_t now,
		uint32_t (*due)(struct wheel_entry *entry, void *arg), void *arg)
{
	while (wheel->now < now) {
		wheel->now++;
		turn_one(wheel, due, arg);
	}
}
