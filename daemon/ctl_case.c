#include "daemon/ctl_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/conf.h"
#include "daemon/ctl_option.h"
#include "odbc/record_search.h"
#include "shm/user_uri.h"

enum { DAY_US = 86400 * 1000000LL };

/* --- Options. --- */

static int take_time(const struct ctl *ctl, enum ctl_option option, const char *name,
		     uint64_t *time_r)
{
	const char *text = ctl->option[option];

	if (!text || clock_parse(text, strlen(text), time_r))
		return EX_OK;
	return ctl_fail(ctl, EX_USAGE, "--%s is a time in UTC, 2026-11-21 or 2026-11-21T09:30:00Z",
			name);
}

/* A date alone is the whole day: it ends where the next one begins. */
static int take_end(const struct ctl *ctl, uint64_t *time_r)
{
	const char *text = ctl->option[CTL_END];
	const int code = take_time(ctl, CTL_END, "end", time_r);

	if (code == EX_OK && text && !strchr(text, 'T'))
		*time_r += DAY_US - 1;
	return code;
}

typedef int take_item(const struct ctl *ctl, struct db *db, struct record_list *list,
		      const char *item, size_t length);

/* "a,b" item by item. */
static int take_items(const struct ctl *ctl, struct db *db, enum ctl_option option,
		      struct record_list *list, take_item *take)
{
	const char *text = ctl->option[option];
	int code = EX_OK;

	while (text && *text && code == EX_OK) {
		const size_t length = strcspn(text, ",");

		if (length > 0)
			code = take(ctl, db, list, text, length);
		text += length + (text[length] == ',');
	}
	if (code == EX_OK && ctl->option[option] && list->count == 0)
		code = ctl_fail(ctl, EX_USAGE, "an option without a value");
	return code;
}

static int add(const struct ctl *ctl, struct record_list *list, const char *text, size_t length)
{
	return record_list_add(list, text, length)
		       ? EX_OK
		       : ctl_fail(ctl, EX_USAGE, "not more than %d of each kind can be named",
				  RECORD_FILTER_ITEMS);
}

static int take_type(const struct ctl *ctl, struct db *db, struct record_list *list,
		     const char *item, size_t length)
{
	char type[32];

	(void)db;
	snprintf(type, sizeof(type), "%.*s", (int)length, item);
	if (!record_type_exists(type))
		return ctl_fail(ctl, EX_USAGE, "there are no records of the kind \"%s\"", type);
	return add(ctl, list, type, strlen(type));
}

/* "unix:root" and "cert:alice" are administrators, whose names are no URIs. */
static int take_user(const struct ctl *ctl, struct db *db, struct record_list *list,
		     const char *item, size_t length)
{
	char uri[USER_URI_SIZE];

	(void)db;
	if (strncmp(item, "unix:", 5) == 0 || strncmp(item, "cert:", 5) == 0)
		return add(ctl, list, item, length);
	if (!user_uri_make(item, length, ctl->conf->domain, uri))
		return ctl_fail(ctl, EX_USAGE, "%.*s is no user's name", (int)length, item);
	return add(ctl, list, uri, strlen(uri));
}

/* By name, every room that goes or went by it. */
static int add_named(const struct ctl *ctl, struct db *db, struct record_list *list,
		     const char *name)
{
	const unsigned before = list->count;
	struct db_bytes uri;
	struct err err;
	enum db_result result = record_named(db, RECORD_ROOM, name, RECORD_FILTER_ITEMS + 1, &err);
	int code = EX_OK;

	while (result == DB_OK && code == EX_OK) {
		result = record_named_next(db, &uri, &err);
		if (result == DB_OK)
			code = add(ctl, list, uri.data, uri.length);
	}
	if (code == EX_OK && result != DB_END)
		code = ctl_fail(ctl, EX_UNAVAILABLE, "%s", err.text);
	if (code == EX_OK && list->count == before)
		code = ctl_fail(ctl, EX_DATAERR, "no room \"%s\" is on record", name);
	return code;
}

static int take_room(const struct ctl *ctl, struct db *db, struct record_list *list,
		     const char *item, size_t length)
{
	char *name;
	int code;

	if (strncmp(item, "ma-chan:", 8) == 0)
		return add(ctl, list, item, length);
	name = strndup(item, length);
	code = name ? add_named(ctl, db, list, name) : ctl_fail(ctl, EX_OSERR, "out of memory");
	free(name);
	return code;
}

static int take_words(const struct ctl *ctl, struct record_filter *filter)
{
	const char *words = ctl->option[CTL_WORDS], *match = ctl->option[CTL_MATCH];
	enum search_match how = SEARCH_ALL;

	if (match && strcmp(match, "any") == 0)
		how = SEARCH_ANY;
	else if (match && strcmp(match, "phrase") == 0)
		how = SEARCH_PHRASE;
	else if (match && strcmp(match, "all") != 0)
		return ctl_fail(ctl, EX_USAGE, "--match is all, any or phrase");
	if (!words)
		return EX_OK;
	filter->has_words = search_text_init(&filter->words, how, false, words, strlen(words));
	if (!filter->has_words)
		return ctl_fail(ctl, EX_USAGE,
				"--words are at most %d words of UTF-8, of %d bytes together",
				SEARCH_WORDS_MAX, SEARCH_TEXT_SIZE);
	return EX_OK;
}

/* --- The same for a person. --- */

static void describe_list(struct fragment *text, const char *what, const struct record_list *list)
{
	for (unsigned i = 0; i < list->count; i++) {
		fragment_text(text, i == 0 ? what : ", ");
		fragment_text(text, list->item[i]);
	}
}

static void describe_number(struct fragment *text, const char *what, uint64_t number)
{
	if (number == 0)
		return;
	fragment_text(text, what);
	fragment_number(text, number);
}

static void describe_time(struct fragment *text, const char *what, uint64_t time)
{
	char iso[CLOCK_TEXT];

	if (time == 0)
		return;
	fragment_text(text, what);
	fragment_text(text, clock_format(time, iso));
}

static void describe(const struct ctl *ctl, const struct record_filter *filter,
		     struct fragment *text)
{
	const char *words = ctl->option[CTL_WORDS], *match = ctl->option[CTL_MATCH];

	if (filter->has_words) {
		fragment_text(text, ", ");
		fragment_text(text, match ? match : "all");
		fragment_text(text, " of ");
		fragment_string(text, words, strlen(words));
	}
	describe_list(text, ", people ", &filter->users);
	describe_list(text, ", rooms ", &filter->rooms);
	describe_list(text, ", kinds ", &filter->types);
	describe_time(text, ", from ", filter->start);
	describe_time(text, ", to ", filter->end);
	describe_number(text, ", from record ", filter->from);
	describe_number(text, ", to record ", filter->to);
}

/* What is on record by now: that somebody looks at it is not what he is looking for. */
static int take_last(const struct ctl *ctl, struct db *db, struct record_filter *filter)
{
	struct record_cursor cursor;
	struct err err;

	if (record_cursor_get(db, &cursor, &err) != DB_OK)
		return ctl_fail(ctl, EX_UNAVAILABLE, "%s", err.text);
	if (filter->to == 0 || filter->to > cursor.number)
		filter->to = cursor.number;
	return EX_OK;
}

int ctl_case_filter(const struct ctl *ctl, struct db *db, struct record_filter *filter,
		    struct fragment *text)
{
	int code;

	*filter = (struct record_filter){0};
	code = ctl_option_record(ctl, CTL_FROM, &filter->from);
	if (code == EX_OK)
		code = ctl_option_record(ctl, CTL_TO, &filter->to);
	if (code == EX_OK)
		code = take_time(ctl, CTL_START, "start", &filter->start);
	if (code == EX_OK)
		code = take_end(ctl, &filter->end);
	if (code == EX_OK)
		code = take_items(ctl, db, CTL_KIND, &filter->types, take_type);
	if (code == EX_OK)
		code = take_items(ctl, db, CTL_USER, &filter->users, take_user);
	if (code == EX_OK)
		code = take_items(ctl, db, CTL_ROOM, &filter->rooms, take_room);
	if (code == EX_OK)
		code = take_words(ctl, filter);
	if (code == EX_OK)
		describe(ctl, filter, text);
	return code == EX_OK ? take_last(ctl, db, filter) : code;
}

/* --- The server is told. --- */

int ctl_case_note(const struct ctl *ctl, const char *text, uint64_t *lsn_r)
{
	json_t *result = NULL, *params = json_pack("{s:s}", "text", text);
	int code = params ? ctl_call(ctl, "compliance.note", params, &result)
			  : ctl_fail(ctl, EX_DATAERR, "a value is not UTF-8");

	if (lsn_r)
		*lsn_r = (uint64_t)json_integer_value(json_object_get(result, "lsn"));
	json_decref(result);
	return code;
}

/* --- Reading. --- */

/* What is before the first and behind the last of these numbers cannot be in the time. */
static enum db_result narrow(struct db *db, const struct record_filter *filter, uint64_t *first_r,
			     uint64_t *last_r, struct err *err)
{
	enum db_result result = DB_OK;

	*first_r = filter->from;
	*last_r = filter->to != 0 ? filter->to : UINT64_MAX;
	if (filter->start != 0) {
		uint64_t number = 0;

		result = record_since(db, filter->start, &number, err);
		if (number > *first_r)
			*first_r = number;
		if (number == 0)
			*last_r = 0;
	}
	if (result == DB_OK && filter->end != 0) {
		uint64_t number = 0;

		result = record_until(db, filter->end, &number, err);
		if (number < *last_r)
			*last_r = number;
	}
	return result;
}

struct walk {
	const struct record_filter *filter;
	ctl_case_take *take;
	void *arg;
	uint64_t number, last;
	int code;
};

static enum db_result walk_page(struct walk *walk, struct db *db, bool *more_r, struct err *err)
{
	enum db_result result = record_list(db, walk->number, err);
	struct record_row row;

	*more_r = false;
	while (result == DB_OK && walk->code == EX_OK) {
		result = record_list_next(db, &row, err);
		if (result != DB_OK || row.number > walk->last)
			break;
		*more_r = true;
		walk->number = row.number;
		if (record_filter_finds(walk->filter, &row))
			walk->code = walk->take(walk->arg, &row);
	}
	if (result == DB_OK && *more_r && row.number > walk->last)
		*more_r = false;
	return result == DB_END ? DB_OK : result;
}

int ctl_case_walk(const struct ctl *ctl, struct db *db, const struct record_filter *filter,
		  ctl_case_take *take, void *arg)
{
	struct walk walk = {.filter = filter, .take = take, .arg = arg, .code = EX_OK};
	uint64_t first = 0;
	struct err err;
	enum db_result result = narrow(db, filter, &first, &walk.last, &err);
	bool more = walk.last > 0;

	walk.number = first > 0 ? first - 1 : 0;
	while (result == DB_OK && more && walk.code == EX_OK)
		result = walk_page(&walk, db, &more, &err);
	if (result != DB_OK)
		return ctl_fail(ctl, EX_UNAVAILABLE, "%s", err.text);
	return walk.code;
}

/* --- Orders. --- */

enum { WAIT_US = 30000000, POLL_US = 20000 };

int ctl_case_order(const struct ctl *ctl, struct db *db, const char *method, json_t *take_params,
		   uint64_t *lsn_r)
{
	const uint64_t until = clock_mono() + WAIT_US;
	struct record_cursor cursor = {0};
	json_t *result = NULL;
	struct err err;
	int code = ctl_call(ctl, method, take_params, &result);

	*lsn_r = (uint64_t)json_integer_value(json_object_get(result, "lsn"));
	json_decref(result);
	while (code == EX_OK) {
		if (record_cursor_get(db, &cursor, &err) != DB_OK)
			return ctl_fail(ctl, EX_UNAVAILABLE, "%s", err.text);
		if (cursor.lsn > *lsn_r)
			break;
		if (clock_mono() > until)
			return ctl_fail(ctl, EX_TEMPFAIL,
					"the server has accepted it, but it is not on record yet");
		usleep(POLL_US);
	}
	return code;
}
