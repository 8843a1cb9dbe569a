#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "conf/clock.h"
#include "conf/conf.h"
#include "conf/hex.h"
#include "daemon/archive.h"
#include "daemon/ctl_export.h"
#include "daemon/ctl_option.h"

/*
 * pchatctl data export: the content database as an archive. All is read in one transaction, a page
 * of rows at a time, and written as it comes: so the archive is one state of the database, and
 * memory does not grow with it. pchat-archive(5) is what the lines mean.
 */

/* --- The first line. --- */

static void put_text(struct export *e, const char *name, const char *text)
{
	export_name(e, name);
	fragment_string(&e->line, text, strlen(text));
}

static int put_head(struct export *e)
{
	const char *category = e->ctl->option[CTL_CATEGORY];
	bool good;

	export_begin(e, "pchat-archive");
	fragment_number(&e->line, ARCHIVE_VERSION);
	put_text(e, "level", archive_level_name(e->level));
	put_text(e, "domain", e->ctl->conf->domain);
	export_time(e, "made", clock_utc());
	export_time(e, "through", e->cursor.time);
	if (category)
		put_text(e, "category", category);
	if (e->start > 0)
		export_time(e, "start", e->start);
	good = export_end(e, KINDS);
	return good ? EX_OK : ctl_fail(e->ctl, EX_IOERR, "%s", e->err.text);
}

/* --- Reading. --- */

static enum db_result read_state(struct export *e)
{
	enum db_result result = db_connect(e->db, &e->err);

	if (result == DB_OK)
		result = content_check(e->db, &e->err);
	if (result == DB_OK)
		result = db_begin_read(e->db, &e->err);
	if (result == DB_OK)
		result = content_cursor_get(e->db, &e->cursor, &e->err);
	return result;
}

static int database_failed(const struct export *e, enum db_result result)
{
	return ctl_fail(e->ctl, result == DB_FATAL ? EX_SOFTWARE : EX_TEMPFAIL,
			"the content database failed: %s", e->err.text);
}

/* A file, unless nothing is to be written. */
static int open_file(struct export *e)
{
	if (e->ctl->option[CTL_DRY_RUN])
		return EX_OK;
	e->writer = archive_create(e->ctl->arguments[0], &e->err);
	return e->writer ? EX_OK : ctl_fail(e->ctl, EX_CANTCREAT, "%s", e->err.text);
}

static int read_and_write(struct export *e)
{
	enum db_result result;
	int code = open_file(e);

	if (code == EX_OK)
		code = put_head(e);
	if (code != EX_OK)
		return code;
	result = export_tables(e);
	if (e->failed)
		return ctl_fail(e->ctl, EX_IOERR, "%s", e->err.text);
	if (result != DB_OK)
		return database_failed(e, result);
	if (e->writer && archive_finish(e->writer, &e->err) == -1)
		return ctl_fail(e->ctl, EX_IOERR, "%s", e->err.text);
	return EX_OK;
}

/* --- What is asked for. --- */

static int get_level(struct export *e)
{
	const char *word = e->ctl->option[CTL_LEVEL];

	e->level = word ? archive_level_of(word) : LEVEL_ALL;
	if (e->level == LEVELS)
		return ctl_fail(e->ctl, EX_USAGE,
				"--level is user, category, room-directory, content or all");
	if (e->ctl->option[CTL_CREDENTIALS] && e->level == LEVEL_CONTENT)
		return ctl_fail(e->ctl, EX_USAGE, "there are no users at --level content");
	return EX_OK;
}

static int get_start(struct export *e)
{
	const char *text = e->ctl->option[CTL_START];

	if (!text)
		return EX_OK;
	if (!clock_parse(text, strlen(text), &e->start) || e->start == 0)
		return ctl_fail(e->ctl, EX_USAGE,
				"--start is a time: 2026-11-21, or with T09:30:00Z behind it");
	if (e->level == LEVEL_USER || e->level == LEVEL_CATEGORY)
		return ctl_fail(e->ctl, EX_USAGE, "nothing at --level %s has a time",
				archive_level_name(e->level));
	return EX_OK;
}

static bool is_named(const struct content_category *category, const char *name, size_t length)
{
	char uuid[HEX_UUID];
	const char *slash = strrchr(name, '/');

	hex_uuid_encode(category->uuid, uuid);
	if (strncmp(name, "ma-cat://", 9) == 0)
		return strcmp(slash + 1, uuid) == 0;
	return category->name.length == length && memcmp(category->name.data, name, length) == 0;
}

static int find_category(struct export *e)
{
	const char *name = e->ctl->option[CTL_CATEGORY];
	struct content_category row = {0};
	enum db_result result = DB_END;
	bool page = name != NULL;

	while (page && e->category == 0) {
		page = false;
		result = content_categories(e->db, row.id, &e->err);
		while (result == DB_OK &&
		       (result = content_categories_next(e->db, &row, &e->err)) == DB_OK) {
			page = true;
			if (!is_named(&row, name, strlen(name)))
				continue;
			e->category = row.id;
			memcpy(e->category_uuid, row.uuid, sizeof(e->category_uuid));
		}
		if (result != DB_END)
			return database_failed(e, result);
	}
	return !name || e->category != 0
		       ? EX_OK
		       : ctl_fail(e->ctl, EX_DATAERR, "there is no category %s", name);
}

static int run(struct export *e)
{
	enum db_result result;
	int code = get_level(e);

	if (code == EX_OK)
		code = get_start(e);
	if (code != EX_OK)
		return code;
	e->db = db_new(&e->ctl->conf->content.dsn, &e->err);
	if (!e->db)
		return ctl_fail(e->ctl, EX_OSERR, "%s", e->err.text);
	result = read_state(e);
	if (result != DB_OK)
		return database_failed(e, result);
	code = find_category(e);
	return code == EX_OK ? read_and_write(e) : code;
}

int ctl_data_export(const struct ctl *ctl)
{
	static const char *const heads[] = {"exported", NULL};
	const uint64_t began = clock_mono();
	struct export e = {.ctl = ctl, .report = {.heads = heads}};
	int code;

	if (!ctl->conf)
		return ctl_fail(ctl, EX_CONFIG,
				"needs a configuration (-f), which names the database");
	if (ctl->count == 0 && !ctl->option[CTL_DRY_RUN])
		return ctl_fail(ctl, EX_USAGE, "needs the name of a file");
	code = run(&e);
	if (e.db && db_connected(e.db))
		db_rollback(e.db);
	db_free(&e.db);
	archive_writer_free(&e.writer);
	fragment_free(&e.line);
	if (code == EX_OK) {
		e.report.file = ctl->count > 0 ? ctl->arguments[0] : "(none)";
		e.report.level = archive_level_name(e.level);
		e.report.us = clock_mono() - began;
		code = archive_report_print(ctl, &e.report);
	}
	json_decref(e.report.notes);
	return code;
}
