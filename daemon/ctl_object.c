#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/ctl_check.h"
#include "daemon/ctl_option.h"

/* What is done to categories, rooms, add-ins, users and groups. The table of verbs says by which
 * methods. */

static const char *text_of(const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text ? text : "";
}

/* --- Changing. --- */

static int print_result(const struct ctl *ctl, const json_t *result)
{
	if (ctl->json)
		return ctl_print_json(ctl, result);
	if (ctl->verb->shown)
		ctl_say("%s", text_of(result, ctl->verb->shown));
	return EX_OK;
}

static int change(const struct ctl *ctl, const char *method, json_t *take_params, json_t **result_r)
{
	*result_r = NULL;
	if (!take_params)
		return EX_DATAERR;
	if (!ctl->option[CTL_DRY_RUN])
		return ctl_call(ctl, method, take_params, result_r);
	*result_r = json_pack("{s:b, s:s, s:o}", "dry_run", 1, "method", method, "params",
			      take_params);
	return *result_r ? EX_OK : ctl_fail(ctl, EX_OSERR, "could not get memory");
}

/* What is to be changed was looked at as revision N; changed once it is N + 1. If it is not then,
 * somebody else came in between. It may have another name by then, too. */
static json_t *edit_params(const struct ctl *ctl, bool second)
{
	json_t *params = ctl_option_params(ctl, true);
	json_t *revision = json_object_get(params, "if_revision");

	if (second && ctl->option[CTL_NAME] && strcmp(ctl->verb->parameter, "uri") != 0)
		json_object_set_new(params, ctl->verb->parameter,
				    json_string(ctl->option[CTL_NAME]));
	if (second && revision)
		json_integer_set(revision, json_integer_value(revision) + 1);
	return params;
}

static int print_dry_run(const struct ctl *ctl, const json_t *result)
{
	char *params;

	if (ctl->json)
		return ctl_print_json(ctl, result);
	params = json_dumps(json_object_get(result, "params"), JSON_COMPACT);
	printf("would call %s %s\n", text_of(result, "method"), params ? params : "");
	free(params);
	return EX_OK;
}

static int done(const struct ctl *ctl, int code, json_t *take_result)
{
	if (code == EX_OK)
		code = ctl->option[CTL_DRY_RUN] ? print_dry_run(ctl, take_result) :
						  print_result(ctl, take_result);
	json_decref(take_result);
	return code;
}

/* An update is up to two requests: one for properties, one for lists. */
int ctl_object_change(const struct ctl *ctl)
{
	const struct ctl_verb *verb = ctl->verb;
	const bool edits = ctl_option_count(ctl, true) > 0;
	const bool properties =
		strcmp(verb->verb, "update") != 0 || ctl_option_count(ctl, false) > 0;
	json_t *result;
	int code = EX_OK;

	if (!edits && !properties)
		return ctl_fail(ctl, EX_USAGE, "there is nothing to change");
	if (ctl->option[CTL_DRY_RUN])
		code = ctl_check(ctl);
	if (code != EX_OK)
		return code;
	if (properties) {
		code = change(ctl, verb->method, ctl_option_params(ctl, false), &result);
		if (!edits || code != EX_OK || ctl->option[CTL_DRY_RUN])
			code = done(ctl, code, result);
		else
			json_decref(result);
	}
	if (edits && code == EX_OK) {
		code = change(ctl, verb->edit, edit_params(ctl, properties), &result);
		code = done(ctl, code, result);
	}
	return code;
}

/* --- Deleting. --- */

int ctl_confirm(const struct ctl *ctl, const char *what)
{
	char line[8];

	if (ctl->option[CTL_YES] || ctl->option[CTL_DRY_RUN])
		return EX_OK;
	if (!isatty(STDIN_FILENO))
		return ctl_fail(ctl, EX_USAGE, "there is nobody to ask: --yes says that it is meant");
	if (ctl->count > 0)
		printf("%s \"%s\" for good? [y/N] ", what, ctl->arguments[0]);
	else
		printf("%s? [y/N] ", what);
	fflush(stdout);
	if (fgets(line, sizeof(line), stdin) && (*line == 'y' || *line == 'Y'))
		return EX_OK;
	return ctl_fail(ctl, EX_TEMPFAIL, "nothing was done");
}

int ctl_object_delete(const struct ctl *ctl)
{
	char what[64];
	int code;

	snprintf(what, sizeof(what), "Delete %s", ctl->verb->noun);
	code = ctl_confirm(ctl, what);
	if (code == EX_OK && ctl->option[CTL_DRY_RUN])
		code = ctl_check(ctl);
	return code == EX_OK ? ctl_object_call(ctl, ctl_option_params(ctl, false)) : code;
}

int ctl_object_call(const struct ctl *ctl, json_t *take_params)
{
	json_t *result;
	const int code = change(ctl, ctl->verb->method, take_params, &result);

	return done(ctl, code, result);
}
