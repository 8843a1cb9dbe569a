#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/conf.h"
#include "daemon/ctl_case.h"
#include "daemon/record_holds.h"
#include "odbc/record_adapter.h"

/* pchatctl compliance purge: asks pchat-compliance to delete what may be deleted, now. */

enum { PURGE_WAIT_US = 600000000, PURGE_POLL_US = 50000 };

static int print_purge(const struct ctl *ctl, const struct record_purge *purge)
{
	const char *verb = ctl->option[CTL_DRY_RUN] ? "would be deleted" : "were deleted";
	json_t *document =
		json_pack("{s:I, s:I, s:I}", "gone", (json_int_t)purge->gone, "held",
			  (json_int_t)purge->held, "waiting", (json_int_t)purge->waiting);
	int code = EX_OK;

	if (ctl->json)
		code = ctl_print_json(ctl, document);
	else
		printf("%" PRIu64 " records %s, %" PRIu64 " are held, %" PRIu64
		       " are not exported yet\n",
		       purge->gone, verb, purge->held, purge->waiting);
	json_decref(document);
	return code;
}

/* --- What would be deleted. --- */

struct trial {
	struct record_holds holds; /* owned */
	uint64_t exported;
	struct record_purge purge;
};

static int judge(void *arg, const struct record_row *row)
{
	struct trial *trial = arg;

	if (row->number > trial->exported)
		trial->purge.waiting++;
	else if (record_holds_cover(&trial->holds, row))
		trial->purge.held++;
	else
		trial->purge.gone++;
	return EX_OK;
}

static int try(const struct ctl *ctl, struct db *db, uint64_t until)
{
	const struct record_filter filter = {.end = until};
	struct trial trial = {.exported = 0};
	struct err err;
	enum db_result result = record_holds_load(&trial.holds, db, &err);
	int code = EX_OK;

	if (result == DB_OK)
		result = record_adapter_floor(db, ctl->conf, &trial.exported, &err);
	if (result == DB_OK)
		code = ctl_case_walk(ctl, db, &filter, judge, &trial);
	else
		code = ctl_fail(ctl, EX_UNAVAILABLE, "%s", err.text);
	record_holds_fini(&trial.holds);
	return code == EX_OK ? print_purge(ctl, &trial.purge) : code;
}

/* --- Deleting. --- */

static int await(const struct ctl *ctl, struct db *db, uint64_t lsn)
{
	const uint64_t until = clock_mono() + PURGE_WAIT_US;
	struct record_purge purge = {0};
	struct err err;

	while (purge.finished < lsn) {
		if (record_purge_get(db, &purge, &err) != DB_OK)
			return ctl_fail(ctl, EX_UNAVAILABLE, "%s", err.text);
		if (purge.finished >= lsn)
			break;
		if (clock_mono() > until)
			return ctl_fail(ctl, EX_TEMPFAIL,
					"it is asked for, and goes on; the log will say what came "
					"of it");
		usleep(PURGE_POLL_US);
	}
	return print_purge(ctl, &purge);
}

static int run(const struct ctl *ctl, struct db *db, uint64_t until)
{
	char time[CLOCK_TEXT];
	uint64_t lsn;
	const int code =
		ctl_case_order(ctl, db, "compliance.purge",
			       json_pack("{s:s}", "until", clock_format(until, time)), &lsn);

	return code == EX_OK ? await(ctl, db, lsn) : code;
}

/* Without a time, as much as the retention allows. */
static int until_of(const struct ctl *ctl, uint64_t *until_r)
{
	const uint64_t retention = ctl->conf ? ctl->conf->compliance.retention : 0;
	const uint64_t latest = clock_utc() - retention;
	const char *text = ctl->option[CTL_UNTIL];
	char time[CLOCK_TEXT];

	*until_r = latest;
	if (retention == 0)
		return ctl_fail(ctl, EX_CONFIG,
				"records are kept for ever: compliance.retention is not set");
	if (text && (!clock_parse(text, strlen(text), until_r) || *until_r == 0))
		return ctl_fail(ctl, EX_USAGE,
				"--until is a time in UTC, 2026-11-21 or 2026-11-21T09:30:00Z");
	if (*until_r > latest)
		return ctl_fail(ctl, EX_USAGE, "compliance.retention keeps what is younger than %s",
				clock_format(latest, time));
	return EX_OK;
}

int ctl_compliance_purge(const struct ctl *ctl)
{
	const bool trial = ctl->option[CTL_DRY_RUN] != NULL;
	struct db *db = NULL;
	uint64_t until;
	int code = until_of(ctl, &until);

	if (code == EX_OK && !trial)
		code = ctl_confirm(ctl, "Delete records");
	if (code == EX_OK)
		code = ctl_compliance_open(ctl, &db);
	if (code == EX_OK)
		code = trial ? try(ctl, db, until) : run(ctl, db, until);
	db_free(&db);
	return code;
}
