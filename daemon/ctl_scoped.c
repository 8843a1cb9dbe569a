#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "daemon/ctl_option.h"
#include "shm/scoped.h"

/* Scoped settings and policies: NAME=VALUE on the command line. */

static const struct {
	const char *noun;
	enum scoped_kind kind;
} nouns[] = {
	{"config", SCOPED_CONFIG},
	{"policy", SCOPED_POLICY},
	{"endpoint", SCOPED_ENDPOINT},
	{"pool", SCOPED_POOL},
	{"retention", SCOPED_RETENTION},
};

static unsigned kind_of(const struct ctl *ctl)
{
	unsigned i = 0;

	while (strcmp(nouns[i].noun, ctl->verb->noun) != 0)
		i++;
	return nouns[i].kind;
}

static int say_values(const struct ctl *ctl, const struct scoped_key *key, const char *value)
{
	switch (key->type) {
	case SCOPED_NUMBER:
		return ctl_fail(ctl, EX_DATAERR, "%s is a number from %llu to %llu, not \"%s\"",
				key->name, (unsigned long long)key->min,
				(unsigned long long)key->max, value);
	case SCOPED_YES_NO:
		return ctl_fail(ctl, EX_DATAERR, "%s is yes or no, not \"%s\"", key->name, value);
	case SCOPED_TIME:
		return ctl_fail(ctl, EX_DATAERR,
				"%s is a number with s, m, h or d behind it, of at most %llu days, not "
				"\"%s\"",
				key->name, (unsigned long long)(key->max / 86400), value);
	case SCOPED_PLACES:
		return ctl_fail(ctl, EX_DATAERR,
				"%s is one to %llu numbers of places with commas between them, not "
				"\"%s\"",
				key->name, (unsigned long long)key->max, value);
	case SCOPED_WORD:
		return ctl_fail(ctl, EX_DATAERR, "%s is one of: %s", key->name, key->values);
	case SCOPED_URL:
		return ctl_fail(ctl, EX_DATAERR,
				"%s is a URL that begins with http:// or https://, of at most %llu "
				"characters",
				key->name, (unsigned long long)key->max);
	default:
		return ctl_fail(ctl, EX_DATAERR, "%s has at most %llu characters", key->name,
				(unsigned long long)key->max);
	}
}

static int unknown(const struct ctl *ctl, const char *word)
{
	char known[256] = "";
	const struct scoped_key *key;
	size_t used = 0;

	for (unsigned i = 0; (key = scoped_key_at(kind_of(ctl), i)) != NULL; i++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "",
					 key->name);
	return ctl_fail(ctl, EX_USAGE, "\"%s\" is not one of: %s", word, known);
}

/* "NAME=VALUE"; "NAME=" takes the value away. */
static int add_value(const struct ctl *ctl, const char *word, json_t *values)
{
	const char *equals = strchr(word, '=');
	const struct scoped_key *key;
	const char *value;

	if (!equals)
		return ctl_fail(ctl, EX_USAGE, "\"%s\" is not NAME=VALUE", word);
	value = equals + 1;
	key = scoped_key_find(kind_of(ctl), (struct text){word, (uint32_t)(equals - word)});
	if (!key)
		return unknown(ctl, word);
	if (*value && !scoped_value_valid(key, (struct text){value, (uint32_t)strlen(value)}))
		return say_values(ctl, key, value);
	if (json_object_get(values, key->name))
		return ctl_fail(ctl, EX_USAGE, "%s is given twice", key->name);
	if (json_object_set_new(values, key->name, *value ? json_string(value) : json_null()) == -1)
		return ctl_fail(ctl, EX_DATAERR, "a value is not UTF-8");
	return EX_OK;
}

/* The server knows what could be done. */
static int check(const struct ctl *ctl, const json_t *params)
{
	json_t *question = json_deep_copy(params), *result;
	int code;

	if (!question || json_object_set_new(question, "check", json_true()) == -1) {
		json_decref(question);
		return ctl_fail(ctl, EX_OSERR, "could not get memory");
	}
	code = ctl_call(ctl, ctl->verb->method, question, &result);
	json_decref(result);
	return code;
}

int ctl_scoped_call(const struct ctl *ctl, json_t *take_params)
{
	const uint64_t revision = ctl_option_number(ctl, CTL_IF_REVISION, 0);
	int code = EX_OK;

	if (ctl->option[CTL_IF_REVISION])
		json_object_set_new(take_params, "if_revision", json_integer((json_int_t)revision));
	if (ctl->option[CTL_DRY_RUN])
		code = check(ctl, take_params);
	if (code == EX_OK)
		return ctl_object_call(ctl, take_params);
	json_decref(take_params);
	return code;
}

int ctl_scoped_change(const struct ctl *ctl)
{
	json_t *params = json_object(), *values = json_object();
	int code = EX_OK, first = 0;

	if (ctl->verb->parameter) {
		json_object_set_new(params, ctl->verb->parameter, json_string(ctl->arguments[0]));
		first = 1;
	}
	for (int i = first; i < ctl->count && code == EX_OK; i++)
		code = add_value(ctl, ctl->arguments[i], values);
	json_object_set_new(params, "values", values);
	if (code == EX_OK)
		return ctl_scoped_call(ctl, params);
	json_decref(params);
	return code;
}

int ctl_scoped_remove(const struct ctl *ctl)
{
	json_t *params = ctl_option_params(ctl, false);

	return params ? ctl_scoped_call(ctl, params) : EX_DATAERR;
}

/* Without an argument: what counts on this server. */
int ctl_config_get(const struct ctl *ctl)
{
	struct ctl_verb effective = *ctl->verb;
	struct ctl here = *ctl;

	if (ctl->count > 0)
		return ctl_object_get(ctl);
	effective.method = "config.effective";
	here.verb = &effective;
	return ctl_object_get(&here);
}

static int check_exists(const struct ctl *ctl, const char *method, const char *parameter,
			const char *name)
{
	json_t *result;
	const int code = ctl_call(ctl, method, json_pack("{s:s}", parameter, name), &result);

	json_decref(result);
	return code;
}

int ctl_policy_grant(const struct ctl *ctl)
{
	json_t *params = json_pack("{s:s, s:s}", "uri", ctl->arguments[0], "policy",
				   ctl->count > 1 ? ctl->arguments[1] : "");

	int code = EX_OK;

	if (!params)
		return ctl_fail(ctl, EX_DATAERR, "a value is not UTF-8");
	if (ctl->option[CTL_DRY_RUN])
		code = check_exists(ctl, "user.get", "uri", ctl->arguments[0]);
	if (ctl->option[CTL_DRY_RUN] && code == EX_OK && ctl->count > 1)
		code = check_exists(ctl, "policy.get", "scope", ctl->arguments[1]);
	if (code == EX_OK)
		return ctl_object_call(ctl, params);
	json_decref(params);
	return code;
}
