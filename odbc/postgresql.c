#include <stddef.h>

#include <sqlext.h>

#include "odbc/dialect.h"

/*
 * PostgreSQL by psqlodbc. What its driver does stands in the table of traps at odbc/README.
 *
 * Options: a statement that fails inside a transaction ends it for the server; the driver would put
 * a savepoint before every statement so that it need not, which costs a round trip each and is not
 * wanted, because whoever sees a failure rolls back.
 */
static const struct dialect_option options[] = {
	{"Protocol", "7.4-0"},
	{"UseServerSidePrepare", "1"},
	{"ByteaAsLongVarBinary", "1"},
	{"LFConversion", "0"},
	{NULL, NULL},
};

/*
 * A lock is waited for as long as a store may be silent, not longer. An idle transaction of a host
 * that died must not hold the cursor row for ever. A commit that is answered before it is on a disk
 * would let the cursor row go back behind what the journal has overwritten: where the administrator
 * has turned that off, it is turned on, and what is stricter remains. A database in another
 * encoding cannot hold all text.
 */
static const char *const session[] = {
	"SET client_encoding = 'UTF8'",
	"SET lock_timeout = 2000",
	"SET idle_in_transaction_session_timeout = 30000",
	"SELECT set_config('synchronous_commit', 'on', false)"
	" WHERE current_setting('synchronous_commit') = 'off'",
	"DO $$ BEGIN IF current_setting('server_encoding') <> 'UTF8' THEN"
	" RAISE EXCEPTION 'the database has the encoding %, not UTF8',"
	" current_setting('server_encoding'); END IF; END $$",
	NULL,
};

/* Who reads an archive may be slower than what ends idle transactions. */
static const char *const begin_read[] = {
	"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
	"SET LOCAL idle_in_transaction_session_timeout = 0",
	NULL,
};

static const struct dialect_error errors[] = {
	{"0A000", 0, DB_RETRY, false},	  /* a prepared plan whose table has changed */
	{"22P05", 0, DB_BAD_DATA, false}, /* a character that the encoding does not have */
	{"25P", 0, DB_RETRY, false},	  /* in a failed transaction; idle for too long in one */
	{"26", 0, DB_RETRY, false},	  /* a prepared statement is gone, as behind a pooler */
	{"28", 0, DB_FATAL, true},	  /* not let in */
	{"3D", 0, DB_FATAL, true},	  /* no such database */
	{"53", 0, DB_RETRY, false},	  /* disk full, no memory, too many connections */
	{"54", 0, DB_BAD_DATA, false},	  /* too long for an index */
	{"55P03", 0, DB_RETRY, false},	  /* locked */
	{"55006", 0, DB_RETRY, false},	  /* in use */
	{"57", 0, DB_RETRY, false},	  /* cancelled, shut down, starting */
	{"HY000", 1, DB_RETRY,
	 false},		    /* the driver's own, when a connection is lost in a prepare */
	{"58", 0, DB_RETRY, false}, /* the disk failed */
	{NULL, 0, DB_FATAL, false},
};

/*
 * The grams are words of a tsvector. The room is one, too, so that its messages need not be picked
 * out of what all rooms have. The planner does not know how rare a gram is before it is given one,
 * and must not look through the messages of a room instead: so the index is asked by itself.
 */
static const char *const index_make[] = {
	"CREATE TABLE pc_index (id BIGINT NOT NULL PRIMARY KEY, grams TSVECTOR NOT NULL)",
	"CREATE INDEX pc_index_grams ON pc_index USING GIN (grams)",
	NULL,
};
static const char *const index_drop[] = {"DROP TABLE IF EXISTS pc_index", NULL};

#define INDEX_ROWS                                                                            \
	"WITH f AS MATERIALIZED (SELECT id FROM pc_index WHERE grams @@ CAST(? AS TSQUERY)) " \
	"SELECT id FROM f WHERE id > ? AND id < ? "

/* Of a connection that was not made the driver says 08001 and 101, whatever the reason. Servers of
 * other languages are tried again as if they were only away. */
static const char *const refusals[] = {
	"authentication failed",
	"no pg_hba.conf entry",
	"does not exist", /* the database, the role */
	"is not permitted to log in",
	NULL,
};

#define PACKED(lengths, texts, columns, rows)                                              \
	"SELECT STRING_AGG(CONCAT_WS(' ', OCTET_LENGTH(x.body), x.seq, x.time, x.author, " \
	"x.flags, OCTET_LENGTH(x.client_id), OCTET_LENGTH(x.title), "                      \
	"OCTET_LENGTH(x.rich_type), OCTET_LENGTH(x.rich), " lengths "CONCAT_WS(E'\\n', "   \
	"x.body, x.client_id, x.title, x.rich_type, x.rich, " texts "'')), '') "           \
	"FROM (SELECT m.body, m.seq, m.time, m.author, m.flags, m.client_id, m.title, "    \
	"m.rich_type, m.rich" columns " " rows ") AS x"
#define PACKED_ALONE(rows) PACKED("", "", "", rows)
#define PACKED_NAMED(rows)                                                       \
	PACKED("OCTET_LENGTH(x.uri), OCTET_LENGTH(x.name), ", "x.uri, x.name, ", \
	       ", COALESCE(p.uri, '') AS uri, COALESCE(p.name, '') AS name", rows)

static const char *const statements[STATEMENTS] = {
	[STATEMENT_WRITABLE] = "SELECT CASE WHEN pg_is_in_recovery() OR "
			       "current_setting('transaction_read_only') = 'on' THEN 0 ELSE 1 END",
	[STATEMENT_SCHEMA_EXISTS] =
		"SELECT COUNT(*) FROM information_schema.tables "
		"WHERE table_schema = current_schema() AND table_name = 'pc_schema'",
	[STATEMENT_RECORD_SCHEMA_EXISTS] =
		"SELECT COUNT(*) FROM information_schema.tables "
		"WHERE table_schema = current_schema() AND table_name = 'pcc_schema'",
	[STATEMENT_INDEX_POSSIBLE] = "SELECT 1",
	[STATEMENT_INDEX_PUT] = "INSERT INTO pc_index (id, grams) VALUES (?, CAST(? AS TSVECTOR)) "
				"ON CONFLICT (id) DO UPDATE SET grams = excluded.grams",
	[STATEMENT_RETAINED_SIZES] =
		"SELECT seq, OCTET_LENGTH(body) + OCTET_LENGTH(title) + OCTET_LENGTH(rich) "
		"FROM pc_message WHERE room = ? AND seq > ? AND seq < ? "
		"ORDER BY seq DESC LIMIT ?",
	[STATEMENT_ROOM_SIZES] =
		"SELECT r.id, COALESCE((SELECT SUM(OCTET_LENGTH(m.body) + OCTET_LENGTH(m.title) + "
		"OCTET_LENGTH(m.rich)) FROM pc_message AS m "
		"WHERE m.room = r.id AND m.seq > r.purged), 0) FROM pc_room AS r "
		"WHERE r.id > ? AND r.last_seq > r.purged ORDER BY r.id LIMIT ?",
	[STATEMENT_HISTORY_NEWEST] = PACKED_NAMED(STATEMENT_OF_NEWEST),
	[STATEMENT_HISTORY_OLDEST] = PACKED_NAMED(STATEMENT_OF_OLDEST),
	[STATEMENT_PAGE_NEWEST] = PACKED_ALONE(STATEMENT_OF_PAGE_NEWEST),
	[STATEMENT_PAGE_OLDEST] = PACKED_ALONE(STATEMENT_OF_PAGE_OLDEST),
	[STATEMENT_INDEX_NEWEST] = INDEX_ROWS "ORDER BY id DESC LIMIT ?",
	[STATEMENT_INDEX_OLDEST] = INDEX_ROWS "ORDER BY id LIMIT ?",
};

/* Names are compared byte by byte, and sorted so, as in SQLite. */
static const struct dialect_word words[] = {
	{"text", "TEXT COLLATE \"C\""},
	{"text N", "VARCHAR(N) COLLATE \"C\""},
	{"binary", "BYTEA"},
	{"keyed", ""},
	{"wide key", "PRIMARY KEY"},
	{"add", "ADD COLUMN"},
	{"length", "LENGTH"},
	{"now", "CAST(EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000000 AS BIGINT)"},
	{"uuid", "CAST(gen_random_uuid() AS VARCHAR(36))"},
	{NULL, NULL},
};

const struct dialect dialect_postgresql = {
	.name = "postgresql",
	.dbms = "PostgreSQL",
	.hint = "postgresql",
	.options = options,
	.session = session,
	.begin = "BEGIN",
	.begin_read = begin_read,
	.commit = "COMMIT",
	.rollback = "ROLLBACK",
	.schema_lock = "SELECT pg_advisory_xact_lock(1885562739)",
	.text_type = SQL_WLONGVARCHAR,
	.binary_type = SQL_LONGVARBINARY,
	.errors = errors,
	.refusals = refusals,
	.statements = statements,
	.words = words,
	.index_make = index_make,
	.index_drop = index_drop,
	.index_has_rooms = true,
	.packs = PACKS_LENGTHS,
	.rows = {100, 10},
};
