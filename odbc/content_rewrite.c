#include "odbc/content.h"

/* Tables of which nothing can be told but that all of it is replaced. */
static const char *const links[] = {
	"DELETE FROM pc_role",	  "DELETE FROM pc_affiliation", "DELETE FROM pc_invitation",
	"DELETE FROM pc_invited", "DELETE FROM pc_marker",	"DELETE FROM pc_feed",
	"DELETE FROM pc_request", "DELETE FROM pc_setting",	"DELETE FROM pc_grant",
};

enum db_result content_forget_links(struct db *db, struct err *err)
{
	enum db_result result = DB_OK;

	for (unsigned i = 0; i < sizeof(links) / sizeof(links[0]) && result == DB_OK; i++)
		result = db_run(db, links[i], err);
	return result;
}

enum db_result content_message_forget(struct db *db, uint32_t room, uint64_t seq, struct err *err)
{
	struct db_stmt *stmt = db_statement(db, STATEMENT_MESSAGE_REMOVE);

	db_bind_int(stmt, 0, room);
	db_bind_int(stmt, 1, (int64_t)seq);
	return db_execute(stmt, err);
}
