#include <string.h>

#include "odbc/record.h"

/* What the next records need to know of what happened before. */

static void take_session(const struct db_stmt *stmt, unsigned column,
			 char session_r[RECORD_SESSION])
{
	const struct db_bytes text = db_bytes(stmt, column);
	const size_t length = text.length < RECORD_SESSION ? text.length : RECORD_SESSION - 1;

	memcpy(session_r, text.data, length);
	session_r[length] = '\0';
}

/* --- Objects. --- */

enum db_result record_object_get(struct db *db, uint32_t kind, uint32_t id,
				 struct record_object *object_r, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_OBJECT_GET);
	enum db_result result;

	db_bind_int(stmt, 0, kind);
	db_bind_int(stmt, 1, id);
	result = db_execute_row(stmt, err);
	if (result == DB_OK)
		*object_r = (struct record_object){.kind = kind,
						   .id = id,
						   .uri = db_bytes(stmt, 0),
						   .name = db_bytes(stmt, 1),
						   .parent = (uint32_t)db_int(stmt, 2),
						   .flags = (uint32_t)db_int(stmt, 3),
						   .description = db_bytes(stmt, 4),
						   .detail = db_bytes(stmt, 5)};
	return result;
}

enum db_result record_object_put(struct db *db, const struct record_object *object, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_OBJECT_PUT);

	db_bind_int(stmt, 0, object->kind);
	db_bind_int(stmt, 1, object->id);
	db_bind_bytes(stmt, 2, object->uri);
	db_bind_bytes(stmt, 3, object->name);
	db_bind_int(stmt, 4, object->parent);
	db_bind_int(stmt, 5, object->flags);
	db_bind_bytes(stmt, 6, object->description);
	db_bind_bytes(stmt, 7, object->detail);
	return db_execute(stmt, err);
}

/* --- Open sessions. --- */

enum db_result record_session_get(struct db *db, const char *session,
				  struct record_session *session_r, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_OPEN_SESSION_GET);
	enum db_result result;

	db_bind_string(stmt, 0, session);
	result = db_execute_row(stmt, err);
	if (result != DB_OK)
		return result;
	memset(session_r, 0, sizeof(*session_r));
	memcpy(session_r->session, session, strlen(session));
	session_r->principal = (uint32_t)db_int(stmt, 0);
	session_r->address = db_bytes(stmt, 1);
	session_r->name = db_bytes(stmt, 2);
	return DB_OK;
}

enum db_result record_session_put(struct db *db, const struct record_session *session,
				  struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_OPEN_SESSION_PUT);

	db_bind_string(stmt, 0, session->session);
	db_bind_int(stmt, 1, session->principal);
	db_bind_bytes(stmt, 2, session->address);
	db_bind_bytes(stmt, 3, session->name);
	return db_execute(stmt, err);
}

enum db_result record_session_remove(struct db *db, const char *session, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_OPEN_SESSION_REMOVE);

	db_bind_string(stmt, 0, session);
	return db_execute(stmt, err);
}

static enum db_result room(struct db *db, enum statement number, const char *session,
			   uint32_t room_id, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, number);

	db_bind_string(stmt, 0, session);
	db_bind_int(stmt, 1, room_id);
	return db_execute(stmt, err);
}

enum db_result record_room_put(struct db *db, const char *session, uint32_t room_id,
			       struct err *err)
{
	return room(db, STATEMENT_OPEN_ROOM_PUT, session, room_id, err);
}

enum db_result record_room_remove(struct db *db, const char *session, uint32_t room_id,
				  struct err *err)
{
	return room(db, STATEMENT_OPEN_ROOM_REMOVE, session, room_id, err);
}

enum db_result record_session_left(struct db *db, struct record_session *session_r, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_OPEN_SESSIONS);
	enum db_result result;

	db_bind_int(stmt, 0, 1);
	result = db_execute_row(stmt, err);
	if (result != DB_OK)
		return result;
	take_session(stmt, 0, session_r->session);
	session_r->principal = (uint32_t)db_int(stmt, 1);
	session_r->address = db_bytes(stmt, 2);
	session_r->name = db_bytes(stmt, 3);
	return DB_OK;
}

enum db_result record_room_left(struct db *db, char session_r[RECORD_SESSION], uint32_t *room_r,
				struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_OPEN_ROOMS);
	enum db_result result;

	db_bind_int(stmt, 0, 1);
	result = db_execute_row(stmt, err);
	if (result != DB_OK)
		return result;
	take_session(stmt, 0, session_r);
	*room_r = (uint32_t)db_int(stmt, 1);
	db_done(stmt);
	return DB_OK;
}
