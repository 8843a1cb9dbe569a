#include "worker/json_edit.h"

#include <string.h>

#include "conf/clock.h"
#include "worker/json_text.h"

bool json_has(const json_t *params, const char *name)
{
	const json_t *value = json_object_get(params, name);

	return value != NULL && !json_is_null(value);
}

int json_get_bool(const json_t *params, const char *name, bool *value_r)
{
	const json_t *value = json_object_get(params, name);

	if (!json_has(params, name))
		return CODE_OK;
	if (!json_is_boolean(value))
		return CODE_INVALID_ARGUMENT;
	*value_r = json_is_true(value);
	return CODE_OK;
}

static bool has_scheme(struct text text, const char *scheme)
{
	size_t length = strlen(scheme);

	return text.length >= length && memcmp(text.data, scheme, length) == 0;
}

static int by_name(struct text text, struct object_key *key_r)
{
	*key_r = (struct object_key){.by_name = true, .name = text};
	return text.length == 0 || text.length > EVENT_NAME_MAX ? CODE_INVALID_ARGUMENT : CODE_OK;
}

int json_get_category(const struct json_peer *peer, const json_t *params, const char *name,
		      struct object_key *key_r)
{
	struct text text = {"", 0};
	int code = json_get_text(params, name, true, &text);

	if (code != CODE_OK)
		return code;
	if (!has_scheme(text, "ma-cat://"))
		return by_name(text, key_r);
	*key_r = (struct object_key){0};
	return json_category_parse(peer->session.chat, text, key_r->uuid);
}

int json_get_room_key(const struct json_peer *peer, const json_t *params, struct object_key *key_r)
{
	struct text text = {"", 0};
	int code = json_get_text(params, "room", true, &text);

	if (code != CODE_OK)
		return code;
	if (peer->local && !has_scheme(text, "ma-chan://"))
		return by_name(text, key_r);
	*key_r = (struct object_key){0};
	return json_room_parse(peer->session.chat, text, key_r->uuid);
}

int json_get_word(const json_t *params, const char *name, const char *const *words, unsigned count,
		  unsigned *index_r)
{
	struct text text = {"", 0};
	int code = json_get_text(params, name, false, &text);

	if (code != CODE_OK || !json_has(params, name))
		return code;
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(text.data, words[i]) == 0) {
			*index_r = i;
			return CODE_OK;
		}
	}
	return CODE_INVALID_ARGUMENT;
}

int json_get_field(const json_t *params, const char *name, enum command_field field,
		   struct text *text_r, uint32_t *fields)
{
	if (json_has(params, name))
		*fields |= (uint32_t)field;
	return json_get_text(params, name, false, text_r);
}

int json_get_revision(const json_t *params, uint64_t *revision_r)
{
	return json_get_number(params, "if_revision", 1, INT64_MAX, revision_r);
}

int json_get_page(const json_t *params, uint32_t *limit_r, uint32_t *offset_r)
{
	uint64_t limit = CHAT_SEARCH, offset = 0;
	int code = json_get_number(params, "limit", 1, CHAT_SEARCH_MAX, &limit);

	if (code == CODE_OK)
		code = json_get_number(params, "offset", 0, UINT32_MAX, &offset);
	*limit_r = (uint32_t)limit;
	*offset_r = (uint32_t)offset;
	return code;
}

int json_get_moment(const json_t *params, const char *name, uint64_t *utc_r)
{
	struct text text = {"", 0};
	int code = json_get_text(params, name, false, &text);

	if (code == CODE_OK && json_has(params, name) &&
	    !clock_parse(text.data, text.length, utc_r))
		code = CODE_INVALID_ARGUMENT;
	return code;
}

int json_get_listing(const json_t *params, struct text *text_r, uint32_t *limit_r,
		     uint32_t *offset_r)
{
	const int code = json_get_page(params, limit_r, offset_r);

	*text_r = (struct text){"", 0};
	return code == CODE_OK ? json_get_text(params, "text", false, text_r) : code;
}

static int get_list(const json_t *list, enum role role, bool present, struct object_edits *edits)
{
	size_t count = json_array_size(list);

	if (list == NULL || json_is_null(list))
		return CODE_OK;
	if (!json_is_array(list))
		return CODE_INVALID_ARGUMENT;
	if (count > OBJECT_LIST_MAX ||
	    count > sizeof(edits->list) / sizeof(edits->list[0]) - edits->count)
		return CODE_LIMIT_EXCEEDED;
	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_array_get(list, i);
		struct object_edit *edit = &edits->list[edits->count++];

		if (!json_is_string(item) || json_string_length(item) == 0 ||
		    strlen(json_string_value(item)) != json_string_length(item))
			return CODE_INVALID_ARGUMENT;
		edit->principal =
			(struct text){json_string_value(item), (uint32_t)json_string_length(item)};
		edit->role = (uint8_t)role;
		edit->present = present;
	}
	return CODE_OK;
}

int json_get_edit(const json_t *edit, enum role role, struct object_edits *edits)
{
	bool replace = json_has(edit, "replace");
	int code;

	if (edit == NULL || json_is_null(edit))
		return CODE_OK;
	if (!json_is_object(edit) ||
	    (replace && (json_has(edit, "add") || json_has(edit, "remove"))))
		return CODE_INVALID_ARGUMENT;
	if (replace)
		edits->replace |= 1u << role;
	code = get_list(json_object_get(edit, replace ? "replace" : "add"), role, true, edits);
	if (code == CODE_OK && !replace)
		code = get_list(json_object_get(edit, "remove"), role, false, edits);
	return code;
}
