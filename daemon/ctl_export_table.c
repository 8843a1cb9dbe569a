#include <string.h>

#include "conf/hex.h"
#include "daemon/ctl_export.h"
#include "shm/event.h"

/* The tables of the content database as lines of an archive. */

/* --- Lines. --- */

void export_begin(struct export *e, const char *name)
{
	e->line.used = 0;
	fragment_text(&e->line, "{\"");
	fragment_text(&e->line, name);
	fragment_text(&e->line, "\":");
}

void export_name(struct export *e, const char *name)
{
	fragment_text(&e->line, ",\"");
	fragment_text(&e->line, name);
	fragment_text(&e->line, "\":");
}

void export_time(struct export *e, const char *name, uint64_t utc)
{
	export_name(e, name);
	fragment_time(&e->line, utc);
}

static void put_bytes(struct export *e, const char *name, struct db_bytes bytes)
{
	export_name(e, name);
	fragment_string(&e->line, bytes.data, bytes.length);
}

static void put_word(struct export *e, const char *name, const char *word)
{
	put_bytes(e, name, (struct db_bytes){word, strlen(word)});
}

static void put_number(struct export *e, const char *name, uint64_t number)
{
	export_name(e, name);
	fragment_number(&e->line, number);
}

static void put_bool(struct export *e, const char *name, bool value)
{
	export_name(e, name);
	fragment_text(&e->line, value ? "true" : "false");
}

static void put_hex(struct export *e, const char *name, const uint8_t *data, size_t length)
{
	char text[2 * CONTENT_KEY_MAX + 1];

	hex_encode(data, length, text);
	put_word(e, name, text);
}

static void begin_text(struct export *e, enum archive_kind kind, struct db_bytes text)
{
	export_begin(e, archive_kind_name(kind));
	fragment_string(&e->line, text.data, text.length);
}

static void begin_uuid(struct export *e, enum archive_kind kind, const uint8_t uuid[16])
{
	char text[HEX_UUID];

	hex_uuid_encode(uuid, text);
	begin_text(e, kind, (struct db_bytes){text, HEX_UUID - 1});
}

bool export_end(struct export *e, enum archive_kind kind)
{
	fragment_text(&e->line, "}");
	if (e->line.failed) {
		err_set(&e->err, "could not write a line: no memory");
		e->failed = true;
	} else if (e->writer && archive_put(e->writer, e->line.data, e->line.used, &e->err) == -1) {
		e->failed = true;
	} else if (kind < KINDS) {
		e->report.count[kind][0]++;
	}
	return !e->failed;
}

/* --- Users and groups. --- */

static const char *state_word(unsigned state)
{
	return state == PRINCIPAL_DELETED    ? "deleted"
	       : state == PRINCIPAL_DISABLED ? "disabled"
					     : "active";
}

static const char *group_word(unsigned kind)
{
	return kind == PRINCIPAL_FOLDER ? "folder" : kind == PRINCIPAL_DOMAIN ? "domain" : "group";
}

static enum db_result page_principals(struct export *e)
{
	return content_principals(e->db, e->above.id, &e->err);
}

static enum db_result next_principal(struct export *e)
{
	struct content_principal row = {0};
	const enum db_result result = content_principals_next(e->db, &row, &e->err);
	const enum archive_kind kind = row.kind == PRINCIPAL_USER ? KIND_USER : KIND_GROUP;

	if (result != DB_OK)
		return result;
	e->above.id = row.id;
	begin_text(e, kind, row.uri);
	put_bytes(e, "name", row.name);
	if (kind == KIND_GROUP)
		put_word(e, "kind", group_word(row.kind));
	put_word(e, "state", state_word(row.state));
	if (row.epoch > 0)
		put_number(e, "epoch", row.epoch);
	export_end(e, kind);
	return DB_OK;
}

static enum db_result page_affiliations(struct export *e)
{
	return content_export_affiliations(e->db, &e->above.affiliation, &e->err);
}

static enum db_result next_affiliation(struct export *e)
{
	struct content_names names;
	const enum db_result result =
		content_export_affiliations_next(e->db, &e->above.affiliation, &names, &e->err);

	if (result != DB_OK || names.principal.length == 0 || names.other.length == 0)
		return result;
	begin_text(e, KIND_MEMBER, names.principal);
	put_bytes(e, "of", names.other);
	export_end(e, KIND_MEMBER);
	return DB_OK;
}

static enum db_result page_credentials(struct export *e)
{
	return content_export_credentials(e->db, &e->above.credential, &e->err);
}

static enum db_result next_credential(struct export *e)
{
	struct content_export_credential *row = &e->above.credential;
	const struct content_credential *c = &row->credential;
	const enum db_result result = content_export_credentials_next(e->db, row, &e->err);

	if (result != DB_OK)
		return result;
	begin_text(e, KIND_CREDENTIAL, (struct db_bytes){row->uri, row->uri_length});
	put_word(e, "mechanism", c->mechanism);
	put_number(e, "iterations", c->iterations);
	put_hex(e, "salt", c->salt, c->salt_length);
	put_hex(e, "stored_key", c->stored_key, c->stored_length);
	put_hex(e, "server_key", c->server_key, c->server_length);
	export_time(e, "changed", c->changed);
	export_end(e, KIND_CREDENTIAL);
	return DB_OK;
}

/* --- Categories and add-ins. --- */

static bool in_scope(const struct export *e, uint32_t category)
{
	return e->category == 0 || e->category == category;
}

static enum db_result page_categories(struct export *e)
{
	return content_categories(e->db, e->above.id, &e->err);
}

static enum db_result next_category(struct export *e)
{
	struct content_category row = {0};
	const enum db_result result = content_categories_next(e->db, &row, &e->err);

	if (result != DB_OK)
		return result;
	e->above.id = row.id;
	if (!in_scope(e, row.id))
		return DB_OK;
	begin_uuid(e, KIND_CATEGORY, row.uuid);
	put_bytes(e, "name", row.name);
	put_bytes(e, "description", row.description);
	put_bool(e, "invitations", row.flags & CATEGORY_INVITATIONS);
	put_bool(e, "files", row.flags & CATEGORY_FILES);
	put_bool(e, "history", row.flags & CATEGORY_HISTORY);
	put_bool(e, "authors_remove", row.flags & CATEGORY_AUTHORS_REMOVE);
	put_bool(e, "members_leave", row.flags & CATEGORY_MEMBERS_LEAVE);
	put_bool(e, "requests", row.flags & CATEGORY_REQUESTS);
	export_time(e, "created", row.created);
	put_number(e, "revision", row.revision);
	export_end(e, KIND_CATEGORY);
	return DB_OK;
}

static enum db_result page_addins(struct export *e)
{
	return content_addins(e->db, e->above.id, &e->err);
}

static enum db_result next_addin(struct export *e)
{
	struct content_addin row = {0};
	const enum db_result result = content_addins_next(e->db, &row, &e->err);

	if (result != DB_OK)
		return result;
	e->above.id = row.id;
	begin_uuid(e, KIND_ADDIN, row.uuid);
	put_bytes(e, "name", row.name);
	put_bytes(e, "url", row.url);
	export_end(e, KIND_ADDIN);
	return DB_OK;
}

/* --- Rooms and roles. --- */

static const char *privacy_word(unsigned privacy)
{
	return privacy == PRIVACY_OPEN ? "open" : privacy == PRIVACY_SECRET ? "secret" : "closed";
}

static enum db_result page_rooms(struct export *e)
{
	return content_export_rooms(e->db, e->above.id, &e->err);
}

static enum db_result next_room(struct export *e)
{
	struct content_room row = {0};
	struct content_room_names names;
	const enum db_result result = content_export_rooms_next(e->db, &row, &names, &e->err);

	if (result != DB_OK)
		return result;
	e->above.id = row.id;
	if (!in_scope(e, row.category))
		return DB_OK;
	begin_uuid(e, KIND_ROOM, row.uuid);
	put_bytes(e, "name", row.name);
	put_bytes(e, "description", row.description);
	put_bytes(e, "category", names.category);
	if (names.addin.length > 0)
		put_bytes(e, "addin", names.addin);
	put_word(e, "privacy", privacy_word(row.privacy));
	put_word(e, "type", row.behavior == BEHAVIOR_AUDITORIUM ? "auditorium" : "normal");
	put_bool(e, "invitations", row.invitations);
	put_bool(e, "disabled", row.disabled);
	export_time(e, "created", row.created);
	put_number(e, "revision", row.revision > 0 ? row.revision : 1); /* 0: it is being filled */
	put_number(e, "last_seq", row.last_seq);
	export_end(e, KIND_ROOM);
	return DB_OK;
}

static const char *role_word(unsigned role)
{
	static const char *const words[] = {"",	      "allowed", "denied",   "creator",
					    "member", "manager", "presenter"};

	return words[role];
}

static enum db_result page_roles(struct export *e)
{
	return content_export_roles(e->db, &e->above.role, &e->err);
}

static enum db_result next_role(struct export *e)
{
	struct content_role *row = &e->above.role;
	struct content_names names;
	const enum db_result result = content_export_roles_next(e->db, row, &names, &e->err);
	const bool anybody = row->principal == PRINCIPAL_ANY_USER;

	if (result != DB_OK || !in_scope(e, names.category) || names.node.length == 0 ||
	    (!anybody && names.principal.length == 0) || row->role < ROLE_ALLOWED ||
	    row->role > ROLE_PRESENTER || (row->kind == NODE_ROOM && e->level == LEVEL_CATEGORY))
		return result;
	export_begin(e, archive_kind_name(KIND_ROLE));
	fragment_string(&e->line, role_word(row->role), strlen(role_word(row->role)));
	put_bytes(e, row->kind == NODE_ROOM ? "room" : "category", names.node);
	put_bytes(e, "who", anybody ? (struct db_bytes){"*", 1} : names.principal);
	export_end(e, KIND_ROLE);
	return DB_OK;
}

/* --- What users have of their own. --- */

static const char *match_word(unsigned flags)
{
	return flags & FEED_ANY ? "any" : flags & FEED_PHRASE ? "phrase" : "all";
}

static void put_feed(struct export *e, const struct content_person *row,
		     const struct content_names *names)
{
	put_number(e, "number", row->item);
	put_bytes(e, "name", row->name);
	put_bytes(e, "words", row->text);
	put_word(e, "match", match_word(row->flags));
	put_bool(e, "ego", row->flags & FEED_EGO);
	if (names->other.length > 0)
		put_bytes(e, "from", names->other);
	if (names->node.length > 0)
		put_bytes(e, "room", names->node);
}

static void put_person(struct export *e, enum archive_kind kind, const struct content_person *row,
		       const struct content_names *names)
{
	begin_text(e, kind, names->principal);
	switch (kind) {
	case KIND_INVITED:
		put_number(e, "last", row->number);
		put_number(e, "read", row->time);
		break;
	case KIND_INVITATION:
		put_bytes(e, "room", names->node);
		put_number(e, "number", row->number);
		export_time(e, "time", row->time);
		if (names->other.length > 0)
			put_bytes(e, "from", names->other);
		break;
	case KIND_MARKER:
		put_bytes(e, "room", names->node);
		put_number(e, "seq", row->number);
		break;
	case KIND_REQUEST:
		put_bytes(e, "room", names->node);
		export_time(e, "time", row->time);
		put_bytes(e, "reason", row->text);
		break;
	default:
		put_feed(e, row, names);
		break;
	}
	export_end(e, kind);
}

/* A feed of one room, or of one author, who is gone finds nothing any more. */
static bool is_wanted(const struct export *e, enum archive_kind kind,
		      const struct content_person *row, const struct content_names *names)
{
	const bool of_room = kind != KIND_INVITED && (kind != KIND_FEED || row->room != 0);
	const bool timed = kind == KIND_INVITATION || kind == KIND_REQUEST;

	return names->principal.length > 0 &&
	       (!of_room || (names->node.length > 0 && in_scope(e, names->category))) &&
	       (kind != KIND_FEED || row->who == 0 || names->other.length > 0) &&
	       (!timed || row->time >= e->start);
}

static enum db_result page_people(struct export *e)
{
	return content_export_people(e->db, e->part->people, &e->above.person, &e->err);
}

static enum db_result next_person(struct export *e)
{
	struct content_person row;
	struct content_names names;
	const enum db_result result =
		content_export_people_next(e->db, e->part->people, &row, &names, &e->err);

	if (result != DB_OK)
		return result;
	e->above.person.principal = row.principal;
	e->above.person.item = row.item;
	if (is_wanted(e, e->part->kind, &row, &names))
		put_person(e, e->part->kind, &row, &names);
	return DB_OK;
}

/* --- Walking. --- */

static enum db_result walk(struct export *e)
{
	const struct export_part *part = e->part;
	enum db_result result;

	memset(&e->above, 0, sizeof(e->above));
	do {
		e->found = false;
		result = part->page(e);
		while (result == DB_OK && !e->failed) {
			result = part->next(e);
			if (result == DB_OK)
				e->found = true;
		}
	} while (result == DB_END && e->found && !e->failed);
	return result == DB_END ? DB_OK : result;
}

enum {
	USER = 1 << LEVEL_USER,
	CATEGORY = 1 << LEVEL_CATEGORY,
	ROOMS = 1 << LEVEL_ROOM_DIRECTORY,
	CONTENT = 1 << LEVEL_CONTENT,
	ALL = 1 << LEVEL_ALL,
};

/* In an order in which whatever a line refers to stands before it. */
static const struct export_part parts[] = {
	{USER | CATEGORY | ROOMS | ALL, page_principals, next_principal, 0, 0},
	{USER | CATEGORY | ROOMS | ALL, page_affiliations, next_affiliation, 0, 0},
	{USER | CATEGORY | ROOMS | ALL, page_credentials, next_credential, 0, 0},
	{CATEGORY | ROOMS | ALL, page_categories, next_category, 0, 0},
	{CATEGORY | ROOMS | ALL, page_addins, next_addin, 0, 0},
	{ROOMS | ALL, page_rooms, next_room, 0, 0},
	{CATEGORY | ROOMS | ALL, page_roles, next_role, 0, 0},
	{ROOMS | ALL, page_people, next_person, CONTENT_INVITED, KIND_INVITED},
	{ROOMS | ALL, page_people, next_person, CONTENT_INVITATION, KIND_INVITATION},
	{ROOMS | ALL, page_people, next_person, CONTENT_FEED, KIND_FEED},
	{ROOMS | ALL, page_people, next_person, CONTENT_REQUEST, KIND_REQUEST},
	{CONTENT | ALL, NULL, export_messages, 0, 0},
	{CONTENT | ALL, export_file_page, export_file_next, 0, 0},
	{ALL, page_people, next_person, CONTENT_MARKER, KIND_MARKER},
	{ALL, export_setting_page, export_setting_next, 0, 0},
	{ALL, export_grant_page, export_grant_next, 0, 0},
};

enum db_result export_tables(struct export *e)
{
	enum db_result result = DB_OK;

	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]) && result == DB_OK && !e->failed;
	     i++) {
		e->part = &parts[i];
		if (!(e->part->levels & 1u << e->level) ||
		    (e->part->page == page_credentials && !e->ctl->option[CTL_CREDENTIALS]))
			continue;
		result = e->part->page ? walk(e) : e->part->next(e);
	}
	return result;
}
