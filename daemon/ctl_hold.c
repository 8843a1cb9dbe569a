#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "conf/clock.h"
#include "daemon/ctl_case.h"
#include "daemon/ctl_table.h"
#include "odbc/record_hold.h"

/* pchatctl compliance hold: what must not be deleted. */

/* --- Looking at them. --- */

static int each(const struct ctl *ctl, struct db *db, record_hold_take *take, void *arg)
{
	struct err err;

	return record_holds_each(db, take, arg, &err) == DB_OK
		       ? EX_OK
		       : ctl_fail(ctl, EX_UNAVAILABLE, "%s", err.text);
}

/* --- list --- */

static json_t *text_of(struct db_bytes text)
{
	return text.length > 0 ? json_stringn(text.data, text.length) : json_null();
}

static json_t *time_of(uint64_t utc)
{
	char text[CLOCK_TEXT];

	return utc > 0 ? json_string(clock_format(utc, text)) : json_null();
}

static bool list_hold(void *arg, const struct record_hold *hold)
{
	json_t *object = json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name",
		text_of(hold->name), "user", text_of(hold->user), "room", text_of(hold->room),
		"start", time_of(hold->start), "end", time_of(hold->end), "reason",
		text_of(hold->reason), "added", time_of(hold->added), "added_by",
		text_of(hold->added_by), "released", time_of(hold->released), "released_by",
		text_of(hold->released_by), "released_reason", text_of(hold->released_reason));

	return json_array_append_new(arg, object) == 0;
}

static int print_list(const struct ctl *ctl, const json_t *list)
{
	static const char *const members[] = {"name", "user",	"room",	   "start",
					      "end",  "reason", "released"};
	static const char *const heads[] = {"NAME", "USER",   "ROOM",	 "START",
					    "END",  "REASON", "RELEASED"};
	struct ctl_table *table = ctl_table_new("lllllll", heads);
	const json_t *object;
	size_t i;

	json_array_foreach(list, i, object)
	{
		for (unsigned c = 0; c < 7; c++) {
			const char *text = json_string_value(json_object_get(object, members[c]));

			ctl_table_add(table, "%s", text ? text : "-");
		}
	}
	return ctl_print_table(ctl, table);
}

static int list(const struct ctl *ctl, struct db *db)
{
	json_t *holds = json_array(), *document;
	int code = each(ctl, db, list_hold, holds);

	if (code == EX_OK && ctl->json) {
		document = json_pack("{s:O}", "holds", holds);
		code = ctl_print_json(ctl, document);
		json_decref(document);
	} else if (code == EX_OK) {
		code = print_list(ctl, holds);
	}
	json_decref(holds);
	return code;
}

/* --- add and release --- */

/* Whether an event did what it was to do. */
struct effect {
	uint64_t lsn;
	bool found;
};

static bool find_effect(void *arg, const struct record_hold *hold)
{
	struct effect *effect = arg;

	if (hold->lsn == effect->lsn || hold->released_lsn == effect->lsn)
		effect->found = true;
	return true;
}

/* --dry-run: whether there is an active hold of the name, and what would be done. */
static int would_order(const struct ctl *ctl, struct db *db, const char *method, json_t *take_params,
		       const char *otherwise)
{
	const bool adds = strcmp(method, "compliance.hold") == 0;
	struct ctl_verb verb = *ctl->verb;
	struct ctl calling = *ctl;
	uint64_t named = 0, all = 0;
	struct err err;
	int code = EX_OK;

	verb.method = method;
	calling.verb = &verb;
	if (record_hold_count(db, ctl->arguments[1], &named, &all, &err) != DB_OK)
		code = ctl_fail(ctl, EX_UNAVAILABLE, "%s", err.text);
	else if ((named > 0) == adds || (adds && all >= RECORD_HOLDS_MAX))
		code = ctl_fail(ctl, EX_DATAERR, "%s", otherwise);
	if (code == EX_OK)
		return ctl_object_call(&calling, take_params);
	json_decref(take_params);
	return code;
}

static int order(const struct ctl *ctl, struct db *db, const char *method, json_t *take_params,
		 const char *otherwise)
{
	struct effect effect = {0};
	int code;

	if (ctl->option[CTL_DRY_RUN])
		return would_order(ctl, db, method, take_params, otherwise);
	code = ctl_case_order(ctl, db, method, take_params, &effect.lsn);

	if (code == EX_OK)
		code = each(ctl, db, find_effect, &effect);
	if (code == EX_OK && !effect.found)
		code = ctl_fail(ctl, EX_DATAERR, "%s", otherwise);
	return code;
}

static void set_time(json_t *params, const char *name, uint64_t utc)
{
	if (utc > 0)
		json_object_set_new(params, name, time_of(utc));
}

static int params_of(const struct ctl *ctl, const struct record_filter *filter, json_t **params_r)
{
	json_t *params;

	if (filter->users.count > 1 || filter->rooms.count > 1)
		return ctl_fail(ctl, EX_USAGE,
				"a hold is about one user and one room at most; of several rooms "
				"with one name, name one by its URI");
	if (filter->users.count + filter->rooms.count == 0 && filter->start == 0 &&
	    filter->end == 0)
		return ctl_fail(ctl, EX_USAGE,
				"needs --user, --room, --start or --end: what is it about?");
	params = json_pack("{s:s, s:s}", "name", ctl->arguments[1], "reason",
			   ctl->option[CTL_REASON]);
	if (!params)
		return ctl_fail(ctl, EX_DATAERR, "a value is not UTF-8");
	if (filter->users.count > 0)
		json_object_set_new(params, "user", json_string(filter->users.item[0]));
	if (filter->rooms.count > 0)
		json_object_set_new(params, "room", json_string(filter->rooms.item[0]));
	set_time(params, "start", filter->start);
	set_time(params, "end", filter->end);
	*params_r = params;
	return EX_OK;
}

static int add(const struct ctl *ctl, struct db *db)
{
	struct record_filter filter = {0};
	struct fragment text = {0};
	json_t *params = NULL;
	int code = ctl_case_filter(ctl, db, &filter, &text);

	if (code == EX_OK)
		code = params_of(ctl, &filter, &params);
	if (code == EX_OK)
		code = order(ctl, db, "compliance.hold", params,
			     "there is a hold of this name, or there are too many");
	fragment_free(&text);
	record_filter_fini(&filter);
	return code;
}

static int release(const struct ctl *ctl, struct db *db)
{
	json_t *params = json_pack("{s:s, s:s}", "name", ctl->arguments[1], "reason",
				   ctl->option[CTL_REASON]);

	if (!params)
		return ctl_fail(ctl, EX_DATAERR, "a value is not UTF-8");
	return order(ctl, db, "compliance.release", params, "there is no hold of this name");
}

int ctl_compliance_hold(const struct ctl *ctl)
{
	const char *what = ctl->arguments[0];
	const bool adds = strcmp(what, "add") == 0, releases = strcmp(what, "release") == 0;
	struct db *db;
	int code;

	if (!adds && !releases && strcmp(what, "list") != 0)
		return ctl_fail(ctl, EX_USAGE, "takes add, release or list");
	if ((adds || releases) != (ctl->count == 2) ||
	    ((adds || releases) && !ctl->option[CTL_REASON]))
		return ctl_fail(ctl, EX_USAGE, "add and release need a name and --reason");
	code = ctl_compliance_open(ctl, &db);
	if (code != EX_OK)
		return code;
	code = adds ? add(ctl, db) : releases ? release(ctl, db) : list(ctl, db);
	db_free(&db);
	return code;
}
