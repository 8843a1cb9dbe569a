#include "daemon/record_pledge.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/record_order.h"

void record_pledges_fini(struct record_pledges *pledges)
{
	for (size_t i = 0; i < pledges->count; i++)
		free(pledges->item[i].content);
	free(pledges->item);
	*pledges = (struct record_pledges){0};
}

static bool is(struct db_bytes bytes, const char *word)
{
	return bytes.length == strlen(word) && memcmp(bytes.data, word, bytes.length) == 0;
}

static bool same(struct db_bytes a, struct db_bytes b)
{
	return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

static int add(struct record_pledges *pledges, const struct record_row *row, struct err *err)
{
	const size_t size = pledges->size ? 2 * pledges->size : 16;
	struct record_pledge *item = pledges->item;

	if (pledges->count == pledges->size) {
		item = reallocarray(item, size, sizeof(*item));
		if (!item)
			return err_errno(err, "could not allocate memory for holds");
		pledges->item = item;
		pledges->size = size;
	}
	item = &pledges->item[pledges->count];
	item->number = row->number;
	item->content = strndup(row->content.data, row->content.length);
	if (!item->content)
		return err_errno(err, "could not allocate memory for holds");
	pledges->count++;
	return 0;
}

static bool parse(const struct record_pledge *pledge, struct record_order *order_r)
{
	const struct db_bytes content = {pledge->content, strlen(pledge->content)};

	return record_order_parse(content, order_r);
}

static void release(struct record_pledges *pledges, const struct record_row *row)
{
	struct record_order released, held;

	if (!record_order_parse(row->content, &released))
		return;
	for (size_t i = 0; i < pledges->count; i++) {
		if (!parse(&pledges->item[i], &held) || !same(held.name, released.name))
			continue;
		free(pledges->item[i].content);
		pledges->item[i] = pledges->item[--pledges->count];
		return;
	}
}

int record_pledges_take(struct record_pledges *pledges, const struct record_row *row,
			struct err *err)
{
	if (pledges->first == 0)
		pledges->first = row->number;
	pledges->lsn = row->lsn;
	if (row->detail.length > 0) /* it was refused */
		return 0;
	if (is(row->type, "hold"))
		return add(pledges, row, err);
	if (is(row->type, "release"))
		release(pledges, row);
	return 0;
}

/* --- The table. --- */

static bool is_kept(const struct record_hold *hold, const struct record_pledge *pledge)
{
	struct record_order order;

	return parse(pledge, &order) && same(hold->name, order.name) &&
	       same(hold->user, order.user) && same(hold->room, order.room) &&
	       same(hold->reason, order.reason) && hold->start == order.start &&
	       hold->end == order.end;
}

/* What was released behind the last record that was looked at is none of ours. */
static bool is_active(const struct record_pledges *pledges, const struct record_hold *hold)
{
	return hold->released == 0 || hold->released_lsn > pledges->lsn;
}

struct marking {
	const struct record_pledges *pledges; /* borrowed */
	bool *found;			      /* owned: of each of them */
};

static bool mark(void *arg, const struct record_hold *hold)
{
	const struct marking *marking = arg;
	const struct record_pledges *pledges = marking->pledges;

	for (size_t i = 0; i < pledges->count; i++)
		if (pledges->item[i].number == hold->number && is_active(pledges, hold) &&
		    is_kept(hold, &pledges->item[i]))
			marking->found[i] = true;
	return true;
}

enum db_result record_pledges_check(const struct record_pledges *pledges, struct db *db,
				    uint64_t *number_r, struct err *err)
{
	struct marking marking = {pledges, calloc(pledges->count + 1, sizeof(bool))};
	enum db_result result = DB_OK;

	*number_r = 0;
	if (!marking.found) {
		err_errno(err, "could not allocate memory for holds");
		return DB_RETRY;
	}
	if (pledges->count > 0)
		result = record_holds_each(db, mark, &marking, err);
	for (size_t i = 0; i < pledges->count; i++)
		if (!marking.found[i] && (*number_r == 0 || pledges->item[i].number < *number_r))
			*number_r = pledges->item[i].number;
	free(marking.found);
	return result;
}
