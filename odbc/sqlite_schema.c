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

/*
 * Rooms that are there are what all rooms of version 1 were: open and normal, in one category that
 * allows everybody (principal 4294967295). That category is made for new databases, too, and is
 * number 1 in both: the cursor row has to know, and is made where there is none yet.
 */
static const char *const step2[] = {
	"CREATE TABLE pc_category ("
	" id BIGINT NOT NULL PRIMARY KEY CHECK (id > 0),"
	" uuid CHAR(36) NOT NULL UNIQUE,"
	" name VARCHAR(256) NOT NULL,"
	" description VARCHAR(256) NOT NULL,"
	" flags INTEGER NOT NULL,"
	" created BIGINT NOT NULL,"
	" revision BIGINT NOT NULL,"
	" folded TEXT NOT NULL)",

	"CREATE TABLE pc_addin ("
	" id BIGINT NOT NULL PRIMARY KEY CHECK (id > 0),"
	" uuid CHAR(36) NOT NULL UNIQUE,"
	" name VARCHAR(50) NOT NULL,"
	" url VARCHAR(255) NOT NULL)",

	"CREATE TABLE pc_role ("
	" kind INTEGER NOT NULL CHECK (kind IN (1, 2)),"
	" node BIGINT NOT NULL CHECK (node > 0),"
	" principal BIGINT NOT NULL CHECK (principal > 0),"
	" role INTEGER NOT NULL CHECK (role > 0),"
	" PRIMARY KEY (kind, node, principal, role)) WITHOUT ROWID",

	"CREATE TABLE pc_affiliation ("
	" member BIGINT NOT NULL CHECK (member > 0),"
	" group_id BIGINT NOT NULL CHECK (group_id > 0),"
	" PRIMARY KEY (member, group_id)) WITHOUT ROWID",
	"CREATE INDEX pc_affiliation_group ON pc_affiliation (group_id, member)",

	"CREATE TABLE pc_remains ("
	" room BIGINT NOT NULL PRIMARY KEY) WITHOUT ROWID",

	"ALTER TABLE pc_room ADD COLUMN category BIGINT NOT NULL DEFAULT 1",
	"ALTER TABLE pc_room ADD COLUMN addin BIGINT NOT NULL DEFAULT 0",
	"ALTER TABLE pc_room ADD COLUMN privacy INTEGER NOT NULL DEFAULT 6",
	"ALTER TABLE pc_room ADD COLUMN behavior INTEGER NOT NULL DEFAULT 4",
	"ALTER TABLE pc_room ADD COLUMN invitations INTEGER NOT NULL DEFAULT 1",
	"ALTER TABLE pc_room ADD COLUMN revision BIGINT NOT NULL DEFAULT 1",

	"INSERT INTO pc_category (id, uuid, name, description, flags, created, revision, folded) "
	"SELECT 1, LOWER(SUBSTR(hex, 1, 8) || '-' || SUBSTR(hex, 9, 4) || '-4' || SUBSTR(hex, 14, 3)"
	" || '-' || SUBSTR('89AB', 1 + ABS(RANDOM() % 4), 1) || SUBSTR(hex, 18, 3)"
	" || '-' || SUBSTR(hex, 21)),"
	" 'General', '', 7, CAST(STRFTIME('%s', 'now') AS INTEGER) * 1000000, 1,"
	" 'general' || CHAR(10) FROM (SELECT HEX(RANDOMBLOB(16)) AS hex)",
	"INSERT INTO pc_role (kind, node, principal, role) VALUES (1, 1, 4294967295, 1)",

	"ALTER TABLE pc_cursor ADD COLUMN last_category BIGINT NOT NULL DEFAULT 1",
	"ALTER TABLE pc_cursor ADD COLUMN last_addin BIGINT NOT NULL DEFAULT 0",
	"INSERT INTO pc_cursor (reader, journal_id, lsn, last_principal, last_room, last_time)"
	" SELECT 'content', '00000000000000000000000000000000', 0, 0, 0, 0"
	" WHERE NOT EXISTS (SELECT * FROM pc_cursor WHERE reader = 'content')",
	NULL,
};

const struct dialect_step sqlite_schema[SQLITE_SCHEMA_STEPS] = {{step1}, {step2}};
