#include <inttypes.h>
#include <stdlib.h>
#include <sysexits.h>

#include "daemon/ctl_option.h"
#include "daemon/ctl_table.h"

/* The files of a room. */

static json_t *next_of(const json_t *page)
{
	const json_t *files = json_object_get(page, "files");

	return json_object_get(json_array_get(files, json_array_size(files) - 1), "file");
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
	int code = ctl_call_chain(ctl, ctl->verb->method, ctl_option_params(ctl, false), "files",
				  ctl_option_number(ctl, CTL_LIMIT, UINT64_MAX), next_of, &rows);

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
