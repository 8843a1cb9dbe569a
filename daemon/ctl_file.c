#include <inttypes.h>
#include <stdlib.h>
#include <sysexits.h>

#include "daemon/ctl_option.h"
#include "daemon/ctl_table.h"

/* The files of a room. */

enum { PAGE = 100 };

static json_t *last_of(const json_t *rows)
{
	return json_object_get(json_array_get(rows, json_array_size(rows) - 1), "file");
}

/* As many as --limit asks for, newest first; *rows_r is an array of the caller's. */
static int find(const struct ctl *ctl, json_t **rows_r)
{
	const uint64_t wanted = ctl_option_number(ctl, CTL_LIMIT, UINT64_MAX);
	json_t *params = ctl_option_params(ctl, false), *rows = json_array(), *page = NULL;
	bool more = params != NULL && wanted > 0;
	int code = params ? EX_OK : EX_DATAERR;

	while (more && code == EX_OK) {
		const uint64_t left = wanted - json_array_size(rows);

		json_object_set_new(params, "limit",
				    json_integer(left < PAGE ? (json_int_t)left : PAGE));
		code = ctl_call(ctl, ctl->verb->method, json_deep_copy(params), &page);
		json_array_extend(rows, json_object_get(page, "files"));
		/* A page without rows is the last one, whatever it says. */
		more = json_is_true(json_object_get(page, "more")) &&
		       json_array_size(json_object_get(page, "files")) > 0 &&
		       json_array_size(rows) < wanted;
		if (more)
			json_object_set(params, "before", last_of(rows));
		json_decref(page);
		page = NULL;
	}
	json_decref(params);
	*rows_r = rows;
	return code;
}

static const char *text_of(const json_t *row, const char *member)
{
	const char *text = json_string_value(json_object_get(row, member));

	return text ? text : "";
}

static void add_row(struct ctl_table *table, const json_t *row)
{
	ctl_table_add(table, "%s", text_of(row, "time"));
	ctl_table_add(table, "%" JSON_INTEGER_FORMAT,
		      json_integer_value(json_object_get(row, "size")));
	ctl_table_add(table, "%s", text_of(row, "from"));
	ctl_table_add(table, "%s", text_of(row, "name"));
	ctl_table_add(table, "%s", json_object_get(row, "removed") ? "removed" : "");
	ctl_table_add(table, "%s", text_of(row, "file"));
}

static int print_rows(const struct ctl *ctl, const json_t *rows)
{
	static const char *const headings[] = {"TIME", "BYTES", "FROM", "NAME", "STATE", "URI"};
	struct ctl_table *table = ctl_table_new("lrllll");
	bool printed;
	json_t *row;
	size_t i;

	for (unsigned k = 0; table && k < sizeof(headings) / sizeof(headings[0]); k++)
		ctl_table_add(table, "%s", headings[k]);
	json_array_foreach(rows, i, row)
	{
		if (table)
			add_row(table, row);
	}
	printed = table && ctl_table_print(table) == 0;
	ctl_table_free(&table);
	return printed ? EX_OK : ctl_fail(ctl, EX_IOERR, "could not write the table");
}

int ctl_file_list(const struct ctl *ctl)
{
	json_t *rows, *document;
	int code = find(ctl, &rows);

	if (code == EX_OK && ctl->json) {
		document = json_pack("{s:O}", "files", rows);
		code = ctl_print_json(ctl, document);
		json_decref(document);
	} else if (code == EX_OK) {
		code = print_rows(ctl, rows);
	}
	json_decref(rows);
	return code;
}
