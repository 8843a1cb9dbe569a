#include "daemon/compliance_translation.h"
#include "shm/admin_role.h"

/* Sessions, and where they are, as records. */

enum db_result use_open(struct translation *t, struct err *err)
{
	struct event_session event;
	struct record_session session = {.principal = t->record->actor};
	enum db_result result;

	if (!event_session_get(t->record, &event))
		return translation_malformed(t, err);
	memcpy(session.session, t->session, sizeof(session.session));
	t->row.address = bytes(event.address);
	if (translation_is_sound(t->row.address))
		session.address = t->row.address;
	if (event.name.length > 0)
		t->row.user_name = bytes(event.name);
	if (translation_is_sound(bytes(event.name)))
		session.name = bytes(event.name);
	result = state_session_put(t->batch->state, t->db, &session, err);
	if (result != DB_OK)
		return result;
	if (t->record->flags & EVENT_ADMIN)
		translation_put_word(t, "role", admin_role_name(admin_role_of(t->record->flags)));
	return translation_add(t, "sign_in", err);
}

enum db_result use_close(struct translation *t, struct err *err)
{
	const enum db_result result = translation_add(t, "sign_out", err);

	return result == DB_OK ? state_session_remove(t->batch->state, t->db, t->session, err)
			       : result;
}

enum db_result use_lost(struct translation *t, struct err *err)
{
	return translation_add(t, "lost", err);
}

static enum db_result join(struct translation *t, uint32_t room, struct err *err)
{
	const enum db_result result = record_room_put(t->db, t->session, room, err);

	return result == DB_OK ? translation_add(t, "join", err) : result;
}

static enum db_result leave(struct translation *t, uint32_t room, struct err *err)
{
	const enum db_result result = record_room_remove(t->db, t->session, room, err);

	if (result != DB_OK)
		return result;
	if (t->record->flags & EVENT_NO_ACCESS)
		translation_put_word(t, "reason", "no_access");
	return translation_add(t, "part", err);
}

/* The stay goes on, as this session's. */
static enum db_result resume(struct translation *t, uint32_t room, const struct origin *from,
			     struct err *err)
{
	char lost[RECORD_SESSION];
	enum db_result result;

	translation_session_name(from, lost);
	result = record_room_remove(t->db, lost, room, err);
	if (result == DB_OK)
		result = record_room_put(t->db, t->session, room, err);
	if (result != DB_OK)
		return result;
	translation_put_word(t, "from", lost);
	return translation_add(t, "resume", err);
}

enum db_result use_join(struct translation *t, struct err *err)
{
	return join(t, t->record->room, err);
}

enum db_result use_leave(struct translation *t, struct err *err)
{
	return leave(t, t->record->room, err);
}

/* A record for each room, as if each had been an event of its own. */
static enum db_result each_room(struct translation *t,
				enum db_result (*use)(struct translation *, uint32_t, struct err *),
				struct err *err)
{
	const struct record_row row = t->row; /* without a room, and nothing in its detail */
	enum db_result result = DB_OK;
	struct event_rooms event;

	if (!event_rooms_get(t->record, &event))
		return translation_malformed(t, err);
	for (uint32_t i = 0; i < event.count && result == DB_OK; i++) {
		const struct event_place *place = &event.place[i];

		t->row = row;
		t->detail.used = 0;
		result = translation_room(t, place->room, err);
		if (result == DB_OK)
			result = place->flags & EVENT_TAKEN ? resume(t, place->room, &event.from, err)
							    : use(t, place->room, err);
	}
	return result;
}

enum db_result use_joins(struct translation *t, struct err *err)
{
	return each_room(t, join, err);
}

enum db_result use_leaves(struct translation *t, struct err *err)
{
	return each_room(t, leave, err);
}
