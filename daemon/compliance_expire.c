#include "daemon/compliance_expire.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "conf/clock.h"
#include "conf/fault.h"
#include "conf/log.h"
#include "daemon/compliance.h"
#include "daemon/fragment.h"
#include "daemon/record_holds.h"
#include "daemon/record_ranges.h"
#include "daemon/record_run.h"
#include "odbc/record_adapter.h"
#include "odbc/record_search.h"

void compliance_expire_forget(struct compliance_expire *expire)
{
	if (expire->running && !expire->asked)
		expire->due = 0; /* what it did not come to is still to be done */
	expire->known = false;
	expire->running = false;
}

/* --- Passes. --- */

/* Nothing that is younger than the retention goes, whoever asks. */
static uint64_t latest(const struct compliance *c)
{
	const uint64_t retention = c->child.conf->compliance.retention, now = clock_utc();

	return retention > 0 && retention < now ? now - retention : 0;
}

static void start(struct compliance *c, uint64_t until, bool asked)
{
	struct compliance_expire *e = &c->expire;
	const uint64_t last = latest(c);

	e->running = true;
	e->asked = asked;
	e->leading = true;
	e->position = 0;
	e->until = until < last ? until : last;
	e->purge.gone = e->purge.held = e->purge.waiting = 0;
}

static enum db_result begin_pass(struct compliance *c, struct err *err)
{
	const uint64_t interval = c->child.conf->compliance.purge_interval, now = clock_mono();
	struct compliance_expire *e = &c->expire;
	enum db_result result = DB_OK;

	if (!e->known)
		result = record_purge_get(c->db, &e->purge, err);
	if (result != DB_OK)
		return result;
	if (!e->known && e->purge.requested > e->purge.finished) {
		start(c, e->purge.until, true);
	} else if (interval > 0 && c->child.conf->compliance.retention > 0 && now >= e->due) {
		start(c, UINT64_MAX, false);
		e->due = now + interval;
	}
	e->known = true;
	return DB_OK;
}

/* --- A page. --- */

struct page {
	struct record_holds holds;  /* owned */
	uint64_t exported;	    /* up to this number */
	struct record_ranges empty; /* owned: what is gone behind something that stays, */
	struct fragment hashes;	    /* owned: and what remains of it */
	uint64_t lead;		    /* up to this number there is nothing left; 0: none goes so */
	char lead_hash[RECORD_HEX];
	uint64_t gone;
	bool last; /* of the pass */
};

static bool is(struct db_bytes type, const char *word)
{
	return type.length == strlen(word) && memcmp(type.data, word, type.length) == 0;
}

static bool stays(struct compliance_expire *e, const struct page *page,
		  const struct record_row *row)
{
	if (record_holds_cover(&page->holds, row)) {
		e->purge.held++;
		return true;
	}
	/* Without it verify would not believe that others are gone, unless they have no row any
	   more. */
	return is(row->type, "expire") && !e->leading;
}

/* False: this one and those behind it are not looked at. */
static bool judge(struct compliance_expire *e, struct page *page, const struct record_row *row)
{
	const bool expired = is(row->type, "expired");

	if (!expired && (row->time > e->until || row->number > page->exported))
		return false;
	e->position = row->number;
	if (!expired && stays(e, page, row)) {
		e->leading = false;
		return true;
	}
	page->gone += !expired;
	if (e->leading) {
		page->lead = row->number;
		memcpy(page->lead_hash, row->hash, sizeof(page->lead_hash));
	} else if (!expired) {
		record_ranges_add(&page->empty, row->number, row->number);
		fragment_text(&page->hashes, row->hash);
	}
	return true;
}

static enum db_result read_page(struct compliance *c, struct page *page, struct err *err)
{
	enum db_result result = record_holds_load(&page->holds, c->db, err);
	struct record_row row;
	unsigned count = 0;

	if (result == DB_OK)
		result = record_adapter_floor(c->db, c->child.conf, &page->exported, err);
	if (result == DB_OK)
		result = record_list(c->db, c->expire.position, err);
	while (result == DB_OK && !page->last) {
		result = record_list_next(c->db, &row, err);
		if (result == DB_OK)
			page->last = !judge(&c->expire, page, &row);
		count += result == DB_OK;
	}
	if (result == DB_END) {
		page->last = count < RECORD_PAGE;
		result = DB_OK;
	}
	if (result == DB_OK && page->empty.failed) {
		err_set(err, "could not allocate memory for what expires");
		result = DB_RETRY;
	}
	return result;
}

/* --- What goes. --- */

static enum db_result put_checkpoint(struct compliance *c, const struct page *page, struct err *err)
{
	struct record_checkpoint checkpoint = {.number = page->lead, .time = clock_utc()};

	memcpy(checkpoint.hash, page->lead_hash, sizeof(checkpoint.hash));
	if (c->signer && record_sign(c->signer, &checkpoint, err) == -1)
		return DB_FATAL;
	compliance_log_checkpoint(&checkpoint);
	return record_checkpoint_put(c->db, &checkpoint, err);
}

static void put_range(struct fragment *text, uint64_t from, uint64_t to)
{
	char range[48];

	snprintf(range, sizeof(range), "%s%" PRIu64 "-%" PRIu64, text->used > 0 ? " " : "", from,
		 to);
	fragment_text(text, range);
}

static enum db_result add_record(struct compliance *c, const struct page *page, struct err *err)
{
	struct record_row row = {.lsn = c->batch.cursor.lsn, .time = clock_utc()};
	struct fragment ranges = {0}, detail = {0};
	enum db_result result = DB_RETRY;
	char digest[RECORD_HEX] = "";

	if (page->empty.count > 0 && record_run_digest(&page->hashes, digest, err) == -1)
		return DB_RETRY;
	if (page->lead > 0)
		put_range(&ranges, 1, page->lead);
	for (size_t i = 0; i < page->empty.count; i++)
		put_range(&ranges, page->empty.item[i].from, page->empty.item[i].to);
	fragment_text(&detail, c->expire.asked ? "{\"reason\":\"purge\",\"until\":"
					       : "{\"reason\":\"retention\",\"until\":");
	fragment_time(&detail, c->expire.until);
	fragment_text(&detail, ",\"records\":");
	fragment_number(&detail, page->gone);
	if (*digest) {
		fragment_text(&detail, ",\"hashes\":");
		fragment_string(&detail, digest, strlen(digest));
	}
	fragment_text(&detail, "}");
	row.type = (struct db_bytes){"expire", 6};
	row.content = (struct db_bytes){ranges.data, ranges.used};
	row.detail = (struct db_bytes){detail.data, detail.used};
	if (ranges.failed || detail.failed)
		err_set(err, "could not write a record: out of memory");
	else
		result = compliance_batch_add(&c->batch, &row, err);
	fragment_free(&ranges);
	fragment_free(&detail);
	return result;
}

static enum db_result expire(struct compliance *c, const struct page *page, struct err *err)
{
	enum db_result result = DB_OK;

	if (page->lead == 0 && page->empty.count == 0)
		return DB_OK;
	for (size_t i = 0; i < page->empty.count && result == DB_OK; i++)
		result =
			record_expire(c->db, page->empty.item[i].from, page->empty.item[i].to, err);
	if (result == DB_OK && page->lead > 0)
		result = record_remove(c->db, page->lead, err);
	if (result == DB_OK && page->lead > 0)
		result = put_checkpoint(c, page, err);
	return result == DB_OK ? add_record(c, page, err) : result;
}

/* --- The end of a pass. --- */

static enum db_result count_waiting(struct compliance *c, const struct page *page, struct err *err)
{
	uint64_t last = 0;
	const enum db_result result = record_until(c->db, c->expire.until, &last, err);

	if (last > page->exported)
		c->expire.purge.waiting = last - page->exported;
	return result;
}

static enum db_result end_pass(struct compliance *c, const struct page *page, struct err *err)
{
	struct record_purge *purge = &c->expire.purge;
	enum db_result result = count_waiting(c, page, err);

	if (result != DB_OK || !c->expire.asked)
		return result;
	purge->finished = purge->requested;
	return record_purge_put(c->db, purge, err);
}

static void tell(const struct compliance *c)
{
	const struct record_purge *purge = &c->expire.purge;
	char time[CLOCK_TEXT];

	if (c->expire.asked || purge->gone > 0)
		log_notice("%" PRIu64 " records up to %s were deleted, %" PRIu64
			   " are held, %" PRIu64 " are not exported yet",
			   purge->gone, clock_format(c->expire.until, time), purge->held,
			   purge->waiting);
}

/* --- A transaction. --- */

static enum db_result turn(struct compliance *c, struct page *page, struct err *err)
{
	enum db_result result = db_begin(c->db, err);

	compliance_batch_begin(&c->batch, &c->cursor);
	if (result == DB_OK)
		result = read_page(c, page, err);
	if (result == DB_OK)
		result = expire(c, page, err);
	c->expire.purge.gone += page->gone;
	if (result == DB_OK && page->last)
		result = end_pass(c, page, err);
	fault_point("compliance.expiring");
	if (result == DB_OK && c->batch.rows == 0 && !(page->last && c->expire.asked)) {
		db_rollback(c->db);
		return DB_OK;
	}
	return result == DB_OK ? compliance_commit(c, err) : result;
}

bool compliance_expire(struct compliance *c)
{
	struct page page = {0};
	struct err err;
	enum db_result result = DB_OK;

	if (!c->expire.running)
		result = begin_pass(c, &err);
	if (result == DB_OK && !c->expire.running)
		return false;
	c->begun = clock_mono();
	if (result == DB_OK)
		result = turn(c, &page, &err);
	if (result != DB_OK) {
		compliance_transaction_failed(c, result, &err);
		compliance_expire_forget(&c->expire);
	} else if (page.last) {
		tell(c);
		c->expire.running = false;
	}
	if (result == DB_OK)
		proc_count(&c->child.proc, COUNTER_RECORDS_EXPIRED, page.gone);
	record_holds_fini(&page.holds);
	record_ranges_fini(&page.empty);
	fragment_free(&page.hashes);
	return true;
}
