#ifndef PCHAT_ODBC_RECORD_H
#define PCHAT_ODBC_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "odbc/db.h"

/*
 * The compliance database: what happened, one record each, in a chain of hashes, and what is needed
 * to write the next one. pchat-schema(7) describes the tables, pchat-compliance(7) the records. All
 * functions answer as odbc/db.h says.
 */
enum { RECORD_HASH = 32, RECORD_HEX = 2 * RECORD_HASH + 1, RECORD_SESSION = 40 };

/* Brings the schema up to this program's version, as content_open does. For pchat-compliance. */
enum db_result record_open(struct db *db, struct err *err);

/* The schema's version in the database, 0: none, and this program's. */
enum db_result record_version(struct db *db, unsigned *version_r, unsigned *wanted_r,
			      struct err *err);

/* DB_RETRY where the schema is older than this program or not there yet. For everybody else. */
enum db_result record_check(struct db *db, struct err *err);

/* --- Where the records end: one row, moved in the transaction of what it stands for. --- */

enum { RECORD_SIGNATURE = 1024 };

struct record_cursor {
	uint8_t journal[16];   /* id of the journal to which lsn belongs; 0: nothing recorded yet */
	uint64_t lsn;	       /* every event below is recorded */
	uint64_t time;	       /* of the newest of them, UTC us */
	uint64_t number;       /* of the newest record; 0: none */
	char hash[RECORD_HEX]; /* of that one, in hexadecimal digits */
	char signature[RECORD_SIGNATURE]; /* of all above, in base64; empty: not signed */
	bool gap; /* an administrator said that events which are no longer in the journal are given
		     up */
};

/* A new database: DB_OK with nothing but a hash of zeros. */
enum db_result record_cursor_get(struct db *db, struct record_cursor *cursor_r, struct err *err);
enum db_result record_cursor_put(struct db *db, const struct record_cursor *cursor,
				 struct err *err);

/* --- Records. --- */

enum record_flag {
	RECORD_HISTORY = 1, /* the room's category keeps history */
	RECORD_ALERT = 2,
	RECORD_UNREADABLE = 4, /* the event, or a text in it, was not what it should be: detail has
				  its bytes in hexadecimal digits */
};

/* Texts are UTF-8. Numbers that are 0 and texts that are empty say: there is none. */
struct record_row {
	uint64_t number, lsn, time; /* time: UTC us */
	uint32_t flags;		    /* enum record_flag */
	uint32_t room_id, user_id;
	uint64_t message; /* number in the room */
	struct db_bytes type, room, room_name, category, user_uri, user_name, address, session,
		title, content, rich_type, rich, detail;
	char hash[RECORD_HEX];
	struct db_bytes description; /* the room's, as it is now; only read */
};

/* Stores them; their numbers must not be there yet. */
enum db_result record_put(struct db *db, const struct record_row *list, unsigned count,
			  struct err *err);

/*
 * Reads the records above a number in the order of their numbers, at most RECORD_PAGE: execute,
 * then take rows until DB_END. The texts of a row are good until the next one is taken.
 */
enum { RECORD_PAGE = 256 };
enum db_result record_list(struct db *db, uint64_t above, struct err *err);
enum db_result record_list_next(struct db *db, struct record_row *row_r, struct err *err);

/* The hash of one of them. DB_END: there is no such record. */
enum db_result record_hash_get(struct db *db, uint64_t number, char hash_r[RECORD_HEX],
			       struct err *err);

/* --- What records are made with: objects by the names that they have at that place of the journal,
 * open sessions and the rooms that they are in. --- */

enum record_kind {
	RECORD_CATEGORY = 1,
	RECORD_ROOM = 2,
	RECORD_ADDIN = 3,
	RECORD_PRINCIPAL = 4,
	RECORD_SETTING = 5, /* id: a checksum of uri, which is its scope and name; detail: its value */
	RECORD_GRANT = 6,   /* id: of the user; detail: the policy */
	RECORD_KEY = 7,	    /* id: 1; detail: by which key is signed */
};

struct record_object {
	uint32_t kind, id;
	uint32_t parent, flags; /* room: its category; category: its flags */
	struct db_bytes uri, name, description;
	struct db_bytes detail; /* all of its state as JSON */
};

/* DB_END: there is none. The texts are good until the next call. */
enum db_result record_object_get(struct db *db, uint32_t kind, uint32_t id,
				 struct record_object *object_r, struct err *err);
enum db_result record_object_put(struct db *db, const struct record_object *object,
				 struct err *err);

struct record_session {
	char session[RECORD_SESSION]; /* "8.17.5": slot, generation, number */
	uint32_t principal; /* 0: an administrator, whose name is */
	struct db_bytes address, name;
};

/* DB_END: there is none. The texts are good until the next call. */
enum db_result record_session_get(struct db *db, const char *session,
				  struct record_session *session_r, struct err *err);
enum db_result record_session_put(struct db *db, const struct record_session *session,
				  struct err *err);
enum db_result record_session_remove(struct db *db, const char *session, struct err *err);

enum db_result record_room_put(struct db *db, const char *session, uint32_t room, struct err *err);
enum db_result record_room_remove(struct db *db, const char *session, uint32_t room,
				  struct err *err);

/* One of those that are left; DB_END: there is none. */
enum db_result record_session_left(struct db *db, struct record_session *session_r,
				   struct err *err);
enum db_result record_room_left(struct db *db, char session_r[RECORD_SESSION], uint32_t *room_r,
				struct err *err);

/* --- Checkpoints: the hash of one record, signed. --- */

struct record_checkpoint {
	uint64_t number, time;
	char hash[RECORD_HEX];
	char signature[RECORD_SIGNATURE]; /* base64; empty: not signed */
};

enum db_result record_checkpoint_put(struct db *db, const struct record_checkpoint *checkpoint,
				     struct err *err);

/* The first one above a number; DB_END: there is none. */
enum db_result record_checkpoint_next(struct db *db, uint64_t above,
				      struct record_checkpoint *checkpoint_r, struct err *err);

#endif
