#include <stddef.h>

#include <sqlext.h>

#include "odbc/dialect.h"
#include "odbc/sqlite_library.h"

/*
 * SQLite by libsqliteodbc 0.9998, which behaves so:
 * - Every failure has SQLSTATE HY000; the native code is SQLite's primary result code.
 * - A locked database is waited for by the driver itself, for the Timeout of the connection string
 *   (milliseconds), twice for each statement, and for 100 s where it is not given; PRAGMA
 *   busy_timeout does not change that. So the option is always given.
 * - With autocommit off a transaction begins as a reader, and its first write fails at once if
 *   somebody else wrote in between. BEGIN IMMEDIATE in autocommit mode does not have this.
 * - A failed statement does not end its transaction: later ones go on in it. The caller rolls back.
 * - Text is cut at a NUL when it is read or formatted, invalid UTF-8 is stored as it is, and any
 * type goes into any column: what is stored is checked before it is bound.
 * - A file that was removed or replaced is written on, and gone when the last one closes it: db.c
 *   looks when a transaction begins and when it ends, and before each statement outside of one.
 * - A statement is prepared anew each time that it is run, which costs twice what it does, unless
 *   it begins with SELECT or WITH: so those that write have a WITH, too, and nothing in it.
 * - One row a statement: of the pages that more of them change SQLite makes copies, in a file where
 *   they are many, so that it could undo that statement alone.
 * - Its own cache of 2 MB is too small for what a transaction of the store changes, which then goes
 *   to the WAL twice.
 * - synchronous is NORMAL at first, which may lose commits when the host dies; then the cursor row
 *   would go back behind what the journal has overwritten. So FULL is asked for.
 */
static const char *const session[] = {
	"PRAGMA journal_mode = WAL",
	"PRAGMA synchronous = FULL",
	"PRAGMA cache_size = -16384",
	NULL,
};

/* The first SELECT takes the state; writers go on, and the WAL grows until the end. What reads all
 * of a database has no use for a large cache. */
static const char *const begin_read[] = {"PRAGMA cache_size = -2000", "BEGIN", NULL};

/* The codes of sqlite3.h, which is not needed for anything else. */
static const struct dialect_error errors[] = {
	{"HY000", 5, DB_RETRY, false},	   /* SQLITE_BUSY */
	{"HY000", 6, DB_RETRY, false},	   /* SQLITE_LOCKED */
	{"HY000", 7, DB_RETRY, false},	   /* SQLITE_NOMEM */
	{"HY000", 8, DB_RETRY, true},	   /* SQLITE_READONLY */
	{"HY000", 9, DB_RETRY, false},	   /* SQLITE_INTERRUPT */
	{"HY000", 10, DB_RETRY, false},	   /* SQLITE_IOERR */
	{"HY000", 13, DB_RETRY, false},	   /* SQLITE_FULL */
	{"HY000", 14, DB_RETRY, false},	   /* SQLITE_CANTOPEN */
	{"HY000", 15, DB_RETRY, false},	   /* SQLITE_PROTOCOL: the locks of the WAL */
	{"HY000", 17, DB_RETRY, false},	   /* SQLITE_SCHEMA: changed meanwhile */
	{"HY000", 18, DB_BAD_DATA, false}, /* SQLITE_TOOBIG */
	{"HY000", 19, DB_BAD_DATA, false}, /* SQLITE_CONSTRAINT */
	{"HY000", 20, DB_BAD_DATA, false}, /* SQLITE_MISMATCH */
	{NULL, 0, DB_FATAL, false},
};

/*
 * FTS5 without the texts themselves: a row is its grams, and is removed by giving them again. Grams
 * need neither positions nor sizes. What takes a text apart must leave them as they are. Larger
 * pages and later merges than its own make storing a third cheaper, and searches not slower.
 */
static const char *const index_make[] = {
	"CREATE VIRTUAL TABLE pc_index USING fts5(grams, content='', columnsize=0, detail=none, "
	"tokenize='ascii')",
	"INSERT INTO pc_index (pc_index, rank) VALUES ('pgsz', 4050)",
	"INSERT INTO pc_index (pc_index, rank) VALUES ('automerge', 8)",
	NULL,
};
static const char *const index_drop[] = {"DROP TABLE IF EXISTS pc_index", NULL};

#define INDEX_ROWS                                         \
	"SELECT rowid FROM pc_index WHERE pc_index MATCH " \
	"REPLACE(REPLACE(?, '&', ' AND '), '|', ' OR ') AND rowid > ? AND rowid < ? "

/*
 * The format of a row: a blank behind each number, 0xff behind each text, and 0xfe. As a literal it
 * could not stand here, for it is no UTF-8. PRINTF is ours for so many arguments as there are here
 * (odbc/sqlite_printf.c), and where it is SQLite's own the longest text comes first: what is longer
 * than the room that it has is copied into twice as much.
 */
#define NUMBER "256420"
#define TEXT   "2573FF"
#define FORMAT TEXT NUMBER NUMBER NUMBER NUMBER TEXT TEXT TEXT TEXT
#define PACKED(more, columns, rows)                                                             \
	"SELECT GROUP_CONCAT(x.row, '') FROM (SELECT PRINTF(CAST(x'" FORMAT more "FE' AS TEXT), " \
	"m.body, m.seq, m.time, m.author, m.flags, m.client_id, m.title, m.rich_type, "         \
	"m.rich" columns ") AS row " rows ") AS x"
#define PACKED_ALONE(rows) PACKED("", "", rows)
#define PACKED_NAMED(rows) PACKED(TEXT TEXT, ", p.uri, p.name", rows)

static const char *const statements[STATEMENTS] = {
	[STATEMENT_FILE] = "SELECT file FROM pragma_database_list WHERE name = 'main'",
	[STATEMENT_WRITABLE] = "SELECT 1 - query_only FROM pragma_query_only",
	[STATEMENT_SCHEMA_EXISTS] =
		"SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'pc_schema'",
	[STATEMENT_RECORD_SCHEMA_EXISTS] =
		"SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'pcc_schema'",
	/* Of one room; with FROM (VALUES ...) it would make a table for them first. */
	[STATEMENT_ROOM_SEQ] = "UPDATE pc_room SET last_seq = MAX(last_seq, ?) WHERE id = ?",
	[STATEMENT_INDEX_POSSIBLE] = "SELECT COUNT(*) FROM pragma_module_list WHERE name = 'fts5'",
	[STATEMENT_INDEX_PUT] = "INSERT INTO pc_index (rowid, grams) VALUES (?, ?)",
	[STATEMENT_INDEX_REMOVE] =
		"INSERT INTO pc_index (pc_index, rowid, grams) VALUES ('delete', ?, ?)",
	[STATEMENT_RETAINED_SIZES] =
		"SELECT seq, LENGTH(CAST(body AS BLOB)) + LENGTH(CAST(title AS BLOB)) + "
		"LENGTH(CAST(rich AS BLOB)) FROM pc_message "
		"WHERE room = ? AND seq > ? AND seq < ? ORDER BY seq DESC LIMIT ?",
	[STATEMENT_ROOM_SIZES] = "SELECT r.id, COALESCE((SELECT SUM(LENGTH(CAST(m.body AS BLOB)) + "
				 "LENGTH(CAST(m.title AS BLOB)) + LENGTH(CAST(m.rich AS BLOB))) "
				 "FROM pc_message AS m "
				 "WHERE m.room = r.id AND m.seq > r.purged), 0) FROM pc_room AS r "
				 "WHERE r.id > ? AND r.last_seq > r.purged ORDER BY r.id LIMIT ?",
	[STATEMENT_HISTORY_NEWEST] = PACKED_NAMED(STATEMENT_OF_NEWEST),
	[STATEMENT_HISTORY_OLDEST] = PACKED_NAMED(STATEMENT_OF_OLDEST),
	/* With one bound below, which is looked up once and not compared with each row. */
	[STATEMENT_PAGE_NEWEST] = PACKED_ALONE(
		STATEMENT_OF_ALONE "AND m.seq > MAX(?, " STATEMENT_OF_PURGED
				   ") AND m.seq < ? ORDER BY m.seq DESC LIMIT ?"),
	[STATEMENT_PAGE_OLDEST] = PACKED_ALONE(STATEMENT_OF_PAGE_OLDEST),
	[STATEMENT_INDEX_NEWEST] = INDEX_ROWS "ORDER BY rowid DESC LIMIT ?",
	[STATEMENT_INDEX_OLDEST] = INDEX_ROWS "ORDER BY rowid LIMIT ?",
};

static const struct dialect_word words[] = {
	{"text", "TEXT"},
	{"text N", "VARCHAR(N)"},
	{"binary", "BLOB"},
	{"keyed", "WITHOUT ROWID"},
	{"wide key", "PRIMARY KEY"},
	{"add", "ADD COLUMN"},
	{"length", "LENGTH"},
	{"now", "CAST(STRFTIME('%s', 'now') AS INTEGER) * 1000000"},
	{"uuid", "LOWER(HEX(RANDOMBLOB(4)) || '-' || HEX(RANDOMBLOB(2)) || '-4' || "
		 "SUBSTR(HEX(RANDOMBLOB(2)), 2) || '-' || SUBSTR('89AB', 1 + ABS(RANDOM() % 4), 1) "
		 "|| SUBSTR(HEX(RANDOMBLOB(2)), 2) || '-' || HEX(RANDOMBLOB(6)))"},
	{NULL, NULL},
};

static const struct dialect_option options[] = {{"Timeout", "400"}, {NULL, NULL}};

const struct dialect dialect_sqlite = {
	.name = "sqlite",
	.dbms = "SQLite",
	.hint = "sqlite",
	.options = options,
	.settle = sqlite_library_settle,
	.session = session,
	.begin = "BEGIN IMMEDIATE",
	.begin_read = begin_read,
	.commit = "COMMIT",
	.rollback = "ROLLBACK",
	.schema_lock = NULL, /* BEGIN IMMEDIATE is the lock */
	.packs = PACKS_ENDS,
	.writes = "WITH kept AS (SELECT 1) ",
	.text_type = SQL_LONGVARCHAR,
	.binary_type = SQL_LONGVARBINARY,
	.errors = errors,
	.is_file = true,
	.statements = statements,
	.words = words,
	.index_make = index_make,
	.index_drop = index_drop,
	.index_needs_text = true,
};
