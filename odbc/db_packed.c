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

static bool take_number(struct db_stmt *stmt, int64_t *number_r)
{
	const bool is_negative = stmt->next < stmt->end && *stmt->next == '-';
	const char *const begin = stmt->next += is_negative;
	int64_t number = 0;

	for (; stmt->next < stmt->end && *stmt->next >= '0' && *stmt->next <= '9'; stmt->next++)
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, *stmt->next - '0', &number))
			return false;
	*number_r = is_negative ? -number : number;
	return stmt->next > begin && stmt->next < stmt->end && *stmt->next++ == ' ';
}

static char *end_by_length(const struct db_stmt *stmt, const struct column *column)
{
	if (column->integer < 0 || column->integer >= stmt->end - stmt->next ||
	    stmt->next[column->integer] != '\n')
		return NULL;
	return stmt->next + column->integer;
}

/* Texts are terminated, where the byte behind them was. */
static bool take_text(struct db_stmt *stmt, struct column *column, bool has_length)
{
	char *const end = has_length
				  ? end_by_length(stmt, column)
				  : memchr(stmt->next, TEXT_END, (size_t)(stmt->end - stmt->next));

	if (!end)
		return false;
	column->bytes = stmt->next;
	column->length = end - stmt->next;
	*end = '\0';
	stmt->next = end + 1;
	return true;
}

static bool take_end(struct db_stmt *stmt)
{
	return stmt->next < stmt->end && (uint8_t)*stmt->next++ == ROW_END;
}

static bool take_row(struct db_stmt *stmt)
{
	const bool has_lengths = stmt->db->dialect->packs == PACKS_LENGTHS;
	const char *const kinds = dialect_columns(stmt->number);
	bool good = true;

	for (unsigned i = 0; kinds[i] && good; i++) {
		if (kinds[i] == 't' && !has_lengths)
			continue;
		good = take_number(stmt, &stmt->column[i].integer);
		stmt->column[i].length = sizeof(stmt->column[i].integer);
	}
	for (unsigned i = 0; kinds[i] && good; i++)
		if (kinds[i] == 't')
			good = take_text(stmt, &stmt->column[i], has_lengths);
	return good && (has_lengths || take_end(stmt));
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
