#include "daemon/compliance_translation.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistr.h>

#include "conf/hex.h"

/* --- Who and where. --- */

enum db_result translation_room(struct translation *t, uint32_t id, struct err *err)
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

enum db_result translation_user(struct translation *t, uint32_t id, struct err *err)
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

void translation_session_name(const struct origin *origin, char name[RECORD_SESSION])
{
	snprintf(name, RECORD_SESSION, "%u.%" PRIu32 ".%" PRIu32, origin->slot, origin->generation,
		 origin->session);
}

enum db_result translation_session(struct translation *t, struct err *err)
{
	const struct origin *origin = &t->record->origin;
	const struct record_session *session;
	enum db_result result;

	if (origin->generation == 0)
		return DB_OK;
	translation_session_name(origin, t->session);
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

void translation_put_text(struct translation *t, const char *name, struct db_bytes text)
{
	member(t, name);
	fragment_string(&t->detail, text.data, text.length);
}

void translation_put_word(struct translation *t, const char *name, const char *text)
{
	translation_put_text(t, name, word(text));
}

void translation_put_flag(struct translation *t, const char *name, bool value)
{
	member(t, name);
	fragment_text(&t->detail, value ? "true" : "false");
}

void translation_put_json(struct translation *t, const char *name, struct db_bytes json)
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

bool translation_is_sound(struct db_bytes text)
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
		if (translation_is_sound(*texts[i]))
			continue;
		put_hex(t, names[i], texts[i]->data, texts[i]->length);
		*texts[i] = word("");
		t->row.flags |= RECORD_UNREADABLE;
	}
}

enum db_result translation_add(struct translation *t, const char *type, struct err *err)
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

enum db_result translation_malformed(struct translation *t, struct err *err)
{
	t->row.flags |= RECORD_UNREADABLE;
	translation_put_word(t, "event", event_name(t->record->type));
	put_hex(t, "payload", t->record + 1, t->record->payload);
	return translation_add(t, "unreadable", err);
}

enum db_result translation_put_principal(struct translation *t, const char *name, uint32_t id,
					 struct err *err)
{
	const struct record_object *object;
	enum db_result result;

	if (id == PRINCIPAL_ANY_USER) {
		translation_put_word(t, name, "*");
		return DB_OK;
	}
	result = state_get(t->batch->state, t->db, RECORD_PRINCIPAL, id, &object, err);
	if (result == DB_OK)
		translation_put_text(t, name, object->uri);
	return result;
}
