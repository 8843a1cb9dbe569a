#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "daemon/ctl_option.h"
#include "daemon/ctl_table.h"

/* What the server has, shown: one object line by line, or rows of many. */

enum { COLUMNS = 6 };

static const struct list {
	const char *noun, *member; /* of the result */
	const char *align;
	const char *heading[COLUMNS], *column[COLUMNS];
} lists[] = {
	{"category", "categories", "lrll", {"NAME", "ROOMS", "DESCRIPTION", "URI"},
	 {"name", "rooms", "description", "category"}},
	{"room", "rooms", "lllrrl",
	 {"NAME", "PRIVACY", "STATE", "PARTICIPANTS", "MESSAGES", "URI"},
	 {"name", "privacy", "disabled", "participants", "last_seq", "room"}},
	{"addin", "addins", "ll", {"NAME", "URL"}, {"name", "url"}},
	{"user", "users", "lll", {"URI", "NAME", "STATE"}, {"uri", "name", "state"}},
	{"config", "configs", "lrrrl",
	 {"SCOPE", "HISTORY", "FILE SIZE", "PARTICIPANTS", "ROOM MANAGEMENT"},
	 {"scope", "history", "file_size", "participant_update_limit", "room_management_url"}},
	{"policy", "policies", "lll", {"SCOPE", "ENABLED", "DESCRIPTION"},
	 {"scope", "enabled", "description"}},
	{"endpoint", "endpoints", "ll", {"URI", "NAME"}, {"uri", "name"}},
	{"retention", "retentions", "lrrr", {"CATEGORY", "AGE", "MESSAGES", "BYTES"},
	 {"category", "age", "messages", "bytes"}},
	{"group", "groups", "llll", {"URI", "NAME", "KIND", "STATE"},
	 {"uri", "name", "kind", "state"}},
	{"message", "messages", "rlll", {"SEQ", "TIME", "FROM", "TEXT"},
	 {"seq", "time", "from", "text"}},
	{"file", "files", "lrllll", {"TIME", "BYTES", "FROM", "NAME", "STATE", "URI"},
	 {"time", "size", "from", "name", "removed", "file"}},
	{"audit", "entries", "llllll", {"TIME", "ACTOR", "ADDRESS", "WHAT", "OBJECT", "DETAILS"},
	 {"time", "actor", "address", "what", "object", "details"}},
};

static void add_list(struct ctl_table *table, const json_t *value)
{
	char text[4096] = "";
	size_t used = 0, i;
	json_t *item;

	json_array_foreach(value, i, item) {
		const char *name = json_string_value(item);

		if (!name || used + strlen(name) + 3 > sizeof(text) - 4)
			break;
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
					 used > 0 ? ", " : "", name);
	}
	ctl_table_add(table, "%s%s", text, i < json_array_size(value) ? " ..." : "");
}

/* "a: b, c: d" */
static void add_object(struct ctl_table *table, json_t *object)
{
	char text[1024] = "";
	const char *name;
	size_t used = 0;
	json_t *value;

	json_object_foreach(object, name, value) {
		const char *word = json_string_value(value);

		if (!word || used + strlen(name) + strlen(word) + 8 > sizeof(text))
			break;
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s: %s",
					 used > 0 ? ", " : "", name, word);
	}
	ctl_table_add(table, "%s", text);
}

static void add_details(struct ctl_table *table, json_t *details)
{
	char *text = json_dumps(details, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY);

	ctl_table_add(table, "%s", text ? text : "");
	free(text);
}

static void add_cell(struct ctl_table *table, const char *member, json_t *value)
{
	if (strcmp(member, "details") == 0)
		add_details(table, value);
	else if (strcmp(member, "removed") == 0)
		ctl_table_add(table, "%s", value ? "removed" : "");
	else if (json_is_integer(value))
		ctl_table_add(table, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_array(value))
		add_list(table, value);
	else if (json_is_string(value))
		ctl_table_add(table, "%s", json_string_value(value));
	else if (!value)
		ctl_table_add(table, "%s", "");
	else if (json_is_object(value))
		add_object(table, value);
	else if (strcmp(member, "disabled") == 0)
		ctl_table_add(table, "%s", json_is_true(value) ? "disabled" : "enabled");
	else
		ctl_table_add(table, "%s", json_is_true(value) ? "yes" : "no");
}

/* --- One. --- */

static int print_object(const struct ctl *ctl, json_t *object)
{
	struct ctl_table *table = ctl_table_new("ll", NULL);
	const char *member;
	json_t *value;

	json_object_foreach(object, member, value) {
		ctl_table_add(table, "%s:", strcmp(member, "disabled") == 0 ? "state" : member);
		add_cell(table, member, value);
	}
	return ctl_print_table(ctl, table);
}

int ctl_object_get(const struct ctl *ctl)
{
	json_t *params = ctl_option_params(ctl, false), *object;
	int code = params ? ctl_call(ctl, ctl->verb->method, params, &object) : EX_DATAERR;

	if (code != EX_OK)
		return code;
	code = ctl->json ? ctl_print_json(ctl, object) : print_object(ctl, object);
	json_decref(object);
	return code;
}

/* --- Many. --- */

static const struct list *list_of(const char *noun)
{
	const struct list *list = lists;

	while (strcmp(list->noun, noun) != 0)
		list++;
	return list;
}

static int print_rows(const struct ctl *ctl, const struct list *list, const json_t *rows)
{
	struct ctl_table *table = ctl_table_new(list->align, list->heading);
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		for (unsigned k = 0; k < COLUMNS && list->column[k]; k++)
			add_cell(table, list->column[k], json_object_get(row, list->column[k]));
	}
	return ctl_print_table(ctl, table);
}

static int show(const struct ctl *ctl, const struct list *list, int code, json_t *take_rows)
{
	if (code == EX_OK && ctl->json) {
		json_t *document = json_pack("{s:O}", list->member, take_rows);

		code = ctl_print_json(ctl, document);
		json_decref(document);
	} else if (code == EX_OK) {
		code = print_rows(ctl, list, take_rows);
	}
	json_decref(take_rows);
	return code;
}

int ctl_list_show(const struct ctl *ctl, int code, json_t *take_rows)
{
	return show(ctl, list_of(ctl->verb->noun), code, take_rows);
}

static int call_and_show(const struct ctl *ctl, const struct list *list, json_t *take_params)
{
	json_t *rows = NULL;
	int code = EX_DATAERR;

	if (take_params)
		code = ctl_call_pages(ctl, ctl->verb->method, take_params, list->member, &rows);
	return show(ctl, list, code, rows);
}

int ctl_object_list(const struct ctl *ctl)
{
	return call_and_show(ctl, list_of(ctl->verb->noun), ctl_option_params(ctl, false));
}

/* Users, who could be something in a room or category. */
int ctl_object_eligible(const struct ctl *ctl)
{
	json_t *params = ctl_option_params(ctl, false);

	if (params && ctl->count > 1 &&
	    json_object_set_new(params, "text", json_string(ctl->arguments[1])) == -1) {
		json_decref(params);
		return ctl_fail(ctl, EX_DATAERR, "a value is not UTF-8");
	}
	return call_and_show(ctl, list_of("user"), params);
}
