#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "conf/clock.h"
#include "conf/code.h"
#include "daemon/ctl_link.h"
#include "daemon/ctl_option.h"

enum { ANSWER_TIMEOUT_US = 30000000, ANSWER_MAX = 64 << 20, PAGE_ROWS = 100 };

static int send_request(const struct ctl *ctl, struct ctl_link *link, const char *method,
			json_t *take_params)
{
	json_t *request = json_pack("{s:s, s:i, s:s, s:o}", "jsonrpc", "2.0", "id", 1, "method",
				    method, "params", take_params);
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	char *line = NULL;
	int code;

	if (text && asprintf(&line, "%s\n", text) != -1)
		code = ctl_link_write(ctl, link, line, strlen(line),
				      clock_mono() + ANSWER_TIMEOUT_US);
	else
		code = ctl_fail(ctl, EX_OSERR, "could not get memory for the request");
	/* There may be a password in it. */
	if (text)
		explicit_bzero(text, strlen(text));
	if (code != EX_OSERR && line)
		explicit_bzero(line, strlen(line));
	free(text);
	free(line);
	json_decref(request);
	return code;
}

struct reading {
	char *data; /* owned */
	size_t used, size;
	uint64_t until; /* clock_mono() */
};

static int make_room(const struct ctl *ctl, struct reading *reading)
{
	const size_t size = reading->size ? reading->size * 2 : 65536;
	char *data;

	if (reading->size - reading->used > 1)
		return EX_OK;
	data = size <= ANSWER_MAX ? realloc(reading->data, size) : NULL;
	if (!data)
		return ctl_fail(ctl, EX_PROTOCOL, "the answer is too long");
	reading->data = data;
	reading->size = size;
	return EX_OK;
}

/* Reads on until there is a whole line at the start of the data; *length_r without its end. */
static int read_line(const struct ctl *ctl, struct ctl_link *link, struct reading *reading,
		     size_t *length_r)
{
	char *end;

	while (reading->used == 0 || !(end = memchr(reading->data, '\n', reading->used))) {
		int code = make_room(ctl, reading);
		size_t count = 0;

		if (code == EX_OK)
			code = ctl_link_read(ctl, link, reading->data + reading->used,
					     reading->size - reading->used, reading->until, &count);
		if (code != EX_OK)
			return code;
		reading->used += count;
	}
	*length_r = (size_t)(end - reading->data);
	return EX_OK;
}

static int exit_of(int code)
{
	switch (code) {
	case CODE_BUSY:
	case CODE_TIMEOUT:
		return EX_TEMPFAIL;
	case CODE_UNAVAILABLE:
	case CODE_DATABASE_CONNECTION:
		return EX_UNAVAILABLE;
	case CODE_ERROR_PERMISSION:
	case CODE_NOT_SIGNED_IN:
	case CODE_AUTHENTICATION_FAILED:
		return EX_NOPERM;
	default:
		return EX_DATAERR;
	}
}

/* The server cannot say which value it lacks where one may be left out only sometimes. */
static const char *hint(const struct ctl *ctl, int code)
{
	const bool makes_room = ctl->verb->options & CTL_BIT(CTL_CATEGORY) &&
				(strcmp(ctl->verb->verb, "create") == 0 ||
				 strcmp(ctl->verb->verb, "setup") == 0);

	return code == CODE_INVALID_ARGUMENT && makes_room && !ctl->option[CTL_CATEGORY]
		       ? "; where there are several categories --category says which"
		       : "";
}

static int refused(const struct ctl *ctl, json_t *error)
{
	json_t *data = json_object_get(error, "data");
	const char *name = json_string_value(json_object_get(data, "name"));
	const char *message = json_string_value(json_object_get(error, "message"));
	const int code = (int)json_integer_value(json_object_get(error, "code"));

	return ctl_fail(ctl, exit_of(code), "%s: %s%s", name ? name : code_name(code),
			message ? message : code_text(code), hint(ctl, code));
}

/* Takes the answer out of a line; EX_OK with *result_r NULL: it is none (a notification). */
static int take_answer(const struct ctl *ctl, const char *line, size_t length, json_t **result_r)
{
	json_t *answer = json_loadb(line, length, 0, NULL);
	json_t *error = json_object_get(answer, "error");
	int code = EX_OK;

	*result_r = json_incref(json_object_get(answer, "result"));
	if (!json_is_object(answer))
		code = ctl_fail(ctl, EX_PROTOCOL, "the answer is not JSON");
	else if (error)
		code = refused(ctl, error);
	json_decref(answer);
	return code;
}

static int read_answer(const struct ctl *ctl, struct ctl_link *link, json_t **result_r)
{
	struct reading reading = {.until = clock_mono() + ANSWER_TIMEOUT_US};
	int code = EX_OK;

	*result_r = NULL;
	while (code == EX_OK && !*result_r) {
		size_t length = 0;

		code = read_line(ctl, link, &reading, &length);
		if (code != EX_OK)
			break;
		code = take_answer(ctl, reading.data, length, result_r);
		reading.used -= length + 1;
		memmove(reading.data, reading.data + length + 1, reading.used);
	}
	free(reading.data);
	return code;
}

int ctl_call(const struct ctl *ctl, const char *method, json_t *take_params, json_t **result_r)
{
	struct ctl_link *link;
	int code = ctl_link_open(ctl, &link);

	*result_r = NULL;
	if (code != EX_OK) {
		json_decref(take_params);
		return code;
	}
	code = send_request(ctl, link, method, take_params);
	if (code == EX_OK)
		code = read_answer(ctl, link, result_r);
	ctl_link_free(&link);
	return code;
}

int ctl_call_pages(const struct ctl *ctl, const char *method, json_t *take_params,
		   const char *member, json_t **rows_r)
{
	const uint64_t wanted = ctl_option_number(ctl, CTL_LIMIT, UINT64_MAX);
	const uint64_t offset = ctl_option_number(ctl, CTL_OFFSET, 0);
	json_t *rows = json_array();
	bool more = wanted > 0;
	int code = EX_OK;

	while (more && code == EX_OK) {
		const size_t before = json_array_size(rows);
		const uint64_t left = wanted - before;
		json_t *page;

		json_object_set_new(take_params, "limit",
				    json_integer(left < PAGE_ROWS ? (json_int_t)left : PAGE_ROWS));
		json_object_set_new(take_params, "offset",
				    json_integer((json_int_t)(offset + before)));
		code = ctl_call(ctl, method, json_deep_copy(take_params), &page);
		if (code == EX_OK)
			json_array_extend(rows, json_object_get(page, member));
		/* A page without rows is the last one, whatever it says. */
		more = json_is_true(json_object_get(page, "more")) &&
		       json_array_size(rows) > before && json_array_size(rows) < wanted;
		json_decref(page);
	}
	json_decref(take_params);
	if (code != EX_OK) {
		json_decref(rows);
		rows = NULL;
	}
	*rows_r = rows;
	return code;
}

int ctl_call_chain(const struct ctl *ctl, const char *method, json_t *take_params,
		   const char *member, uint64_t wanted, ctl_next *next, json_t **rows_r)
{
	json_t *rows = json_array(), *page = NULL;
	bool more = take_params != NULL && wanted > 0;
	int code = take_params ? EX_OK : EX_DATAERR;

	while (more && code == EX_OK) {
		const uint64_t left = wanted - json_array_size(rows);

		json_object_set_new(take_params, "limit",
				    json_integer(left < PAGE_ROWS ? (json_int_t)left : PAGE_ROWS));
		code = ctl_call(ctl, method, json_deep_copy(take_params), &page);
		json_array_extend(rows, json_object_get(page, member));
		more = json_is_true(json_object_get(page, "more")) &&
		       json_array_size(rows) < wanted;
		/* One that does not say where to go on is the last one, whatever it says. */
		if (json_object_set(take_params, "before", next(page)) == -1)
			more = false;
		json_decref(page);
		page = NULL;
	}
	json_decref(take_params);
	*rows_r = rows;
	return code;
}
