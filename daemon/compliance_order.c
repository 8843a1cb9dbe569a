#include <string.h>

#include "daemon/compliance_batch.h"
#include "daemon/record_order.h"
#include "odbc/record_hold.h"
#include "shm/event.h"

/* What pchat-compliance is asked to do, done in the transaction of the record that says so. */

/* How many active holds there are of the name that is given, and of any. */
static enum db_result count(struct db *db, const struct record_order *order, uint64_t *named_r,
			    uint64_t *all_r, struct err *err)
{
	char name[RECORD_ORDER_NAME + 1] = "";

	memcpy(name, order->name.data, order->name.length);
	return record_hold_count(db, name, named_r, all_r, err);
}

static enum db_result add_hold(const struct compliance_batch *batch, struct db *db,
			       const struct record_row *row, const struct record_order *order,
			       const char **refusal_r, struct err *err)
{
	const struct record_hold hold = {
		.number = batch->cursor.number + 1,
		.lsn = row->lsn,
		.name = order->name,
		.user = order->user,
		.room = order->room,
		.start = order->start,
		.end = order->end,
		.reason = order->reason,
		.added = row->time,
		.added_by = row->user_name,
	};
	uint64_t named = 0, all = 0;
	const enum db_result result = count(db, order, &named, &all, err);

	if (result != DB_OK)
		return result;
	if (named > 0 || all >= RECORD_HOLDS_MAX) {
		*refusal_r = named > 0 ? "exists" : "too_many";
		return DB_OK;
	}
	return record_hold_put(db, &hold, err);
}

static enum db_result release_hold(struct db *db, const struct record_row *row,
				   const struct record_order *order, const char **refusal_r,
				   struct err *err)
{
	const struct record_hold hold = {
		.name = order->name,
		.released = row->time,
		.released_lsn = row->lsn,
		.released_by = row->user_name,
		.released_reason = order->reason,
	};
	uint64_t named = 0, all = 0;
	const enum db_result result = count(db, order, &named, &all, err);

	if (result != DB_OK)
		return result;
	if (named == 0) {
		*refusal_r = "unknown";
		return DB_OK;
	}
	return record_hold_release(db, &hold, err);
}

/* The purge itself is done later, page by page. */
static enum db_result ask_purge(struct compliance_batch *batch, struct db *db,
				const struct record_row *row, const struct record_order *order,
				struct err *err)
{
	const struct record_purge purge = {.requested = row->lsn, .until = order->until};

	batch->purge_asked = true;
	return record_purge_put(db, &purge, err);
}

enum db_result compliance_order(struct compliance_batch *batch, struct db *db, unsigned kind,
				const struct record_row *row, const char **refusal_r,
				struct err *err)
{
	struct record_order order;

	*refusal_r = NULL;
	if (record_order_parse(row->content, &order)) {
		const bool named = order.name.length > 0 && order.reason.length > 0;

		if (kind == VIEW_HOLD && named && order.until == 0)
			return add_hold(batch, db, row, &order, refusal_r, err);
		if (kind == VIEW_RELEASE && named)
			return release_hold(db, row, &order, refusal_r, err);
		if (kind == VIEW_PURGE && order.until != 0)
			return ask_purge(batch, db, row, &order, err);
	}
	*refusal_r = "malformed";
	return DB_OK;
}
