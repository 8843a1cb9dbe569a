#include "daemon/compliance_state.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>
/* So many are kept in memory from one batch to the next; with more it starts over. */
enum { MEMORY = 20000 };

struct memory_object {
	uint64_t key;
	struct record_object object; /* its texts stand behind this struct */
	UT_hash_handle hh;
};

struct memory_session {
	struct record_session session; /* its texts stand behind this struct */
	UT_hash_handle hh;
};

struct state {
	struct memory_object *objects;
	struct memory_session *sessions;
};

struct state *state_new(struct err *err)
{
	struct state *state = calloc(1, sizeof(*state));

	if (!state)
		err_errno(err, "could not allocate memory for what is to be recorded");
	return state;
}

static void forget_objects(struct state *state)
{
	struct memory_object *object, *next;

	HASH_ITER(hh, state->objects, object, next)
	{
		HASH_DEL(state->objects, object);
		free(object);
	}
}

static void forget_sessions(struct state *state)
{
	struct memory_session *session, *next;

	HASH_ITER(hh, state->sessions, session, next)
	{
		HASH_DEL(state->sessions, session);
		free(session);
	}
}

void state_forget(struct state *state)
{
	forget_objects(state);
	forget_sessions(state);
}

void state_trim(struct state *state)
{
	if (HASH_COUNT(state->objects) > MEMORY)
		forget_objects(state);
	if (HASH_COUNT(state->sessions) > MEMORY)
		forget_sessions(state);
}

void state_free(struct state **state)
{
	if (!*state)
		return;
	state_forget(*state);
	free(*state);
	*state = NULL;
}

static enum db_result no_memory(struct err *err)
{
	err_errno(err, "could not allocate memory for what is to be recorded");
	return DB_RETRY;
}

/* --- Objects. --- */

static void keep(char **at, struct db_bytes *bytes)
{
	if (bytes->length > 0)
		memcpy(*at, bytes->data, bytes->length);
	bytes->data = *at;
	*at += bytes->length;
}

static struct memory_object *find_object(struct state *state, uint64_t key)
{
	struct memory_object *object;

	HASH_FIND(hh, state->objects, &key, sizeof(key), object);
	return object;
}

static uint64_t key_of(uint32_t kind, uint32_t id)
{
	return (uint64_t)kind << 32 | id;
}

/* Takes the place of the one that there was. NULL: no memory. */
static struct memory_object *remember(struct state *state, const struct record_object *object)
{
	const size_t size = object->uri.length + object->name.length + object->description.length +
			    object->detail.length;
	struct memory_object *own = malloc(sizeof(*own) + size), *old;
	char *at = (char *)(own + 1);

	if (!own)
		return NULL;
	own->key = key_of(object->kind, object->id);
	own->object = *object;
	keep(&at, &own->object.uri);
	keep(&at, &own->object.name);
	keep(&at, &own->object.description);
	keep(&at, &own->object.detail);
	old = find_object(state, own->key);
	if (old)
		HASH_DEL(state->objects, old);
	free(old);
	HASH_ADD(hh, state->objects, key, sizeof(own->key), own);
	return own;
}

enum db_result state_get(struct state *state, struct db *db, uint32_t kind, uint32_t id,
			 const struct record_object **object_r, struct err *err)
{
	struct memory_object *known = find_object(state, key_of(kind, id));
	struct record_object object = {.kind = kind, .id = id};
	enum db_result result = DB_OK;

	if (!known) {
		result = record_object_get(db, kind, id, &object, err);
		if (result == DB_END)
			result = DB_OK;
		if (result == DB_OK && !remember(state, &object))
			result = no_memory(err);
		known = find_object(state, key_of(kind, id));
	}
	*object_r = known ? &known->object : NULL;
	return result;
}

enum db_result state_put(struct state *state, struct db *db, const struct record_object *object,
			 struct err *err)
{
	const enum db_result result = record_object_put(db, object, err);

	if (result != DB_OK)
		return result;
	return remember(state, object) ? DB_OK : no_memory(err);
}

/* --- Sessions. --- */

static struct memory_session *find_session(struct state *state, const char *session)
{
	struct memory_session *found;

	HASH_FIND_STR(state->sessions, session, found);
	return found;
}

static void drop_session(struct state *state, const char *session)
{
	struct memory_session *found = find_session(state, session);

	if (found)
		HASH_DEL(state->sessions, found);
	free(found);
}

static bool remember_session(struct state *state, const struct record_session *session)
{
	struct memory_session *own = malloc(sizeof(*own) + session->address.length + session->name.length);
	char *at = (char *)(own + 1);

	if (!own)
		return false;
	own->session = *session;
	keep(&at, &own->session.address);
	keep(&at, &own->session.name);
	drop_session(state, session->session);
	HASH_ADD_STR(state->sessions, session.session, own);
	return true;
}

enum db_result state_session_get(struct state *state, struct db *db, const char *session,
				 const struct record_session **session_r, struct err *err)
{
	struct memory_session *known = find_session(state, session);
	struct record_session row = {0};
	enum db_result result = DB_OK;

	if (!known) {
		result = record_session_get(db, session, &row, err);
		if (result == DB_END) {
			memcpy(row.session, session, strlen(session));
			result = DB_OK;
		}
		if (result == DB_OK && !remember_session(state, &row))
			result = no_memory(err);
		known = find_session(state, session);
	}
	*session_r = known ? &known->session : NULL;
	return result;
}

enum db_result state_session_put(struct state *state, struct db *db,
				 const struct record_session *session, struct err *err)
{
	const enum db_result result = record_session_put(db, session, err);

	if (result != DB_OK)
		return result;
	return remember_session(state, session) ? DB_OK : no_memory(err);
}

enum db_result state_session_remove(struct state *state, struct db *db, const char *session,
				    struct err *err)
{
	drop_session(state, session);
	return record_session_remove(db, session, err);
}
