#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "daemon/ctl_option.h"

/* Messages found, removed, replaced and purged. */

enum { AT_ONCE = 500 /* messages of one removal */, PAGE = 100 };

#define FILTERS                                                                                    \
	(CTL_BIT(CTL_WORDS) | CTL_BIT(CTL_MATCH) | CTL_BIT(CTL_CASE) | CTL_BIT(CTL_FROM) |         \
	 CTL_BIT(CTL_START) | CTL_BIT(CTL_END))

static bool has_filter(const struct ctl *ctl)
{
	for (unsigned i = 0; i < CTL_OPTIONS; i++)
		if (ctl->option[i] && (FILTERS & CTL_BIT(i)))
			return true;
	return false;
}

/* --- Finding. --- */

/* The messages that the options ask for, at most `wanted`; *rows_r is an array of the caller's. */
static int find(const struct ctl *ctl, uint64_t wanted, json_t **rows_r)
{
	json_t *params = ctl_option_params(ctl, false), *rows = json_array(), *page = NULL;
	bool more = params != NULL;
	int code = params ? EX_OK : EX_DATAERR;

	if (params) {
		json_object_del(params, "replace");
		json_object_set_new(params, "room", json_string(ctl->arguments[0]));
		json_object_set_new(params, "limit", json_integer(PAGE));
	}
	while (more && code == EX_OK) {
		code = ctl_call(ctl, "message.search", json_deep_copy(params), &page);
		if (code == EX_OK && json_is_true(json_object_get(page, "exceeded")))
			code = ctl_fail(ctl, EX_TEMPFAIL,
					"the search takes too long: narrow it by --start and --end");
		json_array_extend(rows, json_object_get(page, "messages"));
		more = json_is_true(json_object_get(page, "more")) &&
		       json_array_size(rows) < wanted;
		json_object_set(params, "page", json_object_get(page, "page"));
		json_decref(page);
		page = NULL;
	}
	json_decref(params);
	while (json_array_size(rows) > wanted)
		json_array_remove(rows, json_array_size(rows) - 1);
	*rows_r = rows;
	return code;
}

int ctl_message_search(const struct ctl *ctl)
{
	json_t *rows;
	const int code = find(ctl, ctl_option_number(ctl, CTL_LIMIT, UINT64_MAX), &rows);

	return ctl_list_show(ctl, code, rows);
}

/* --- Removing and replacing. --- */

/* The arguments behind the room: numbers of messages. */
static int numbers_given(const struct ctl *ctl, json_t *list)
{
	for (int i = 1; i < ctl->count; i++) {
		const char *text = ctl->arguments[i];
		char *end;
		long long number;

		errno = 0;
		number = strtoll(text, &end, 10);
		if (*text < '0' || *text > '9' || *end || errno || number < 1)
			return ctl_fail(ctl, EX_USAGE, "%s is not the number of a message", text);
		json_array_append_new(list, json_integer(number));
	}
	return EX_OK;
}

static int numbers_found(const struct ctl *ctl, json_t *list)
{
	json_t *rows, *row;
	const int code = find(ctl, UINT64_MAX, &rows);
	size_t i;

	json_array_foreach(rows, i, row)
		json_array_append(list, json_object_get(row, "seq"));
	json_decref(rows);
	return code;
}

/* One request for the numbers from `first` on. */
static int remove_part(const struct ctl *ctl, const json_t *numbers, size_t first, bool replace)
{
	json_t *part = json_array(), *params, *result;
	const char *text = ctl->option[CTL_REPLACE];
	int code;

	for (size_t i = first; i < json_array_size(numbers) && i < first + AT_ONCE; i++)
		json_array_append(part, json_array_get(numbers, i));
	params = json_pack("{s:s, s:o}", "room", ctl->arguments[0], "seqs", part);
	if (replace)
		json_object_set_new(params, "replace", text ? json_string(text) : json_true());
	if (ctl->option[CTL_DRY_RUN])
		return ctl_object_call(ctl, params);
	code = ctl_call(ctl, ctl->verb->method, params, &result);
	json_decref(result);
	return code;
}

static int remove_all(const struct ctl *ctl, const json_t *numbers, bool replace)
{
	const size_t count = json_array_size(numbers);
	int code = EX_OK;

	for (size_t i = 0; i < count && code == EX_OK; i += AT_ONCE)
		code = remove_part(ctl, numbers, i, replace);
	if (code == EX_OK && ctl->json && !ctl->option[CTL_DRY_RUN]) {
		json_t *document = json_pack("{s:I}", "messages", (json_int_t)count);

		code = ctl_print_json(ctl, document);
		json_decref(document);
	} else if (code == EX_OK && !ctl->option[CTL_DRY_RUN]) {
		printf("%zu message%s %s\n", count, count == 1 ? "" : "s",
		       replace ? "replaced" : "deleted");
	}
	return code;
}

static int remove_or_replace(const struct ctl *ctl, bool replace)
{
	json_t *numbers;
	int code;

	if ((ctl->count > 1) == has_filter(ctl))
		return ctl_fail(ctl, EX_USAGE,
				"say which messages: by their numbers, or by options");
	numbers = json_array();
	code = ctl->count > 1 ? numbers_given(ctl, numbers) : numbers_found(ctl, numbers);
	if (code == EX_OK && !replace)
		code = ctl_confirm(ctl, "Delete messages of");
	if (code == EX_OK)
		code = remove_all(ctl, numbers, replace);
	json_decref(numbers);
	return code;
}

int ctl_message_remove(const struct ctl *ctl)
{
	return remove_or_replace(ctl, false);
}

int ctl_message_replace(const struct ctl *ctl)
{
	return remove_or_replace(ctl, true);
}

/* --- Purging. --- */

int ctl_message_purge(const struct ctl *ctl)
{
	const bool has_end = (ctl->option[CTL_THROUGH] != NULL) != (ctl->option[CTL_UNTIL] != NULL);
	json_t *params;
	int code;

	if (!has_end)
		return ctl_fail(ctl, EX_USAGE, "say up to where: --through or --until");
	params = ctl_option_params(ctl, false);
	if (!params)
		return EX_DATAERR;
	json_object_set_new(params, "room", json_string(ctl->arguments[0]));
	code = ctl_confirm(ctl, "Purge");
	if (code == EX_OK)
		return ctl_object_call(ctl, params);
	json_decref(params);
	return code;
}
