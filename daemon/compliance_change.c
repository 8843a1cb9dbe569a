#include <stdio.h>

#include "daemon/compliance_translation.h"
#include "shm/crc32c.h"

/* What administrators and managers changed, as records. */

/* --- Objects. --- */

/* Its state before and after, and from now on the latter. */
static enum db_result change_object(struct translation *t, const char *type,
				    const struct record_object *object, struct err *err)
{
	const struct record_object *before;
	enum db_result result =
		state_get(t->batch->state, t->db, object->kind, object->id, &before, err);

	if (result != DB_OK)
		return result;
	translation_put_json(t, "before", before->detail);
	translation_put_json(t, "after", object->detail);
	result = translation_add(t, type, err);
	return result == DB_OK ? state_put(t->batch->state, t->db, object, err) : result;
}

enum db_result use_principal(struct translation *t, struct err *err)
{
	struct fragment detail = {0};
	struct event_principal event;
	struct record_object object;
	enum db_result result;

	if (!event_principal_get(t->record, &event))
		return translation_malformed(t, err);
	object = state_principal(&event, &detail);
	result = change_object(t, "principal", &object, err);
	fragment_free(&detail);
	return result;
}

/* A room's own name is what it was called until now, unless it is new. */
enum db_result use_room(struct translation *t, struct err *err)
{
	struct fragment detail = {0};
	struct record_object object;
	struct event_room event;
	enum db_result result;
	char uri[STATE_URI];

	if (!event_room_get(t->record, &event))
		return translation_malformed(t, err);
	object = state_room(t->batch->domain, &event, uri, &detail);
	result = translation_room(t, event.id, err);
	if (result == DB_OK && t->row.room.length == 0) {
		t->row.room = object.uri;
		t->row.room_name = object.name;
	}
	if (result == DB_OK)
		result = change_object(t, "room", &object, err);
	fragment_free(&detail);
	return result;
}

enum db_result use_category(struct translation *t, struct err *err)
{
	struct fragment detail = {0};
	struct record_object object;
	struct event_category event;
	enum db_result result;
	char uri[STATE_URI];

	if (!event_category_get(t->record, &event))
		return translation_malformed(t, err);
	object = state_category(t->batch->domain, &event, uri, &detail);
	t->row.category = object.name;
	result = change_object(t, "category", &object, err);
	fragment_free(&detail);
	return result;
}

enum db_result use_addin(struct translation *t, struct err *err)
{
	struct fragment detail = {0};
	struct record_object object;
	struct event_addin event;
	enum db_result result;

	if (!event_addin_get(t->record, &event))
		return translation_malformed(t, err);
	object = state_addin(&event, &detail);
	result = change_object(t, "addin", &object, err);
	fragment_free(&detail);
	return result;
}

static const char *role_word(unsigned role)
{
	static const char *const words[] = {
		[ROLE_ALLOWED] = "allowed", [ROLE_DENIED] = "denied",
		[ROLE_CREATOR] = "creator", [ROLE_MEMBER] = "member",
		[ROLE_MANAGER] = "manager", [ROLE_PRESENTER] = "presenter"};

	return role >= ROLE_ALLOWED && role <= ROLE_PRESENTER ? words[role] : "other";
}

enum db_result use_role(struct translation *t, struct err *err)
{
	const struct record_object *category;
	struct event_role event;
	enum db_result result;

	if (!event_role_get(t->record, &event))
		return translation_malformed(t, err);
	if (event.kind == NODE_ROOM) {
		result = translation_room(t, event.node, err);
	} else {
		result = state_get(t->batch->state, t->db, RECORD_CATEGORY, event.node, &category,
				   err);
		if (result == DB_OK)
			t->row.category = category->name;
	}
	if (result == DB_OK)
		result = translation_put_principal(t, "principal", event.principal, err);
	if (result != DB_OK)
		return result;
	translation_put_word(t, "role", role_word(event.role));
	translation_put_flag(t, "before", !event.present);
	translation_put_flag(t, "after", event.present);
	return translation_add(t, "role", err);
}

enum db_result use_affiliation(struct translation *t, struct err *err)
{
	struct event_affiliation event;
	enum db_result result;

	if (!event_affiliation_get(t->record, &event))
		return translation_malformed(t, err);
	result = translation_put_principal(t, "member", event.member, err);
	if (result == DB_OK)
		result = translation_put_principal(t, "group", event.group, err);
	if (result != DB_OK)
		return result;
	translation_put_flag(t, "before", !event.present);
	translation_put_flag(t, "after", event.present);
	return translation_add(t, "affiliation", err);
}

enum db_result use_removed(struct translation *t, struct err *err)
{
	static const struct {
		uint32_t kind;
		const char *word;
	} kinds[] = {[NODE_CATEGORY] = {RECORD_CATEGORY, "category"},
		     [NODE_ROOM] = {RECORD_ROOM, "room"},
		     [NODE_ADDIN] = {RECORD_ADDIN, "addin"}};
	const struct record_object *object;
	struct event_removed event;
	enum db_result result = DB_OK;

	if (!event_removed_get(t->record, &event))
		return translation_malformed(t, err);
	if (event.kind == NODE_ROOM)
		result = translation_room(t, event.id, err);
	if (result == DB_OK)
		result = state_get(t->batch->state, t->db, kinds[event.kind].kind, event.id,
				   &object, err);
	if (result != DB_OK)
		return result;
	translation_put_word(t, "kind", kinds[event.kind].word);
	translation_put_json(t, "before", object->detail);
	translation_put_json(t, "after", word(""));
	return translation_add(t, "delete", err);
}

enum db_result use_access(struct translation *t, struct err *err)
{
	static const char *const words[] = {[PERSON_PUT] = "asked",
					    [PERSON_GONE] = "withdrawn",
					    [PERSON_GRANTED] = "granted",
					    [PERSON_DENIED] = "denied"};
	struct event_person event;
	enum db_result result;

	if (!event_person_get(t->record, &event))
		return translation_malformed(t, err);
	result = translation_room(t, event.item, err);
	if (result == DB_OK)
		result = translation_put_principal(t, "principal", event.principal, err);
	if (result != DB_OK)
		return result;
	if (event.what < sizeof(words) / sizeof(words[0]) && words[event.what])
		translation_put_word(t, "what", words[event.what]);
	t->row.content = bytes(event.text);
	return translation_add(t, "access_request", err);
}

/* --- Settings. --- */

static enum db_result change_value(struct translation *t, const char *type,
				   struct record_object *object, struct db_bytes value,
				   struct err *err)
{
	const struct record_object *before;
	struct fragment after = {0};
	enum db_result result =
		state_get(t->batch->state, t->db, object->kind, object->id, &before, err);
	bool same; /* as another setting could have the same checksum */

	if (result != DB_OK)
		return result;
	same = before->uri.length == object->uri.length &&
	       (object->uri.length == 0 || /* a grant, which has none: both may be NULL */
		memcmp(before->uri.data, object->uri.data, object->uri.length) == 0);
	if (value.length > 0)
		fragment_string(&after, value.data, value.length);
	object->detail = (struct db_bytes){.data = after.data, .length = after.used};
	translation_put_json(t, "before", same ? before->detail : word(""));
	translation_put_json(t, "after", object->detail);
	result = translation_add(t, type, err);
	if (result == DB_OK)
		result = state_put(t->batch->state, t->db, object, err);
	fragment_free(&after);
	return result;
}

enum db_result use_setting(struct translation *t, struct err *err)
{
	static const char *const kinds[] = {
		[SCOPED_CONFIG] = "config",	[SCOPED_POLICY] = "policy",
		[SCOPED_ENDPOINT] = "endpoint", [SCOPED_POOL] = "pool",
		[SCOPED_TOPOLOGY] = "topology", [SCOPED_RETENTION] = "retention"};
	char key[32 + EVENT_SCOPE_MAX + EVENT_SETTING_MAX];
	struct record_object object = {.kind = RECORD_SETTING};
	struct event_setting event;
	int length;

	if (!event_setting_get(t->record, &event) ||
	    event.kind >= sizeof(kinds) / sizeof(kinds[0]) || !kinds[event.kind] ||
	    !translation_is_sound(bytes(event.scope)) || !translation_is_sound(bytes(event.name)))
		return translation_malformed(t, err);
	translation_put_word(t, "kind", kinds[event.kind]);
	translation_put_text(t, "scope", bytes(event.scope));
	translation_put_text(t, "name", bytes(event.name));
	length = snprintf(key, sizeof(key), "%s %.*s %.*s", kinds[event.kind],
			  (int)event.scope.length, event.scope.data, (int)event.name.length,
			  event.name.data);
	object.uri = (struct db_bytes){.data = key, .length = (size_t)length};
	object.id = crc32c(0, key, object.uri.length);
	return change_value(t, "setting", &object, event.present ? bytes(event.value) : word(""),
			    err);
}

enum db_result use_grant(struct translation *t, struct err *err)
{
	struct record_object object = {.kind = RECORD_GRANT};
	struct event_grant event;
	enum db_result result;

	if (!event_grant_get(t->record, &event) || !translation_is_sound(bytes(event.policy)))
		return translation_malformed(t, err);
	object.id = event.principal;
	result = translation_put_principal(t, "principal", event.principal, err);
	return result == DB_OK ? change_value(t, "grant", &object, bytes(event.policy), err)
			       : result;
}
