#include "daemon/ctl_option.h"

/* Who changed what. */

enum { LIMIT = 100 };

static json_t *next_of(const json_t *page)
{
	return json_object_get(page, "before");
}

int ctl_audit(const struct ctl *ctl)
{
	json_t *rows;
	const int code = ctl_call_chain(ctl, "audit.list", ctl_option_params(ctl, false), "entries",
					ctl_option_number(ctl, CTL_LIMIT, LIMIT), next_of, &rows);

	return ctl_list_show(ctl, code, rows);
}
