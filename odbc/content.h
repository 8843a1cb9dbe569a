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
struct db_bytes { /* borrowed, not terminated; text is UTF-8 */
	const char *data;
	size_t length;
};

/* Brings the schema up to this program's version: DB_FATAL where it is newer. For the store. */
enum db_result content_open(struct db *db, struct err *err);

/* Looks whether the schema has this program's version; DB_RETRY where it is older or not there yet
 * (the store is about to upgrade it). For everybody else. */
enum db_result content_check(struct db *db, struct err *err);

/* --- Where the store stands: one row, moved in the transaction of what it stands for. --- */

struct content_cursor {
	uint8_t journal[16]; /* id of the journal to which lsn belongs; 0: none yet */
	uint64_t lsn;	     /* every event below is in the database */
	uint32_t last_principal, last_room; /* highest ids ever given */
	uint64_t time;			    /* of the newest event below lsn, UTC us */
};

/* A new database: DB_OK with all 0. */
enum db_result content_cursor_get(struct db *db, struct content_cursor *cursor_r, struct err *err);
enum db_result content_cursor_put(struct db *db, const struct content_cursor *cursor,
				  struct err *err);

/* --- Users, rooms, messages, for the store. --- */

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
	uint64_t created;  /* UTC us */
	uint64_t last_seq; /* not written by content_room_put */
	struct db_bytes name, description;
};

struct content_message {
	uint32_t room;
	uint64_t seq;
	uint64_t time; /* UTC us */
	uint32_t author;
	uint16_t flags;
	struct db_bytes id, text;
};

enum db_result content_principal_put(struct db *db, const struct content_principal *principal,
				     struct err *err);
enum db_result content_room_put(struct db *db, const struct content_room *room, struct err *err);

/* Stores messages; the caller then tells each room's highest number by content_room_seq. */
enum db_result content_messages_put(struct db *db, const struct content_message *list,
				    unsigned count, struct err *err);
enum db_result content_room_seq(struct db *db, uint32_t room, uint64_t seq, struct err *err);

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
 * All users and rooms, by id, above the id given: execute, then take rows until DB_END. One
 * execution yields CONTENT_LOAD_PAGE rows at most, so that memory does not grow with the database.
 */
enum { CONTENT_LOAD_PAGE = 256 };
enum db_result content_principals(struct db *db, uint32_t above, struct err *err);
enum db_result content_principals_next(struct db *db, struct content_principal *principal_r,
				       struct err *err);
enum db_result content_rooms(struct db *db, uint32_t above, struct err *err);
enum db_result content_rooms_next(struct db *db, struct content_room *room_r, struct err *err);

/* --- For readers. --- */

struct content_page {
	uint32_t room;
	uint64_t after, before; /* after < seq < before */
	unsigned limit;
	bool from_oldest; /* the oldest of them, ascending; else the newest, descending */
};

struct content_history_row {
	struct content_message message;
	struct db_bytes author_uri, author_name; /* empty where the author has no row */
};

enum db_result content_history(struct db *db, const struct content_page *page, struct err *err);
enum db_result content_history_next(struct db *db, const struct content_page *page,
				    struct content_history_row *row_r, struct err *err);

/* Rooms whose name or description contains the text, without regard to case, by name. */
enum db_result content_search(struct db *db, const char *text, size_t length, unsigned limit,
			      unsigned offset, struct err *err);
enum db_result content_search_next(struct db *db, struct content_room *room_r, struct err *err);

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

/* Removes all of the URI's credentials; DB_OK where there is none. */
enum db_result content_credential_remove(struct db *db, const char *uri, size_t length,
					 struct err *err);

#endif
