#include "odbc/content_export.h"

/* What users have of their own: five tables of the same shape, whose columns differ. */

enum column { PRINCIPAL, ITEM, WHO, ROOM, FLAGS, NUMBER, TIME, NAME, TEXT, COLUMNS_END };

enum { COLUMNS_MAX = 8 };

static const struct table {
	enum statement put, remove, list, export;
	enum column column[COLUMNS_MAX]; /* as in put and in list; the first two are the key */
} tables[CONTENT_PERSON_KINDS] = {
	[CONTENT_INVITATION] = {STATEMENT_INVITATION_PUT,
				STATEMENT_INVITATION_REMOVE,
				STATEMENT_INVITATIONS,
				STATEMENT_EXPORT_INVITATIONS,
				{PRINCIPAL, ITEM, NUMBER, TIME, WHO, COLUMNS_END}},
	[CONTENT_MARKER] = {STATEMENT_MARKER_PUT,
			    STATEMENT_MARKER_REMOVE,
			    STATEMENT_MARKERS,
			    STATEMENT_EXPORT_MARKERS,
			    {PRINCIPAL, ITEM, NUMBER, COLUMNS_END}},
	[CONTENT_FEED] = {STATEMENT_FEED_PUT,
			  STATEMENT_FEED_REMOVE,
			  STATEMENT_FEEDS,
			  STATEMENT_EXPORT_FEEDS,
			  {PRINCIPAL, ITEM, NAME, TEXT, WHO, ROOM, FLAGS, COLUMNS_END}},
	[CONTENT_REQUEST] = {STATEMENT_REQUEST_PUT,
			     STATEMENT_REQUEST_REMOVE,
			     STATEMENT_REQUESTS,
			     STATEMENT_EXPORT_REQUESTS,
			     {PRINCIPAL, ITEM, TIME, TEXT, COLUMNS_END}},
	[CONTENT_INVITED] = {STATEMENT_INVITED_PUT,
			     STATEMENT_INVITED_REMOVE,
			     STATEMENT_INVITED,
			     STATEMENT_EXPORT_INVITED,
			     {PRINCIPAL, NUMBER, TIME, COLUMNS_END}},
};

static void bind(struct db_stmt *stmt, unsigned place, enum column column,
		 const struct content_person *person)
{
	switch (column) {
	case PRINCIPAL:
		db_bind_int(stmt, place, person->principal);
		break;
	case ITEM:
		db_bind_int(stmt, place, person->item);
		break;
	case WHO:
		db_bind_int(stmt, place, person->who);
		break;
	case ROOM:
		db_bind_int(stmt, place, person->room);
		break;
	case FLAGS:
		db_bind_int(stmt, place, person->flags);
		break;
	case NUMBER:
		db_bind_int(stmt, place, (int64_t)person->number);
		break;
	case TIME:
		db_bind_int(stmt, place, (int64_t)person->time);
		break;
	case NAME:
		db_bind_text(stmt, place, person->name.data, person->name.length);
		break;
	default:
		db_bind_text(stmt, place, person->text.data, person->text.length);
		break;
	}
}

static void take(const struct db_stmt *stmt, unsigned place, enum column column,
		 struct content_person *person)
{
	switch (column) {
	case PRINCIPAL:
		person->principal = (uint32_t)db_int(stmt, place);
		break;
	case ITEM:
		person->item = (uint32_t)db_int(stmt, place);
		break;
	case WHO:
		person->who = (uint32_t)db_int(stmt, place);
		break;
	case ROOM:
		person->room = (uint32_t)db_int(stmt, place);
		break;
	case FLAGS:
		person->flags = (uint8_t)db_int(stmt, place);
		break;
	case NUMBER:
		person->number = (uint64_t)db_int(stmt, place);
		break;
	case TIME:
		person->time = (uint64_t)db_int(stmt, place);
		break;
	case NAME:
		person->name = db_bytes(stmt, place);
		break;
	default:
		person->text = db_bytes(stmt, place);
		break;
	}
}

enum db_result content_person_put(struct db *db, enum content_person_kind kind,
				  const struct content_person *person, struct err *err)
{
	const struct table *table = &tables[kind];
	struct db_stmt *stmt = db_statement(db, table->put);

	for (unsigned i = 0; table->column[i] != COLUMNS_END; i++)
		bind(stmt, i, table->column[i], person);
	return db_execute(stmt, err);
}

enum db_result content_person_remove(struct db *db, enum content_person_kind kind,
				     uint32_t principal, uint32_t item, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, tables[kind].remove);

	db_bind_int(stmt, 0, principal);
	db_bind_int(stmt, 1, item);
	return db_execute(stmt, err);
}

static enum db_result execute_above(struct db *db, enum statement number,
				    const struct content_person *above, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, number);

	db_bind_int(stmt, 0, above->principal);
	db_bind_int(stmt, 1, above->item);
	db_bind_int(stmt, 2, CONTENT_LOAD_PAGE);
	return db_execute(stmt, err);
}

enum db_result content_people(struct db *db, enum content_person_kind kind,
			      const struct content_person *above, struct err *err)
{
	return execute_above(db, tables[kind].list, above, err);
}

/* The row of a table, and how many columns that were. */
static enum db_result next_row(struct db_stmt *stmt, const struct table *table,
			       struct content_person *person_r, unsigned *columns_r,
			       struct err *err)
{
	const enum db_result result = db_fetch(stmt, err);
	unsigned i;

	if (result != DB_OK)
		return result;
	*person_r = (struct content_person){0};
	for (i = 0; table->column[i] != COLUMNS_END; i++)
		take(stmt, i, table->column[i], person_r);
	*columns_r = i;
	return DB_OK;
}

enum db_result content_people_next(struct db *db, enum content_person_kind kind,
				   struct content_person *person_r, struct err *err)
{
	const struct table *table = &tables[kind];
	unsigned columns;

	return next_row(db_open_statement(db, table->list), table, person_r, &columns, err);
}

/* --- For archives. --- */

enum db_result content_export_people(struct db *db, enum content_person_kind kind,
				     const struct content_person *above, struct err *err)
{
	return execute_above(db, tables[kind].export, above, err);
}

enum db_result content_export_people_next(struct db *db, enum content_person_kind kind,
					  struct content_person *person_r,
					  struct content_names *names_r, struct err *err)
{
	const struct table *table = &tables[kind];
	struct db_stmt *stmt = db_open_statement(db, table->export);
	unsigned column;
	const enum db_result result = next_row(stmt, table, person_r, &column, err);

	if (result != DB_OK)
		return result;
	*names_r = (struct content_names){.principal = db_bytes(stmt, column),
					  .node = db_bytes(stmt, column + 1),
					  .category = (uint32_t)db_int(stmt, column + 2),
					  .other = db_bytes(stmt, column + 3)};
	return DB_OK;
}
