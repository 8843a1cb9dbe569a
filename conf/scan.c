#include "conf/scan.h"

#include <ctype.h>
#include <string.h>

struct scan {
	char *at; /* the text ends with a NUL, and has no other */
	unsigned line;
};

static int refuse_variable(struct err *err)
{
	return err_set(err, "variables such as ${NAME} are not expanded: use single quotes");
}

/* From an opening quote to behind the closing one. */
static int scan_string(struct scan *scan, struct err *err)
{
	char quote = *scan->at++;

	for (; *scan->at != quote; scan->at++) {
		if (quote == '"' && scan->at[0] == '$' && scan->at[1] == '{')
			return refuse_variable(err);
		if (*scan->at == '\\' && quote == '"' && isdigit((unsigned char)scan->at[1]))
			return err_set(err, "octal numbers in strings are not supported");
		if (*scan->at == '\\')
			scan->at++;
		if (*scan->at == '\n')
			scan->line++;
		if (*scan->at == '\0')
			return err_set(err, "the string that begins here is not closed");
	}
	scan->at++;
	return 0;
}

static void blank_comment(struct scan *scan)
{
	for (; *scan->at && *scan->at != '\n'; scan->at++)
		*scan->at = ' ';
}

/* What must not stand outside of strings. */
static int scan_character(char c, char next, struct err *err)
{
	if (c == '/' && next == '*')
		return err_set(err, "a comment starts with # and ends with its line");
	if (c == '$' && next == '{')
		return refuse_variable(err);
	if (c == '*' || (c == '+' && next != '='))
		return err_set(err, "text with %c in it stands in quotes", c);
	return 0;
}

int scan_prepare(char *text, size_t length, unsigned *line_r, struct err *err)
{
	struct scan scan = { .at = text, .line = 1 };
	unsigned depth = 0, opened = 0;

	*line_r = 0;
	if (memchr(text, '\0', length))
		return err_set(err, "this is not a text file");
	while (*scan.at) {
		char c = scan.at[0], next = scan.at[1];

		*line_r = scan.line;
		if (c == '"' || c == '\'') {
			if (scan_string(&scan, err) < 0)
				return -1;
			continue;
		}
		if (c == '#' || (c == '/' && next == '/')) {
			blank_comment(&scan);
			continue;
		}
		if (scan_character(c, next, err) < 0)
			return -1;
		if (c == '{' && depth++ == 0)
			opened = scan.line;
		if (c == '}' && depth > 0)
			depth--;
		if (c == '\n')
			scan.line++;
		scan.at++;
	}
	*line_r = opened;
	return depth ? err_set(err, "what is opened here by { is never closed") : 0;
}
