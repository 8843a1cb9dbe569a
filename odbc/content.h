#ifndef PCHAT_ODBC_CONTENT_H
#define PCHAT_ODBC_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "odbc/db.h"

/*
 * The content database: what pchat-schema(7) describes. All functions answer as odbc/db.h says.
 * What is stored is stored by key: doing it again changes nothing.
 */
/* Brings the schema up to this program's version: DB_FATAL where it is newer, DB_RETRY where the
 * database takes no writes (the next db_connect tries the next). For the store. */
enum db_result content_open(struct db *db, struct err *err);

/* DB_RETRY where this database takes no writes; the next db_connect tries the next. */
enum db_result content_writable(struct db *db, struct err *err);

/* The schema's version, 0: there is none, and this program's. */
enum db_result content_version(struct db *db, unsigned *version_r, unsigned *wanted_r,
			       struct err *err);

/* Looks whether the schema has this program's version; DB_RETRY where it is older or not there yet
 * (the store is about to upgrade it). For everybody else. */
enum db_result content_check(struct db *db, struct err *err);

/* --- Where the store stands: one row, moved in the transaction of what it stands for. --- */

struct content_cursor {
	uint8_t journal[16]; /* id of the journal to which lsn belongs; 0: none yet */
	uint64_t lsn;	     /* every event below is in the database */
	uint32_t last_principal, last_room, last_category, last_addin; /* highest ids ever given */
	uint64_t time; /* of the newest event below lsn, UTC us */
};

/* A new database: DB_OK with neither journal nor lsn. */
enum db_result content_cursor_get(struct db *db, struct content_cursor *cursor_r, struct err *err);
enum db_result content_cursor_put(struct db *db, const struct content_cursor *cursor,
				  struct err *err);

/* What there is, whatever version it has, for administrators. */
struct content_state {
	unsigned version, wanted; /* of the schema: 0 is none; this program's */
	bool writable;
	bool current; /* the versions are the same, and what follows is known */
	struct content_cursor cursor;
	uint64_t dead; /* letters */
};
enum db_result content_state_get(struct db *db, struct content_state *state_r, struct err *err);

/* --- Users, rooms, messages and so on, for the store. --- */

struct content_principal {
	uint32_t id;
	uint16_t kind, state;
	uint32_t epoch;
	struct db_bytes uri, name;
};

struct content_room {
	uint32_t id;
	uint8_t uuid[16];
	bool disabled;
	uint32_t category, addin;		/* ids */
	uint8_t privacy, behavior, invitations; /* numbers, as pchat-schema(7) lists them */
	uint64_t created;			/* UTC us */
	uint64_t revision;
	uint64_t last_seq, removals; /* not written by content_room_put */
	struct db_bytes name, description;
};

struct content_category {
	uint32_t id;
	uint8_t uuid[16];
	uint32_t flags;
	uint64_t created; /* UTC us */
	uint64_t revision;
	struct db_bytes name, description;
};

struct content_addin {
	uint32_t id;
	uint8_t uuid[16];
	struct db_bytes name, url;
};

enum content_kind { CONTENT_CATEGORY = 1, CONTENT_ROOM = 2 };

struct content_role {
	uint8_t kind; /* enum content_kind */
	uint8_t role;
	uint32_t node, principal; /* ids */
};

struct content_affiliation {
	uint32_t member, group;
};

struct content_message {
	uint32_t room;
	uint64_t seq;
	uint64_t time; /* UTC us */
	uint32_t author;
	uint16_t flags;
	struct db_bytes id, text, title, rich_type, rich;
};

enum db_result content_principal_put(struct db *db, const struct content_principal *principal,
				     struct err *err);
enum db_result content_room_put(struct db *db, const struct content_room *room, struct err *err);
enum db_result content_category_put(struct db *db, const struct content_category *category,
				    struct err *err);
enum db_result content_addin_put(struct db *db, const struct content_addin *addin, struct err *err);

/* present: it is there from now on; else it is there no more. */
enum db_result content_role_put(struct db *db, const struct content_role *role, bool present,
				struct err *err);
enum db_result content_affiliation_put(struct db *db, const struct content_affiliation *affiliation,
				       bool present, struct err *err);

/* What users have of their own. item is a room's id, or a feed's number; of the rest only what the
 * table has counts. */
enum content_person_kind {
	CONTENT_INVITATION,
	CONTENT_MARKER,
	CONTENT_FEED,
	CONTENT_REQUEST,
	CONTENT_INVITED, /* item 0; number: the last invitation, time: the last that was read */
	CONTENT_PERSON_KINDS
};

struct content_person {
	uint32_t principal, item;
	uint32_t who; /* inviter; author of a feed */
	uint32_t room; /* of a feed */
	uint8_t flags;
	uint64_t number; /* an invitation's id; the last message read */
	uint64_t time;
	struct db_bytes name, text; /* of a feed; a request has a text */
};

/* What administrators set while the server runs, and who was granted which policy. */
struct content_setting {
	uint32_t kind;
	struct db_bytes scope, name, value;
};

struct content_grant {
	uint32_t principal;
	struct db_bytes policy; /* empty: none */
};

/* present: it has this value from now on; else it has none. */
enum db_result content_setting_put(struct db *db, const struct content_setting *setting,
				   bool present, struct err *err);
enum db_result content_grant_put(struct db *db, const struct content_grant *grant, struct err *err);

/* Numbers of CONTENT_INVITED only rise. */
enum db_result content_person_put(struct db *db, enum content_person_kind kind,
				  const struct content_person *person, struct err *err);
enum db_result content_person_remove(struct db *db, enum content_person_kind kind,
				     uint32_t principal, uint32_t item, struct err *err);

/*
 * Removes one for good, and the roles in it. The messages of a room may be too many for one
 * transaction: they remain, and content_sweep deletes them afterwards.
 */
enum db_result content_category_remove(struct db *db, uint32_t id, struct err *err);
enum db_result content_room_remove(struct db *db, uint32_t id, struct err *err);
enum db_result content_addin_remove(struct db *db, uint32_t id, struct err *err);

/* Notes that the messages of a room up to seq remain; a part of what removes or purges. */
enum db_result content_remains(struct db *db, uint32_t room, uint64_t seq, struct err *err);

/* Deletes what remains of removed rooms and purges, at most `messages`, in a transaction of its own.
 * *more_r: there may be more. */
enum db_result content_sweep(struct db *db, unsigned messages, bool *more_r, struct err *err);

/* Stores messages; the caller then tells each room's highest number, each room once. */
enum db_result content_messages_put(struct db *db, const struct content_message *list,
				    unsigned count, struct err *err);

struct content_room_seq {
	uint32_t room; /* id */
	uint64_t seq;
};
enum db_result content_room_seqs(struct db *db, const struct content_room_seq *list, unsigned count,
				 struct err *err);

/* What a room had given and removed where an archive was made: raises both numbers. */
enum db_result content_room_restore(struct db *db, uint32_t room, uint64_t last_seq,
				    uint64_t removals, struct err *err);

/* Empties the tables of what has no life of its own: roles, members of groups, what users have,
 * settings and grants. The caller writes them anew, in the same transaction. */
enum db_result content_forget_links(struct db *db, struct err *err);

/* Removes a message; or gives it another text, where text is not NULL. Counts that in its room. */
enum db_result content_message_remove(struct db *db, uint32_t room, uint64_t seq,
				      const struct db_bytes *text, struct err *err);

/* Takes a message away without counting that. */
enum db_result content_message_forget(struct db *db, uint32_t room, uint64_t seq, struct err *err);

/* All messages of a room up to seq are no longer shown; content_sweep deletes them afterwards. */
enum db_result content_purge(struct db *db, uint32_t room, uint64_t seq, struct err *err);

/* An event that the database cannot take. record: its bytes as they stand in the journal. */
struct content_dead {
	uint64_t lsn, time;
	uint16_t type;
	const char *reason;
	const void *record;
	size_t record_size;
};
enum db_result content_dead_put(struct db *db, const struct content_dead *dead, struct err *err);

/*
 * All of one table in the order of its key, above the one given (0: from the first on): execute,
 * then take rows until DB_END. One execution yields CONTENT_LOAD_PAGE rows at most, because drivers
 * hold all rows of a result: so memory does not grow with the database. DB_BAD_DATA where the row
 * has got an id: this one is malformed, the next may be taken.
 */
enum { CONTENT_LOAD_PAGE = 256 };
enum db_result content_principals(struct db *db, uint32_t above, struct err *err);
enum db_result content_settings(struct db *db, const struct content_setting *above,
				struct err *err);
enum db_result content_settings_next(struct db *db, struct content_setting *setting_r,
				     struct err *err);
enum db_result content_grants(struct db *db, uint32_t above, struct err *err);
enum db_result content_grants_next(struct db *db, struct content_grant *grant_r, struct err *err);
enum db_result content_people(struct db *db, enum content_person_kind kind,
			      const struct content_person *above, struct err *err);
enum db_result content_people_next(struct db *db, enum content_person_kind kind,
				   struct content_person *person_r, struct err *err);
enum db_result content_principals_next(struct db *db, struct content_principal *principal_r,
				       struct err *err);
enum db_result content_rooms(struct db *db, uint32_t above, struct err *err);
enum db_result content_rooms_next(struct db *db, struct content_room *room_r, struct err *err);
enum db_result content_categories(struct db *db, uint32_t above, struct err *err);
enum db_result content_categories_next(struct db *db, struct content_category *category_r,
				       struct err *err);
enum db_result content_addins(struct db *db, uint32_t above, struct err *err);
enum db_result content_addins_next(struct db *db, struct content_addin *addin_r, struct err *err);
enum db_result content_roles(struct db *db, const struct content_role *above, struct err *err);
enum db_result content_roles_next(struct db *db, struct content_role *role_r, struct err *err);
enum db_result content_affiliations(struct db *db, const struct content_affiliation *above,
				    struct err *err);
enum db_result content_affiliations_next(struct db *db, struct content_affiliation *affiliation_r,
					 struct err *err);

/* --- For readers. --- */

struct content_page {
	uint32_t room;
	uint64_t after, before; /* after < seq < before */
	unsigned limit;
	bool from_oldest; /* the oldest of them, ascending; else the newest, descending */
	bool nameless;	  /* without their authors' names; of the newest those not purged */
};

/* Everything up to *last_seq_r is in the database, but for what is up to *purged_r. DB_END: there is
 * no such room in it. */
enum db_result content_room_state(struct db *db, uint32_t room, uint64_t *last_seq_r,
				  uint64_t *purged_r, struct err *err);

/* The newest message of a room below a number and not after a time (UTC us); 0: there is none. */
enum db_result content_moment(struct db *db, uint32_t room, uint64_t before, uint64_t time,
			      uint64_t *seq_r, struct err *err);

struct content_history_row {
	struct content_message message;
	struct db_bytes author_uri, author_name; /* empty: he has no row, or nameless */
};

enum db_result content_history(struct db *db, const struct content_page *page, struct err *err);
enum db_result content_history_next(struct db *db, const struct content_page *page,
				    struct content_history_row *row_r, struct err *err);

/* The next row of any statement that has the columns of HISTORY_NEWEST. */
enum db_result content_row_next(struct db_stmt *stmt, uint32_t room,
				struct content_history_row *row_r, struct err *err);

/* --- For pchat-auth. A credential is keyed by the principal's URI: it may be there a moment
 * before the principal's own row, which the store writes. --- */

enum { CONTENT_SALT_MAX = 64, CONTENT_KEY_MAX = 64, CONTENT_MECHANISM_MAX = 32 };

struct content_credential {
	char mechanism[CONTENT_MECHANISM_MAX]; /* "SCRAM-SHA-256", terminated */
	uint32_t iterations;
	size_t salt_length, stored_length, server_length;
	uint8_t salt[CONTENT_SALT_MAX];
	uint8_t stored_key[CONTENT_KEY_MAX], server_key[CONTENT_KEY_MAX];
	uint64_t changed; /* UTC us */

	/* The principal's row, if it is there; content_credential_set does not write it. */
	bool has_principal;
	uint32_t principal, epoch;
	uint16_t state;
};

/* DB_END: there is none for this URI and mechanism. DB_BAD_DATA: what is stored does not fit. */
enum db_result content_credential_get(struct db *db, const char *uri, size_t length,
				      const char *mechanism,
				      struct content_credential *credential_r, struct err *err);

/* Adds or replaces it, in a transaction of its own. */
enum db_result content_credential_set(struct db *db, const char *uri, size_t length,
				      const struct content_credential *credential, struct err *err);

#endif
