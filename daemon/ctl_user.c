#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "daemon/ctl_check.h"

/* The verbs that need a password. */

static json_t *user_params(const struct ctl *ctl)
{
	return json_pack("{s:s}", "uri", ctl->arguments[0]);
}

static const char *text_of(json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text ? text : "";
}

static int bad_text(const struct ctl *ctl)
{
	return ctl_fail(ctl, EX_DATAERR, "a value is not UTF-8");
}

/* "alice" of "alice", "alice@example.test" and "sip:alice@example.test". */
static json_t *default_name(const char *uri)
{
	if (strncasecmp(uri, "sip:", 4) == 0)
		uri += 4;
	return json_stringn(uri, strcspn(uri, "@"));
}

/* Asks for the password and adds it to params, which is taken where that fails. */
static int add_password(const struct ctl *ctl, json_t *params)
{
	char password[CTL_PASSWORD_MAX + 1];
	int code = ctl_password(ctl, password);

	if (code == EX_OK && json_object_set_new(params, "password", json_string(password)) == -1)
		code = ctl_fail(ctl, EX_DATAERR, "the password is not UTF-8");
	explicit_bzero(password, sizeof(password));
	if (code != EX_OK)
		json_decref(params);
	return code;
}

/* Calls and prints the result: as JSON, or one member of it, or nothing (NULL). */
static int call_and_print(const struct ctl *ctl, const char *method, json_t *take_params,
			  const char *member)
{
	json_t *result;
	int code = ctl_call(ctl, method, take_params, &result);

	if (code == EX_OK && ctl->json)
		code = ctl_print_json(ctl, result);
	else if (code == EX_OK && member)
		ctl_say("%s", text_of(result, member));
	json_decref(result);
	return code;
}

/* Whether it could be done, as far as can be known; the password is not asked for. */
static int dry_run(const struct ctl *ctl, json_t *take_params)
{
	const int code = ctl_check(ctl);

	if (code == EX_OK)
		return ctl_object_call(ctl, take_params);
	json_decref(take_params);
	return code;
}

int ctl_user_add(const struct ctl *ctl)
{
	json_t *params = user_params(ctl);
	json_t *name = ctl->option[CTL_NAME] ? json_string(ctl->option[CTL_NAME]) :
					default_name(ctl->arguments[0]);
	int code;

	if (!params || json_object_set_new(params, "name", name) == -1) {
		json_decref(params);
		return bad_text(ctl);
	}
	if (ctl->option[CTL_DRY_RUN])
		return dry_run(ctl, params);
	code = add_password(ctl, params);
	return code == EX_OK ? call_and_print(ctl, "user.add", params, "uri") : code;
}

int ctl_user_passwd(const struct ctl *ctl)
{
	json_t *params = user_params(ctl);
	int code;

	if (!params)
		return bad_text(ctl);
	if (ctl->option[CTL_DRY_RUN])
		return dry_run(ctl, params);
	code = add_password(ctl, params);
	return code == EX_OK ? call_and_print(ctl, "user.passwd", params, NULL) : code;
}
