#include <inttypes.h>
#include <stdio.h>

#include "daemon/compliance_translation.h"
#include "daemon/record_anchor.h"

/* What no event tells: who was there when a server ended without saying so, and what is lost. */

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
	result = translation_user(&t, session->principal, err);
	if (result == DB_OK)
		result = translation_room(&t, room, err);
	translation_put_word(&t, "reason", "restart");
	if (result == DB_OK)
		result = translation_add(&t, type, err);
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
			      const struct record_anchor *lost, struct err *err)
{
	char detail[256], expected[RECORD_HEX + 80] = "";
	struct record_row row = {.lsn = to, .time = time, .type = word("gap")};

	if (lost)
		snprintf(expected, sizeof(expected),
			 ",\"lost\":{\"number\":%" PRIu64 ",\"hash\":\"%s\"}", lost->number,
			 lost->hash);
	snprintf(detail, sizeof(detail), "{\"from\":%" PRIu64 ",\"to\":%" PRIu64 "%s}",
		 batch->cursor.lsn, to, expected);
	row.detail = word(detail);
	return compliance_batch_add(batch, &row, err);
}

enum db_result compliance_restored(struct compliance_batch *batch, uint64_t time,
				   const struct record_checkpoint *differs, struct err *err)
{
	char detail[256];
	struct record_row row = {.lsn = batch->cursor.lsn, .time = time, .type = word("restored")};

	snprintf(detail, sizeof(detail), "{\"number\":%" PRIu64 ",\"hash\":\"%s\"}",
		 differs->number, differs->hash);
	row.detail = word(detail);
	return compliance_batch_add(batch, &row, err);
}

enum db_result compliance_key(struct compliance_batch *batch, struct db *db, uint64_t time,
			      const char *name, struct err *err)
{
	struct translation t = {.batch = batch, .db = db};
	struct record_object object = {.kind = RECORD_KEY, .id = 1};
	const struct record_object *before;
	char quoted[RECORD_HEX + 2] = "";
	enum db_result result = state_get(batch->state, db, RECORD_KEY, 1, &before, err);

	if (*name)
		snprintf(quoted, sizeof(quoted), "\"%s\"", name);
	object.detail = word(quoted);
	if (result != DB_OK || (before->detail.length == object.detail.length &&
				memcmp(before->detail.data, quoted, object.detail.length) == 0))
		return result;
	t.row.lsn = batch->cursor.lsn;
	t.row.time = time;
	translation_put_json(&t, "before", before->detail);
	translation_put_json(&t, "after", object.detail);
	result = translation_add(&t, "key", err);
	fragment_free(&t.detail);
	return result == DB_OK ? state_put(batch->state, db, &object, err) : result;
}
