#include "daemon/ctl_option.h"

/* The files of a room. */

static json_t *next_of(const json_t *page)
{
	const json_t *files = json_object_get(page, "files");

	return json_object_get(json_array_get(files, json_array_size(files) - 1), "file");
}

int ctl_file_list(const struct ctl *ctl)
{
	json_t *rows;
	const int code =
		ctl_call_chain(ctl, ctl->verb->method, ctl_option_params(ctl, false), "files",
			       ctl_option_number(ctl, CTL_LIMIT, UINT64_MAX), next_of, &rows);

	return ctl_list_show(ctl, code, rows);
}
