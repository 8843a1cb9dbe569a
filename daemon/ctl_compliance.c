#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "conf/clock.h"
#include "conf/conf.h"
#include "daemon/ctl.h"
#include "daemon/ctl_option.h"
#include "daemon/record_anchor.h"
#include "daemon/record_line.h"
#include "daemon/record_verify.h"

/*
 * The compliance database, which is asked by ourselves: the server need not run, and whoever may
 * read the connection string may do so.
 */

int ctl_compliance_open(const struct ctl *ctl, struct db **db_r)
{
	enum db_result result;
	struct err err;

	*db_r = NULL;
	if (!ctl->conf)
		return ctl_fail(ctl, EX_CONFIG,
				"needs a configuration (-f), which names the database");
	*db_r = db_new(&ctl->conf->compliance.dsn, &err);
	if (!*db_r)
		return ctl_fail(ctl, EX_OSERR, "%s", err.text);
	result = db_connect(*db_r, &err);
	if (result == DB_OK)
		result = record_check(*db_r, &err);
	if (result == DB_OK)
		return EX_OK;
	db_free(db_r);
	return ctl_fail(ctl, EX_UNAVAILABLE, "%s", err.text);
}

/* --- status --- */

static json_t *document_of(const struct record_cursor *cursor)
{
	char time[CLOCK_TEXT];

	return json_pack("{s:I, s:s, s:I, s:s, s:b}", "records", (json_int_t)cursor->number, "hash",
			 cursor->hash, "lsn", (json_int_t)cursor->lsn, "time",
			 clock_format(cursor->time, time), "gap_accepted", (int)cursor->gap);
}

static int print_cursor(const struct ctl *ctl, const struct record_cursor *cursor)
{
	json_t *document = document_of(cursor);
	int code = EX_OK;

	if (ctl->json)
		code = ctl_print_json(ctl, document);
	else
		printf("last record  %" PRIu64 "\nhash         %s\nLSN          %" PRIu64
		       "\ntime         %s\n%s",
		       cursor->number, cursor->hash, cursor->lsn,
		       json_string_value(json_object_get(document, "time")),
		       cursor->gap ? "a gap is accepted at the next connection\n" : "");
	json_decref(document);
	return code;
}

int ctl_compliance_status(const struct ctl *ctl)
{
	struct record_cursor cursor;
	struct db *db;
	struct err err;
	int code = ctl_compliance_open(ctl, &db);

	if (code != EX_OK)
		return code;
	code = record_cursor_get(db, &cursor, &err) == DB_OK
		       ? print_cursor(ctl, &cursor)
		       : ctl_fail(ctl, EX_UNAVAILABLE, "%s", err.text);
	db_free(&db);
	return code;
}

/* --- accept-gap --- */

/* An empty database may stand in the place of one that was lost. */
static bool had_records(const struct ctl *ctl)
{
	struct record_anchor anchor;
	struct err err;

	return record_anchor_load(&anchor, ctl->conf, &err) == -1 || anchor.number > 0;
}

static int accept(const struct ctl *ctl, struct db *db)
{
	struct record_cursor cursor;
	struct err err;

	if (record_cursor_get(db, &cursor, &err) != DB_OK)
		return ctl_fail(ctl, EX_UNAVAILABLE, "%s", err.text);
	if (cursor.lsn == 0 && !had_records(ctl))
		return ctl_fail(ctl, EX_DATAERR,
				"the database has no records yet: there is no gap");
	if (ctl->option[CTL_DRY_RUN]) {
		printf("would give up the events behind LSN %" PRIu64
		       " which are not recorded yet\n",
		       cursor.lsn);
		return EX_OK;
	}
	cursor.gap = true;
	if (record_cursor_put(db, &cursor, &err) != DB_OK)
		return ctl_fail(ctl, EX_UNAVAILABLE, "%s", err.text);
	return EX_OK;
}

int ctl_compliance_accept_gap(const struct ctl *ctl)
{
	struct db *db;
	int code = ctl_confirm(ctl, "Give up what is not on record yet");

	if (code == EX_OK)
		code = ctl_compliance_open(ctl, &db);
	if (code != EX_OK)
		return code;
	code = accept(ctl, db);
	db_free(&db);
	return code;
}

/* --- verify --- */

/* The key that was named; else the configured one, if we may read it. */
int ctl_compliance_key(const struct ctl *ctl, struct record_signer **signer_r)
{
	const char *named = ctl->option[CTL_PUBLIC_KEY];
	const char *path = named ? named : ctl->conf ? ctl->conf->compliance.checkpoint_key : "";
	struct err err;
	FILE *file;

	*signer_r = NULL;
	if (!*path)
		return EX_OK;
	file = fopen(path, "re");
	if (!file)
		return ctl_fail(ctl, EX_NOINPUT, "could not open %s", path);
	*signer_r = record_signer_new(file, &err);
	fclose(file);
	return *signer_r ? EX_OK : ctl_fail(ctl, EX_DATAERR, "%s: %s", path, err.text);
}

json_t *ctl_compliance_document(const struct record_verify *verify)
{
	json_t *document = json_pack(
		"{s:b, s:I, s:I, s:I, s:I, s:I, s:b, s:I, s:I, s:I}", "whole", verify->wrong == 0,
		"records", (json_int_t)verify->records, "first", (json_int_t)verify->first, "last",
		(json_int_t)verify->last, "checkpoints", (json_int_t)verify->checkpoints,
		"signatures", (json_int_t)verify->signatures, "signatures_checked",
		verify->signer != NULL, "signed_to", (json_int_t)verify->signed_to, "expired",
		(json_int_t)verify->expired, "log_checkpoints", (json_int_t)verify->compared);

	if (verify->wrong != 0) {
		json_object_set_new(document, "wrong", json_integer((json_int_t)verify->wrong));
		json_object_set_new(document, "reason", json_string(verify->reason));
	}
	return document;
}

static int print_json(const struct ctl *ctl, const struct record_verify *verify)
{
	json_t *document = ctl_compliance_document(verify);
	const int code = ctl_print_json(ctl, document);

	json_decref(document);
	return code;
}

static int print_verify(const struct ctl *ctl, const struct record_verify *verify)
{
	int code = EX_OK;

	if (ctl->json)
		code = print_json(ctl, verify);
	else
		printf("%" PRIu64 " records, %" PRIu64 " to %" PRIu64 ", %" PRIu64
		       " checkpoints, %" PRIu64 " signatures%s\n",
		       verify->records, verify->first, verify->last, verify->checkpoints,
		       verify->signatures, verify->signer ? "" : " (not checked: no key)");
	if (code == EX_OK && verify->wrong != 0)
		code = ctl_fail(ctl, EX_DATAERR, "record %" PRIu64 ": %s", verify->wrong,
				verify->reason);
	return code;
}

/* The log that was named; else the anchor, if we may read it. NULL: there is none. */
static FILE *open_log(const struct ctl *ctl, const char **name_r)
{
	static struct record_anchor anchor;
	struct err err;

	if (ctl->count > 0) {
		*name_r = ctl->arguments[0];
		return strcmp(*name_r, "-") == 0 ? stdin : fopen(*name_r, "re");
	}
	record_anchor_load(&anchor, ctl->conf, &err);
	*name_r = anchor.path;
	return fopen(anchor.path, "re");
}

/* Its checkpoints, which the database has to agree with. The anchor is kept by ourselves: it is not
 * looked at by whom it is signed. */
static int read_log(const struct ctl *ctl, const struct record_signer *signer,
		    struct record_lines *lines_r)
{
	const char *name;
	FILE *file = open_log(ctl, &name);
	uint64_t unsigned_number;
	struct err err;
	int result;

	if (!file)
		return ctl->count == 0 ? EX_OK
				       : ctl_fail(ctl, EX_NOINPUT, "could not open %s", name);
	result = record_lines_load(lines_r, file, ctl->count > 0 ? signer : NULL, &unsigned_number,
				   &err);
	if (file != stdin)
		fclose(file);
	if (result == -1)
		return ctl_fail(ctl, EX_OSERR, "%s", err.text);
	if (lines_r->count == 0)
		return ctl_fail(ctl, EX_DATAERR, "there are no checkpoints in %s", name);
	if (unsigned_number != 0)
		return ctl_fail(ctl, EX_DATAERR,
				"the checkpoint of record %" PRIu64
				" in %s is not signed by this key",
				unsigned_number, name);
	return EX_OK;
}

int ctl_compliance_verify(const struct ctl *ctl)
{
	struct record_lines lines = {0};
	struct record_verify verify = {.lines = &lines};
	struct record_signer *signer = NULL;
	struct db *db = NULL;
	struct err err;
	int code = ctl_option_record(ctl, CTL_FROM, &verify.from);

	if (code == EX_OK)
		code = ctl_option_record(ctl, CTL_TO, &verify.to);
	if (code == EX_OK)
		code = ctl_compliance_key(ctl, &signer);
	if (code == EX_OK)
		code = ctl_compliance_open(ctl, &db);
	if (code == EX_OK)
		code = read_log(ctl, signer, &lines);
	if (code == EX_OK) {
		verify.signer = signer;
		code = record_verify(&verify, db, &err) == DB_OK
			       ? print_verify(ctl, &verify)
			       : ctl_fail(ctl, EX_UNAVAILABLE, "%s", err.text);
	}
	record_lines_fini(&lines);
	db_free(&db);
	record_signer_free(&signer);
	return code;
}
