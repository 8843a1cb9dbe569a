#include "daemon/ctl_table.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>
#include <uniwidth.h>

#include "daemon/pchat_text.h"

struct ctl_table {
	const char *align; /* borrowed */
	size_t columns;
	char **cells; /* owned, fit for a terminal */
	size_t count, room;
	bool failed;
};

struct ctl_table *ctl_table_new(const char *align, const char *const *heads)
{
	struct ctl_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->align = align;
	table->columns = strlen(align);
	for (size_t i = 0; heads && i < table->columns; i++)
		ctl_table_add(table, "%s", heads[i]);
	return table;
}

void ctl_table_free(struct ctl_table **table)
{
	if (*table) {
		for (size_t i = 0; i < (*table)->count; i++)
			free((*table)->cells[i]);
		free((*table)->cells);
	}
	free(*table);
	*table = NULL;
}

static bool grow(struct ctl_table *table)
{
	const size_t room = table->room ? table->room * 2 : 64;
	char **cells;

	if (table->count < table->room)
		return true;
	cells = reallocarray(table->cells, room, sizeof(*cells));
	if (!cells)
		return false;
	table->cells = cells;
	table->room = room;
	return true;
}

void ctl_table_add(struct ctl_table *table, const char *fmt, ...)
{
	char *text = NULL, *clean;
	va_list ap;

	if (!table)
		return;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) == -1)
		text = NULL;
	va_end(ap);
	clean = text ? pchat_text_escape(text, NULL) : NULL;
	free(text);
	if (!clean || !grow(table)) {
		free(clean);
		table->failed = true;
		return;
	}
	table->cells[table->count++] = clean;
}

static size_t width(const char *text)
{
	const int columns = u8_strwidth((const uint8_t *)text, "UTF-8");

	return columns > 0 ? (size_t)columns : 0;
}

static size_t column_width(const struct ctl_table *table, size_t column)
{
	size_t widest = 0;

	for (size_t i = column; i < table->count; i += table->columns) {
		const size_t now = width(table->cells[i]);

		widest = now > widest ? now : widest;
	}
	return widest;
}

static void print_cell(const struct ctl_table *table, size_t i, size_t widest)
{
	const size_t column = i % table->columns;
	const bool last = column + 1 == table->columns;
	const int pad = (int)(widest - width(table->cells[i]));

	if (table->align[column] == 'r')
		printf("%*s%s", pad, "", table->cells[i]);
	else
		printf("%s%*s", table->cells[i], last ? 0 : pad, "");
	fputs(last ? "\n" : "  ", stdout);
}

static int print(const struct ctl_table *table)
{
	size_t *widths = calloc(table->columns, sizeof(*widths));

	if (!widths || table->failed) {
		free(widths);
		return -1;
	}
	for (size_t i = 0; i < table->columns; i++)
		widths[i] = column_width(table, i);
	for (size_t i = 0; i < table->count; i++)
		print_cell(table, i, widths[i % table->columns]);
	free(widths);
	return ferror(stdout) ? -1 : 0;
}

int ctl_table_print(struct ctl_table *take_table)
{
	const int result = take_table ? print(take_table) : -1;

	ctl_table_free(&take_table);
	return result;
}
