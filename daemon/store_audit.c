#include "daemon/store_audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "conf/hex.h"
#include "daemon/fragment.h"
#include "odbc/content_file.h"

enum { VALUE_MAX = 1000 /* bytes of a value in details */ };

/* A row that is being made. */
struct entry {
	struct store_audit *audit;
	struct db *db;
	const struct record *record;
	struct err *err;
	const char *what; /* NULL: there is nothing to be told */
	char object[EVENT_NAME_MAX + 1], ref[HEX_UUID];
	struct fragment before, after; /* members of objects */
	struct fragment details;       /* other members */
};

static_assert((int)EVENT_URI_MAX <= (int)EVENT_NAME_MAX &&
		      (int)EVENT_SCOPE_MAX <= (int)EVENT_NAME_MAX,
	      "an object's name may be either");

void store_audit_begin(struct store_audit *audit)
{
	audit->has_actor = audit->has_node = false;
}

bool store_audit_is(const struct record *record)
{
	switch (record->type) {
	case EVENT_START:
		return record->flags & EVENT_COLD;
	case EVENT_SESSION_OPEN:
		return record->flags & EVENT_ADMIN;
	case EVENT_SESSION_CLOSE:
		return record->actor == 0;
	case EVENT_PRINCIPAL:
	case EVENT_AFFILIATION:
	case EVENT_CATEGORY:
	case EVENT_ADDIN:
	case EVENT_ROOM:
	case EVENT_ROLE:
	case EVENT_REMOVED:
	case EVENT_MESSAGE_REMOVED:
	case EVENT_PURGE:
	case EVENT_SETTING:
	case EVENT_GRANT:
	case EVENT_FILE_REMOVED:
		return true;
	default:
		return false;
	}
}

/* --- Texts. --- */

static struct db_bytes bytes(struct text text)
{
	return (struct db_bytes){text.data, text.length};
}

static struct db_bytes string(const char *text)
{
	return (struct db_bytes){text, strlen(text)};
}

static void copy(char *out, size_t size, struct db_bytes text)
{
	const size_t length = text.length < size ? text.length : size - 1;

	if (length > 0)
		memcpy(out, text.data, length);
	out[length] = '\0';
}

/* What is long is cut where a character ends. */
static void put_value(struct fragment *out, struct db_bytes text)
{
	size_t length = text.length;

	if (length > VALUE_MAX) {
		length = VALUE_MAX;
		while (length > 0 && ((unsigned char)text.data[length] & 0xc0) == 0x80)
			length--;
	}
	fragment_string(out, text.data, length);
}

static void put_name(struct fragment *out, const char *name)
{
	fragment_text(out, out->used > 0 ? ",\"" : "\"");
	fragment_text(out, name);
	fragment_text(out, "\":");
}

static void put_text(struct fragment *out, const char *name, struct db_bytes text)
{
	put_name(out, name);
	put_value(out, text);
}

static void put_number(struct fragment *out, const char *name, uint64_t number)
{
	put_name(out, name);
	fragment_number(out, number);
}

/* --- What was there and what is there now. A field that is the same is not told. --- */

struct sides {
	bool before, after; /* there was one; there is one */
};

static void field_text(struct entry *entry, struct sides sides, const char *name,
		       struct db_bytes before, struct db_bytes after)
{
	if (sides.before && sides.after && before.length == after.length &&
	    (before.length == 0 || memcmp(before.data, after.data, before.length) == 0))
		return;
	if (sides.before)
		put_text(&entry->before, name, before);
	if (sides.after)
		put_text(&entry->after, name, after);
}

static void field_word(struct entry *entry, struct sides sides, const char *name,
		       const char *before, const char *after)
{
	field_text(entry, sides, name, string(before), string(after));
}

static void field_bool(struct entry *entry, struct sides sides, const char *name, bool before,
		       bool after)
{
	if (sides.before && sides.after && before == after)
		return;
	if (sides.before) {
		put_name(&entry->before, name);
		fragment_text(&entry->before, before ? "true" : "false");
	}
	if (sides.after) {
		put_name(&entry->after, name);
		fragment_text(&entry->after, after ? "true" : "false");
	}
}

/* Whether anything was told. */
static bool differs(const struct entry *entry)
{
	return entry->before.used > 0 || entry->after.used > 0;
}

static enum db_result not_there(enum db_result result)
{
	return result == DB_END ? DB_OK : result;
}

/* --- Names. --- */

/* The URI of a user or group; "*" is everybody. */
static enum db_result get_uri(const struct entry *entry, uint32_t id, char uri_r[EVENT_URI_MAX + 1])
{
	struct content_principal principal;
	enum db_result result;

	if (id == PRINCIPAL_ANY_USER || id == 0) {
		strcpy(uri_r, id == 0 ? "" : "*");
		return DB_OK;
	}
	result = content_principal_get(entry->db, id, &principal, entry->err);
	copy(uri_r, EVENT_URI_MAX + 1, result == DB_OK ? principal.uri : (struct db_bytes){"", 0});
	return not_there(result);
}

static enum db_result look_up_node(struct entry *entry, unsigned kind, uint32_t id)
{
	struct store_audit *audit = entry->audit;
	struct content_category category = {0};
	struct content_room room = {0};
	const bool is_room = kind == NODE_ROOM;
	const enum db_result result =
		is_room ? content_room_get(entry->db, id, &room, entry->err)
			: content_category_get(entry->db, id, &category, entry->err);

	audit->kind = (uint8_t)kind;
	audit->node = id;
	audit->has_node = result == DB_OK;
	copy(audit->name, sizeof(audit->name), is_room ? room.name : category.name);
	hex_uuid_encode(is_room ? room.uuid : category.uuid, audit->ref);
	if (result != DB_OK)
		audit->name[0] = audit->ref[0] = '\0';
	return not_there(result);
}

/* The room or category that an event is about. */
static enum db_result name_node(struct entry *entry, unsigned kind, uint32_t id)
{
	const struct store_audit *audit = entry->audit;
	enum db_result result = DB_OK;

	if (!audit->has_node || audit->kind != kind || audit->node != id)
		result = look_up_node(entry, kind, id);
	strcpy(entry->object, audit->name);
	strcpy(entry->ref, audit->ref);
	return result;
}

static const char *word_of_privacy(unsigned privacy)
{
	return privacy == PRIVACY_OPEN ? "open" : privacy == PRIVACY_SECRET ? "secret" : "closed";
}

static const char *word_of_type(unsigned behavior)
{
	return behavior == BEHAVIOR_AUDITORIUM ? "auditorium" : "normal";
}

/* --- Users and groups. --- */

static const char *what_principal(const struct content_principal *old, bool was,
				  const struct event_principal *new)
{
	const bool user = new->kind == PRINCIPAL_USER;

	if (!was || (old->state == PRINCIPAL_DELETED && new->state != PRINCIPAL_DELETED))
		return user ? "user.add" : "group.add";
	if (new->state == PRINCIPAL_DELETED && old->state != PRINCIPAL_DELETED)
		return user ? "user.remove" : "group.remove";
	if (new->state != old->state)
		return new->state == PRINCIPAL_DISABLED ? "user.disable" : "user.enable";
	if (new->epoch != old->epoch)
		return "user.passwd";
	return user ? "user.update" : "group.update";
}

static enum db_result audit_principal(struct entry *entry)
{
	struct content_principal old;
	struct event_principal new;
	enum db_result result;
	struct sides sides = {.after = true};

	if (!event_principal_get(entry->record, &new))
		return DB_OK;
	result = content_principal_get(entry->db, new.id, &old, entry->err);
	if (result != DB_OK && result != DB_END)
		return result;
	sides.before = result == DB_OK;
	entry->what = what_principal(&old, sides.before, &new);
	copy(entry->object, sizeof(entry->object), bytes(new.uri));
	field_text(entry, sides, "name", old.name, bytes(new.name));
	return DB_OK;
}

static enum db_result audit_affiliation(struct entry *entry)
{
	struct event_affiliation event;
	char uri[EVENT_URI_MAX + 1];
	enum db_result result;

	if (!event_affiliation_get(entry->record, &event))
		return DB_OK;
	entry->what = "group.members";
	result = get_uri(entry, event.group, uri);
	strcpy(entry->object, uri);
	if (result == DB_OK)
		result = get_uri(entry, event.member, uri);
	put_text(&entry->details, event.present ? "add" : "remove", string(uri));
	return result;
}

/* --- Categories, add-ins and rooms. --- */

static void compare_category(struct entry *entry, struct sides sides,
			     const struct content_category *old, const struct event_category *new)
{
	static const struct {
		const char *name;
		uint32_t flag;
	} flags[] = {{"invitations", CATEGORY_INVITATIONS},
		     {"files", CATEGORY_FILES},
		     {"history", CATEGORY_HISTORY},
		     {"authors_remove", CATEGORY_AUTHORS_REMOVE},
		     {"members_leave", CATEGORY_MEMBERS_LEAVE},
		     {"requests", CATEGORY_REQUESTS}};

	field_text(entry, sides, "name", old->name, bytes(new->name));
	field_text(entry, sides, "description", old->description, bytes(new->description));
	for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		field_bool(entry, sides, flags[i].name, (old->flags & flags[i].flag) != 0,
			   (new->flags & flags[i].flag) != 0);
}

static enum db_result audit_category(struct entry *entry)
{
	struct content_category old;
	struct sides sides = {.after = true};
	struct event_category new;
	enum db_result result;

	if (!event_category_get(entry->record, &new))
		return DB_OK;
	result = content_category_get(entry->db, new.id, &old, entry->err);
	if (result != DB_OK && result != DB_END)
		return result;
	sides.before = result == DB_OK;
	compare_category(entry, sides, &old, &new);
	entry->audit->has_node = false;
	copy(entry->object, sizeof(entry->object), bytes(new.name));
	hex_uuid_encode(new.uuid, entry->ref);
	if (differs(entry))
		entry->what = sides.before ? "category.update" : "category.create";
	return DB_OK;
}

static enum db_result audit_addin(struct entry *entry)
{
	struct sides sides = {.after = true};
	struct content_addin old;
	struct event_addin new;
	enum db_result result;

	if (!event_addin_get(entry->record, &new))
		return DB_OK;
	result = content_addin_get(entry->db, new.id, &old, entry->err);
	if (result != DB_OK && result != DB_END)
		return result;
	sides.before = result == DB_OK;
	field_text(entry, sides, "name", old.name, bytes(new.name));
	field_text(entry, sides, "url", old.url, bytes(new.url));
	copy(entry->object, sizeof(entry->object), bytes(new.name));
	hex_uuid_encode(new.uuid, entry->ref);
	if (differs(entry))
		entry->what = sides.before ? "addin.update" : "addin.create";
	return DB_OK;
}

/* Of what a room refers to, by name. */
static enum db_result compare_category_of(struct entry *entry, struct sides sides, uint32_t before,
					  uint32_t after)
{
	struct content_category category = {0};
	enum db_result result = DB_OK;

	if (sides.before && before == after)
		return DB_OK;
	if (sides.before)
		result = content_category_get(entry->db, before, &category, entry->err);
	if (sides.before && result == DB_OK)
		put_text(&entry->before, "category", category.name);
	if (not_there(result) == DB_OK)
		result = content_category_get(entry->db, after, &category, entry->err);
	if (result == DB_OK)
		put_text(&entry->after, "category", category.name);
	return not_there(result);
}

static enum db_result put_addin_of(struct entry *entry, struct fragment *out, uint32_t id)
{
	struct content_addin addin = {.name = {"", 0}};
	enum db_result result = DB_OK;

	if (id != 0)
		result = content_addin_get(entry->db, id, &addin, entry->err);
	if (result == DB_OK)
		put_text(out, "addin", addin.name);
	return not_there(result);
}

static enum db_result compare_addin_of(struct entry *entry, struct sides sides, uint32_t before,
				       uint32_t after)
{
	enum db_result result = DB_OK;

	if (before == after)
		return DB_OK;
	if (sides.before)
		result = put_addin_of(entry, &entry->before, before);
	return result == DB_OK ? put_addin_of(entry, &entry->after, after) : result;
}

static const char *what_room(const struct content_room *old, bool was, const struct event_room *new)
{
	if (!was)
		return "room.create";
	if (old->disabled != (new->disabled != 0))
		return new->disabled ? "room.disable" : "room.enable";
	return "room.update";
}

static enum db_result audit_room(struct entry *entry)
{
	struct sides sides = {.after = true};
	struct content_room old;
	struct event_room new;
	enum db_result result;

	if (!event_room_get(entry->record, &new))
		return DB_OK;
	result = content_room_get(entry->db, new.id, &old, entry->err);
	if (result != DB_OK && result != DB_END)
		return result;
	sides.before = result == DB_OK;
	field_text(entry, sides, "name", old.name, bytes(new.name));
	field_text(entry, sides, "description", old.description, bytes(new.description));
	field_word(entry, sides, "privacy", word_of_privacy(old.privacy),
		   word_of_privacy(new.privacy));
	field_word(entry, sides, "type", word_of_type(old.behavior), word_of_type(new.behavior));
	field_bool(entry, sides, "invitations", old.invitations, new.invitations);
	field_bool(entry, sides, "disabled", old.disabled, new.disabled);
	entry->audit->has_node = false;
	copy(entry->object, sizeof(entry->object), bytes(new.name));
	hex_uuid_encode(new.uuid, entry->ref);
	result = compare_category_of(entry, sides, old.category, new.category);
	if (result == DB_OK)
		result = compare_addin_of(entry, sides, old.addin, new.addin);
	/* Its revision alone: that of its lists' changes, which were told. */
	if (differs(entry))
		entry->what = what_room(&old, sides.before, &new);
	return result;
}

static enum db_result audit_role(struct entry *entry)
{
	static const char *const names[] = {
		[ROLE_ALLOWED] = "allowed",  [ROLE_DENIED] = "denied",
		[ROLE_CREATOR] = "creators", [ROLE_MEMBER] = "members",
		[ROLE_MANAGER] = "managers", [ROLE_PRESENTER] = "presenters"};
	struct event_role event;
	char uri[EVENT_URI_MAX + 1];
	enum db_result result;

	if (!event_role_get(entry->record, &event))
		return DB_OK;
	entry->what = event.kind == NODE_ROOM ? "room.roles" : "category.roles";
	result = name_node(entry, event.kind, event.node);
	if (result == DB_OK)
		result = get_uri(entry, event.principal, uri);
	if (result != DB_OK)
		return result;
	put_text(&entry->details, "list", string(names[event.role]));
	put_text(&entry->details, event.present ? "add" : "remove", string(uri));
	return DB_OK;
}

static enum db_result audit_removed(struct entry *entry)
{
	struct content_addin addin;
	struct event_removed event;
	enum db_result result;

	if (!event_removed_get(entry->record, &event))
		return DB_OK;
	if (event.kind != NODE_ADDIN) {
		entry->what = event.kind == NODE_ROOM ? "room.delete" : "category.delete";
		result = name_node(entry, event.kind, event.id);
		entry->audit->has_node = false;
		return result;
	}
	entry->what = "addin.delete";
	result = content_addin_get(entry->db, event.id, &addin, entry->err);
	if (result == DB_OK) {
		copy(entry->object, sizeof(entry->object), addin.name);
		hex_uuid_encode(addin.uuid, entry->ref);
	}
	return not_there(result);
}

/* --- Messages. --- */

static enum db_result audit_message(struct entry *entry)
{
	const struct record *record = entry->record;
	struct event_replacement event;
	char uri[EVENT_URI_MAX + 1];
	enum db_result result;

	if (record->type == EVENT_PURGE) {
		entry->what = "message.purge";
		put_number(&entry->details, "through", record->seq);
		return name_node(entry, NODE_ROOM, record->room);
	}
	if (!event_replacement_get(record, &event))
		return DB_OK;
	entry->what = record->flags & EVENT_REPLACED ? "message.replace" : "message.remove";
	put_number(&entry->details, "seq", record->seq);
	result = name_node(entry, NODE_ROOM, record->room);
	if (result == DB_OK)
		result = get_uri(entry, event.author, uri);
	if (result == DB_OK && event.author != 0)
		put_text(&entry->details, "author", string(uri));
	return result;
}

/* By its row: where the content is lost the event does not know the name. */
static enum db_result audit_file(struct entry *entry)
{
	char uuid[HEX_UUID];
	struct content_file_row row;
	struct event_file event;
	enum db_result result;

	if (!event_file_get(entry->record, &event))
		return DB_OK;
	entry->what = "file.remove";
	hex_uuid_encode(event.uuid, uuid);
	put_text(&entry->details, "file", string(uuid));
	result = content_file_get(entry->db, event.uuid, &row, entry->err);
	if (result == DB_OK) {
		put_text(&entry->details, "name", row.file.name);
		put_number(&entry->details, "size", row.file.size);
		put_text(&entry->details, "author", row.author_uri);
	}
	return not_there(result) == DB_OK
		       ? name_node(entry, NODE_ROOM, entry->record->room)
		       : result;
}

/* --- Settings and policies. --- */

static const char *what_setting(unsigned kind, bool present)
{
	static const char *const set[] = {[SCOPED_CONFIG] = "config.set",
					  [SCOPED_POLICY] = "policy.set",
					  [SCOPED_ENDPOINT] = "endpoint.set",
					  [SCOPED_POOL] = "pool.set",
					  [SCOPED_TOPOLOGY] = "topology.set",
					  [SCOPED_RETENTION] = "retention.set"};
	static const char *const gone[] = {[SCOPED_CONFIG] = "config.remove",
					   [SCOPED_POLICY] = "policy.remove",
					   [SCOPED_ENDPOINT] = "endpoint.remove",
					   [SCOPED_POOL] = "pool.remove",
					   [SCOPED_TOPOLOGY] = "topology.remove",
					   [SCOPED_RETENTION] = "retention.remove"};

	if (kind >= sizeof(set) / sizeof(set[0]) || set[kind] == NULL)
		return "setting";
	return present ? set[kind] : gone[kind];
}

static enum db_result audit_setting(struct entry *entry)
{
	struct content_setting old;
	struct event_setting new;
	enum db_result result;
	struct sides sides;

	if (!event_setting_get(entry->record, &new))
		return DB_OK;
	old = (struct content_setting){
		.kind = new.kind, .scope = bytes(new.scope), .name = bytes(new.name)};
	result = content_setting_get(entry->db, &old, entry->err);
	if (result != DB_OK && result != DB_END)
		return result;
	sides = (struct sides){.before = result == DB_OK, .after = new.present};
	field_text(entry, sides, "value", old.value, bytes(new.value));
	copy(entry->object, sizeof(entry->object), bytes(new.scope));
	put_text(&entry->details, "name", bytes(new.name));
	if (differs(entry))
		entry->what = what_setting(new.kind, new.present);
	return DB_OK;
}

static enum db_result audit_grant(struct entry *entry)
{
	struct content_grant old;
	struct event_grant new;
	char uri[EVENT_URI_MAX + 1];
	enum db_result result;
	struct sides sides;

	if (!event_grant_get(entry->record, &new))
		return DB_OK;
	old.principal = new.principal;
	result = content_grant_get(entry->db, &old, entry->err);
	if (result != DB_OK && result != DB_END)
		return result;
	sides = (struct sides){.before = result == DB_OK, .after = new.policy.length > 0};
	field_text(entry, sides, "policy", old.policy, bytes(new.policy));
	entry->what = "policy.grant";
	result = get_uri(entry, new.principal, uri);
	strcpy(entry->object, uri);
	return result;
}

/* --- Who it was. --- */

static struct content_admin admin_of(const struct record *record)
{
	return (struct content_admin){.slot = record->origin.slot,
				      .generation = record->origin.generation,
				      .session = record->origin.session};
}

static enum db_result note_session(struct db *db, const struct record *record, struct err *err)
{
	struct content_admin admin = admin_of(record);
	struct event_session event;

	if (record->type == EVENT_START)
		return content_admin_clear(db, err);
	if (record->type == EVENT_SESSION_CLOSE)
		return content_admin_remove(db, &admin, err);
	if (!event_session_get(record, &event))
		return DB_OK;
	admin.name = bytes(event.name);
	admin.address = bytes(event.address);
	return content_admin_put(db, &admin, err);
}

static bool is_known(const struct store_audit *audit, const struct record *record)
{
	return audit->has_actor && audit->principal == record->actor &&
	       audit->origin.slot == record->origin.slot &&
	       audit->origin.generation == record->origin.generation &&
	       audit->origin.session == record->origin.session;
}

/* An administrator's name and address are those of his session. Nobody keeps a user's address. */
static enum db_result find_actor(struct entry *entry)
{
	struct store_audit *audit = entry->audit;
	const struct record *record = entry->record;
	struct content_admin admin = admin_of(record);
	enum db_result result = DB_OK;

	if (is_known(audit, record))
		return DB_OK;
	audit->address[0] = '\0';
	if (record->actor != 0) {
		result = get_uri(entry, record->actor, audit->actor);
	} else if (record->origin.session == 0) {
		strcpy(audit->actor, "server");
	} else {
		result = content_admin_get(entry->db, &admin, entry->err);
		copy(audit->actor, sizeof(audit->actor),
		     result == DB_OK ? admin.name : string("administrator"));
		if (result == DB_OK)
			copy(audit->address, sizeof(audit->address), admin.address);
		result = not_there(result);
	}
	audit->origin = record->origin;
	audit->principal = record->actor;
	audit->has_actor = result == DB_OK;
	return result;
}

/* --- The row. --- */

static enum db_result describe(struct entry *entry)
{
	switch (entry->record->type) {
	case EVENT_PRINCIPAL:
		return audit_principal(entry);
	case EVENT_AFFILIATION:
		return audit_affiliation(entry);
	case EVENT_CATEGORY:
		return audit_category(entry);
	case EVENT_ADDIN:
		return audit_addin(entry);
	case EVENT_ROOM:
		return audit_room(entry);
	case EVENT_ROLE:
		return audit_role(entry);
	case EVENT_REMOVED:
		return audit_removed(entry);
	case EVENT_SETTING:
		return audit_setting(entry);
	case EVENT_GRANT:
		return audit_grant(entry);
	case EVENT_FILE_REMOVED:
		return audit_file(entry);
	default:
		return audit_message(entry);
	}
}

static void put_side(struct fragment *out, const char *name, const struct fragment *side)
{
	if (side->used == 0)
		return;
	put_name(out, name);
	fragment_text(out, "{");
	fragment_raw(out, side->data, side->used);
	fragment_text(out, "}");
}

static enum db_result put_entry(struct entry *entry)
{
	const struct store_audit *audit = entry->audit;
	struct fragment json = {0};
	struct content_audit row = {.lsn = entry->record->lsn,
				    .time = entry->record->time,
				    .actor = string(audit->actor),
				    .address = string(audit->address),
				    .what = string(entry->what),
				    .object = string(entry->object),
				    .ref = string(entry->ref)};
	enum db_result result = DB_RETRY;

	put_side(&entry->details, "before", &entry->before);
	put_side(&entry->details, "after", &entry->after);
	fragment_text(&json, "{");
	fragment_raw(&json, entry->details.data, entry->details.used);
	fragment_text(&json, "}");
	if (json.failed || entry->details.failed || entry->before.failed || entry->after.failed) {
		err_set(entry->err, "there is no memory for a row of the audit");
	} else {
		row.details = (struct db_bytes){json.data, json.used};
		result = content_audit_put(entry->db, &row, entry->err);
	}
	fragment_free(&json);
	return result;
}

enum db_result store_audit_put(struct store_audit *audit, struct db *db,
			       const struct record *record, struct err *err)
{
	struct entry entry = {.audit = audit, .db = db, .record = record, .err = err};
	enum db_result result;

	if (record->type == EVENT_START || record->type == EVENT_SESSION_OPEN ||
	    record->type == EVENT_SESSION_CLOSE)
		return note_session(db, record, err);
	result = describe(&entry);
	if (result == DB_OK && entry.what != NULL)
		result = find_actor(&entry);
	if (result == DB_OK && entry.what != NULL)
		result = put_entry(&entry);
	fragment_free(&entry.before);
	fragment_free(&entry.after);
	fragment_free(&entry.details);
	return result;
}
