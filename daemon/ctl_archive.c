#include "daemon/ctl_archive.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "daemon/ctl_option.h"
#include "daemon/pchat_text.h"

static const char *const levels[LEVELS] = {
	[LEVEL_USER] = "user",
	[LEVEL_CATEGORY] = "category",
	[LEVEL_ROOM_DIRECTORY] = "room-directory",
	[LEVEL_CONTENT] = "content",
	[LEVEL_ALL] = "all",
};

const char *archive_level_name(enum archive_level level)
{
	return levels[level];
}

enum archive_level archive_level_of(const char *word)
{
	unsigned level = 0;

	while (level < LEVELS && strcmp(word, levels[level]) != 0)
		level++;
	return (enum archive_level)level;
}

static const char *const kinds[KINDS] = {
	[KIND_USER] = "user",	      [KIND_GROUP] = "group",
	[KIND_MEMBER] = "member",     [KIND_CREDENTIAL] = "credential",
	[KIND_CATEGORY] = "category", [KIND_ADDIN] = "addin",
	[KIND_ROOM] = "room",	      [KIND_ROLE] = "role",
	[KIND_INVITED] = "invited",   [KIND_INVITATION] = "invitation",
	[KIND_FEED] = "feed",	      [KIND_REQUEST] = "request",
	[KIND_HISTORY] = "history",   [KIND_MESSAGE] = "message",
	[KIND_MARKER] = "marker",     [KIND_SETTING] = "setting",
	[KIND_GRANT] = "grant",	      [KIND_FILE] = "file",
};

const char *archive_kind_name(enum archive_kind kind)
{
	return kinds[kind];
}

void archive_note(struct archive_report *report, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!report->notes)
		report->notes = json_array();
	if (json_array_size(report->notes) >= REPORT_NOTES ||
	    json_array_append_new(report->notes, json_string(text)) == -1)
		report->notes_left_out++;
}

/* --- For machines. --- */

static json_t *document_of(const struct archive_report *report)
{
	json_t *document = json_pack("{s:s, s:s}", "archive", report->file, "level", report->level);

	for (unsigned c = 0; report->heads[c]; c++) {
		json_t *counts = json_object();

		for (unsigned k = 0; k < KINDS; k++)
			if (report->count[k][c] > 0)
				json_object_set_new(counts, kinds[k],
						    json_integer((json_int_t)report->count[k][c]));
		json_object_set_new(document, report->heads[c], counts);
	}
	if (report->notes)
		json_object_set(document, "notes", report->notes);
	if (report->notes_left_out > 0)
		json_object_set_new(document, "notes_left_out",
				    json_integer((json_int_t)report->notes_left_out));
	if (report->bytes > 0)
		json_object_set_new(document, "bytes", json_integer((json_int_t)report->bytes));
	json_object_set_new(document, "seconds", json_real((double)report->us / 1e6));
	return document;
}

/* --- For people. --- */

static bool is_empty(const struct archive_report *report, unsigned kind)
{
	for (unsigned c = 0; c < REPORT_COLUMNS; c++)
		if (report->count[kind][c] > 0)
			return false;
	return true;
}

static void print_counts(const struct archive_report *report, FILE *out)
{
	fprintf(out, "%-12s", "");
	for (unsigned c = 0; report->heads[c]; c++)
		fprintf(out, "  %10s", report->heads[c]);
	fputc('\n', out);
	for (unsigned k = 0; k < KINDS; k++) {
		if (is_empty(report, k))
			continue;
		fprintf(out, "%-12s", kinds[k]);
		for (unsigned c = 0; report->heads[c]; c++)
			fprintf(out, "  %10" PRIu64, report->count[k][c]);
		fputc('\n', out);
	}
}

/* There are names in it. */
static void print_note(FILE *out, const char *note)
{
	char *clean = pchat_text_escape(note, NULL);

	fprintf(out, "%s\n", clean ? clean : "out of memory");
	free(clean);
}

static void print_text(const struct archive_report *report, FILE *out)
{
	const json_t *note;
	size_t i;

	fprintf(out, "archive %s, level %s, %.1f s\n", report->file, report->level,
		(double)report->us / 1e6);
	print_counts(report, out);
	json_array_foreach(report->notes, i, note) print_note(out, json_string_value(note));
	if (report->notes_left_out > 0)
		fprintf(out, "and %" PRIu64 " more like these\n", report->notes_left_out);
}

/* The file of an earlier run is written over, as by the original. */
static int write_file(const struct ctl *ctl, const struct archive_report *report, const char *path)
{
	FILE *out = fopen(path, "we");
	bool failed;

	if (!out)
		return ctl_fail(ctl, EX_CANTCREAT, "could not write %s: %s", path, strerror(errno));
	print_text(report, out);
	failed = ferror(out);
	if (fclose(out) == EOF || failed)
		return ctl_fail(ctl, EX_IOERR, "could not write %s: %s", path, strerror(errno));
	return EX_OK;
}

int archive_report_print(const struct ctl *ctl, const struct archive_report *report)
{
	FILE *out = strcmp(report->file, "-") == 0 ? stderr : stdout;
	const char *path = ctl->option[CTL_REPORT];
	int code = path ? write_file(ctl, report, path) : EX_OK;
	json_t *document;

	if (code != EX_OK)
		return code;
	if (!ctl->json) {
		print_text(report, out);
		return EX_OK;
	}
	document = document_of(report);
	if (out == stderr)
		code = json_dumpf(document, stderr, JSON_INDENT(2)) == 0 &&
				       fputc('\n', stderr) != EOF
			       ? EX_OK
			       : EX_IOERR;
	else
		code = ctl_print_json(ctl, document);
	json_decref(document);
	return code;
}
