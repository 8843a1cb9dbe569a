#include "daemon/reader_audit.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "conf/clock.h"
#include "odbc/content_audit.h"
#include "odbc/fold.h"

enum { PART = 500 /* rows that are read at a time */, FILTERS = 3 };

struct look {
	const struct ask_audit *ask;
	const char *domain;
	struct fragment *json;
	char *filter[FILTERS]; /* owned, folded: actor, object, what; NULL: any */
	uint64_t before;       /* all rows from there on were looked at */
	unsigned found;
	bool over, more;
};

/* --- Filters. --- */

static void fini(struct look *look)
{
	for (unsigned i = 0; i < FILTERS; i++)
		free(look->filter[i]);
}

static bool init(struct look *look, const char *texts)
{
	const uint16_t sizes[FILTERS] = {look->ask->actor, look->ask->object, look->ask->what};

	for (unsigned i = 0; i < FILTERS; i++) {
		size_t length;

		if (sizes[i] > 0 && !fold_text(texts, sizes[i], &look->filter[i], &length))
			return false;
		texts += sizes[i];
	}
	return true;
}

/* A text that cannot be folded is nothing that anybody looks for. */
static bool has(const char *filter, struct db_bytes text)
{
	size_t length;
	char *folded;
	bool found;

	if (filter == NULL)
		return true;
	if (!fold_text(text.data, text.length, &folded, &length))
		return false;
	found = strstr(folded, filter) != NULL;
	free(folded);
	return found;
}

static bool is_wanted(const struct look *look, const struct content_audit *row)
{
	return has(look->filter[0], row->actor) &&
	       (has(look->filter[1], row->object) || has(look->filter[1], row->ref)) &&
	       has(look->filter[2], row->what);
}

/* --- Rows as JSON. --- */

static void put_string(struct fragment *json, const char *name, struct db_bytes text)
{
	fragment_text(json, name);
	fragment_string(json, text.data, text.length);
}

/* Of rooms and categories, which have one. */
static void put_uri(struct look *look, const struct content_audit *row)
{
	const bool room = row->what.length > 5 && memcmp(row->what.data, "room.", 5) == 0;
	const bool message = row->what.length > 8 && memcmp(row->what.data, "message.", 8) == 0;
	const bool file = row->what.length > 5 && memcmp(row->what.data, "file.", 5) == 0;
	const bool category = row->what.length > 9 && memcmp(row->what.data, "category.", 9) == 0;

	if (row->ref.length == 0 || (!room && !message && !file && !category))
		return;
	fragment_text(look->json,
		      category ? ",\"category\":\"ma-cat://" : ",\"room\":\"ma-chan://");
	fragment_text(look->json, look->domain);
	fragment_text(look->json, "/");
	fragment_raw(look->json, row->ref.data, row->ref.length);
	fragment_text(look->json, "\"");
}

/* What stands in the database is believed to be an object only after it has been read as one. */
static void put_details(struct look *look, struct db_bytes details)
{
	json_t *object = json_loadb(details.data, details.length, 0, NULL);

	if (json_is_object(object)) {
		fragment_text(look->json, ",\"details\":");
		fragment_raw(look->json, details.data, details.length);
	}
	json_decref(object);
}

static void put_row(struct look *look, const struct content_audit *row)
{
	struct fragment *json = look->json;

	fragment_text(json, look->found++ > 0 ? ",{\"lsn\":" : "{\"lsn\":");
	fragment_number(json, row->lsn);
	fragment_text(json, ",\"time\":");
	fragment_time(json, row->time);
	put_string(json, ",\"actor\":", row->actor);
	if (row->address.length > 0)
		put_string(json, ",\"address\":", row->address);
	put_string(json, ",\"what\":", row->what);
	put_string(json, ",\"object\":", row->object);
	put_uri(look, row);
	put_details(look, row->details);
	fragment_text(json, "}");
}

/* --- Looking. --- */

static void take_row(struct look *look, const struct content_audit *row)
{
	const bool wanted = is_wanted(look, row);

	if (wanted && look->found == look->ask->limit) {
		look->over = look->more = true;
		return;
	}
	if (wanted)
		put_row(look, row);
	look->before = row->lsn;
}

static enum db_result look_at_part(struct look *look, struct db *db, struct err *err)
{
	const struct content_audit_range range = {.before = look->before,
						  .start = look->ask->start,
						  .end = look->ask->end,
						  .limit = PART};
	enum db_result result = content_audits(db, &range, err);
	struct content_audit row;
	unsigned count = 0;

	while (result == DB_OK && !look->over) {
		result = content_audits_next(db, &row, err);
		if (result != DB_OK)
			break;
		take_row(look, &row);
		count++;
	}
	if (result == DB_END && count < PART)
		look->over = true;
	return result == DB_END ? DB_OK : result;
}

enum db_result reader_audit(struct db *db, const struct ask_audit *ask, const char *texts,
			    const char *domain, uint64_t deadline, struct fragment *json,
			    struct err *err)
{
	struct look look = {.ask = ask, .domain = domain, .json = json, .before = ask->before};
	enum db_result result = DB_OK;

	if (ask->limit == 0 || ask->limit > READER_AUDIT_MAX) {
		err_set(err, "could not read a page of %u rows", ask->limit);
		return DB_BAD_DATA;
	}
	if (!init(&look, texts)) {
		fini(&look);
		err_set(err, "a filter is no UTF-8");
		return DB_BAD_DATA;
	}
	fragment_text(json, "{\"entries\":[");
	while (result == DB_OK && !look.over) {
		result = look_at_part(&look, db, err);
		if (clock_mono() >= deadline && !look.over)
			look.over = look.more = true;
	}
	fragment_text(json, "],\"more\":");
	fragment_text(json, look.more ? "true,\"before\":" : "false,\"before\":");
	fragment_number(json, look.before > INT64_MAX ? 0 : look.before);
	fragment_text(json, "}");
	fini(&look);
	return result;
}
