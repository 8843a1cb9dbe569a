#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#include "conf/clock.h"
#include "conf/code.h"
#include "daemon/compliance_batch.h"
#include "daemon/fragment.h"
#include "odbc/hex.h"
#include "shm/admin_role.h"
#include "shm/command.h"
#include "shm/crc32c.h"

/* Events as records. */
struct translation {
	struct compliance_batch *batch; /* borrowed, as are the next two */
	struct db *db;
	const struct record *record;
	struct record_row row;
	struct fragment detail; /* owned */
	char session[RECORD_SESSION];
};

static struct db_bytes bytes(struct text text)
{
	return (struct db_bytes){.data = text.data, .length = text.length};
}

static struct db_bytes word(const char *text)
{
	return (struct db_bytes){.data = text, .length = strlen(text)};
}

/* --- Who and where. --- */

static enum db_result name_room(struct translation *t, uint32_t id, struct err *err)
{
	const struct record_object *room, *category;
	enum db_result result;

	if (id == 0)
		return DB_OK;
	result = state_get(t->batch->state, t->db, RECORD_ROOM, id, &room, err);
	if (result != DB_OK)
		return result;
	t->row.room_id = id;
	t->row.room = room->uri;
	t->row.room_name = room->name;
	if (room->parent == 0)
		return DB_OK;
	result = state_get(t->batch->state, t->db, RECORD_CATEGORY, room->parent, &category, err);
	if (result != DB_OK)
		return result;
	t->row.category = category->name;
	if (category->flags & CATEGORY_HISTORY)
		t->row.flags |= RECORD_HISTORY;
	return DB_OK;
}

static enum db_result name_user(struct translation *t, uint32_t id, struct err *err)
{
	const struct record_object *user;
	enum db_result result;

	if (id == 0)
		return DB_OK;
	result = state_get(t->batch->state, t->db, RECORD_PRINCIPAL, id, &user, err);
	if (result != DB_OK)
		return result;
	t->row.user_id = id;
	t->row.user_uri = user->uri;
	t->row.user_name = user->name;
	return DB_OK;
}

static enum db_result name_session(struct translation *t, struct err *err)
{
	const struct origin *origin = &t->record->origin;
	const struct record_session *session;
	enum db_result result;

	if (origin->generation == 0)
		return DB_OK;
	snprintf(t->session, sizeof(t->session), "%u.%" PRIu32 ".%" PRIu32, origin->slot,
		 origin->generation, origin->session);
	t->row.session = word(t->session);
	result = state_session_get(t->batch->state, t->db, t->session, &session, err);
	if (result == DB_OK) {
		t->row.address = session->address;
		t->row.user_name = session->name; /* of an administrator, who is no user */
	}
	return result;
}

/* --- Details. --- */

static void member(struct translation *t, const char *name)
{
	fragment_text(&t->detail, t->detail.used > 1 ? ",\"" : "{\"");
	fragment_text(&t->detail, name);
	fragment_text(&t->detail, "\":");
}

static void put_text(struct translation *t, const char *name, struct db_bytes text)
{
	member(t, name);
	fragment_string(&t->detail, text.data, text.length);
}

static void put_word(struct translation *t, const char *name, const char *text)
{
	put_text(t, name, word(text));
}

static void put_flag(struct translation *t, const char *name, bool value)
{
	member(t, name);
	fragment_text(&t->detail, value ? "true" : "false");
}

static void put_json(struct translation *t, const char *name, struct db_bytes json)
{
	member(t, name);
	if (json.length > 0)
		fragment_raw(&t->detail, json.data, json.length);
	else
		fragment_text(&t->detail, "null");
}

static void put_hex(struct translation *t, const char *name, const void *data, size_t size)
{
	char digits[3];

	member(t, name);
	fragment_text(&t->detail, "\"");
	for (size_t i = 0; i < size; i++) {
		hex_encode((const uint8_t *)data + i, 1, digits);
		fragment_text(&t->detail, digits);
	}
	fragment_text(&t->detail, "\"");
}

static void end_detail(struct translation *t)
{
	if (t->detail.used > 0)
		fragment_text(&t->detail, "}");
	t->row.detail = (struct db_bytes){.data = t->detail.data, .length = t->detail.used};
}

/* --- Adding. --- */

static bool is_sound(struct db_bytes text)
{
	return text.length == 0 || u8_check((const uint8_t *)text.data, text.length) == NULL;
}

/* No database takes what is no UTF-8, and nothing may be left out: then its bytes stand in the
 * detail. */
static void keep_sound(struct translation *t)
{
	struct db_bytes *const texts[] = {&t->row.address,  &t->row.title,     &t->row.content,
					  &t->row.rich,	    &t->row.rich_type, &t->row.room_name,
					  &t->row.category, &t->row.user_uri,  &t->row.user_name};
	static const char *const names[] = {"address",	"title",     "content",
					    "rich",	"rich_type", "room_name",
					    "category", "user_uri",  "user_name"};

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (is_sound(*texts[i]))
			continue;
		put_hex(t, names[i], texts[i]->data, texts[i]->length);
		*texts[i] = word("");
		t->row.flags |= RECORD_UNREADABLE;
	}
}

static enum db_result add(struct translation *t, const char *type, struct err *err)
{
	t->row.type = word(type);
	keep_sound(t);
	end_detail(t);
	if (t->detail.failed) {
		err_set(err, "could not write a record: out of memory");
		return DB_RETRY;
	}
	return compliance_batch_add(t->batch, &t->row, err);
}

/* An event that is not what it should be is on record with its bytes. */
static enum db_result add_malformed(struct translation *t, struct err *err)
{
	t->row.flags |= RECORD_UNREADABLE;
	put_word(t, "event", event_name(t->record->type));
	put_hex(t, "payload", t->record + 1, t->record->payload);
	return add(t, "unreadable", err);
}

static enum db_result put_principal_name(struct translation *t, const char *name, uint32_t id,
					 struct err *err)
{
	const struct record_object *object;
	enum db_result result;

	if (id == PRINCIPAL_ANY_USER) {
		put_word(t, name, "*");
		return DB_OK;
	}
	result = state_get(t->batch->state, t->db, RECORD_PRINCIPAL, id, &object, err);
	if (result == DB_OK)
		put_text(t, name, object->uri);
	return result;
}

/* --- Sessions. --- */

static enum db_result use_open(struct translation *t, struct err *err)
{
	struct event_session event;
	struct record_session session = {.principal = t->record->actor};
	enum db_result result;

	if (!event_session_get(t->record, &event))
		return add_malformed(t, err);
	memcpy(session.session, t->session, sizeof(session.session));
	t->row.address = bytes(event.address);
	if (is_sound(t->row.address))
		session.address = t->row.address;
	if (event.name.length > 0)
		t->row.user_name = bytes(event.name);
	if (is_sound(bytes(event.name)))
		session.name = bytes(event.name);
	result = state_session_put(t->batch->state, t->db, &session, err);
	if (result != DB_OK)
		return result;
	if (t->record->flags & EVENT_ADMIN)
		put_word(t, "role", admin_role_name(admin_role_of(t->record->flags)));
	return add(t, "sign_in", err);
}

static enum db_result use_close(struct translation *t, struct err *err)
{
	const enum db_result result = add(t, "sign_out", err);

	return result == DB_OK ? state_session_remove(t->batch->state, t->db, t->session, err)
			       : result;
}

static enum db_result use_join(struct translation *t, struct err *err)
{
	const enum db_result result = record_room_put(t->db, t->session, t->record->room, err);

	return result == DB_OK ? add(t, "join", err) : result;
}

static enum db_result use_leave(struct translation *t, struct err *err)
{
	const enum db_result result = record_room_remove(t->db, t->session, t->record->room, err);

	if (result != DB_OK)
		return result;
	if (t->record->flags & EVENT_NO_ACCESS)
		put_word(t, "reason", "no_access");
	return add(t, "part", err);
}

/* --- Messages. --- */

static enum db_result add_message(struct translation *t, const char *type,
				  const struct event_message *event, struct err *err)
{
	if (t->record->flags & EVENT_ALERT)
		t->row.flags |= RECORD_ALERT;
	if (t->record->flags & EVENT_UNLOGGED)
		t->row.flags &= ~(uint32_t)RECORD_HISTORY;
	t->row.message = t->record->seq;
	t->row.title = bytes(event->title);
	t->row.content = bytes(event->text);
	t->row.rich_type = bytes(event->rich_type);
	t->row.rich = bytes(event->rich);
	if (event->id.length > 0)
		put_text(t, "id", bytes(event->id));
	return add(t, type, err);
}

static enum db_result use_message(struct translation *t, struct err *err)
{
	struct event_message event;

	return event_message_get(t->record, &event) ? add_message(t, "chat", &event, err)
						    : add_malformed(t, err);
}

/* Nobody said that here and now, but from now on it stands there. */
static enum db_result use_history(struct translation *t, struct err *err)
{
	struct event_history event;
	enum db_result result = DB_OK;
	char posted[CLOCK_TEXT];

	if (!event_history_get(t->record, &event))
		return add_malformed(t, err);
	if (event.what != HISTORY_MESSAGE)
		return DB_OK;
	if (event.author != 0)
		result = put_principal_name(t, "author", event.author, err);
	put_word(t, "posted", clock_format(event.time, posted));
	return result == DB_OK ? add_message(t, "import", &event.message, err) : result;
}

static enum db_result use_removal(struct translation *t, struct err *err)
{
	const bool replaced = t->record->flags & EVENT_REPLACED;
	struct event_replacement event;
	enum db_result result = DB_OK;

	t->row.message = t->record->seq;
	if (!event_replacement_get(t->record, &event))
		return add_malformed(t, err);
	t->row.content = bytes(event.text);
	if (event.author != 0)
		result = put_principal_name(t, "author", event.author, err);
	return result == DB_OK ? add(t, replaced ? "replace" : "remove", err) : result;
}

static enum db_result use_purge(struct translation *t, struct err *err)
{
	t->row.message = t->record->seq;
	return add(t, "purge", err);
}

static enum db_result use_view(struct translation *t, struct err *err)
{
	static const char *const types[] = {
		[VIEW_HISTORY] = "view", [VIEW_SEARCH] = "search",   [VIEW_RECORDS] = "discovery",
		[VIEW_HOLD] = "hold",	 [VIEW_RELEASE] = "release", [VIEW_PURGE] = "purge_request"};
	enum db_result result = DB_OK;
	const char *refusal = NULL;
	struct event_view event;

	if (!event_view_get(t->record, &event))
		return add_malformed(t, err);
	t->row.content = bytes(event.request);
	if (event.kind > VIEW_RECORDS)
		result = compliance_order(t->batch, t->db, event.kind, &t->row, &refusal, err);
	if (refusal)
		put_word(t, "error", refusal);
	return result == DB_OK ? add(t, types[event.kind], err) : result;
}

static const char *command_word(unsigned command)
{
	static const char *const words[] = {
		[COMMAND_MESSAGE] = "message",
		[COMMAND_JOIN] = "join",
		[COMMAND_LEAVE] = "leave",
		[COMMAND_PRINCIPAL] = "principal",
		[COMMAND_ROOM] = "room",
		[COMMAND_CATEGORY] = "category",
		[COMMAND_ADDIN] = "addin",
		[COMMAND_ROLES] = "roles",
		[COMMAND_SESSION_OPEN] = "sign_in",
		[COMMAND_MEMBERS] = "affiliation",
		[COMMAND_REMOVE] = "delete",
		[COMMAND_MESSAGE_REMOVE] = "message_remove",
		[COMMAND_PURGE] = "purge",
		[COMMAND_ACCESS] = "access_request",
		[COMMAND_VIEW] = "view",
		[COMMAND_QUIT] = "quit",
	};

	return command < sizeof(words) / sizeof(words[0]) && words[command] ? words[command]
									    : "other";
}

static enum db_result use_refused(struct translation *t, struct err *err)
{
	struct event_refused event;

	if (!event_refused_get(t->record, &event))
		return add_malformed(t, err);
	put_word(t, "request", command_word(event.command));
	put_word(t, "error", code_name(event.code));
	if (event.user.length > 0)
		put_text(t, "user", bytes(event.user));
	if (event.address.length > 0)
		t->row.address = bytes(event.address);
	return add(t, "refused", err);
}

/* --- Objects. --- */

/* Its state before and after, and from now on the latter. */
static enum db_result use_object(struct translation *t, const char *type,
				 const struct record_object *object, struct err *err)
{
	const struct record_object *before;
	enum db_result result =
		state_get(t->batch->state, t->db, object->kind, object->id, &before, err);

	if (result != DB_OK)
		return result;
	put_json(t, "before", before->detail);
	put_json(t, "after", object->detail);
	result = add(t, type, err);
	return result == DB_OK ? state_put(t->batch->state, t->db, object, err) : result;
}

static enum db_result use_principal(struct translation *t, struct err *err)
{
	struct fragment detail = {0};
	struct event_principal event;
	struct record_object object;
	enum db_result result;

	if (!event_principal_get(t->record, &event))
		return add_malformed(t, err);
	object = state_principal(&event, &detail);
	result = use_object(t, "principal", &object, err);
	fragment_free(&detail);
	return result;
}

/* A room's own name is what it was called until now, unless it is new. */
static enum db_result use_room(struct translation *t, struct err *err)
{
	struct fragment detail = {0};
	struct record_object object;
	struct event_room event;
	enum db_result result;
	char uri[STATE_URI];

	if (!event_room_get(t->record, &event))
		return add_malformed(t, err);
	object = state_room(t->batch->domain, &event, uri, &detail);
	result = name_room(t, event.id, err);
	if (result == DB_OK && t->row.room.length == 0) {
		t->row.room = object.uri;
		t->row.room_name = object.name;
	}
	if (result == DB_OK)
		result = use_object(t, "room", &object, err);
	fragment_free(&detail);
	return result;
}

static enum db_result use_category(struct translation *t, struct err *err)
{
	struct fragment detail = {0};
	struct record_object object;
	struct event_category event;
	enum db_result result;
	char uri[STATE_URI];

	if (!event_category_get(t->record, &event))
		return add_malformed(t, err);
	object = state_category(t->batch->domain, &event, uri, &detail);
	t->row.category = object.name;
	result = use_object(t, "category", &object, err);
	fragment_free(&detail);
	return result;
}

static enum db_result use_addin(struct translation *t, struct err *err)
{
	struct fragment detail = {0};
	struct record_object object;
	struct event_addin event;
	enum db_result result;

	if (!event_addin_get(t->record, &event))
		return add_malformed(t, err);
	object = state_addin(&event, &detail);
	result = use_object(t, "addin", &object, err);
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

static enum db_result use_role(struct translation *t, struct err *err)
{
	const struct record_object *category;
	struct event_role event;
	enum db_result result;

	if (!event_role_get(t->record, &event))
		return add_malformed(t, err);
	if (event.kind == NODE_ROOM) {
		result = name_room(t, event.node, err);
	} else {
		result = state_get(t->batch->state, t->db, RECORD_CATEGORY, event.node, &category,
				   err);
		if (result == DB_OK)
			t->row.category = category->name;
	}
	if (result == DB_OK)
		result = put_principal_name(t, "principal", event.principal, err);
	if (result != DB_OK)
		return result;
	put_word(t, "role", role_word(event.role));
	put_flag(t, "before", !event.present);
	put_flag(t, "after", event.present);
	return add(t, "role", err);
}

static enum db_result use_affiliation(struct translation *t, struct err *err)
{
	struct event_affiliation event;
	enum db_result result;

	if (!event_affiliation_get(t->record, &event))
		return add_malformed(t, err);
	result = put_principal_name(t, "member", event.member, err);
	if (result == DB_OK)
		result = put_principal_name(t, "group", event.group, err);
	if (result != DB_OK)
		return result;
	put_flag(t, "before", !event.present);
	put_flag(t, "after", event.present);
	return add(t, "affiliation", err);
}

static enum db_result use_removed(struct translation *t, struct err *err)
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
		return add_malformed(t, err);
	if (event.kind == NODE_ROOM)
		result = name_room(t, event.id, err);
	if (result == DB_OK)
		result = state_get(t->batch->state, t->db, kinds[event.kind].kind, event.id,
				   &object, err);
	if (result != DB_OK)
		return result;
	put_word(t, "kind", kinds[event.kind].word);
	put_json(t, "before", object->detail);
	put_json(t, "after", word(""));
	return add(t, "delete", err);
}

static enum db_result use_access(struct translation *t, struct err *err)
{
	static const char *const words[] = {[PERSON_PUT] = "asked",
					    [PERSON_GONE] = "withdrawn",
					    [PERSON_GRANTED] = "granted",
					    [PERSON_DENIED] = "denied"};
	struct event_person event;
	enum db_result result;

	if (!event_person_get(t->record, &event))
		return add_malformed(t, err);
	result = name_room(t, event.item, err);
	if (result == DB_OK)
		result = put_principal_name(t, "principal", event.principal, err);
	if (result != DB_OK)
		return result;
	if (event.what < sizeof(words) / sizeof(words[0]) && words[event.what])
		put_word(t, "what", words[event.what]);
	t->row.content = bytes(event.text);
	return add(t, "access_request", err);
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
	put_json(t, "before", same ? before->detail : word(""));
	put_json(t, "after", object->detail);
	result = add(t, type, err);
	if (result == DB_OK)
		result = state_put(t->batch->state, t->db, object, err);
	fragment_free(&after);
	return result;
}

static enum db_result use_setting(struct translation *t, struct err *err)
{
	static const char *const kinds[] = {[SCOPED_CONFIG] = "config",
					    [SCOPED_POLICY] = "policy",
					    [SCOPED_ENDPOINT] = "endpoint",
					    [SCOPED_POOL] = "pool",
					    [SCOPED_TOPOLOGY] = "topology",
					    [SCOPED_RETENTION] = "retention"};
	char key[32 + EVENT_SCOPE_MAX + EVENT_SETTING_MAX];
	struct record_object object = {.kind = RECORD_SETTING};
	struct event_setting event;
	int length;

	if (!event_setting_get(t->record, &event) ||
	    event.kind >= sizeof(kinds) / sizeof(kinds[0]) || !kinds[event.kind] ||
	    !is_sound(bytes(event.scope)) || !is_sound(bytes(event.name)))
		return add_malformed(t, err);
	put_word(t, "kind", kinds[event.kind]);
	put_text(t, "scope", bytes(event.scope));
	put_text(t, "name", bytes(event.name));
	length = snprintf(key, sizeof(key), "%s %.*s %.*s", kinds[event.kind],
			  (int)event.scope.length, event.scope.data, (int)event.name.length,
			  event.name.data);
	object.uri = (struct db_bytes){.data = key, .length = (size_t)length};
	object.id = crc32c(0, key, object.uri.length);
	return change_value(t, "setting", &object, event.present ? bytes(event.value) : word(""),
			    err);
}

static enum db_result use_grant(struct translation *t, struct err *err)
{
	struct record_object object = {.kind = RECORD_GRANT};
	struct event_grant event;
	enum db_result result;

	if (!event_grant_get(t->record, &event) || !is_sound(bytes(event.policy)))
		return add_malformed(t, err);
	object.id = event.principal;
	result = put_principal_name(t, "principal", event.principal, err);
	return result == DB_OK ? change_value(t, "grant", &object, bytes(event.policy), err)
			       : result;
}

static enum db_result use_start(struct translation *t, struct err *err)
{
	put_flag(t, "cold", t->record->flags & EVENT_COLD);
	return add(t, "start", err);
}

/* What users keep for themselves is nobody's business. */
static enum db_result use_nothing(struct translation *t, struct err *err)
{
	(void)t;
	(void)err;
	return DB_OK;
}

/* --- All of them. --- */

typedef enum db_result use_fn(struct translation *t, struct err *err);

static use_fn *const uses[EVENT_TYPES] = {
	[EVENT_START] = use_start,
	[EVENT_PRINCIPAL] = use_principal,
	[EVENT_ROOM] = use_room,
	[EVENT_SESSION_OPEN] = use_open,
	[EVENT_SESSION_CLOSE] = use_close,
	[EVENT_JOIN] = use_join,
	[EVENT_LEAVE] = use_leave,
	[EVENT_MESSAGE] = use_message,
	[EVENT_CATEGORY] = use_category,
	[EVENT_ADDIN] = use_addin,
	[EVENT_ROLE] = use_role,
	[EVENT_AFFILIATION] = use_affiliation,
	[EVENT_REMOVED] = use_removed,
	[EVENT_MESSAGE_REMOVED] = use_removal,
	[EVENT_PURGE] = use_purge,
	[EVENT_INVITATION] = use_nothing,
	[EVENT_MARKER] = use_nothing,
	[EVENT_FEED] = use_nothing,
	[EVENT_ACCESS_REQUEST] = use_access,
	[EVENT_HISTORY] = use_history,
	[EVENT_SETTING] = use_setting,
	[EVENT_GRANT] = use_grant,
	[EVENT_VIEW] = use_view,
	[EVENT_REFUSED] = use_refused,
};

static enum db_result begin(struct translation *t, struct err *err)
{
	enum db_result result;

	t->row.lsn = t->record->lsn;
	t->row.time = t->record->time;
	result = name_session(t, err);
	if (result == DB_OK)
		result = name_user(t, t->record->actor, err);
	if (result == DB_OK && t->record->type != EVENT_ROOM)
		result = name_room(t, t->record->room, err);
	return result;
}

enum db_result compliance_event(struct compliance_batch *batch, struct db *db,
				const struct record *record, struct err *err)
{
	struct translation t = {.batch = batch, .db = db, .record = record};
	use_fn *const use = record->type < EVENT_TYPES ? uses[record->type] : NULL;
	enum db_result result = use == use_nothing ? DB_OK : begin(&t, err);

	if (result == DB_OK)
		result = use ? use(&t, err) : add_malformed(&t, err);
	fragment_free(&t.detail);
	return result;
}

/* --- What no event tells. --- */

static enum db_result add_orphan(struct compliance_batch *batch, struct db *db,
				 const struct record *start, const char *type,
				 const char *session_name, uint32_t room, struct err *err)
{
	struct translation t = {.batch = batch, .db = db, .record = start};
	const struct record_session *session;
	enum db_result result;

	t.row.lsn = start->lsn;
	t.row.time = start->time;
	t.row.session = word(session_name);
	result = state_session_get(batch->state, db, session_name, &session, err);
	if (result != DB_OK)
		return result;
	t.row.address = session->address;
	t.row.user_name = session->name;
	result = name_user(&t, session->principal, err);
	if (result == DB_OK)
		result = name_room(&t, room, err);
	put_word(&t, "reason", "restart");
	if (result == DB_OK)
		result = add(&t, type, err);
	fragment_free(&t.detail);
	return result;
}

static enum db_result orphan_rooms(struct compliance_batch *batch, struct db *db,
				   const struct record *start, struct err *err)
{
	char session[RECORD_SESSION];
	enum db_result result;
	uint32_t room;

	while (!compliance_batch_full(batch)) {
		result = record_room_left(db, session, &room, err);
		if (result != DB_OK)
			return result;
		result = add_orphan(batch, db, start, "part", session, room, err);
		if (result == DB_OK)
			result = record_room_remove(db, session, room, err);
		if (result != DB_OK)
			return result;
	}
	return DB_OK;
}

static enum db_result orphan_sessions(struct compliance_batch *batch, struct db *db,
				      const struct record *start, struct err *err)
{
	struct record_session session;
	enum db_result result;

	while (!compliance_batch_full(batch)) {
		result = record_session_left(db, &session, err);
		if (result != DB_OK)
			return result;
		result = add_orphan(batch, db, start, "sign_out", session.session, 0, err);
		if (result == DB_OK)
			result = state_session_remove(batch->state, db, session.session, err);
		if (result != DB_OK)
			return result;
	}
	return DB_OK;
}

enum db_result compliance_orphans(struct compliance_batch *batch, struct db *db,
				  const struct record *start, bool *more_r, struct err *err)
{
	enum db_result result = orphan_rooms(batch, db, start, err);

	if (result == DB_END)
		result = orphan_sessions(batch, db, start, err);
	*more_r = result == DB_OK;
	return result == DB_END ? DB_OK : result;
}

enum db_result compliance_gap(struct compliance_batch *batch, uint64_t to, uint64_t time,
			      struct err *err)
{
	char detail[80];
	struct record_row row = {.lsn = to, .time = time, .type = word("gap")};

	snprintf(detail, sizeof(detail), "{\"from\":%" PRIu64 ",\"to\":%" PRIu64 "}",
		 batch->cursor.lsn, to);
	row.detail = word(detail);
	return compliance_batch_add(batch, &row, err);
}
