#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "conf/conf.h"
#include "daemon/ctl.h"
#include "daemon/ctl_option.h"
#include "daemon/ctl_table.h"
#include "odbc/content_index.h"
#include "odbc/dialect.h"

/*
 * The databases of content.dsn, which are asked by ourselves: the server need not run, and whoever
 * may read the configuration may do so.
 */
struct database {
	unsigned number; /* of the connection string, from 1 */
	struct conf_list dsn;
	struct db *db; /* owned; NULL: no memory */
	enum db_result result;
	struct err err; /* where the result is not DB_OK */
	struct content_state state;
	bool indexed;  /* there is an index of texts */
	uint64_t rest; /* numbers of messages that are not in it yet */
};

static void open_database(struct database *database, const struct conf *conf, unsigned number)
{
	memset(database, 0, sizeof(*database));
	database->number = number;
	database->dsn.count = 1;
	database->dsn.item[0] = conf->content.dsn.item[number - 1];
	database->result = DB_FATAL;
	database->db = db_new(&database->dsn, &database->err);
	if (database->db)
		database->result = db_connect(database->db, &database->err);
	if (database->result == DB_OK)
		database->result =
			content_state_get(database->db, &database->state, &database->err);
	if (database->result == DB_OK && database->state.current)
		database->result = content_index_rest(database->db, &database->indexed,
						      &database->rest, &database->err);
}

/* What an administrator has to know first. */
static const char *state_of(const struct database *database)
{
	const struct content_state *state = &database->state;

	if (database->result != DB_OK)
		return "unreachable";
	if (state->version == 0)
		return "empty";
	if (state->version < state->wanted)
		return "old";
	if (state->version > state->wanted)
		return "too new";
	return state->writable ? "good" : "read-only";
}

static const char *dialect_of(const struct database *database)
{
	return database->result == DB_OK ? db_dialect(database->db)->name : "?";
}

/* --- status and check. --- */

static json_t *document_of(const struct database *database)
{
	const struct content_state *state = &database->state;
	json_t *row = json_pack("{s:I, s:s, s:s}", "database", (json_int_t)database->number,
				"state", state_of(database), "dialect", dialect_of(database));

	if (database->result != DB_OK) {
		json_object_set_new(row, "reason", json_string(database->err.text));
		return row;
	}
	json_object_set_new(row, "version", json_integer(state->version));
	json_object_set_new(row, "wanted", json_integer(state->wanted));
	json_object_set_new(row, "writable", json_boolean(state->writable));
	if (!state->current)
		return row;
	json_object_set_new(row, "lsn", json_integer((json_int_t)state->cursor.lsn));
	json_object_set_new(row, "time", json_integer((json_int_t)state->cursor.time));
	json_object_set_new(row, "dead_letters", json_integer((json_int_t)state->dead));
	json_object_set_new(row, "search_index", json_boolean(database->indexed));
	json_object_set_new(row, "not_indexed", json_integer((json_int_t)database->rest));
	return row;
}

static void add_time(struct ctl_table *table, uint64_t us)
{
	const time_t seconds = (time_t)(us / 1000000);
	char text[32];
	struct tm tm;

	if (us == 0 || !gmtime_r(&seconds, &tm))
		ctl_table_add(table, "-");
	else if (strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0)
		ctl_table_add(table, "%s", text);
}

static void add_row(struct ctl_table *table, const struct database *database)
{
	const struct content_state *state = &database->state;

	ctl_table_add(table, "%u", database->number);
	ctl_table_add(table, "%s", dialect_of(database));
	ctl_table_add(table, "%s", state_of(database));
	if (database->result != DB_OK) {
		for (unsigned i = 0; i < 5; i++)
			ctl_table_add(table, "-");
		return;
	}
	ctl_table_add(table, "%u of %u", state->version, state->wanted);
	if (!state->current) {
		for (unsigned i = 0; i < 4; i++)
			ctl_table_add(table, "-");
		return;
	}
	ctl_table_add(table, "%" PRIu64, state->cursor.lsn);
	add_time(table, state->cursor.time);
	ctl_table_add(table, "%" PRIu64, state->dead);
	ctl_table_add(table, !database->indexed ? "none" : database->rest ? "being made" : "whole");
}

static struct ctl_table *new_table(void)
{
	static const char *const heads[] = {"DATABASE", "DIALECT",	"STATE",	"VERSION",
					    "LSN",	"NEWEST EVENT", "DEAD LETTERS", "INDEX"};

	return ctl_table_new("rlllrlrl", heads);
}

static int look_at_all(const struct ctl *ctl, bool *good_r)
{
	const struct conf_list *dsn = &ctl->conf->content.dsn;
	json_t *document = json_array();
	struct ctl_table *table = new_table();
	int code;

	*good_r = false;
	for (unsigned i = 1; i <= dsn->count; i++) {
		struct database database;

		open_database(&database, ctl->conf, i);
		json_array_append_new(document, document_of(&database));
		add_row(table, &database);
		if (database.result != DB_OK && !ctl->json)
			ctl_fail(ctl, 0, "database %u: %s", i, database.err.text);
		if (strcmp(state_of(&database), "good") == 0)
			*good_r = true;
		db_free(&database.db);
	}
	if (ctl->json) {
		code = ctl_print_json(ctl, document);
		ctl_table_free(&table);
	} else {
		code = ctl_print_table(ctl, table);
	}
	json_decref(document);
	return code;
}

static int no_configuration(const struct ctl *ctl)
{
	return ctl_fail(ctl, EX_CONFIG, "needs a configuration (-f), which names the databases");
}

int ctl_database_status(const struct ctl *ctl)
{
	bool good;

	return ctl->conf ? look_at_all(ctl, &good) : no_configuration(ctl);
}

int ctl_database_check(const struct ctl *ctl)
{
	bool good;
	const int code = ctl->conf ? look_at_all(ctl, &good) : no_configuration(ctl);

	if (code != EX_OK || good)
		return code;
	return ctl_fail(ctl, EX_UNAVAILABLE, "the server could not use any of them");
}

/* --- create and upgrade. --- */

static int number_of(const struct ctl *ctl, unsigned *number_r)
{
	const unsigned count = ctl->conf->content.dsn.count;
	char *end;
	unsigned long number = 1;

	if (ctl->count > 0) {
		number = strtoul(ctl->arguments[0], &end, 10);
		if (*end || number == 0 || number > count)
			return ctl_fail(ctl, EX_USAGE, "there are databases 1 to %u", count);
	}
	*number_r = (unsigned)number;
	return EX_OK;
}

static int change(const struct ctl *ctl, struct database *database)
{
	const struct content_state *state = &database->state;
	bool there, made;
	struct err err;

	if (ctl->option[CTL_DRY_RUN]) {
		printf("would apply the steps %u to %u to database %u\n", state->version + 1,
		       state->wanted, database->number);
		return EX_OK;
	}
	if (content_open(database->db, &err) != DB_OK ||
	    content_index_open(database->db, ctl->conf->content.search_index, &there, &made,
			       &err) != DB_OK)
		return ctl_fail(ctl, EX_UNAVAILABLE, "%s", err.text);
	if (!ctl->json)
		printf("database %u has version %u\n", database->number, state->wanted);
	return EX_OK;
}

static int change_one(const struct ctl *ctl, bool is_new)
{
	struct database database;
	unsigned number = 0;
	int code = ctl->conf ? number_of(ctl, &number) : no_configuration(ctl);

	if (code != EX_OK)
		return code;
	open_database(&database, ctl->conf, number);
	if (database.result != DB_OK)
		code = ctl_fail(ctl, EX_UNAVAILABLE, "database %u: %s", number, database.err.text);
	else if (database.state.version > database.state.wanted)
		code = ctl_fail(ctl, EX_DATAERR,
				"database %u has version %u, this program knows %u", number,
				database.state.version, database.state.wanted);
	else if (is_new && database.state.version > 0)
		code = ctl_fail(ctl, EX_DATAERR, "database %u has a schema already", number);
	else if (!is_new && database.state.version == 0)
		code = ctl_fail(ctl, EX_DATAERR, "database %u has no schema yet", number);
	else if (!database.state.writable)
		code = ctl_fail(ctl, EX_UNAVAILABLE, "database %u takes no writes", number);
	else
		code = change(ctl, &database);
	db_free(&database.db);
	return code;
}

int ctl_database_create(const struct ctl *ctl)
{
	return change_one(ctl, true);
}

int ctl_database_upgrade(const struct ctl *ctl)
{
	return change_one(ctl, false);
}
