#include <stdlib.h>
#include <sysexits.h>

#include "daemon/ctl_option.h"
#include "daemon/ctl_table.h"

/* Who changed what. */

enum { PAGE = 100, LIMIT = 100 };

/* The newest rows that the options ask for; *rows_r is an array of the caller's. */
static int find(const struct ctl *ctl, uint64_t wanted, json_t **rows_r)
{
	json_t *params = ctl_option_params(ctl, false), *rows = json_array(), *page = NULL;
	bool more = params != NULL && wanted > 0;
	int code = params ? EX_OK : EX_DATAERR;

	while (more && code == EX_OK) {
		const uint64_t left = wanted - json_array_size(rows);

		json_object_set_new(params, "limit",
				    json_integer(left < PAGE ? (json_int_t)left : PAGE));
		code = ctl_call(ctl, "audit.list", json_deep_copy(params), &page);
		json_array_extend(rows, json_object_get(page, "entries"));
		more = json_is_true(json_object_get(page, "more")) &&
		       json_array_size(rows) < wanted;
		json_object_set(params, "before", json_object_get(page, "before"));
		json_decref(page);
		page = NULL;
	}
	json_decref(params);
	*rows_r = rows;
	return code;
}

static void add_text(struct ctl_table *table, const json_t *row, const char *member)
{
	const char *text = json_string_value(json_object_get(row, member));

	ctl_table_add(table, "%s", text ? text : "");
}

static void add_row(struct ctl_table *table, const json_t *row)
{
	char *details = json_dumps(json_object_get(row, "details"),
				   JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY);

	add_text(table, row, "time");
	add_text(table, row, "actor");
	add_text(table, row, "address");
	add_text(table, row, "what");
	add_text(table, row, "object");
	ctl_table_add(table, "%s", details ? details : "");
	free(details);
}

static int print_rows(const struct ctl *ctl, const json_t *rows)
{
	static const char *const headings[] = {"TIME", "ACTOR",	 "ADDRESS",
					       "WHAT", "OBJECT", "DETAILS"};
	struct ctl_table *table = ctl_table_new("llllll");
	bool printed = table != NULL;
	json_t *row;
	size_t i;

	for (unsigned k = 0; table && k < sizeof(headings) / sizeof(headings[0]); k++)
		ctl_table_add(table, "%s", headings[k]);
	json_array_foreach(rows, i, row)
	{
		if (table)
			add_row(table, row);
	}
	printed = printed && ctl_table_print(table) == 0;
	ctl_table_free(&table);
	return printed ? EX_OK : ctl_fail(ctl, EX_IOERR, "could not write the table");
}

int ctl_audit(const struct ctl *ctl)
{
	json_t *rows, *document;
	int code = find(ctl, ctl_option_number(ctl, CTL_LIMIT, LIMIT), &rows);

	if (code == EX_OK && ctl->json) {
		document = json_pack("{s:O}", "entries", rows);
		code = ctl_print_json(ctl, document);
		json_decref(document);
	} else if (code == EX_OK) {
		code = print_rows(ctl, rows);
	}
	json_decref(rows);
	return code;
}
