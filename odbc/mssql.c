#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <odbcinst.h>
#include <sqlext.h>

#include "odbc/dialect.h"
#include "odbc/mssql_text.h"

/*
 * SQL Server by FreeTDS. The driver's traps, and who deals with them:
 *  1. Text bound as VARCHAR or WVARCHAR is cut at 4,000 units without a word, VARBINARY at 8,000
 * bytes: the long types are used for all of it (text_type, binary_type below).
 *  2. A string that is no UTF-8 spoils the connection for good: db_execute checks it before.
 *  3. A connection has one statement with a result open, and what ends a transaction is a
 * statement, too: db_end_result ends it before.
 *  4. A query's time-out and SQLCancel do not end it: processes that hang are killed from outside.
 *  5. A lost connection shows as HY000 without a code, while rows are read as 01000, or without any
 *     diagnosis: errors below, and dialect_sort; of a commit it is uncertain anyhow.
 *  6. The SQLSTATE says little, the native code much: errors below.
 *  7. With autocommit off a transaction is always open: BEGIN and COMMIT are statements.
 *  8. SNAPSHOT cannot be set by attribute: begin_read sets it by statement.
 *  9. There is no SQLDescribeParam, and a ColumnSize of 0 would make a plan for each length: types
 * and sizes are always the same. A statement's failure may come behind its first result, so all
 * results are looked at (more_results).
 * 10. SQLGetData says SQL_NO_TOTAL, and cuts characters in two: db_fetch joins the bytes.
 * 11. At most 2,100 parameters: parameters_max.
 * 12. Encryption needs "ca file" in freetds.conf to mean anything, and that is read only for a
 * Servername, not for a Server: warning below, pchatd.conf(5).
 * FreeTDS gives no more of a long text than TEXTSIZE says: it is set.
 */
enum { ITEM_MAX = 128 }; /* bytes of what a connection string says */

static const struct dialect_option options[] = {
	{"TDS_Version", "7.4"},
	{"ClientCharset", "UTF-8"},
	{NULL, NULL},
};

static const char *const session[] = {
	"SET NOCOUNT ON",
	"SET TEXTSIZE 2147483647",
	"SET LOCK_TIMEOUT 2000",
	"SET XACT_ABORT OFF",
	NULL,
};

/* The database must have been told ALLOW_SNAPSHOT_ISOLATION ON. */
static const char *const begin_read[] = {
	"SET TRANSACTION ISOLATION LEVEL SNAPSHOT",
	"BEGIN TRANSACTION",
	NULL,
};

static const struct dialect_error errors[] = {
	{"", 1205, DB_RETRY, false}, /* deadlock, as 42000 */
	{"", 1222, DB_RETRY, false}, /* a lock's time-out */
	{"", 33557097, DB_RETRY,
	 false},		      /* Babelfish, of whatever it has no code for: this as well */
	{"", 51222, DB_RETRY, false}, /* ours: somebody else changes the schema */
	{"", 3960, DB_RETRY, false},  /* conflict of snapshots */
	{"", 2627, DB_BAD_DATA, false},	  /* a key is there already */
	{"", 2601, DB_BAD_DATA, false},	  /* the same, by an index */
	{"", 2628, DB_BAD_DATA, false},	  /* text would be cut */
	{"", 8152, DB_BAD_DATA, false},	  /* the same */
	{"", 8115, DB_BAD_DATA, false},	  /* overflow */
	{"", 547, DB_BAD_DATA, false},	  /* a CHECK */
	{"", 515, DB_BAD_DATA, false},	  /* NULL */
	{"HY019", 0, DB_BAD_DATA, false}, /* overflow */
	{"", 3906, DB_RETRY, true},	  /* the database is read-only */
	{"", 3908, DB_RETRY, true},	  /* it is being recovered */
	{"", 978, DB_RETRY, true},	  /* a secondary that only lets readers in */
	{"", 979, DB_RETRY, true},
	{"", 983, DB_RETRY, true},   /* a secondary that lets nobody in */
	{"", 954, DB_RETRY, true},   /* a mirror */
	{"", 18456, DB_FATAL, true}, /* not let in */
	{"", 4060, DB_FATAL, true},  /* no such database */
	{"", 911, DB_FATAL, true},   /* the same */
	{"", 1101, DB_RETRY, false}, /* disk full */
	{"", 1105, DB_RETRY, false},
	{"", 9002, DB_RETRY, false}, /* log full */
	{"", 701, DB_RETRY, false},  /* no memory */
	{"", 802, DB_RETRY, false},
	{"", 8645, DB_RETRY, false},
	{"", 8651, DB_RETRY, false},
	{"", 596, DB_RETRY, false},  /* the session was ended */
	{"", 6005, DB_RETRY, false}, /* shutting down */
	{"", 823, DB_RETRY, false},  /* the disk failed */
	{"", 3902, DB_RETRY, false}, /* the transaction is gone */
	{"", 3903, DB_RETRY, false},
	{"", 20002, DB_RETRY, false}, /* the driver's own, as 01000 or 08S01: not connected */
	{"", 20003, DB_RETRY, false}, /* no answer in time */
	{"", 20004, DB_RETRY, false}, /* could not be read from */
	{"", 20006, DB_RETRY, false}, /* could not be written to */
	{"", 20008, DB_RETRY, false}, /* no socket */
	{"", 20009, DB_RETRY, false}, /* the server is away */
	{"", 20010, DB_RETRY, false}, /* no memory */
	{"", 20017, DB_RETRY, false}, /* it ended the connection */
	{"", 20020, DB_RETRY, false}, /* out of step */
	{"", 20047, DB_RETRY, false}, /* the connection is dead */
	{"", 2402, DB_RETRY, false},  /* a string that spoilt the connection */
	{"HY000", DIALECT_NO_CODE, DB_RETRY, false}, /* the connection is lost */
	{NULL, 0, DB_FATAL, false},
};

/*
 * A full-text index cannot be made in a transaction, and not every server has the service: an
 * administrator makes the table and its index (pchat-schema(7)), and what is there is used, as long
 * as it cannot keep a message from being found: grams may be words of any language, so nothing may
 * know one (the neutral language has no rules for words, and there is no list of words left out),
 * and the server, which fills the index a little later than the table, must have filled it. How many
 * changes wait is asked first: those that do not wait any more are being worked in, or are in.
 */
static const char *const index_make[] = {NULL};
static const char *const index_drop[] = {
	"IF OBJECT_ID('pc_index', 'U') IS NOT NULL DELETE FROM pc_index",
	NULL,
};

#define INDEX_ROWS                                                                             \
	"DECLARE @query NVARCHAR(4000) = REPLACE(REPLACE(?, N'&', N' AND '), N'|', N' OR '), " \
	"@above BIGINT = ?, @below BIGINT = ?, @most BIGINT = ?; "                             \
	"SELECT TOP (@most) id FROM pc_index "                                                 \
	"WHERE CONTAINS(grams, @query) AND id > @above AND id < @below "

static const char *const statements[STATEMENTS] = {
	[STATEMENT_WRITABLE] = "SELECT CASE WHEN DATABASEPROPERTYEX(DB_NAME(), 'Updateability') = "
			       "'READ_WRITE' THEN 1 ELSE 0 END",
	[STATEMENT_SCHEMA_EXISTS] =
		"SELECT CASE WHEN OBJECT_ID('pc_schema', 'U') IS NULL THEN 0 ELSE 1 END",
	[STATEMENT_RECORD_SCHEMA_EXISTS] =
		"SELECT CASE WHEN OBJECT_ID('pcc_schema', 'U') IS NULL THEN 0 ELSE 1 END",
	[STATEMENT_ROOM_SEQ] =
		"UPDATE r SET last_seq = v.seq FROM pc_room AS r INNER JOIN "
		"(VALUES (CAST(? AS BIGINT), CAST(? AS BIGINT))) AS v (seq, id) ON r.id = v.id "
		"WHERE r.last_seq < v.seq",
	[STATEMENT_INDEX_POSSIBLE] =
		"SELECT CASE WHEN OBJECT_ID('pc_index', 'U') IS NULL THEN 0 ELSE 1 END",
	[STATEMENT_INDEX_READY] =
		"DECLARE @table INT = OBJECT_ID('pc_index', 'U'); DECLARE @pending INT = "
		"CAST(OBJECTPROPERTYEX(@table, 'TableFulltextPendingChanges') AS INT); "
		"SELECT COUNT(*) FROM sys.fulltext_indexes AS i "
		"INNER JOIN sys.fulltext_index_columns AS c ON c.object_id = i.object_id "
		"WHERE i.object_id = @table AND i.is_enabled = 1 AND i.has_crawl_completed = 1 "
		"AND i.change_tracking_state = 'A' AND i.stoplist_id IS NULL "
		"AND c.language_id = 0 AND COL_NAME(c.object_id, c.column_id) = 'grams' "
		"AND @pending = 0 AND OBJECTPROPERTYEX(@table, 'TableFulltextPopulateStatus') = 0 "
		"AND OBJECTPROPERTYEX(@table, 'TableFulltextFailCount') = 0",
	[STATEMENT_RETAINED_SIZES] =
		"SELECT seq, DATALENGTH(body) + DATALENGTH(title) + DATALENGTH(rich) "
		"FROM pc_message WHERE room = ? AND seq > ? AND seq < ? "
		"ORDER BY seq DESC OFFSET 0 ROWS FETCH NEXT ? ROWS ONLY",
	[STATEMENT_ROOM_SIZES] =
		"SELECT r.id, COALESCE((SELECT SUM(CAST(DATALENGTH(m.body) + DATALENGTH(m.title) + "
		"DATALENGTH(m.rich) AS BIGINT)) FROM pc_message AS m "
		"WHERE m.room = r.id AND m.seq > r.purged), 0) FROM pc_room AS r "
		"WHERE r.id > ? AND r.last_seq > r.purged ORDER BY r.id OFFSET 0 ROWS FETCH NEXT ? "
		"ROWS ONLY",
	/* A row that is there has the same grams: a message that changes leaves the index before.
	 */
	[STATEMENT_INDEX_PUT] =
		"INSERT INTO pc_index (id, grams) SELECT v.id, v.grams FROM "
		"(VALUES (CAST(? AS BIGINT), CAST(? AS NVARCHAR(MAX)))) AS v (id, grams) "
		"WHERE NOT EXISTS (SELECT 1 FROM pc_index AS o WHERE o.id = v.id)",
	[STATEMENT_INDEX_NEWEST] = INDEX_ROWS "ORDER BY id DESC",
	[STATEMENT_INDEX_OLDEST] = INDEX_ROWS "ORDER BY id",
};

/* Names are compared unit by unit of UTF-16. */
static const struct dialect_word words[] = {
	{"text", "NVARCHAR(MAX) COLLATE Latin1_General_100_BIN2"},
	{"text N", "NVARCHAR(N) COLLATE Latin1_General_100_BIN2"},
	{"binary", "VARBINARY(MAX)"},
	{"keyed", ""},
	{"wide key", "PRIMARY KEY NONCLUSTERED"},
	{"add", "ADD"},
	{"length", "LEN"},
	{"now", "DATEDIFF_BIG(SECOND, '1970-01-01', SYSUTCDATETIME()) * 1000000"},
	{"uuid", "LOWER(CONVERT(NVARCHAR(36), NEWID()))"},
	{NULL, NULL},
};

/* A line "ca file = ..." in any section: which of them counts only the driver knows. */
static bool has_ca_file(const char *path)
{
	FILE *in = path ? fopen(path, "re") : NULL;
	bool found = false;
	char line[512];

	while (in && !found && fgets(line, sizeof(line), in))
		found = strncasecmp(line + strspn(line, " \t"), "ca file", 7) == 0;
	if (in)
		fclose(in);
	return found;
}

/* What a connection string says of something, or nothing. */
static void find_item(const char *dsn, const char *name, char out[ITEM_MAX])
{
	const size_t length = strlen(name);

	*out = '\0';
	for (; *dsn; dsn += strcspn(dsn, ";"), dsn += *dsn == ';')
		if (strncasecmp(dsn, name, length) == 0 && dsn[length] == '=') {
			dsn += length + 1;
			snprintf(out, ITEM_MAX, "%.*s", (int)strcspn(dsn, ";"), dsn);
			return;
		}
}

/* The same, or what the data source says that it names. */
static void find_setting(const char *dsn, const char *name, char out[ITEM_MAX])
{
	char source[ITEM_MAX];

	find_item(dsn, name, out);
	find_item(dsn, "DSN", source);
	if (*out == '\0' && *source)
		SQLGetPrivateProfileString(source, name, "", out, ITEM_MAX, "odbc.ini");
}

/* The driver encrypts for whoever answers, and is content. Where it is told the server by its
 * address it does not even read its own file. */
static const char *warning(const char *dsn)
{
	const char *own = getenv("FREETDSCONF");
	char encryption[ITEM_MAX], server[ITEM_MAX];

	find_setting(dsn, "Encryption", encryption);
	find_setting(dsn, "Servername", server);
	if (strcasecmp(encryption, "require") != 0 && strcasecmp(encryption, "strict") != 0)
		return NULL;
	if (*server == '\0')
		return "the database's certificate is not checked: FreeTDS reads freetds.conf only "
		       "where a Servername is given";
	if (!has_ca_file(own ? own : "/etc/freetds/freetds.conf"))
		return "the database's certificate is not checked: freetds.conf has no \"ca file\"";
	return NULL;
}

const struct dialect dialect_mssql = {
	.name = "mssql",
	.dbms = "Microsoft SQL Server",
	.hint = "tds",
	.options = options,
	.session = session,
	.begin = "BEGIN TRANSACTION",
	.begin_read = begin_read,
	.commit = "COMMIT TRANSACTION",
	/* A failure may have rolled it back already. */
	.rollback = "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION",
	.schema_lock = "DECLARE @got INT; "
		       "EXEC @got = sp_getapplock @Resource = 'pchat schema', "
		       "@LockMode = 'Exclusive', @LockOwner = 'Transaction', @LockTimeout = 2000; "
		       "IF @got < 0 THROW 51222, 'somebody else changes the schema', 1",
	.text_type = SQL_WLONGVARCHAR,
	.binary_type = SQL_LONGVARBINARY,
	.errors = errors,
	.warning = warning,
	.statements = statements,
	.words = words,
	.index_make = index_make,
	.index_drop = index_drop,
	.rows = {10}, /* 100 take a fifth longer a row: a parameter costs more than a round trip */
	.parameters_max = 2000,
	.more_results = true,
	.repeat_native = 2627,
	.write = mssql_text,
};
