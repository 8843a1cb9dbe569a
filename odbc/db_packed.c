#include <stdlib.h>
#include <string.h>

#include "odbc/db_handle.h"

/*
 * Rows that a database hands over in one value, because a value costs more to fetch than to read:
 * 50 messages are 450 values otherwise. A row is its numbers in decimal with a blank behind each
 * and then its texts. Either the lengths of the texts stand among the numbers and there is a line
 * feed behind each text, or there is a byte behind each that no text has (enum dialect_packing).
 * The dialects have the statements that make it.
 */
enum {
	PACKED_FIRST = 16384,  /* bytes that are asked for first: most pages have less */
	PACKED_KEPT = 1 << 20, /* a buffer that had to be larger is not kept */
	TEXT_END = 0xff,
	ROW_END = 0xfe,
};

void db_drop_packed(struct db_stmt *stmt)
{
	stmt->next = stmt->end = NULL;
	if (stmt->packed.size <= PACKED_KEPT)
		return;
	free(stmt->packed.data);
	memset(&stmt->packed, 0, sizeof(stmt->packed));
}

/* All rows. An aggregate of none is NULL. */
static SQLRETURN read_all(struct db_stmt *stmt)
{
	SQLRETURN ret = SQLFetch(stmt->handle);

	if (SQL_SUCCEEDED(ret))
		ret = db_get_bytes(stmt, 0, &stmt->packed, 't', PACKED_FIRST);
	if (!SQL_SUCCEEDED(ret))
		return ret;
	stmt->next = stmt->end = stmt->packed.data;
	if (stmt->packed.length != SQL_NULL_DATA)
		stmt->end += stmt->packed.length;
	return ret;
}

/* These three take what is at the place and return where the next is; NULL: it is not there. */
static char *take_number(char *at, const char *end, int64_t *number_r)
{
	const bool is_negative = at < end && *at == '-';
	const char *const begin = at += is_negative;
	int64_t number = 0;

	for (; at < end && *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, *at - '0', &number))
			return NULL;
	*number_r = is_negative ? -number : number;
	return at > begin && at < end && *at == ' ' ? at + 1 : NULL;
}

/* Texts are terminated, where the byte behind them was. */
static char *take_text(char *at, char *behind, struct column *column)
{
	column->bytes = at;
	column->length = behind - at;
	*behind = '\0';
	return behind + 1;
}

static char *take_text_of(char *at, const char *end, struct column *column)
{
	const int64_t length = column->integer;

	if (length < 0 || length >= end - at || at[length] != '\n')
		return NULL;
	return take_text(at, at + length, column);
}

static char *take_by_lengths(const char *kinds, struct column *column, char *at, const char *end)
{
	for (unsigned i = 0; kinds[i] && at; i++) {
		at = take_number(at, end, &column[i].integer);
		column[i].length = sizeof(column[i].integer);
	}
	for (unsigned i = 0; kinds[i] && at; i++)
		if (kinds[i] == 't')
			at = take_text_of(at, end, &column[i]);
	return at;
}

static char *take_by_ends(const char *kinds, struct column *column, char *at, const char *end)
{
	for (unsigned i = 0; kinds[i] && at; i++) {
		if (kinds[i] == 't') {
			char *const behind = memchr(at, TEXT_END, (size_t)(end - at));

			at = behind ? take_text(at, behind, &column[i]) : NULL;
			continue;
		}
		at = take_number(at, end, &column[i].integer);
		column[i].length = sizeof(column[i].integer);
	}
	return at && at < end && (uint8_t)*at == ROW_END ? at + 1 : NULL;
}

static bool take_row(struct db_stmt *stmt)
{
	const char *const kinds = dialect_columns(stmt->number);

	if (stmt->db->dialect->packs == PACKS_LENGTHS)
		stmt->next = take_by_lengths(kinds, stmt->column, stmt->next, stmt->end);
	else
		stmt->next = take_by_ends(kinds, stmt->column, stmt->next, stmt->end);
	return stmt->next != NULL;
}

enum db_result db_fetch_packed(struct db_stmt *stmt, struct err *err)
{
	const SQLRETURN ret = stmt->next ? SQL_SUCCESS : read_all(stmt);
	enum db_result result;

	if (!SQL_SUCCEEDED(ret) && ret != SQL_NO_DATA) {
		result = db_fail(stmt->db, SQL_HANDLE_STMT, stmt->handle, "read rows", err);
		db_done(stmt);
		return result;
	}
	if (ret == SQL_NO_DATA || stmt->next == stmt->end) {
		db_done(stmt);
		return DB_END;
	}
	if (take_row(stmt))
		return DB_OK;
	db_done(stmt);
	/* What we store is checked before. */
	err_set(err, "could not understand a row: somebody has put a text there that is none");
	return DB_BAD_DATA;
}
