#include "daemon/record_holds.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/record_filter.h"

static bool keep(struct record_holds *holds, const struct record_hold *hold)
{
	struct record_held *list =
		reallocarray(holds->item, holds->count + 1, sizeof(*holds->item));
	struct record_held *own;

	if (!list)
		return false;
	holds->item = list;
	own = &list[holds->count];
	*own = (struct record_held){.user = strndup(hold->user.data, hold->user.length),
				    .room = strndup(hold->room.data, hold->room.length),
				    .start = hold->start,
				    .end = hold->end,
				    .number = hold->number};
	holds->count++;
	return own->user && own->room;
}

static bool take(void *arg, const struct record_hold *hold)
{
	return hold->released != 0 || keep(arg, hold);
}

enum db_result record_holds_load(struct record_holds *holds, struct db *db, struct err *err)
{
	*holds = (struct record_holds){0};
	return record_holds_each(db, take, holds, err);
}

void record_holds_fini(struct record_holds *holds)
{
	for (unsigned i = 0; i < holds->count; i++) {
		free(holds->item[i].user);
		free(holds->item[i].room);
	}
	free(holds->item);
	*holds = (struct record_holds){0};
}

/* The record that says so stays as well: without it a hold would be nobody's. */
static bool is_about(const struct record_held *held, const struct record_row *row)
{
	if (row->number == held->number)
		return true;
	if (row->time < held->start || (held->end != 0 && row->time > held->end))
		return false;
	if (*held->room && (row->room.length != strlen(held->room) ||
			    memcmp(row->room.data, held->room, row->room.length) != 0))
		return false;
	return !*held->user || record_concerns(row, held->user);
}

bool record_holds_cover(const struct record_holds *holds, const struct record_row *row)
{
	for (unsigned i = 0; i < holds->count; i++)
		if (is_about(&holds->item[i], row))
			return true;
	return false;
}
