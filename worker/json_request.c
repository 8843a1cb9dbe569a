#include <stdio.h>
#include <string.h>

#include "worker/json_peer.h"
#include "worker/json_text.h"

/* Requests taken apart. */

enum { ID_NONE, ID_NUMBER, ID_STRING };

/* A number or a short string; false for anything else. */
static bool parse_id(const json_t *value, struct chat_id *id_r)
{
	size_t length;

	memset(id_r, 0, sizeof(*id_r));
	if (json_is_integer(value)) {
		id_r->kind = ID_NUMBER;
		id_r->length =
			(uint8_t)snprintf(id_r->data, sizeof(id_r->data), "%" JSON_INTEGER_FORMAT,
					  json_integer_value(value));
		return true;
	}
	length = json_is_string(value) ? json_string_length(value) : SIZE_MAX;
	if (length > CHAT_ID_MAX)
		return false;
	id_r->kind = ID_STRING;
	id_r->length = (uint8_t)length;
	memcpy(id_r->data, json_string_value(value), length);
	return true;
}

void json_head(struct buf *buf, const struct chat_id *id)
{
	buf_string(buf, "{\"jsonrpc\":\"2.0\",\"id\":");
	if (id->kind == ID_NUMBER)
		buf_add(buf, id->data, id->length);
	else if (id->kind == ID_STRING)
		json_put_string(buf, id->data, id->length);
	else
		buf_string(buf, "null");
	buf_char(buf, ',');
}

void json_result(struct buf *buf, const struct chat_id *id)
{
	json_head(buf, id);
	buf_string(buf, "\"result\":");
}

int json_get_text(const json_t *params, const char *name, bool required, struct text *text_r)
{
	const json_t *value = json_object_get(params, name);

	if (value == NULL || json_is_null(value))
		return required ? CODE_INVALID_ARGUMENT : CODE_OK;
	if (!json_is_string(value))
		return CODE_INVALID_ARGUMENT;
	text_r->data = json_string_value(value);
	text_r->length = (uint32_t)json_string_length(value);
	if (memchr(text_r->data, '\0', text_r->length) != NULL)
		return CODE_INVALID_ARGUMENT;
	return CODE_OK;
}

int json_get_number(const json_t *params, const char *name, uint64_t min, uint64_t max,
		    uint64_t *number_r)
{
	const json_t *value = json_object_get(params, name);

	if (value == NULL || json_is_null(value))
		return CODE_OK;
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return CODE_INVALID_ARGUMENT;
	*number_r = (uint64_t)json_integer_value(value);
	return *number_r < min || *number_r > max ? CODE_INVALID_ARGUMENT : CODE_OK;
}

int json_get_room(const struct json_peer *peer, const json_t *params, uint8_t uuid_r[16])
{
	struct text uri;
	int code = json_get_text(params, "room", true, &uri);

	return code != CODE_OK ? code : json_room_parse(peer->session.chat, uri, uuid_r);
}

static const struct json_method *method_find(const char *name)
{
	const struct json_method *const lists[] = {
		json_session_methods, json_room_methods, json_manage_methods,
		json_audit_methods, json_principal_methods, json_category_methods,
		json_message_methods, json_person_methods, json_feed_methods,
		json_compliance_methods, json_scoped_methods, json_import_methods,
		json_file_methods, json_pool_methods};

	for (unsigned i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		for (const struct json_method *m = lists[i]; m->name != NULL; m++) {
			if (strcmp(m->name, name) == 0)
				return m;
		}
	}
	return NULL;
}

static bool may_call(const struct json_peer *peer, const struct json_method *method)
{
	switch (method->who) {
	case JSON_LOCAL:
		return peer->local;
	case JSON_USER:
		return !peer->local;
	case JSON_SIGNED_IN:
	case JSON_ANYBODY:
		break;
	}
	return true;
}

static int call(struct json_peer *peer, const struct chat_id *id, const json_t *request)
{
	const json_t *params = json_object_get(request, "params");
	const struct json_method *method =
		method_find(json_string_value(json_object_get(request, "method")));

	if (method == NULL || !may_call(peer, method))
		return CODE_METHOD_NOT_FOUND;
	if (method->who != JSON_ANYBODY && peer->session.state != SESSION_OPEN)
		return CODE_NOT_SIGNED_IN;
	if (peer->local && !session_admin_may(&peer->session, json_duty(method->name), method->name))
		return CODE_ERROR_PERMISSION;
	return method->call(peer, id, params);
}

/* CODE_OK, or what is wrong with its form. id_r is the request's if it has a usable one. */
static int check(const json_t *request, struct chat_id *id_r)
{
	const json_t *version = json_object_get(request, "jsonrpc");
	const json_t *params = json_object_get(request, "params");

	if (!parse_id(json_object_get(request, "id"), id_r))
		return CODE_INVALID_REQUEST;
	if (!json_is_string(version) || strcmp(json_string_value(version), "2.0") != 0 ||
	    !json_is_string(json_object_get(request, "method")) ||
	    (params != NULL && !json_is_object(params))) {
		memset(id_r, 0, sizeof(*id_r));
		return CODE_INVALID_REQUEST;
	}
	return CODE_OK;
}

/* NUL is a character of JSON; where it is not one of ours the methods say so. */
static json_t *parse(const char *text, size_t size)
{
	json_error_t error;

	if (!json_depth_ok(text, size, JSON_DEPTH))
		return NULL;
	return json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY,
			  &error);
}

bool json_request(struct json_peer *peer, const char *text, size_t size)
{
	json_t *request = parse(text, size);
	struct chat_id id = {0};
	int code = request == NULL ? CODE_PARSE_ERROR : check(request, &id);
	bool malformed = code != CODE_OK;

	proc_count(peer->session.conn->net->proc, COUNTER_REQUESTS, 1);
	if (code == CODE_OK)
		code = call(peer, &id, request);
	json_decref(request);
	if (code != CODE_OK)
		session_refuse(&peer->session, &id, code);
	if (malformed)
		peer->errors++;
	return peer->errors < JSON_ERRORS_MAX;
}
