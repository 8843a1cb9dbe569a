#ifndef PCHAT_ODBC_DIALECT_H
#define PCHAT_ODBC_DIALECT_H

#include <stdbool.h>
#include <stdint.h>

#include "odbc/db.h"
#include "odbc/statement.h"

/*
 * What differs between the databases, and nothing else does: one constant struct each. A new
 * database is a new pair of files, NAME.c (this struct, statements, error codes) and NAME_schema.c.
 */

/* How a failure is sorted: the first row that agrees counts. */
struct dialect_error {
	const char *state; /* SQLSTATE or its first letters; "": any */
	int native;	   /* the database's own code; 0: any */
	enum db_result result;
	bool next; /* this database takes no writes: the next connection string is tried */
};

/* One upgrade of the schema: statements, ended by NULL, run in one transaction. */
struct dialect_step {
	const char *const *sql;
};

struct dialect {
	const char *name; /* "sqlite" */
	const char *dbms; /* SQL_DBMS_NAME begins with this */
	const char *hint; /* a connection string that has this in it is of this dialect */

	/* Appended to a connection string that does not name option itself; NULL: nothing. */
	const char *option, *option_value;

	const char *const *session; /* run after connecting, ended by NULL */
	const char *begin, *commit, *rollback;
	const char
		*schema_lock; /* run behind begin before the schema is changed; NULL: not needed */

	int16_t text_type, binary_type;	    /* SQL types as which text and binary are bound */
	const struct dialect_error *errors; /* ended by a row without a state */
	const char *const *statements;	    /* by enum statement */
	const struct dialect_step *steps;   /* number 1 first */
	unsigned step_count;
};

extern const struct dialect dialect_sqlite;

/* The dialect by SQL_DBMS_NAME, or NULL. */
const struct dialect *dialect_of_dbms(const char *dbms);

/* The dialect that a connection string seems to be of, before anything is connected, or NULL. */
const struct dialect *dialect_of_dsn(const char *dsn);

/* What a failure means. dialect NULL: not known yet. *next_r: try the next connection string. */
enum db_result dialect_sort(const struct dialect *dialect, const char *state, int native,
			    bool *next_r);

/* Parameters and columns of a statement (odbc/statement.h). */
const char *dialect_parameters(enum statement number);
const char *dialect_columns(enum statement number);

#endif
