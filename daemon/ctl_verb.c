#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "daemon/ctl.h"
#include "daemon/ctl_table.h"

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
		printf("%s\n", text_of(result, member));
	json_decref(result);
	return code;
}

int ctl_user_add(const struct ctl *ctl)
{
	json_t *params = user_params(ctl);
	json_t *name = ctl->full_name ? json_string(ctl->full_name) :
					default_name(ctl->arguments[0]);
	int code;

	if (!params || json_object_set_new(params, "name", name) == -1) {
		json_decref(params);
		return bad_text(ctl);
	}
	code = add_password(ctl, params);
	return code == EX_OK ? call_and_print(ctl, "user.add", params, "uri") : code;
}

int ctl_user_passwd(const struct ctl *ctl)
{
	json_t *params = user_params(ctl);
	int code;

	if (!params)
		return bad_text(ctl);
	code = add_password(ctl, params);
	return code == EX_OK ? call_and_print(ctl, "user.passwd", params, NULL) : code;
}

int ctl_user_remove(const struct ctl *ctl)
{
	json_t *params = user_params(ctl);

	return params ? call_and_print(ctl, "user.remove", params, NULL) : bad_text(ctl);
}

static int print_rows(const struct ctl *ctl, struct ctl_table *table)
{
	const bool printed = table && ctl_table_print(table) == 0;

	ctl_table_free(&table);
	return printed ? EX_OK : ctl_fail(ctl, EX_IOERR, "could not write the table");
}

/* Prints the rows of a page-wise method: as JSON under member, or by print. */
static int list(const struct ctl *ctl, const char *method, json_t *take_params, const char *member,
		struct ctl_table *(*fill)(json_t *rows))
{
	json_t *rows, *document;
	int code = ctl_call_pages(ctl, method, take_params, member, &rows);

	if (code != EX_OK)
		return code;
	if (ctl->json) {
		document = json_pack("{s:O}", member, rows);
		code = ctl_print_json(ctl, document);
		json_decref(document);
	} else {
		code = print_rows(ctl, fill(rows));
	}
	json_decref(rows);
	return code;
}

static struct ctl_table *fill_users(json_t *rows)
{
	struct ctl_table *table = ctl_table_new("lll");
	json_t *row;
	size_t i;

	if (!table)
		return NULL;
	ctl_table_add(table, "URI");
	ctl_table_add(table, "NAME");
	ctl_table_add(table, "STATE");
	json_array_foreach(rows, i, row) {
		ctl_table_add(table, "%s", text_of(row, "uri"));
		ctl_table_add(table, "%s", text_of(row, "name"));
		ctl_table_add(table, "%s", text_of(row, "state"));
	}
	return table;
}

int ctl_user_list(const struct ctl *ctl)
{
	return list(ctl, "user.list", json_object(), "users", fill_users);
}

int ctl_room_create(const struct ctl *ctl)
{
	json_t *params = json_pack("{s:s, s:s}", "name", ctl->arguments[0], "description",
				   ctl->description ? ctl->description : "");

	return params ? call_and_print(ctl, "room.create", params, "room") : bad_text(ctl);
}

static struct ctl_table *fill_rooms(json_t *rows)
{
	struct ctl_table *table = ctl_table_new("lrrll");
	json_t *row;
	size_t i;

	if (!table)
		return NULL;
	ctl_table_add(table, "NAME");
	ctl_table_add(table, "PARTICIPANTS");
	ctl_table_add(table, "MESSAGES");
	ctl_table_add(table, "STATE");
	ctl_table_add(table, "URI");
	json_array_foreach(rows, i, row) {
		ctl_table_add(table, "%s", text_of(row, "name"));
		ctl_table_add(table, "%" JSON_INTEGER_FORMAT,
			      json_integer_value(json_object_get(row, "participants")));
		ctl_table_add(table, "%" JSON_INTEGER_FORMAT,
			      json_integer_value(json_object_get(row, "last_seq")));
		ctl_table_add(table, "%s", json_is_true(json_object_get(row, "disabled")) ?
						   "disabled" :
						   "enabled");
		ctl_table_add(table, "%s", text_of(row, "room"));
	}
	return table;
}

int ctl_room_list(const struct ctl *ctl)
{
	json_t *params = json_pack("{s:s}", "text", ctl->count ? ctl->arguments[0] : "");

	return params ? list(ctl, "room.list", params, "rooms", fill_rooms) : bad_text(ctl);
}
