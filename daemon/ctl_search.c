#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "conf/clock.h"
#include "daemon/ctl_case.h"
#include "daemon/ctl_option.h"
#include "daemon/pchat_text.h"
#include "daemon/record_json.h"
#include "odbc/record_search.h"

/*
 * pchatctl compliance search: records are written as they are found, so that memory does not grow
 * with what is found. What was said around one is read on a connection of its own.
 */

enum { CONTEXT_MAX = 100 };

struct search {
	const struct ctl *ctl; /* borrowed */
	struct db *around;     /* owned; NULL: nothing around is wanted */
	unsigned context;
	uint64_t limit, found;
	bool more; /* there are others behind the limit */
};

/* --- A record as it is printed. --- */

static void put_field(FILE *out, struct db_bytes text)
{
	char *copy = strndup(text.length > 0 ? text.data : "-", text.length > 0 ? text.length : 1);
	char *clean = copy ? pchat_text_escape(copy, NULL) : NULL;

	fprintf(out, " %s", clean ? clean : "?");
	free(clean);
	free(copy);
}

static void put_line(FILE *out, const struct record_row *row)
{
	char time[CLOCK_TEXT];

	fprintf(out, "%" PRIu64 " %s", row->number, clock_format(row->time, time));
	put_field(out, row->type);
	put_field(out, row->user_uri.length > 0 ? row->user_uri : row->user_name);
	if (row->room.length > 0)
		put_field(out, row->room_name.length > 0 ? row->room_name : row->room);
	fputc(':', out);
	if (row->title.length > 0)
		put_field(out, row->title);
	if (row->content.length > 0 || row->detail.length > 0)
		put_field(out, row->content.length > 0 ? row->content : row->detail);
}

/* One line, or JSON; the caller frees. NULL: no memory. */
static char *text_of(const struct ctl *ctl, const struct record_row *row)
{
	struct fragment json = {0};
	char *text = NULL;
	size_t size;
	FILE *out;

	if (ctl->json) {
		record_json(&json, row);
		fragment_raw(&json, "", 1);
		if (json.failed)
			fragment_free(&json);
		return json.data;
	}
	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	put_line(out, row);
	return fclose(out) == 0 ? text : NULL;
}

/* --- What was said around it. --- */

/* What stands before it is read the nearest first, and shown the other way round. */
struct around {
	char *item[CONTEXT_MAX]; /* owned */
	unsigned count;
};

static void free_around(struct around *around)
{
	while (around->count > 0)
		free(around->item[--around->count]);
}

static int read_around(struct search *search, bool before, const struct record_row *hit,
		       struct around *around)
{
	struct record_row row;
	struct err err;
	enum db_result result = record_chats(search->around, before, hit->room_id, hit->number,
					     search->context, &err);

	around->count = 0;
	while (result == DB_OK && around->count < search->context) {
		result = record_chats_next(search->around, before, &row, &err);
		if (result != DB_OK)
			break;
		around->item[around->count] = text_of(search->ctl, &row);
		if (!around->item[around->count])
			return ctl_fail(search->ctl, EX_OSERR, "out of memory");
		around->count++;
	}
	if (result == DB_OK || result == DB_END)
		return EX_OK;
	return ctl_fail(search->ctl, EX_UNAVAILABLE, "%s", err.text);
}

static void print_around(const struct search *search, bool before, const struct around *around)
{
	if (search->ctl->json)
		printf(",\n  \"%s\": [", before ? "before" : "after");
	for (unsigned i = 0; i < around->count; i++) {
		const char *item = around->item[before ? around->count - 1 - i : i];

		if (search->ctl->json)
			printf("%s\n   %s", i > 0 ? "," : "", item);
		else
			printf("  %s\n", item);
	}
	if (search->ctl->json)
		putchar(']');
}

static int show_around(struct search *search, bool before, const struct record_row *hit)
{
	struct around around = {.count = 0};
	int code = EX_OK;

	if (search->around && hit->room_id != 0)
		code = read_around(search, before, hit, &around);
	if (code == EX_OK && search->around)
		print_around(search, before, &around);
	free_around(&around);
	return code;
}

/* --- Records found. --- */

static int show_json(struct search *search, const struct record_row *row, const char *text)
{
	int code = EX_OK;

	printf("%s\n {\"record\": %s", search->found > 0 ? "," : "", text);
	if (search->around)
		code = show_around(search, true, row);
	if (code == EX_OK && search->around)
		code = show_around(search, false, row);
	putchar('}');
	return code;
}

/* With what is around them, records are marked and set apart. */
static int show_text(struct search *search, const struct record_row *row, const char *text)
{
	int code;

	if (search->around && search->found > 0)
		puts("--");
	code = show_around(search, true, row);
	if (code == EX_OK)
		printf("%s%s\n", search->around ? "> " : "", text);
	return code == EX_OK ? show_around(search, false, row) : code;
}

static int take(void *arg, const struct record_row *row)
{
	struct search *search = arg;
	char *text;
	int code;

	if (search->found == search->limit) {
		search->more = true;
		return CTL_CASE_ENOUGH;
	}
	text = text_of(search->ctl, row);
	if (!text)
		return ctl_fail(search->ctl, EX_OSERR, "out of memory");
	code = search->ctl->json ? show_json(search, row, text) : show_text(search, row, text);
	free(text);
	search->found++;
	if (code == EX_OK && ferror(stdout))
		code = ctl_fail(search->ctl, EX_IOERR, "could not write the result");
	return code;
}

static int show(struct search *search, struct db *db, const struct record_filter *filter)
{
	int code;

	if (search->ctl->json)
		printf("{\"records\": [");
	code = ctl_case_walk(search->ctl, db, filter, take, search);
	if (code == CTL_CASE_ENOUGH)
		code = EX_OK;
	if (search->ctl->json)
		printf("\n],\n\"found\": %" PRIu64 ", \"more\": %s}\n", search->found,
		       search->more ? "true" : "false");
	else if (code == EX_OK && search->more)
		fprintf(stderr, "pchatctl: there are more records behind the limit\n");
	return code;
}

/* --- The verb. --- */

static int note(const struct search *search, const struct fragment *filter)
{
	struct fragment text = {0};
	int code;

	fragment_text(&text, "search");
	fragment_raw(&text, filter->data, filter->used);
	if (search->context > 0) {
		fragment_text(&text, ", with what was said around, ");
		fragment_number(&text, search->context);
	}
	fragment_raw(&text, "", 1);
	code = text.failed ? ctl_fail(search->ctl, EX_OSERR, "out of memory")
			   : ctl_case_note(search->ctl, text.data, NULL);
	fragment_free(&text);
	return code;
}

int ctl_compliance_search(const struct ctl *ctl)
{
	const uint64_t context = ctl_option_number(ctl, CTL_CONTEXT, 0);
	struct search search = {.ctl = ctl, .limit = ctl_option_number(ctl, CTL_LIMIT, UINT64_MAX)};
	struct record_filter filter = {0};
	struct fragment text = {0};
	struct db *db = NULL;
	int code;

	if (context > CONTEXT_MAX)
		return ctl_fail(ctl, EX_USAGE, "--context is at most %d", CONTEXT_MAX);
	search.context = (unsigned)context;
	code = ctl_compliance_open(ctl, &db);
	if (code == EX_OK && search.context > 0)
		code = ctl_compliance_open(ctl, &search.around);
	if (code == EX_OK)
		code = ctl_case_filter(ctl, db, &filter, &text);
	if (code == EX_OK)
		code = note(&search, &text);
	if (code == EX_OK)
		code = show(&search, db, &filter);
	fragment_free(&text);
	record_filter_fini(&filter);
	db_free(&search.around);
	db_free(&db);
	return code;
}
