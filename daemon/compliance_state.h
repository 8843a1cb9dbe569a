#ifndef PCHAT_DAEMON_COMPLIANCE_STATE_H
#define PCHAT_DAEMON_COMPLIANCE_STATE_H

#include "odbc/record.h"
#include "shm/event.h"

/*
 * What was before: how objects are called and who a session is at this place of the journal. It
 * stands in the compliance database, and a part of it in memory.
 *
 * All of it belongs to the transaction under way: after a rollback state_forget.
 */
struct state;

/* state_free takes the address and accepts NULL. */
struct state *state_new(struct err *err);
void state_free(struct state **state);
void state_forget(struct state *state);

/* Between batches: keeps the memory bounded. */
void state_trim(struct state *state);

/* An object; with no texts where nobody knows it. It is good until it
 * is put anew or state_trim. */
enum db_result state_get(struct state *state, struct db *db, uint32_t kind, uint32_t id,
			 const struct record_object **object_r, struct err *err);
enum db_result state_put(struct state *state, struct db *db, const struct record_object *object,
			 struct err *err);

/* A session, likewise. */
enum db_result state_session_get(struct state *state, struct db *db, const char *session,
				 const struct record_session **session_r, struct err *err);
enum db_result state_session_put(struct state *state, struct db *db,
				 const struct record_session *session, struct err *err);
enum db_result state_session_remove(struct state *state, struct db *db, const char *session,
				    struct err *err);

/* Objects as the journal has them. The texts go to detail, which is the caller's, or are borrowed
 * from the event; uri is as large as state_object says. */
enum { STATE_URI = 1024 };
struct fragment;
struct record_object state_principal(const struct event_principal *event, struct fragment *detail);
struct record_object state_room(const char *domain, const struct event_room *event,
				char uri[STATE_URI], struct fragment *detail);
struct record_object state_category(const char *domain, const struct event_category *event,
				    char uri[STATE_URI], struct fragment *detail);
struct record_object state_addin(const struct event_addin *event, struct fragment *detail);

#endif
