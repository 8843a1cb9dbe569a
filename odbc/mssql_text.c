#include "odbc/mssql_text.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/bug.h"

/* A piece of the text. */
struct piece {
	const char *data; /* borrowed */
	size_t length;
};

/* A list in parentheses, piece by piece. */
enum { LIST_MAX = 24 };

struct list {
	struct piece item[LIST_MAX];
	unsigned count;
};

/* One statement under way. */
struct writer {
	FILE *out;
	unsigned parameter; /* of those that have been passed */
	bool named;	    /* they are variables */
};

static struct piece trim(struct piece piece)
{
	while (piece.length > 0 && *piece.data == ' ')
		piece.data++, piece.length--;
	while (piece.length > 0 && piece.data[piece.length - 1] == ' ')
		piece.length--;
	return piece;
}

static void put(FILE *out, struct piece piece)
{
	fwrite(piece.data, 1, piece.length, out);
}

static bool is_same(struct piece a, struct piece b)
{
	return a.length == b.length && memcmp(a.data, b.data, a.length) == 0;
}

/* Reads "(a, b, ...)", which text stands at; what comes behind it. */
static const char *read_list(const char *text, struct list *list)
{
	unsigned depth = 0;
	const char *begin = text + 1;

	list->count = 0;
	for (;; text++) {
		bug_on(*text == '\0');
		depth += *text == '(';
		depth -= *text == ')';
		if (depth > 1 || (depth == 1 && *text != ',') || text < begin)
			continue;
		bug_on(list->count == LIST_MAX);
		list->item[list->count++] = trim((struct piece){begin, (size_t)(text - begin)});
		begin = text + 1;
		if (depth == 0)
			return begin;
	}
}

/* A value: "?" is the next parameter. */
static void put_value(struct writer *writer, struct piece value)
{
	for (size_t i = 0; i < value.length; i++)
		if (value.data[i] != '?')
			fputc(value.data[i], writer->out);
		else if (writer->named)
			fprintf(writer->out, "@v%u", ++writer->parameter);
		else
			fputc('?', writer->out);
}

static void declare(FILE *out, const char *parameters)
{
	for (unsigned i = 0; parameters[i]; i++)
		fprintf(out, "%s@v%u %s = ?", i == 0 ? "DECLARE " : ", ", i + 1,
			parameters[i] == 'i'   ? "BIGINT"
			: parameters[i] == 't' ? "NVARCHAR(MAX)"
					       : "VARBINARY(MAX)");
	fputs("; ", out);
}

/* --- INSERT with ON CONFLICT. --- */

struct upsert {
	struct piece table;
	struct list columns, values, keys;
	const char *set; /* the assignments; NULL: DO NOTHING */
};

static bool read_upsert(const char *text, struct upsert *upsert)
{
	static const char insert[] = "INSERT INTO ", conflict[] = " ON CONFLICT ";
	static const char values[] = " VALUES ", update[] = " DO UPDATE SET ";
	const char *end;

	if (strncmp(text, insert, sizeof(insert) - 1) != 0 || !strstr(text, conflict))
		return false;
	text += sizeof(insert) - 1;
	upsert->table = (struct piece){text, strcspn(text, " ")};
	text = read_list(text + strcspn(text, "("), &upsert->columns);
	bug_on(strncmp(text, values, sizeof(values) - 1) != 0);
	text = read_list(text + sizeof(values) - 1, &upsert->values);
	bug_on(strncmp(text, conflict, sizeof(conflict) - 1) != 0);
	end = read_list(text + sizeof(conflict) - 1, &upsert->keys);
	upsert->set =
		strncmp(end, update, sizeof(update) - 1) == 0 ? end + sizeof(update) - 1 : NULL;
	bug_on(upsert->columns.count != upsert->values.count);
	return true;
}

static void put_list(FILE *out, const char *before, const struct list *list)
{
	for (unsigned i = 0; i < list->count; i++) {
		fputs(i == 0 ? before : ", ", out);
		put(out, list->item[i]);
	}
}

static void put_row(struct writer *writer, const struct list *values)
{
	for (unsigned i = 0; i < values->count; i++) {
		fputs(i == 0 ? "(" : ", ", writer->out);
		put_value(writer, values->item[i]);
	}
	fputc(')', writer->out);
}

static void put_missing(struct writer *writer, const struct upsert *upsert, unsigned rows)
{
	fprintf(writer->out, "INSERT INTO %.*s", (int)upsert->table.length, upsert->table.data);
	put_list(writer->out, " (", &upsert->columns);
	put_list(writer->out, ") SELECT ", &upsert->columns);
	fputs(" FROM (VALUES ", writer->out);
	for (unsigned i = 0; i < rows; i++) {
		fputs(i == 0 ? "" : ", ", writer->out);
		put_row(writer, &upsert->values);
	}
	put_list(writer->out, ") AS v (", &upsert->columns);
	fprintf(writer->out, ") WHERE NOT EXISTS (SELECT 1 FROM %.*s AS o",
		(int)upsert->table.length, upsert->table.data);
	for (unsigned i = 0; i < upsert->keys.count; i++) {
		const struct piece key = upsert->keys.item[i];

		fprintf(writer->out, " %s o.%.*s = v.%.*s", i == 0 ? "WHERE" : "AND",
			(int)key.length, key.data, (int)key.length, key.data);
	}
	fputc(')', writer->out);
}

/* The variable or constant that a column gets. */
static void put_column_value(FILE *out, const struct upsert *upsert, struct piece column)
{
	struct writer writer = {.out = out, .named = true};

	for (unsigned i = 0; i < upsert->columns.count; i++) {
		const struct piece value = upsert->values.item[i];

		if (is_same(upsert->columns.item[i], column)) {
			put_value(&writer, value);
			return;
		}
		for (size_t c = 0; c < value.length; c++)
			writer.parameter += value.data[c] == '?';
	}
	/* An upsert sets only columns that it inserts. */
	bug_on(true);
}

/* "a = excluded.a, ..." with the variables for what is excluded. */
static void put_assignments(FILE *out, const struct upsert *upsert)
{
	static const char word[] = "excluded.";
	const char *text = upsert->set, *next;

	while ((next = strstr(text, word)) != NULL) {
		struct piece column = {next + sizeof(word) - 1, 0};

		put(out, (struct piece){text, (size_t)(next - text)});
		column.length = strcspn(column.data, ", )");
		put_column_value(out, upsert, column);
		text = column.data + column.length;
	}
	fputs(text, out);
}

static void put_update(struct writer *writer, const struct upsert *upsert, const char *parameters)
{
	declare(writer->out, parameters);
	fprintf(writer->out, "UPDATE %.*s SET ", (int)upsert->table.length, upsert->table.data);
	put_assignments(writer->out, upsert);
	for (unsigned i = 0; i < upsert->keys.count; i++) {
		const struct piece key = upsert->keys.item[i];

		fprintf(writer->out, " %s %.*s = ", i == 0 ? "WHERE" : "AND", (int)key.length,
			key.data);
		put_column_value(writer->out, upsert, key);
	}
	fprintf(writer->out, "; IF @@ROWCOUNT = 0 INSERT INTO %.*s", (int)upsert->table.length,
		upsert->table.data);
	put_list(writer->out, " (", &upsert->columns);
	fputs(") VALUES ", writer->out);
	writer->named = true;
	put_row(writer, &upsert->values);
}

/* --- Everything else. --- */

static const char ROW_VALUES[] = ") > (";

/* Whether a list of names ends here, which is compared with a list of parameters. */
static bool is_row_value(const char *text)
{
	struct list list;
	const char *end = strchr(text, ')');

	if (*text != '(' || !end || strncmp(end, ROW_VALUES, sizeof(ROW_VALUES) - 1) != 0)
		return false;
	read_list(text, &list);
	return list.count > 1;
}

/* (a, b) > (?, ?) as (a > @v1 OR (a = @v1 AND (b > @v2))). */
static const char *put_row_value(struct writer *writer, const char *text)
{
	struct list names, values;
	const char *rest = read_list(text, &names);

	rest = read_list(rest + strlen(" > "), &values);
	for (unsigned i = 0; i < names.count; i++) {
		const struct piece name = names.item[i];
		const bool is_last = i + 1 == names.count;

		writer->parameter++;
		fprintf(writer->out, "(%.*s > @v%u", (int)name.length, name.data,
			writer->parameter);
		if (!is_last)
			fprintf(writer->out, " OR (%.*s = @v%u AND ", (int)name.length, name.data,
				writer->parameter);
	}
	for (unsigned i = 0; i < 2 * names.count - 1; i++)
		fputc(')', writer->out);
	return rest;
}

static const char *put_limit(struct writer *writer, const char *rest)
{
	static const char offset[] = " OFFSET ?";
	const bool has_offset = strncmp(rest, offset, sizeof(offset) - 1) == 0;

	if (has_offset)
		fprintf(writer->out, "OFFSET @v%u ROWS FETCH NEXT @v%u ROWS ONLY",
			writer->parameter + 2, writer->parameter + 1);
	else if (writer->named)
		fprintf(writer->out, "OFFSET 0 ROWS FETCH NEXT @v%u ROWS ONLY",
			writer->parameter + 1);
	else
		fputs("OFFSET 0 ROWS FETCH NEXT ? ROWS ONLY", writer->out);
	writer->parameter += has_offset ? 2 : 1;
	return has_offset ? rest + sizeof(offset) - 1 : rest;
}

/* An escaped character stands in brackets, which every release of every server understands; ESCAPE
 * is not known to all of them. A character for private use stands in for the backslash meanwhile.
 */
#define MEANWHILE "N'\xee\x80\x80'"

static void put_pattern(struct writer *writer)
{
	fputs("LIKE REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(", writer->out);
	put_value(writer, (struct piece){"?", 1});
	fputs(", N'\\\\', " MEANWHILE
	      "), N'\\[', N'[[]'), N'\\%', N'[%]'), N'\\_', N'[_]'), " MEANWHILE ", N'[\\]')",
	      writer->out);
}

/* The row of an INSERT, as often as there are rows. */
static const char *put_values(struct writer *writer, const char *text, unsigned rows)
{
	struct list values;
	const char *rest = read_list(text, &values);

	for (unsigned i = 0; i < rows; i++) {
		fputs(i == 0 ? "" : ", ", writer->out);
		put_row(writer, &values);
	}
	return rest;
}

static bool needs_names(const char *text)
{
	return strstr(text, "LIMIT ? OFFSET ?") || strstr(text, ROW_VALUES);
}

static void put_other(struct writer *writer, const char *text, const char *parameters,
		      unsigned rows)
{
	static const char limit[] = "LIMIT ?", like[] = "LIKE ? ESCAPE '\\'", values[] = "VALUES (";

	writer->named = needs_names(text);
	if (writer->named)
		declare(writer->out, parameters);
	bug_on(rows > 1 && (writer->named || !strstr(text, values)));
	while (*text) {
		if (strncmp(text, limit, sizeof(limit) - 1) == 0) {
			text = put_limit(writer, text + sizeof(limit) - 1);
		} else if (strncmp(text, "LIMIT ", 6) == 0) {
			const size_t digits = strspn(text + 6, "0123456789");

			fprintf(writer->out, "OFFSET 0 ROWS FETCH NEXT %.*s ROWS ONLY", (int)digits,
				text + 6);
			text += 6 + digits;
		} else if (strncmp(text, like, sizeof(like) - 1) == 0) {
			put_pattern(writer);
			text += sizeof(like) - 1;
		} else if (rows > 1 && strncmp(text, values, sizeof(values) - 1) == 0) {
			fputs("VALUES ", writer->out);
			text = put_values(writer, text + sizeof(values) - 2, rows);
			rows = 1;
		} else if (is_row_value(text)) {
			text = put_row_value(writer, text);
		} else {
			put_value(writer, (struct piece){text, 1});
			text++;
		}
	}
}

char *mssql_text(const char *text, const char *parameters, unsigned rows)
{
	struct writer writer = {0};
	struct upsert upsert;
	char *out = NULL;
	size_t size;

	writer.out = open_memstream(&out, &size);
	if (!writer.out)
		return NULL;
	bug_on(rows > 1 && strstr(text, " DO UPDATE SET "));
	if (!read_upsert(text, &upsert))
		put_other(&writer, text, parameters, rows);
	else if (upsert.set)
		put_update(&writer, &upsert, parameters);
	else
		put_missing(&writer, &upsert, rows);
	if (fclose(writer.out) == 0)
		return out;
	free(out);
	return NULL;
}
