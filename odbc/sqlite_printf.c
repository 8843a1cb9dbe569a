#include "odbc/sqlite_printf.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * SQLite chooses among functions of a name by the number of their arguments, and takes its own
 * where none fits. So the statements are the same with this and without it, and the driver may have
 * another library than the one that was found here.
 *
 * A format has %s, %d and bytes that stand for themselves; whatever else it has is refused. As in
 * SQLite's own a text ends at its first NUL, and what is NULL is an empty text or 0.
 */

struct sqlite3;
struct sqlite3_context;
struct sqlite3_value;

typedef void row_function(struct sqlite3_context *context, int count, struct sqlite3_value **value);
typedef void end_function(struct sqlite3_context *context);

/* As sqlite3.h has them, which never changes. */
static struct {
	int (*auto_extension)(void (*entry)(void));
	int (*create_function)(struct sqlite3 *db, const char *name, int arguments, int flags,
			       void *data, row_function *function, row_function *step,
			       end_function *end);
	const unsigned char *(*value_text)(struct sqlite3_value *value);
	long long (*value_int64)(struct sqlite3_value *value);
	void (*result_text)(struct sqlite3_context *context, const char *text, int length,
			    void (*destroy)(void *text));
	void (*result_error)(struct sqlite3_context *context, const char *text, int length);
	void (*result_error_nomem)(struct sqlite3_context *context);
} sqlite;

static const struct {
	const char *name;
	void *place;
} functions[] = {
	{"sqlite3_auto_extension", &sqlite.auto_extension},
	{"sqlite3_create_function", &sqlite.create_function},
	{"sqlite3_value_text", &sqlite.value_text},
	{"sqlite3_value_int64", &sqlite.value_int64},
	{"sqlite3_result_text", &sqlite.result_text},
	{"sqlite3_result_error", &sqlite.result_error},
	{"sqlite3_result_error_nomem", &sqlite.result_error_nomem},
};

#define COPIED ((void (*)(void *))(intptr_t)-1) /* SQLITE_TRANSIENT */

enum {
	UTF8 = 1,
	DETERMINISTIC = 0x800,
	INNOCUOUS = 0x200000, /* may be used by views and triggers, as SQLite's own */
	ROW_ALONE = 10,	      /* arguments of a message without names (odbc/sqlite.c), */
	ROW_NAMED = 12,	      /* and with them */
	ROW_FIRST = 4096,     /* bytes */
	ROW_KEPT = 1 << 20,   /* a buffer that had to be larger is not kept */
	ROW_MAX = 1 << 30,    /* larger values are not SQLite's */
	NUMBER_MAX = 20,      /* bytes of one */
};

/* The row that is being made; SQLite copies it. Processes have one thread. */
static struct {
	char *data;
	size_t size;
	size_t used;
} row;

static bool grow(size_t wanted)
{
	size_t size = row.size == 0 ? ROW_FIRST : row.size;
	char *data;

	while (size < wanted)
		size *= 2;
	data = wanted > ROW_MAX ? NULL : realloc(row.data, size);
	if (data == NULL)
		return false;
	row.data = data;
	row.size = size;
	return true;
}

static bool has_room(size_t length)
{
	const size_t wanted = row.used + length;

	return wanted <= row.size || grow(wanted);
}

/* What is not of the texts has room already, and keeps it. */
static bool put_text(struct sqlite3_value *value, size_t others)
{
	const char *const text = (const char *)sqlite.value_text(value);
	const size_t length = text == NULL ? 0 : strlen(text);

	if (!has_room(length + others))
		return false;
	if (length > 0)
		memcpy(row.data + row.used, text, length);
	row.used += length;
	return true;
}

static void put_number(long long number)
{
	unsigned long long rest = (unsigned long long)number;
	char digits[NUMBER_MAX], *const end = digits + sizeof(digits), *at = end;

	if (number < 0)
		rest = -rest;
	do
		*--at = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (number < 0)
		*--at = '-';
	memcpy(row.data + row.used, at, (size_t)(end - at));
	row.used += (size_t)(end - at);
}

enum made { MADE, NO_MEMORY, NO_FORMAT };

/* value: what follows the format. */
static enum made make_row(const char *format, int count, struct sqlite3_value **value)
{
	const size_t others = strlen(format) + (size_t)count * NUMBER_MAX;

	row.used = 0;
	if (!has_room(others))
		return NO_MEMORY;
	for (; *format != '\0'; format++) {
		if (*format != '%') {
			row.data[row.used++] = *format;
			continue;
		}
		format++;
		if (count-- == 0 || (*format != 's' && *format != 'd'))
			return NO_FORMAT;
		if (*format == 'd')
			put_number(sqlite.value_int64(*value++));
		else if (!put_text(*value++, others))
			return NO_MEMORY;
	}
	return MADE;
}

static void row_printf(struct sqlite3_context *context, int count, struct sqlite3_value **value)
{
	const char *const format = (const char *)sqlite.value_text(value[0]);

	switch (make_row(format == NULL ? "" : format, count - 1, value + 1)) {
	case MADE:
		sqlite.result_text(context, row.data, (int)row.used, COPIED);
		break;
	case NO_MEMORY:
		sqlite.result_error_nomem(context);
		break;
	case NO_FORMAT:
		sqlite.result_error(context, "a row has only %s and %d, and an argument for each",
				    -1);
		break;
	}
	if (row.size <= ROW_KEPT)
		return;
	free(row.data);
	row.data = NULL;
	row.size = 0;
}

/* Of a connection that is opened. It works without them. */
static int add_functions(struct sqlite3 *db, const char **error, const void *api)
{
	static const int arguments[] = {ROW_ALONE, ROW_NAMED};

	(void)error;
	(void)api;
	for (unsigned i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++)
		(void)sqlite.create_function(db, "printf", arguments[i],
					     UTF8 | DETERMINISTIC | INNOCUOUS, NULL, row_printf,
					     NULL, NULL);
	return 0;
}

void sqlite_printf_install(void *library)
{
	for (unsigned i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		void *const found = dlsym(library, functions[i].name);

		if (found == NULL)
			return;
		memcpy(functions[i].place, &found, sizeof(found));
	}
	sqlite.auto_extension((void (*)(void))add_functions);
}
