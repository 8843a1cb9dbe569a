#include <inttypes.h>
#include <string.h>

#include "conf/log.h"
#include "daemon/compliance.h"

/* Whether a database that was connected is the one that was written to before, and what becomes of
 * one that is not. */

#define SEE "; see \"pchatctl compliance accept-gap\""

/* Purged records are not there any more, which verify judges. */
static enum db_result has_anchor(struct compliance *c, bool *has_r, struct err *err)
{
	char hash[RECORD_HEX];
	const enum db_result result = record_hash_get(c->db, c->anchor.number, hash, err);

	*has_r = result == DB_END || (result == DB_OK && strcmp(hash, c->anchor.hash) == 0);
	return result == DB_END ? DB_OK : result;
}

/* A cursor that nobody signed is one of a time before there was a key, unless the last one was. */
static bool is_signed(const struct compliance *c)
{
	if (!c->signer || c->cursor.number == 0)
		return true;
	if (!*c->cursor.signature)
		return !c->anchor.is_signed;
	return record_signed_cursor(c->signer, &c->cursor);
}

static void refuse(struct compliance *c, struct err *err, const char *why)
{
	err_set(err, "could not use database %u: %s" SEE, db_place(c->db) + 1, why);
	db_skip(c->db);
}

static enum db_result check_older(struct compliance *c, struct err *err)
{
	if (c->cursor.number == 0) {
		refuse(c, err, "it is empty, although there are records already");
		return DB_RETRY;
	}
	log_warning("compliance database %u is an older copy: it lacks the records %" PRIu64
		    " to %" PRIu64 ", which are made again from the journal",
		    db_place(c->db) + 1, c->cursor.number + 1, c->anchor.number);
	return DB_OK;
}

enum db_result compliance_anchor_check(struct compliance *c, struct err *err)
{
	const bool older = c->cursor.number < c->anchor.number;
	enum db_result result = DB_OK;
	bool has = true;

	if (c->anchor.number > 0 && !older)
		result = has_anchor(c, &has, err);
	c->anchor_lost = older || !has || !is_signed(c);
	if (result != DB_OK || c->cursor.gap)
		return result;
	if (!is_signed(c)) {
		refuse(c, err, "its pcc_cursor is not signed by compliance.checkpoint_key");
		return DB_RETRY;
	}
	if (!has) {
		refuse(c, err, "its newest records are not those that were recorded");
		return DB_RETRY;
	}
	if (!older)
		return DB_OK;
	c->checkpointed = 0;
	return check_older(c, err);
}

void compliance_anchor_compare(struct compliance *c)
{
	const struct compliance_batch *batch = &c->batch;

	for (unsigned i = 0; i < batch->rows && c->anchor_lost; i++)
		if (batch->row[i].number == c->anchor.number)
			c->anchor_differs = strcmp(batch->row[i].hash, c->anchor.hash) != 0;
}

void compliance_anchor_move(struct compliance *c)
{
	struct record_anchor *anchor = &c->anchor;

	if (c->cursor.number < anchor->number)
		return;
	if (c->anchor_differs) {
		log_error("record %" PRIu64 " of the compliance database is not again what it was",
			  anchor->number);
		c->differs.number = anchor->number;
		memcpy(c->differs.hash, anchor->hash, sizeof(c->differs.hash));
	} else if (c->anchor_lost)
		log_notice("the compliance database has again what it lacked");
	c->anchor_lost = c->anchor_differs = false;
	anchor->number = c->cursor.number;
	memcpy(anchor->hash, c->cursor.hash, sizeof(anchor->hash));
}

/* The file is a help, not a promise: without it recording goes on. */
void compliance_anchor_keep(struct compliance *c, const struct record_checkpoint *checkpoint)
{
	struct err err;

	if (c->differs.number != 0 || checkpoint->number < c->anchor.number)
		return;
	if (record_anchor_keep(&c->anchor, checkpoint, &err) == -1)
		complaint_tell(&c->anchor_file, &err);
	else
		complaint_end(&c->anchor_file);
}
