#include "daemon/store_row.h"

#include <assert.h>
#include <string.h>

#include "odbc/content_file.h"

/* What the database calls them is what the journal calls them. */
static_assert((int)CONTENT_CATEGORY == (int)NODE_CATEGORY, "kind of a category");
static_assert((int)CONTENT_ROOM == (int)NODE_ROOM, "kind of a room");
static_assert((int)CONTENT_FILE_HASH == (int)FILE_HASH, "a SHA-256");

bool store_row_is(unsigned type)
{
	switch (type) {
	case EVENT_PRINCIPAL:
	case EVENT_ROOM:
	case EVENT_MESSAGE:
	case EVENT_CATEGORY:
	case EVENT_ADDIN:
	case EVENT_ROLE:
	case EVENT_AFFILIATION:
	case EVENT_REMOVED:
	case EVENT_MESSAGE_REMOVED:
	case EVENT_PURGE:
	case EVENT_INVITATION:
	case EVENT_MARKER:
	case EVENT_FEED:
	case EVENT_ACCESS_REQUEST:
	case EVENT_SETTING:
	case EVENT_GRANT:
	case EVENT_HISTORY:
	case EVENT_FILE:
	case EVENT_FILE_REMOVED:
		return true;
	default:
		return false;
	}
}

static void raise(uint32_t *highest, uint32_t id)
{
	if (id > *highest)
		*highest = id;
}

/* Ids count up, so that of the highest ever given the newest event knows; see command_load. */
void store_row_note_ids(struct content_cursor *cursor, const struct record *record)
{
	struct event_principal principal;
	struct event_room room;
	struct event_category category;
	struct event_addin addin;

	if (record->type == EVENT_PRINCIPAL && event_principal_get(record, &principal))
		raise(&cursor->last_principal, principal.id);
	else if (record->type == EVENT_ROOM && event_room_get(record, &room))
		raise(&cursor->last_room, room.id);
	else if (record->type == EVENT_CATEGORY && event_category_get(record, &category))
		raise(&cursor->last_category, category.id);
	else if (record->type == EVENT_ADDIN && event_addin_get(record, &addin))
		raise(&cursor->last_addin, addin.id);
}

enum db_result store_row_malformed(const struct record *record, struct err *err)
{
	err_set(err, "its payload is not that of an event of type %s", event_name(record->type));
	return DB_BAD_DATA;
}

static struct db_bytes bytes(struct text text)
{
	return (struct db_bytes){.data = text.data, .length = text.length};
}

/* --- By type. --- */

bool store_row_is_message(const struct record *record)
{
	struct event_history event;

	return record->type == EVENT_MESSAGE ||
	       (record->type == EVENT_HISTORY && event_history_get(record, &event) &&
		event.what == HISTORY_MESSAGE);
}

bool store_row_message(const struct record *record, struct content_message *message_r)
{
	struct event_history event = {.time = record->time, .author = record->actor};

	if (!(record->type == EVENT_HISTORY ? event_history_get(record, &event)
					    : event_message_get(record, &event.message)))
		return false;
	*message_r = (struct content_message){.room = record->room,
					      .seq = record->seq,
					      .time = event.time,
					      .author = event.author,
					      .flags = record->flags,
					      .id = bytes(event.message.id),
					      .text = bytes(event.message.text),
					      .title = bytes(event.message.title),
					      .rich_type = bytes(event.message.rich_type),
					      .rich = bytes(event.message.rich)};
	return true;
}

static enum db_result put_principal(struct db *db, const struct record *record, struct err *err)
{
	struct event_principal event;

	if (!event_principal_get(record, &event))
		return store_row_malformed(record, err);
	return content_principal_put(db,
				     &(struct content_principal){.id = event.id,
								 .kind = event.kind,
								 .state = event.state,
								 .epoch = event.epoch,
								 .uri = bytes(event.uri),
								 .name = bytes(event.name)},
				     err);
}

static enum db_result put_room(struct db *db, const struct record *record, struct err *err)
{
	struct content_room room = {0};
	struct event_room event;

	if (!event_room_get(record, &event))
		return store_row_malformed(record, err);
	room.id = event.id;
	memcpy(room.uuid, event.uuid, sizeof(room.uuid));
	room.disabled = event.disabled != 0;
	room.category = event.category;
	room.addin = event.addin;
	room.privacy = event.privacy;
	room.behavior = event.behavior;
	room.invitations = event.invitations;
	room.created = event.created;
	room.revision = event.revision;
	room.name = bytes(event.name);
	room.description = bytes(event.description);
	return content_room_put(db, &room, err);
}

static enum db_result put_category(struct db *db, const struct record *record, struct err *err)
{
	struct content_category category = {0};
	struct event_category event;

	if (!event_category_get(record, &event))
		return store_row_malformed(record, err);
	category.id = event.id;
	memcpy(category.uuid, event.uuid, sizeof(category.uuid));
	category.flags = event.flags;
	category.created = event.created;
	category.revision = event.revision;
	category.name = bytes(event.name);
	category.description = bytes(event.description);
	return content_category_put(db, &category, err);
}

static enum db_result put_addin(struct db *db, const struct record *record, struct err *err)
{
	struct content_addin addin = {0};
	struct event_addin event;

	if (!event_addin_get(record, &event))
		return store_row_malformed(record, err);
	addin.id = event.id;
	memcpy(addin.uuid, event.uuid, sizeof(addin.uuid));
	addin.name = bytes(event.name);
	addin.url = bytes(event.url);
	return content_addin_put(db, &addin, err);
}

static enum db_result put_role(struct db *db, const struct record *record, struct err *err)
{
	struct event_role event;

	if (!event_role_get(record, &event))
		return store_row_malformed(record, err);
	return content_role_put(db,
				&(struct content_role){.kind = event.kind,
						       .role = event.role,
						       .node = event.node,
						       .principal = event.principal},
				event.present != 0, err);
}

static enum db_result put_affiliation(struct db *db, const struct record *record, struct err *err)
{
	struct event_affiliation event;

	if (!event_affiliation_get(record, &event))
		return store_row_malformed(record, err);
	return content_affiliation_put(
		db, &(struct content_affiliation){.member = event.member, .group = event.group},
		event.present != 0, err);
}

static enum db_result put_file(struct db *db, const struct record *record, struct err *err)
{
	struct content_file file = {.lsn = record->lsn, .room = record->room};
	struct event_file event;

	if (!event_file_get(record, &event))
		return store_row_malformed(record, err);
	memcpy(file.uuid, event.uuid, sizeof(file.uuid));
	memcpy(file.sha256, event.sha256, sizeof(file.sha256));
	file.author = record->flags & EVENT_IMPORTED ? event.author : record->actor;
	file.time = record->flags & EVENT_IMPORTED ? event.time : record->time;
	file.size = event.size;
	file.name = bytes(event.name);
	file.type = bytes(event.type);
	return content_file_put(db, &file, err);
}

static enum db_result put_file_removed(struct db *db, const struct record *record, struct err *err)
{
	struct event_file event;

	if (!event_file_get(record, &event))
		return store_row_malformed(record, err);
	return content_file_remove(db, event.uuid, record->time, record->actor, err);
}

static enum db_result remove_room(struct db *db, const struct record *record, uint32_t id,
				  struct err *err)
{
	const enum db_result result = content_room_remove(db, id, err);

	return result == DB_OK ? content_files_remove(db, id, record->time, record->actor, err)
			       : result;
}

static enum db_result put_removed(struct db *db, const struct record *record, struct err *err)
{
	struct event_removed event;

	if (!event_removed_get(record, &event))
		return store_row_malformed(record, err);
	switch (event.kind) {
	case NODE_CATEGORY:
		return content_category_remove(db, event.id, err);
	case NODE_ROOM:
		return remove_room(db, record, event.id, err);
	default:
		return content_addin_remove(db, event.id, err);
	}
}

static enum db_result put_message_removed(struct db *db, const struct record *record,
					  struct err *err)
{
	const bool replaced = record->flags & EVENT_REPLACED;
	struct event_replacement event;
	struct db_bytes text;

	if (!event_replacement_get(record, &event))
		return store_row_malformed(record, err);
	text = bytes(event.text);
	return content_message_remove(db, record->room, record->seq, replaced ? &text : NULL, err);
}

static enum db_result put_history_end(struct db *db, const struct record *record, struct err *err)
{
	struct event_history event;

	if (!event_history_get(record, &event))
		return store_row_malformed(record, err);
	return content_room_restore(db, record->room, record->seq, event.removals, err);
}

/* The journal's types of what users have stand in the order of the database's kinds. */
static enum content_person_kind person_kind(const struct record *record)
{
	return CONTENT_INVITATION + record->type - EVENT_INVITATION;
}

/* An invitation, or that some were read: its number counts beyond its own row, too. */
static enum db_result put_invited(struct db *db, const struct event_person *event, struct err *err)
{
	const bool read = event->what == PERSON_READ;
	const bool both = event->what == PERSON_STATE;
	const struct content_person row = {.principal = event->principal,
					   .number = read ? 0 : event->number,
					   .time = both ? event->time : read ? event->number : 0};

	return content_person_put(db, CONTENT_INVITED, &row, err);
}

static enum db_result put_person(struct db *db, const struct record *record, struct err *err)
{
	enum db_result result = DB_OK;
	struct event_person event;

	if (!event_person_get(record, &event))
		return store_row_malformed(record, err);
	if (event.what == PERSON_READ || event.what == PERSON_STATE)
		return put_invited(db, &event, err);
	if (event.what != PERSON_PUT)
		return content_person_remove(
			db, event.item == 0 ? CONTENT_INVITED : person_kind(record),
			event.principal, event.item, err);
	if (record->type == EVENT_INVITATION)
		result = put_invited(db, &event, err);
	if (result != DB_OK)
		return result;
	return content_person_put(db, person_kind(record),
				  &(struct content_person){.principal = event.principal,
							   .item = event.item,
							   .who = event.who,
							   .room = event.room,
							   .flags = event.flags,
							   .number = event.number,
							   .time = event.time,
							   .name = bytes(event.name),
							   .text = bytes(event.text)},
				  err);
}

static enum db_result put_setting(struct db *db, const struct record *record, struct err *err)
{
	struct event_setting event;

	if (!event_setting_get(record, &event))
		return store_row_malformed(record, err);
	/* That all of a scope was removed is told by events of its own. */
	if (event.name.length == 0)
		return DB_OK;
	return content_setting_put(db,
				   &(struct content_setting){.kind = event.kind,
							     .scope = bytes(event.scope),
							     .name = bytes(event.name),
							     .value = bytes(event.value)},
				   event.present != 0, err);
}

static enum db_result put_grant(struct db *db, const struct record *record, struct err *err)
{
	struct event_grant event;

	if (!event_grant_get(record, &event))
		return store_row_malformed(record, err);
	return content_grant_put(db,
				 &(struct content_grant){.principal = event.principal,
							 .policy = bytes(event.policy)},
				 err);
}

enum db_result store_row_put(struct db *db, const struct record *record, struct err *err)
{
	switch (record->type) {
	case EVENT_PRINCIPAL:
		return put_principal(db, record, err);
	case EVENT_ROOM:
		return put_room(db, record, err);
	case EVENT_CATEGORY:
		return put_category(db, record, err);
	case EVENT_ADDIN:
		return put_addin(db, record, err);
	case EVENT_ROLE:
		return put_role(db, record, err);
	case EVENT_AFFILIATION:
		return put_affiliation(db, record, err);
	case EVENT_REMOVED:
		return put_removed(db, record, err);
	case EVENT_MESSAGE_REMOVED:
		return put_message_removed(db, record, err);
	case EVENT_HISTORY:
		return put_history_end(db, record, err);
	case EVENT_PURGE:
		return content_purge(db, record->room, record->seq, err);
	case EVENT_INVITATION:
	case EVENT_MARKER:
	case EVENT_FEED:
	case EVENT_ACCESS_REQUEST:
		return put_person(db, record, err);
	case EVENT_SETTING:
		return put_setting(db, record, err);
	case EVENT_GRANT:
		return put_grant(db, record, err);
	case EVENT_FILE:
		return put_file(db, record, err);
	case EVENT_FILE_REMOVED:
		return put_file_removed(db, record, err);
	default:
		return store_row_malformed(record, err);
	}
}
