#include "daemon/ctl_check.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unicase.h>

#include "daemon/ctl_option.h"

static bool is(const char *text, const char *other)
{
	return strcmp(text, other) == 0;
}

static bool is_new(const struct ctl *ctl)
{
	return is(ctl->verb->verb, "create") || is(ctl->verb->verb, "add");
}

static const char *text_of(const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text ? text : "";
}

/* A search for rooms by somebody or something: the server says so if it does not exist. */
static int check_filter(const struct ctl *ctl, const char *filter, json_t *take_value)
{
	json_t *params = json_pack("{s:i, s:o}", "limit", 1, filter, take_value), *result;
	int code;

	if (!params)
		return ctl_fail(ctl, EX_DATAERR, "a value is not UTF-8");
	code = ctl_call(ctl, "room.list", params, &result);
	json_decref(result);
	return code;
}

static int check_list(const struct ctl *ctl, json_t *list)
{
	json_t *name;
	size_t i;
	int code = EX_OK;

	json_array_foreach(list, i, name) {
		if (code == EX_OK)
			code = check_filter(ctl, "member", json_incref(name));
	}
	return code;
}

/* All lists in the parameters of an edit, whose values are lists or objects of lists. */
static int check_lists(const struct ctl *ctl, json_t *params)
{
	const char *key;
	json_t *value;
	int code = EX_OK;

	json_object_foreach(params, key, value) {
		if (code == EX_OK && json_is_array(value))
			code = check_list(ctl, value);
		else if (code == EX_OK && json_is_object(value))
			code = check_lists(ctl, value);
	}
	return code;
}

static int check_edits(const struct ctl *ctl)
{
	json_t *params = ctl_option_params(ctl, true);
	int code = params ? check_lists(ctl, params) : EX_DATAERR;

	json_decref(params);
	return code;
}

static int check_revision(const struct ctl *ctl, json_t *object)
{
	const json_int_t revision = json_integer_value(json_object_get(object, "revision"));
	const uint64_t wanted = ctl_option_number(ctl, CTL_IF_REVISION, (uint64_t)revision);

	if (wanted == (uint64_t)revision)
		return EX_OK;
	return ctl_fail(ctl, EX_DATAERR, "DataCollision: the revision is %" JSON_INTEGER_FORMAT,
			revision);
}

static int check_empty(const struct ctl *ctl, json_t *object)
{
	if (!is(ctl->verb->verb, "delete") || !is(ctl->verb->noun, "category") ||
	    json_integer_value(json_object_get(object, "rooms")) == 0)
		return EX_OK;
	return ctl_fail(ctl, EX_DATAERR, "InvalidFlowOfOperations: there are rooms in it");
}

/* "alice", "alice@example.test" and the URI mean the same user. */
static bool is_same_principal(const char *uri, const char *word)
{
	const bool sip = strncasecmp(word, "sip:", 4) == 0;
	size_t length;

	if (strncmp(uri, "sip:", 4) != 0)
		return strcasecmp(uri, word) == 0;
	word += sip ? 4 : 0;
	length = strlen(word);
	return strncasecmp(uri + 4, word, length) == 0 &&
	       (!uri[4 + length] || (!strchr(word, '@') && uri[4 + length] == '@'));
}

/* A user or group that is to be added must not be there, unless it was removed. */
static int check_absent(const struct ctl *ctl)
{
	const bool user = is(ctl->verb->noun, "user");
	json_t *rows, *row;
	size_t i;
	int code = ctl_call_pages(ctl, user ? "user.list" : "group.list",
				  json_pack("{s:s}", "text", ctl->arguments[0]),
				  user ? "users" : "groups", &rows);

	if (code != EX_OK)
		return code;
	json_array_foreach(rows, i, row) {
		if (code == EX_OK && !is(text_of(row, "state"), "deleted") &&
		    is_same_principal(text_of(row, "uri"), ctl->arguments[0]))
			code = ctl_fail(ctl, EX_DATAERR, "PrincipalsAlreadyDefined: %s is there",
					text_of(row, "uri"));
	}
	json_decref(rows);
	return code;
}

/* What is to be changed, by the method that gets it; *object_r is the caller's. */
static int check_object(const struct ctl *ctl, json_t **object_r)
{
	char method[32];
	int code;

	*object_r = NULL;
	if (is(ctl->verb->verb, "add"))
		return check_absent(ctl);
	if (is_new(ctl))
		return EX_OK;
	snprintf(method, sizeof(method), "%s.get", ctl->verb->noun);
	code = ctl_call(ctl, method,
			json_pack("{s:s}", ctl->verb->parameter, ctl->arguments[0]), object_r);
	if (code == EX_OK)
		code = check_revision(ctl, *object_r);
	return code == EX_OK ? check_empty(ctl, *object_r) : code;
}

static bool same_name(const char *name, const char *other)
{
	int order;

	return u8_casecmp((const uint8_t *)name, strlen(name), (const uint8_t *)other,
			  strlen(other), NULL, NULL, &order) == 0 &&
	       order == 0;
}

/* Whether another row than the object (NULL: it is of another kind, or new) has the name. */
static int check_free(const struct ctl *ctl, const char *name, const json_t *object,
		      const char *method, const char *member, const char *key)
{
	json_t *rows, *row;
	size_t i;
	int code = ctl_call_pages(ctl, method, json_pack("{s:s}", "text", name), member, &rows);

	if (code != EX_OK)
		return code;
	json_array_foreach(rows, i, row) {
		if (code == EX_OK && same_name(text_of(row, "name"), name) &&
		    !is(text_of(row, key), text_of(object, key)))
			code = ctl_fail(ctl, EX_DATAERR, "the name \"%s\" is in use", name);
	}
	json_decref(rows);
	return code;
}

/* Rooms and categories share one space of names, add-ins have their own. */
static int check_name(const struct ctl *ctl, const json_t *object)
{
	const bool is_room = is(ctl->verb->noun, "room");
	const char *name = ctl->option[CTL_NAME];
	int code;

	if (is(ctl->verb->verb, "create"))
		name = ctl->arguments[0];
	if (!name || is(ctl->verb->noun, "group") || is(ctl->verb->noun, "user"))
		return EX_OK;
	if (is(ctl->verb->noun, "addin") && !is_new(ctl) && same_name(name, ctl->arguments[0]))
		return EX_OK;
	if (is(ctl->verb->noun, "addin"))
		return check_free(ctl, name, NULL, "addin.list", "addins", "name");
	code = check_free(ctl, name, is_room ? object : NULL, "room.list", "rooms", "room");
	return code != EX_OK ? code :
			       check_free(ctl, name, is_room ? NULL : object, "category.list",
					  "categories", "category");
}

static int check_options(const struct ctl *ctl)
{
	const char *category = ctl->option[CTL_CATEGORY], *addin = ctl->option[CTL_ADDIN];
	int code = EX_OK;

	if (category)
		code = check_filter(ctl, "category", json_string(category));
	if (code == EX_OK && addin && *addin)
		code = check_filter(ctl, "addin", json_string(addin));
	return code == EX_OK ? check_edits(ctl) : code;
}

int ctl_check_room(const struct ctl *ctl, const char *name, char **members, int count)
{
	int code = check_free(ctl, name, NULL, "room.list", "rooms", "room");

	if (code == EX_OK)
		code = check_free(ctl, name, NULL, "category.list", "categories", "category");
	for (int i = 0; i < count && code == EX_OK; i++)
		code = check_filter(ctl, "member", json_string(members[i]));
	return code;
}

int ctl_check(const struct ctl *ctl)
{
	json_t *object;
	int code = check_object(ctl, &object);

	if (code == EX_OK)
		code = check_name(ctl, object);
	if (code == EX_OK)
		code = check_options(ctl);
	json_decref(object);
	return code;
}
