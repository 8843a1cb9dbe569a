#include "odbc/sqlite_schema.h"

#include <stddef.h>

/*
 * A step that was ever released is never changed: databases out there have been through it. The
 * CHECKs are what SQLite does not do by types; everything is documented in pchat-schema(7).
 */
static const char *const step1[] = {
	"CREATE TABLE pc_schema ("
	" version INTEGER NOT NULL PRIMARY KEY,"
	" applied BIGINT NOT NULL)",

	"CREATE TABLE pc_cursor ("
	" reader VARCHAR(32) NOT NULL PRIMARY KEY,"
	" journal_id CHAR(32) NOT NULL CHECK (LENGTH(journal_id) = 32),"
	" lsn BIGINT NOT NULL CHECK (lsn >= 0),"
	" last_principal BIGINT NOT NULL,"
	" last_room BIGINT NOT NULL,"
	" last_time BIGINT NOT NULL) WITHOUT ROWID",

	"CREATE TABLE pc_principal ("
	" id BIGINT NOT NULL PRIMARY KEY CHECK (id > 0),"
	" kind INTEGER NOT NULL,"
	" state INTEGER NOT NULL,"
	" epoch BIGINT NOT NULL,"
	" uri VARCHAR(454) NOT NULL UNIQUE CHECK (LENGTH(uri) > 0),"
	" name VARCHAR(256) NOT NULL)",

	"CREATE TABLE pc_room ("
	" id BIGINT NOT NULL PRIMARY KEY CHECK (id > 0),"
	" uuid CHAR(36) NOT NULL UNIQUE,"
	" name VARCHAR(256) NOT NULL,"
	" description VARCHAR(256) NOT NULL,"
	" disabled INTEGER NOT NULL,"
	" created BIGINT NOT NULL,"
	" last_seq BIGINT NOT NULL,"
	" folded TEXT NOT NULL)",
	"CREATE INDEX pc_room_folded ON pc_room (folded, id)",

	"CREATE TABLE pc_message ("
	" room BIGINT NOT NULL,"
	" seq BIGINT NOT NULL CHECK (seq > 0),"
	" time BIGINT NOT NULL,"
	" author BIGINT NOT NULL,"
	" flags INTEGER NOT NULL,"
	" client_id VARCHAR(40) NOT NULL,"
	" body TEXT NOT NULL,"
	" PRIMARY KEY (room, seq)) WITHOUT ROWID",

	"CREATE TABLE pc_credential ("
	" uri VARCHAR(454) NOT NULL CHECK (LENGTH(uri) > 0),"
	" mechanism VARCHAR(32) NOT NULL,"
	" iterations INTEGER NOT NULL,"
	" salt BLOB NOT NULL,"
	" stored_key BLOB NOT NULL,"
	" server_key BLOB NOT NULL,"
	" changed BIGINT NOT NULL,"
	" PRIMARY KEY (uri, mechanism)) WITHOUT ROWID",

	"CREATE TABLE pc_dead_letter ("
	" reader VARCHAR(32) NOT NULL,"
	" lsn BIGINT NOT NULL,"
	" type INTEGER NOT NULL,"
	" reason TEXT NOT NULL,"
	" record TEXT NOT NULL,"
	" time BIGINT NOT NULL,"
	" PRIMARY KEY (reader, lsn)) WITHOUT ROWID",
	NULL,
};

const struct dialect_step sqlite_schema[SQLITE_SCHEMA_STEPS] = {{step1}};
