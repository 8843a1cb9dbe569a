#include "daemon/store_object.h"

#include <string.h>

#include "conf/log.h"
#include "shm/event.h"

struct walk {
	struct db *db; /* borrowed */
	store_take *take;
	void *arg;
	struct err *err;
	bool over;  /* no more are wanted */
	bool found; /* the page had a row */
	union {	    /* the key up to which all of the table is taken */
		uint32_t id;
		struct content_role role;
		struct content_affiliation affiliation;
		struct content_person person;
		struct {
			uint32_t kind;
			uint16_t scope_length, name_length;
			char scope[EVENT_SCOPE_MAX], name[EVENT_SETTING_MAX];
		} setting;
	} above;
	enum content_person_kind kind; /* of what users have */
	struct store_object object; /* of the row; size 0: it is left out */
	uint8_t payload[256 + EVENT_SCOPE_MAX + EVENT_SETTING_MAX + EVENT_VALUE_MAX];
};

static struct text text(struct db_bytes bytes)
{
	return (struct text){.data = bytes.data, .length = (uint32_t)bytes.length};
}

/* What came of a row that has an id. A malformed one was changed by somebody else than the store. */
static enum db_result found_id(struct walk *walk, enum db_result result, const char *what,
			       uint32_t id, uint32_t size)
{
	if (result == DB_BAD_DATA && id == 0)
		return DB_FATAL; /* it is not even known which one it is */
	if (result != DB_OK && result != DB_BAD_DATA)
		return result;
	walk->above.id = id;
	walk->object.size = result == DB_OK ? size : 0;
	if (walk->object.size == 0)
		log_error("%s %u of the content database is malformed and was left out", what, id);
	return DB_OK;
}

/* --- Tables: executing for the next page, and one row of it. --- */

static enum db_result page_principals(struct walk *walk)
{
	return content_principals(walk->db, walk->above.id, walk->err);
}

static enum db_result next_principal(struct walk *walk)
{
	struct content_principal row = {0};
	const enum db_result result = content_principals_next(walk->db, &row, walk->err);
	const struct event_principal event = {.id = row.id,
					      .kind = row.kind,
					      .state = row.state,
					      .epoch = row.epoch,
					      .uri = text(row.uri),
					      .name = text(row.name)};

	return found_id(walk, result, "user or group", row.id,
			event_principal_put(&event, walk->payload, sizeof(walk->payload)));
}

static enum db_result page_categories(struct walk *walk)
{
	return content_categories(walk->db, walk->above.id, walk->err);
}

static enum db_result next_category(struct walk *walk)
{
	struct content_category row = {0};
	const enum db_result result = content_categories_next(walk->db, &row, walk->err);
	struct event_category event = {.id = row.id,
				       .flags = row.flags,
				       .created = row.created,
				       .revision = row.revision,
				       .name = text(row.name),
				       .description = text(row.description)};

	memcpy(event.uuid, row.uuid, sizeof(event.uuid));
	return found_id(walk, result, "category", row.id,
			event_category_put(&event, walk->payload, sizeof(walk->payload)));
}

static enum db_result page_addins(struct walk *walk)
{
	return content_addins(walk->db, walk->above.id, walk->err);
}

static enum db_result next_addin(struct walk *walk)
{
	struct content_addin row = {0};
	const enum db_result result = content_addins_next(walk->db, &row, walk->err);
	struct event_addin event = {.id = row.id, .name = text(row.name), .url = text(row.url)};

	memcpy(event.uuid, row.uuid, sizeof(event.uuid));
	return found_id(walk, result, "add-in", row.id,
			event_addin_put(&event, walk->payload, sizeof(walk->payload)));
}

static enum db_result page_rooms(struct walk *walk)
{
	return content_rooms(walk->db, walk->above.id, walk->err);
}

static enum db_result next_room(struct walk *walk)
{
	struct content_room row = {0};
	const enum db_result result = content_rooms_next(walk->db, &row, walk->err);
	struct event_room event = {.id = row.id,
				   .disabled = row.disabled,
				   .category = row.category,
				   .addin = row.addin,
				   .privacy = row.privacy,
				   .behavior = row.behavior,
				   .invitations = row.invitations,
				   .created = row.created,
				   .revision = row.revision,
				   .name = text(row.name),
				   .description = text(row.description)};

	memcpy(event.uuid, row.uuid, sizeof(event.uuid));
	walk->object.last_seq = row.last_seq;
	walk->object.removals = row.removals;
	return found_id(walk, result, "room", row.id,
			event_room_put(&event, walk->payload, sizeof(walk->payload)));
}

static enum db_result page_affiliations(struct walk *walk)
{
	return content_affiliations(walk->db, &walk->above.affiliation, walk->err);
}

static enum db_result next_affiliation(struct walk *walk)
{
	struct content_affiliation *row = &walk->above.affiliation;
	const enum db_result result = content_affiliations_next(walk->db, row, walk->err);
	const struct event_affiliation event = {
		.member = row->member, .group = row->group, .present = 1};

	walk->object.size = event_affiliation_put(&event, walk->payload, sizeof(walk->payload));
	return result;
}

static enum db_result page_roles(struct walk *walk)
{
	return content_roles(walk->db, &walk->above.role, walk->err);
}

static enum db_result next_role(struct walk *walk)
{
	struct content_role *row = &walk->above.role;
	const enum db_result result = content_roles_next(walk->db, row, walk->err);
	const struct event_role event = {.kind = row->kind,
					 .role = row->role,
					 .present = 1,
					 .node = row->node,
					 .principal = row->principal};

	if (result != DB_OK)
		return result;
	walk->object.size = event_role_put(&event, walk->payload, sizeof(walk->payload));
	if (walk->object.size == 0)
		log_error("role %u of principal %u in %s %u is unknown and was left out", row->role,
			  row->principal, row->kind == NODE_ROOM ? "room" : "category", row->node);
	return DB_OK;
}

static enum db_result page_people(struct walk *walk)
{
	return content_people(walk->db, walk->kind, &walk->above.person, walk->err);
}

static enum db_result next_person(struct walk *walk)
{
	struct content_person row = {0};
	const enum db_result result = content_people_next(walk->db, walk->kind, &row, walk->err);
	const struct event_person event = {
		.principal = row.principal,
		.item = row.item,
		.who = row.who,
		.room = row.room,
		.number = row.number,
		.time = row.time,
		.what = walk->kind == CONTENT_INVITED ? PERSON_STATE : PERSON_PUT,
		.flags = row.flags,
		.name = text(row.name),
		.text = text(row.text)};

	if (result != DB_OK)
		return result;
	walk->above.person.principal = row.principal;
	walk->above.person.item = row.item;
	walk->object.size = event_person_put(&event, walk->payload, sizeof(walk->payload));
	if (walk->object.size == 0)
		log_error("%s %u of principal %u is malformed and was left out",
			  event_name(walk->object.type), row.item, row.principal);
	return DB_OK;
}

static enum db_result page_settings(struct walk *walk)
{
	const struct content_setting above = {
		.kind = walk->above.setting.kind,
		.scope = {walk->above.setting.scope, walk->above.setting.scope_length},
		.name = {walk->above.setting.name, walk->above.setting.name_length}};

	return content_settings(walk->db, &above, walk->err);
}

static enum db_result next_setting(struct walk *walk)
{
	struct content_setting row = {0};
	const enum db_result result = content_settings_next(walk->db, &row, walk->err);
	const struct event_setting event = {.kind = (uint8_t)row.kind,
					    .present = 1,
					    .scope = text(row.scope),
					    .name = text(row.name),
					    .value = text(row.value)};

	if (result != DB_OK)
		return result;
	walk->object.size = event_setting_put(&event, walk->payload, sizeof(walk->payload));
	if (walk->object.size == 0)
		log_error("a setting of kind %u of the content database is malformed and was left out",
			  row.kind);
	walk->above.setting.kind = row.kind;
	walk->above.setting.scope_length =
		(uint16_t)(row.scope.length < EVENT_SCOPE_MAX ? row.scope.length : EVENT_SCOPE_MAX);
	walk->above.setting.name_length =
		(uint16_t)(row.name.length < EVENT_SETTING_MAX ? row.name.length : EVENT_SETTING_MAX);
	memcpy(walk->above.setting.scope, row.scope.data, walk->above.setting.scope_length);
	memcpy(walk->above.setting.name, row.name.data, walk->above.setting.name_length);
	return DB_OK;
}

static enum db_result page_grants(struct walk *walk)
{
	return content_grants(walk->db, walk->above.id, walk->err);
}

static enum db_result next_grant(struct walk *walk)
{
	struct content_grant row = {0};
	const enum db_result result = content_grants_next(walk->db, &row, walk->err);
	const struct event_grant event = {.principal = row.principal, .policy = text(row.policy)};

	return found_id(walk, result, "the policy of user", row.principal,
			event_grant_put(&event, walk->payload, sizeof(walk->payload)));
}

static const struct object_table {
	uint16_t type; /* enum event_type */
	enum db_result (*page)(struct walk *walk);
	enum db_result (*next)(struct walk *walk);
	enum content_person_kind kind;
} tables[] = {
	{EVENT_PRINCIPAL, page_principals, next_principal, 0},
	{EVENT_AFFILIATION, page_affiliations, next_affiliation, 0},
	{EVENT_CATEGORY, page_categories, next_category, 0},
	{EVENT_ADDIN, page_addins, next_addin, 0},
	{EVENT_ROOM, page_rooms, next_room, 0},
	{EVENT_ROLE, page_roles, next_role, 0},
	{EVENT_INVITATION, page_people, next_person, CONTENT_INVITED},
	{EVENT_INVITATION, page_people, next_person, CONTENT_INVITATION},
	{EVENT_MARKER, page_people, next_person, CONTENT_MARKER},
	{EVENT_FEED, page_people, next_person, CONTENT_FEED},
	{EVENT_ACCESS_REQUEST, page_people, next_person, CONTENT_REQUEST},
	{EVENT_SETTING, page_settings, next_setting, 0},
	{EVENT_GRANT, page_grants, next_grant, 0},
};
enum { TABLES = sizeof(tables) / sizeof(tables[0]) };

/* --- Walking. --- */

static enum db_result walk_page(struct walk *walk, const struct object_table *table)
{
	enum db_result result = table->page(walk);

	walk->found = false;
	while (result == DB_OK && !walk->over) {
		result = table->next(walk);
		if (result != DB_OK)
			break;
		walk->found = true;
		if (walk->object.size > 0)
			walk->over = !walk->take(&walk->object, walk->arg);
	}
	return result;
}

static enum db_result walk_table(struct walk *walk, const struct object_table *table)
{
	enum db_result result;

	memset(&walk->above, 0, sizeof(walk->above));
	walk->kind = table->kind;
	walk->object = (struct store_object){.type = table->type, .payload = walk->payload};
	do
		result = walk_page(walk, table);
	while (result == DB_END && walk->found && !walk->over);
	return result;
}

enum db_result store_objects(struct db *db, store_take *take, void *arg, struct err *err)
{
	struct walk walk = {.db = db, .take = take, .arg = arg, .err = err};
	enum db_result result = DB_END;

	for (unsigned i = 0; i < TABLES && result == DB_END && !walk.over; i++)
		result = walk_table(&walk, &tables[i]);
	return walk.over ? DB_OK : result;
}
