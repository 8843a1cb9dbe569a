#include "odbc/record_schema.h"

#include <stddef.h>

/* Names begin with pcc_, so that a site with one database server may keep both schemas in one
 * database, though it should not: who reads the one need not read the other. */
static const char *const step1[] = {
	"CREATE TABLE pcc_schema ("
	" version INTEGER NOT NULL PRIMARY KEY,"
	" applied BIGINT NOT NULL)",

	"CREATE TABLE pcc_cursor ("
	" id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),"
	" journal_id {text 32} NOT NULL,"
	" lsn BIGINT NOT NULL,"
	" time BIGINT NOT NULL,"
	" number BIGINT NOT NULL,"
	" hash {text 64} NOT NULL,"
	" gap INTEGER NOT NULL)",

	"CREATE TABLE pcc_record ("
	" number BIGINT NOT NULL PRIMARY KEY CHECK (number > 0),"
	" lsn BIGINT NOT NULL,"
	" time BIGINT NOT NULL,"
	" type {text 32} NOT NULL,"
	" flags INTEGER NOT NULL,"
	" room_id BIGINT NOT NULL,"
	" room {text} NOT NULL,"
	" room_name {text} NOT NULL,"
	" category {text} NOT NULL,"
	" user_id BIGINT NOT NULL,"
	" user_uri {text} NOT NULL,"
	" user_name {text} NOT NULL,"
	" address {text} NOT NULL,"
	" session {text 40} NOT NULL,"
	" message BIGINT NOT NULL,"
	" title {text} NOT NULL,"
	" content {text} NOT NULL,"
	" rich_type {text} NOT NULL,"
	" rich {text} NOT NULL,"
	" detail {text} NOT NULL,"
	" hash {text 64} NOT NULL)",

	"CREATE INDEX pcc_record_time ON pcc_record (time)",

	"CREATE TABLE pcc_object ("
	" kind INTEGER NOT NULL,"
	" id BIGINT NOT NULL,"
	" uri {text} NOT NULL,"
	" name {text} NOT NULL,"
	" parent BIGINT NOT NULL,"
	" flags INTEGER NOT NULL,"
	" description {text} NOT NULL,"
	" detail {text} NOT NULL,"
	" PRIMARY KEY (kind, id)) {keyed}",

	"CREATE TABLE pcc_open_session ("
	" session {text 40} NOT NULL PRIMARY KEY,"
	" principal BIGINT NOT NULL,"
	" address {text} NOT NULL,"
	" name {text} NOT NULL) {keyed}",

	"CREATE TABLE pcc_open_room ("
	" session {text 40} NOT NULL,"
	" room BIGINT NOT NULL,"
	" PRIMARY KEY (session, room)) {keyed}",

	"CREATE TABLE pcc_checkpoint ("
	" number BIGINT NOT NULL PRIMARY KEY,"
	" hash {text 64} NOT NULL,"
	" time BIGINT NOT NULL,"
	" signature {text} NOT NULL)",
	NULL,
};

/* Where each adapter stands. */
static const char *const step2[] = {
	"CREATE TABLE pcc_adapter ("
	" name {text 32} NOT NULL PRIMARY KEY,"
	" done BIGINT NOT NULL,"
	" batch BIGINT NOT NULL,"
	" ran BIGINT NOT NULL,"
	" failures BIGINT NOT NULL,"
	" failing BIGINT NOT NULL,"
	" error {text} NOT NULL) {keyed}",
	NULL,
};

/* What was said in a room around something. */
static const char *const step3[] = {
	"CREATE INDEX pcc_record_room ON pcc_record (room_id, number)",
	NULL,
};

/* What must not be deleted, and what is to be. */
static const char *const step4[] = {
	"CREATE TABLE pcc_hold ("
	" number BIGINT NOT NULL PRIMARY KEY,"
	" lsn BIGINT NOT NULL,"
	" name {text} NOT NULL,"
	" user_uri {text} NOT NULL,"
	" room {text} NOT NULL,"
	" start_time BIGINT NOT NULL,"
	" end_time BIGINT NOT NULL,"
	" reason {text} NOT NULL,"
	" added BIGINT NOT NULL,"
	" added_by {text} NOT NULL,"
	" released BIGINT NOT NULL,"
	" released_lsn BIGINT NOT NULL,"
	" released_by {text} NOT NULL,"
	" released_reason {text} NOT NULL)",

	"CREATE TABLE pcc_purge ("
	" id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),"
	" requested BIGINT NOT NULL,"
	" until BIGINT NOT NULL,"
	" finished BIGINT NOT NULL,"
	" gone BIGINT NOT NULL,"
	" held BIGINT NOT NULL,"
	" waiting BIGINT NOT NULL)",
	NULL,
};

/* Whoever may write to the database must not be able to move the place up to which is recorded. */
static const char *const step5[] = {
	"ALTER TABLE pcc_cursor {add} signature {text} NOT NULL DEFAULT ''",
	NULL,
};

static const char *const *const steps[] = {step1, step2, step3, step4, step5};

const struct schema schema_record = {
	.exists = STATEMENT_RECORD_SCHEMA_EXISTS,
	.version = STATEMENT_RECORD_SCHEMA_VERSION,
	.put = STATEMENT_RECORD_SCHEMA_PUT,
	.steps = steps,
	.step_count = sizeof(steps) / sizeof(steps[0]),
};
