#ifndef PCHAT_DAEMON_ENGINE_ASK_H
#define PCHAT_DAEMON_ENGINE_ASK_H

#include "conf/code.h"
#include "daemon/engine.h"
#include "shm/admin_role.h"
#include "shm/role.h"

/*
 * What the engine's files share: a command under decision, and how it becomes events. For
 * engine*.c only.
 */
struct ask_for {
	const struct command *command;
	const void *payload;
	unsigned mail_slot;
	struct answer *answer;
	uint32_t session; /* row; workers' commands only */
};

enum decision refuse(const struct ask_for *ask, int code);

/* Whether the batch and the ring take so many bytes of payload in so many records. may_refuse: of
 * the ring a reserve is left to what must not be refused. */
enum room_for { FITS, BATCH_FULL, RING_FULL };
enum room_for room_for(const struct engine *engine, uint64_t bytes, unsigned count,
		       bool may_refuse);

/* Whether something stands in the way of a command that may be refused; then *decision_r says
 * what becomes of it. */
bool no_room(const struct engine *engine, const struct ask_for *ask, uint64_t bytes,
	     unsigned count, enum decision *decision_r);

/* The head of the event that a command becomes. */
struct record head_of(const struct ask_for *ask, enum event_type type);

/* Whose command it is, for the events that come before the one that answers it. */
static inline struct origin origin_of_part(const struct ask_for *ask)
{
	struct origin origin = ask->command->origin;

	origin.request = 0;
	return origin;
}

/* The same of the event that answers it. */
static inline struct origin part_origin(const struct record *as)
{
	struct origin origin = as->origin;

	origin.request = 0;
	return origin;
}

/* Appends an event for which there is room and applies it to the private cache. */
void emit(struct engine *engine, const struct record *head, const void *payload, uint32_t size);

/* The same, as the last word on a command. */
enum decision become(struct engine *engine, const struct record *head, const void *payload,
		     uint32_t size);

bool is_text(struct text text); /* UTF-8 */
bool is_name(struct text text); /* 1 to 256 characters */

/* Whether a table has so many free rows, and that of texts the blocks for two. False: it was noted, and
 * said, not more often than once in a while, which setting is too small; the caller refuses. */
bool rows_fit(struct engine *engine, enum table table, uint32_t count);
bool text_fits(struct engine *engine, uint32_t a, uint32_t b);

/* The same of texts that take the place of others: one that stays as it is needs nothing, so that what
 * changes no text is not refused where there is no place for more. */
bool text_changes_fit(struct engine *engine, struct blob old_a, struct text a, struct blob old_b,
		      struct text b);

static inline const struct session_row *session_at(const struct engine *engine, uint32_t row)
{
	return table_row(&engine->cache, TABLE_SESSION, row);
}

/* Whether a command comes from an administrator whose role includes this. */
bool admin_asks(const struct engine *engine, const struct ask_for *ask, enum admin_duty duty);

static inline const struct room_row *room_at(const struct engine *engine, uint32_t row)
{
	return table_row(&engine->cache, TABLE_ROOM, row);
}

static inline const struct category_row *category_at(const struct engine *engine, uint32_t row)
{
	return table_row(&engine->cache, TABLE_CATEGORY, row);
}

/* The head of what the server writes of a session by itself. */
struct record session_head(const struct session_row *session, enum event_type type);

/* That this is the event that a command becomes. */
static inline void answer_by(struct record *head, const struct ask_for *ask)
{
	head->origin = ask->command->origin;
	head->command = ask->command->number;
	head->mail_slot = (uint16_t)ask->mail_slot;
}

/* Takes a participant out of his room, because he may not be there: two events at most. */
void put_out(struct engine *engine, uint32_t participant);

/* Takes a session (row) out of all its rooms. There must be room for it: so many events, with so
 * many bytes of payload. */
void emit_leaves(struct engine *engine, uint32_t session);
/* The same, but only out of rooms in which the user has another session. */
void emit_leaves_unheard(struct engine *engine, uint32_t session);
uint32_t leaves_count(uint32_t rooms);
uint64_t leaves_size(uint32_t rooms);

/* False: there is no room for all of it now; what was done stays done. */
bool end_sessions_of(struct engine *engine, uint32_t principal);
bool empty_room(struct engine *engine, uint32_t room);

/* Whether a principal has a right in a room (row). */
bool may(struct engine *engine, uint32_t principal, uint32_t room, enum right right);

/* The circle of a principal (shm/role.h); kept, because sign-ins join many rooms at once. */
const struct circle *circle_of(struct engine *engine, uint32_t principal);

/* Takes away all roles and memberships of a principal (row), in the name of the actor of `as`. False:
 * there is no room for all of it now; what was done stays done. */
bool strip_principal(struct engine *engine, const struct record *as, uint32_t row);

/* Rights have changed in a room (row; 0: everywhere): who may not be there has to leave. */
void recheck(struct engine *engine, uint32_t room);

/* A room's state as an event; the texts go to name and description (EVENT_NAME_MAX and
 * EVENT_DESCRIPTION_MAX bytes). */
void engine_room_get(const struct engine *engine, uint32_t row, char *name, char *description,
		     struct event_room *event_r);

/* Whether the category of a room (row) has a flag. */
bool room_has(const struct engine *engine, uint32_t room, enum category_flag flag);

/* Tells of one who became a member of a room, or ceased to be: he is invited, or not any more, and his
 * request is granted. Two events at most. */
void member_changed(struct engine *engine, uint32_t actor, uint32_t room, uint32_t principal,
		    bool present);

/* Whether a room (row) invites its new members, and whether that many more have a place: CODE_OK, or
 * CODE_LIMIT_EXCEEDED and a line in the log. */
bool invites(const struct engine *engine, uint32_t room);
int invitations_fit(struct engine *engine, uint32_t count);

/* What an archive brings in: the head of the command, and the parts that stand beside what they are
 * about (engine_import.c has the others). */
struct import {
	struct command_import head;
	const void *payload; /* of the event */
	uint32_t size;
};
enum decision import_person(struct engine *engine, const struct ask_for *ask,
			    const struct import *import);
enum decision import_history(struct engine *engine, const struct ask_for *ask,
			     const struct import *import);
enum decision import_setting(struct engine *engine, const struct ask_for *ask,
			     const struct import *import);
enum decision import_grant(struct engine *engine, const struct ask_for *ask,
			   const struct import *import);
enum decision import_file(struct engine *engine, const struct ask_for *ask,
			  const struct import *import);

/* Where nothing is to be done: says that it would be. */
enum decision import_checked(const struct ask_for *ask);

/* Its event, as the last word on the command; with head.check only says so. */
enum decision import_become(struct engine *engine, const struct ask_for *ask,
			    const struct import *import, uint32_t room, const void *payload,
			    uint32_t size);

/* Whether a message may be as it is: CODE_OK, or why not. */
int check_message(const struct engine *engine, const struct event_message *event);

/* Whether an add-in may be called so and point there. */
bool is_addin(const struct event_addin *event);

/* Puts one principal into a group, or takes it out. */
enum decision change_affiliation(struct engine *engine, const struct ask_for *ask,
			const struct event_affiliation *event, bool check);

/* Makes a user a member of a room (row), or no member any more, as the last word on a command for
 * which there is room; CODE_OK where he may become one. */
void change_member(struct engine *engine, const struct ask_for *ask, uint32_t row,
		   uint32_t principal, bool present);
int may_become_member(struct engine *engine, uint32_t row, uint32_t principal);

/* Ends a session (row); ask: by its own wish, or NULL. False: there is no room for all of it. */
bool end_session(struct engine *engine, uint32_t row, const struct ask_for *ask);

/* Its connection is gone: it is lost for a while, or ends where nobody would hear of its end. As
 * end_session. */
bool lose_session(struct engine *engine, uint32_t row, const struct ask_for *ask);

/* Whether something stands in the way of a command that needs so many rows of sessions or participants;
 * then *decision_r says what becomes of it. Lost sessions give way, but for one (except; row, or 0). */
bool no_rows(struct engine *engine, const struct ask_for *ask, enum table table, uint32_t count,
	     uint32_t except, enum decision *decision_r);

/* Whether a process of that generation is in the slot now. */
bool is_live(const struct engine *engine, unsigned slot, uint32_t generation);

/* What is allowed to whom has changed: all sessions are to be looked at. */
void engine_police_all(struct engine *engine);

/* Whether a user may be granted a policy, or have none: CODE_OK, or why not. */
int check_grant(const struct engine *engine, const struct event_grant *event);

/* Takes a user's (row) policy away; as strip_principal. */
bool strip_grant(struct engine *engine, const struct record *as, uint32_t row);

/* Takes away all that a user has of his own; as strip_principal. */
bool strip_person(struct engine *engine, const struct record *as, uint32_t principal);

/* Compliance may want to know that a command was refused: an event that nobody is told of but it. Returns
 * the decision, or what becomes of the command where there is no room for that. */
enum decision note_refusal(struct engine *engine, const struct ask_for *ask,
			   enum decision decision);

/* Whether a scope of retention is "global" or that of a category that is there. */
bool retention_scope_is_there(const struct engine *engine, struct text scope);

/* Takes away what a category (row) says of retention, in the name of the actor of `as`: so many
 * events, and bytes of payload, at most, for which there is room. */
enum { RETENTION_SETTINGS = 3, RETENTION_BYTES = RETENTION_SETTINGS * 640 };
void strip_retention(struct engine *engine, const struct record *as, uint32_t row);

/* A room was removed. */
void sweep_rooms(struct engine *engine);

/* engine_message.c, engine_object.c, engine_room.c: what administrators and managers do. */
typedef enum decision decide_fn(struct engine *engine, const struct ask_for *ask);
decide_fn decide_join, decide_join_rooms, decide_leave;
decide_fn decide_message, decide_message_remove, decide_purge;
decide_fn decide_principal, decide_members, decide_category, decide_addin, decide_room,
	decide_roles, decide_remove, decide_rekey;
decide_fn decide_view, decide_refused;

/* What an administrator needs for a COMMAND_VIEW. */
enum admin_duty duty_of_view(const struct ask_for *ask);
decide_fn decide_setting, decide_grant;
decide_fn decide_retain;
decide_fn decide_invitation_read, decide_marker, decide_feed, decide_access, decide_quit;
decide_fn decide_import;

/* Whether a number or time (UTC us) out of an archive, and what is counted on from there, can be told in
 * JSON and kept in a database. */
static inline bool is_countable(uint64_t number)
{
	return number <= UINT64_C(1) << 53;
}
decide_fn decide_file_upload, decide_file_stored, decide_file_read, decide_file_remove;

#endif
