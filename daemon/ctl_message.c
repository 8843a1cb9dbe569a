#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>

#include "daemon/ctl_option.h"

/* Messages removed, replaced and purged. */

/* The arguments behind the room: numbers of messages. NULL where one is none, which was said. */
static json_t *numbers_of(const struct ctl *ctl)
{
	json_t *list = json_array();

	for (int i = 1; i < ctl->count; i++) {
		const char *text = ctl->arguments[i];
		char *end;
		long long number;

		errno = 0;
		number = strtoll(text, &end, 10);
		if (*text < '0' || *text > '9' || *end || errno || number < 1) {
			ctl_fail(ctl, EX_USAGE, "%s is not the number of a message", text);
			json_decref(list);
			return NULL;
		}
		json_array_append_new(list, json_integer(number));
	}
	return list;
}

/* The options' parameters with the room. */
static json_t *params_of(const struct ctl *ctl)
{
	json_t *params = ctl_option_params(ctl, false);

	if (params)
		json_object_set_new(params, "room", json_string(ctl->arguments[0]));
	return params;
}

int ctl_message_remove(const struct ctl *ctl)
{
	json_t *numbers = numbers_of(ctl), *params;
	int code;

	if (!numbers)
		return EX_USAGE;
	params = params_of(ctl);
	if (!params) {
		json_decref(numbers);
		return EX_DATAERR;
	}
	json_object_set_new(params, "seqs", numbers);
	code = ctl_confirm(ctl, "Delete messages of");
	if (code == EX_OK)
		return ctl_object_call(ctl, params);
	json_decref(params);
	return code;
}

int ctl_message_replace(const struct ctl *ctl)
{
	json_t *numbers = numbers_of(ctl), *params = numbers ? params_of(ctl) : NULL;

	if (!params) {
		json_decref(numbers);
		return numbers ? EX_DATAERR : EX_USAGE;
	}
	json_object_set_new(params, "seqs", numbers);
	if (!json_object_get(params, "replace"))
		json_object_set_new(params, "replace", json_true());
	return ctl_object_call(ctl, params);
}

int ctl_message_purge(const struct ctl *ctl)
{
	const bool has_end = (ctl->option[CTL_THROUGH] != NULL) != (ctl->option[CTL_UNTIL] != NULL);
	json_t *params;
	int code;

	if (!has_end)
		return ctl_fail(ctl, EX_USAGE, "say up to where: --through or --until");
	params = params_of(ctl);
	if (!params)
		return EX_DATAERR;
	code = ctl_confirm(ctl, "Purge");
	if (code == EX_OK)
		return ctl_object_call(ctl, params);
	json_decref(params);
	return code;
}
