#include "odbc/content_schema.h"

#include <stddef.h>

/*
 * A step that was ever released is never changed: databases out there have been through it. The
 * CHECKs are what SQLite does not do by types; everything is documented in pchat-schema(7). Words
 * in braces stand for what the dialects say differently (odbc/dialect.h).
 */
static const char *const step1[] = {
	"CREATE TABLE pc_schema ("
	" version INTEGER NOT NULL PRIMARY KEY,"
	" applied BIGINT NOT NULL)",

	"CREATE TABLE pc_cursor ("
	" reader {text 32} NOT NULL PRIMARY KEY,"
	" journal_id {text 32} NOT NULL CHECK ({length}(journal_id) = 32),"
	" lsn BIGINT NOT NULL CHECK (lsn >= 0),"
	" last_principal BIGINT NOT NULL,"
	" last_room BIGINT NOT NULL,"
	" last_time BIGINT NOT NULL) {keyed}",

	"CREATE TABLE pc_principal ("
	" id BIGINT NOT NULL PRIMARY KEY CHECK (id > 0),"
	" kind INTEGER NOT NULL,"
	" state INTEGER NOT NULL,"
	" epoch BIGINT NOT NULL,"
	" uri {text 454} NOT NULL UNIQUE CHECK ({length}(uri) > 0),"
	" name {text 256} NOT NULL)",

	"CREATE TABLE pc_room ("
	" id BIGINT NOT NULL PRIMARY KEY CHECK (id > 0),"
	" uuid {text 36} NOT NULL UNIQUE,"
	" name {text 256} NOT NULL,"
	" description {text 256} NOT NULL,"
	" disabled INTEGER NOT NULL,"
	" created BIGINT NOT NULL,"
	" last_seq BIGINT NOT NULL,"
	" folded {text} NOT NULL)",
	"{not mssql}CREATE INDEX pc_room_folded ON pc_room (folded, id)",

	"CREATE TABLE pc_message ("
	" room BIGINT NOT NULL,"
	" seq BIGINT NOT NULL CHECK (seq > 0),"
	" time BIGINT NOT NULL,"
	" author BIGINT NOT NULL,"
	" flags INTEGER NOT NULL,"
	" client_id {text 40} NOT NULL,"
	" body {text} NOT NULL,"
	" PRIMARY KEY (room, seq)) {keyed}",

	"CREATE TABLE pc_credential ("
	" uri {text 454} NOT NULL CHECK ({length}(uri) > 0),"
	" mechanism {text 32} NOT NULL,"
	" iterations INTEGER NOT NULL,"
	" salt {binary} NOT NULL,"
	" stored_key {binary} NOT NULL,"
	" server_key {binary} NOT NULL,"
	" changed BIGINT NOT NULL,"
	" {wide key} (uri, mechanism)) {keyed}",

	"CREATE TABLE pc_dead_letter ("
	" reader {text 32} NOT NULL,"
	" lsn BIGINT NOT NULL,"
	" type INTEGER NOT NULL,"
	" reason {text} NOT NULL,"
	" record {text} NOT NULL,"
	" time BIGINT NOT NULL,"
	" PRIMARY KEY (reader, lsn)) {keyed}",
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
	" uuid {text 36} NOT NULL UNIQUE,"
	" name {text 256} NOT NULL,"
	" description {text 256} NOT NULL,"
	" flags INTEGER NOT NULL,"
	" created BIGINT NOT NULL,"
	" revision BIGINT NOT NULL,"
	" folded {text} NOT NULL)",

	"CREATE TABLE pc_addin ("
	" id BIGINT NOT NULL PRIMARY KEY CHECK (id > 0),"
	" uuid {text 36} NOT NULL UNIQUE,"
	" name {text 50} NOT NULL,"
	" url {text 255} NOT NULL)",

	"CREATE TABLE pc_role ("
	" kind INTEGER NOT NULL CHECK (kind IN (1, 2)),"
	" node BIGINT NOT NULL CHECK (node > 0),"
	" principal BIGINT NOT NULL CHECK (principal > 0),"
	" role INTEGER NOT NULL CHECK (role > 0),"
	" PRIMARY KEY (kind, node, principal, role)) {keyed}",

	"CREATE TABLE pc_affiliation ("
	" member BIGINT NOT NULL CHECK (member > 0),"
	" group_id BIGINT NOT NULL CHECK (group_id > 0),"
	" PRIMARY KEY (member, group_id)) {keyed}",
	"CREATE INDEX pc_affiliation_group ON pc_affiliation (group_id, member)",

	"CREATE TABLE pc_remains ("
	" room BIGINT NOT NULL PRIMARY KEY) {keyed}",

	"ALTER TABLE pc_room {add} category BIGINT NOT NULL DEFAULT 1",
	"ALTER TABLE pc_room {add} addin BIGINT NOT NULL DEFAULT 0",
	"ALTER TABLE pc_room {add} privacy INTEGER NOT NULL DEFAULT 6",
	"ALTER TABLE pc_room {add} behavior INTEGER NOT NULL DEFAULT 4",
	"ALTER TABLE pc_room {add} invitations INTEGER NOT NULL DEFAULT 1",
	"ALTER TABLE pc_room {add} revision BIGINT NOT NULL DEFAULT 1",

	"INSERT INTO pc_category (id, uuid, name, description, flags, created, revision, folded) "
	"SELECT 1, {uuid}, 'General', '', 7, {now}, 1, 'general\n'",
	"INSERT INTO pc_role (kind, node, principal, role) VALUES (1, 1, 4294967295, 1)",

	"ALTER TABLE pc_cursor {add} last_category BIGINT NOT NULL DEFAULT 1",
	"ALTER TABLE pc_cursor {add} last_addin BIGINT NOT NULL DEFAULT 0",
	"INSERT INTO pc_cursor (reader, journal_id, lsn, last_principal, last_room, last_time)"
	" SELECT 'content', '00000000000000000000000000000000', 0, 0, 0, 0"
	" WHERE NOT EXISTS (SELECT * FROM pc_cursor WHERE reader = 'content')",
	NULL,
};

/* Kinds of messages, and their removal. through: what of a room in pc_remains is to be deleted. */
static const char *const step3[] = {
	"ALTER TABLE pc_message {add} title {text 256} NOT NULL DEFAULT ''",
	"ALTER TABLE pc_message {add} rich_type {text 64} NOT NULL DEFAULT ''",
	"ALTER TABLE pc_message {add} rich {text} NOT NULL DEFAULT ''",
	"ALTER TABLE pc_room {add} removals BIGINT NOT NULL DEFAULT 0",
	"ALTER TABLE pc_room {add} purged BIGINT NOT NULL DEFAULT 0",
	"ALTER TABLE pc_remains {add} through BIGINT NOT NULL DEFAULT 9223372036854775807",
	NULL,
};

/* What users have of their own. pc_invited: which invitation was a user's last, and which is the
 * last that is no news to him. */
static const char *const step4[] = {
	"CREATE TABLE pc_invitation ("
	" principal BIGINT NOT NULL CHECK (principal > 0),"
	" room BIGINT NOT NULL CHECK (room > 0),"
	" id BIGINT NOT NULL CHECK (id > 0),"
	" time BIGINT NOT NULL,"
	" inviter BIGINT NOT NULL,"
	" PRIMARY KEY (principal, room)) {keyed}",

	"CREATE TABLE pc_invited ("
	" principal BIGINT NOT NULL PRIMARY KEY CHECK (principal > 0),"
	" last_id BIGINT NOT NULL,"
	" read_id BIGINT NOT NULL) {keyed}",

	"CREATE TABLE pc_marker ("
	" principal BIGINT NOT NULL CHECK (principal > 0),"
	" room BIGINT NOT NULL CHECK (room > 0),"
	" seq BIGINT NOT NULL,"
	" PRIMARY KEY (principal, room)) {keyed}",

	"CREATE TABLE pc_feed ("
	" principal BIGINT NOT NULL CHECK (principal > 0),"
	" id BIGINT NOT NULL CHECK (id > 0),"
	" name {text 256} NOT NULL,"
	" words {text 512} NOT NULL,"
	" author BIGINT NOT NULL,"
	" room BIGINT NOT NULL,"
	" flags INTEGER NOT NULL,"
	" PRIMARY KEY (principal, id)) {keyed}",

	"CREATE TABLE pc_request ("
	" principal BIGINT NOT NULL CHECK (principal > 0),"
	" room BIGINT NOT NULL CHECK (room > 0),"
	" time BIGINT NOT NULL,"
	" reason {text 512} NOT NULL,"
	" PRIMARY KEY (principal, room)) {keyed}",
	NULL,
};

/* What administrators set while the server runs. Not "key", which is a word of SQL. */
static const char *const step5[] = {
	"CREATE TABLE pc_setting ("
	" kind INTEGER NOT NULL CHECK (kind > 0),"
	" scope {text 454} NOT NULL,"
	" name {text 64} NOT NULL,"
	" value {text} NOT NULL,"
	" {wide key} (kind, scope, name)) {keyed}",

	"CREATE TABLE pc_grant ("
	" principal BIGINT NOT NULL PRIMARY KEY CHECK (principal > 0),"
	" policy {text 256} NOT NULL) {keyed}",
	NULL,
};

/* The index of texts itself is made and dropped at any time (odbc/content_index.h). rules: by which
 * it was made; indexed: up to where a room's messages are not in it. */
static const char *const step6[] = {
	"CREATE TABLE pc_indexing ("
	" id INTEGER NOT NULL PRIMARY KEY,"
	" rules BIGINT NOT NULL) {keyed}",
	"INSERT INTO pc_indexing (id, rules) VALUES (1, 0)",
	"ALTER TABLE pc_room {add} indexed BIGINT NOT NULL DEFAULT 0",
	NULL,
};

static const char *const step7[] = {
	"CREATE TABLE pc_audit ("
	" lsn BIGINT NOT NULL PRIMARY KEY,"
	" time BIGINT NOT NULL,"
	" actor {text 454} NOT NULL,"
	" address {text 64} NOT NULL,"
	" what {text 32} NOT NULL,"
	" object {text 512} NOT NULL,"
	" ref {text 36} NOT NULL,"
	" details {text} NOT NULL)",

	"CREATE TABLE pc_session ("
	" slot INTEGER NOT NULL,"
	" generation BIGINT NOT NULL,"
	" session BIGINT NOT NULL,"
	" name {text 264} NOT NULL,"
	" address {text 64} NOT NULL,"
	" PRIMARY KEY (slot, generation, session)) {keyed}",
	NULL,
};
/* Messages that came while there was no time to index them: in each room from one to another. */
static const char *const step8[] = {
	"CREATE TABLE pc_unindexed ("
	" room BIGINT NOT NULL PRIMARY KEY,"
	" from_seq BIGINT NOT NULL,"
	" through BIGINT NOT NULL) {keyed}",
	NULL,
};

/* Files that were uploaded; their contents are kept elsewhere. A removed one keeps its row. */
static const char *const step9[] = {
	"CREATE TABLE pc_file ("
	" uuid {text 36} NOT NULL PRIMARY KEY,"
	" lsn BIGINT NOT NULL,"
	" room BIGINT NOT NULL,"
	" time BIGINT NOT NULL,"
	" author BIGINT NOT NULL,"
	" name {text 256} NOT NULL,"
	" type {text 128} NOT NULL,"
	" size BIGINT NOT NULL,"
	" sha256 {text 64} NOT NULL,"
	" removed BIGINT NOT NULL,"
	" removed_by BIGINT NOT NULL) {keyed}",
	"CREATE INDEX pc_file_room ON pc_file (room, lsn)",
	NULL,
};

/* Files are listed by the times of their uploads, which those out of an archive keep. */
static const char *const step10[] = {
	"{not mssql}DROP INDEX pc_file_room",
	"{only mssql}DROP INDEX pc_file_room ON pc_file",
	"CREATE INDEX pc_file_room ON pc_file (room, time, uuid)",
	NULL,
};

/* NVARCHAR counts units of UTF-16: what is bounded in characters may need twice as many. SQL Server
 * forgets what is not said again of a column, Babelfish keeps it and must not be told. */
#define WIDEN(table, column, units)                                                            \
	"{only mssql}IF SERVERPROPERTY('Babelfish') IS NULL EXEC (N'ALTER TABLE " table        \
	" ALTER COLUMN " column " {text " units "} NOT NULL') ELSE EXEC (N'ALTER TABLE " table \
	" ALTER COLUMN " column " NVARCHAR(" units ")')"

static const char *const step11[] = {
	WIDEN("pc_principal", "name", "512"),
	WIDEN("pc_room", "name", "512"),
	WIDEN("pc_room", "description", "512"),
	WIDEN("pc_category", "name", "512"),
	WIDEN("pc_category", "description", "512"),
	WIDEN("pc_addin", "name", "100"),
	WIDEN("pc_message", "title", "512"),
	WIDEN("pc_file", "name", "512"),
	NULL,
};

static const char *const *const steps[] = {step1, step2, step3, step4,	step5, step6,
					   step7, step8, step9, step10, step11};

const struct schema schema_content = {
	.exists = STATEMENT_SCHEMA_EXISTS,
	.version = STATEMENT_SCHEMA_VERSION,
	.put = STATEMENT_SCHEMA_PUT,
	.steps = steps,
	.step_count = sizeof(steps) / sizeof(steps[0]),
};
