#include <stdlib.h>
#include <sysexits.h>

#include "daemon/ctl_option.h"
#include "daemon/ctl_table.h"

/* Who changed what. */

enum { LIMIT = 100 };

static json_t *next_of(const json_t *page)
{
	return json_object_get(page, "before");
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
	int code = ctl_call_chain(ctl, "audit.list", ctl_option_params(ctl, false), "entries",
				  ctl_option_number(ctl, CTL_LIMIT, LIMIT), next_of, &rows);

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
