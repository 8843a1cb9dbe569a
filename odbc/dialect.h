#ifndef PCHAT_ODBC_DIALECT_H
#define PCHAT_ODBC_DIALECT_H

#include <stdbool.h>
#include <stdint.h>

#include "odbc/db.h"
#include "odbc/statement.h"

/*
 * What differs between the databases, and nothing else does: one constant struct each, in a file of
 * its own, with the statements that statement.c does not say for all of them.
 */

enum { DIALECT_NO_CODE = -1 };

/* How a failure is sorted: the first row that agrees counts. */
struct dialect_error {
	const char *state; /* SQLSTATE or its first letters; "": any */
	int native;	   /* the database's own code; 0: any; DIALECT_NO_CODE: none */
	enum db_result result;
	bool next; /* this database takes no writes: the next connection string is tried */
};

/*
 * What stands for a word in braces in the steps of a schema. Every dialect knows them all:
 *
 *	{text}     text of any length           {text N}   of at most N bytes of UTF-8
 *	{binary}   bytes                        {add}      ADD COLUMN of an ALTER TABLE
 *	{wide key} PRIMARY KEY of more than 450 characters
 *	{keyed}    at the end of a CREATE TABLE whose rows are found by their primary key
 *	{length}   the function that counts characters
 *	{now}      UTC in microseconds          {uuid}     a new random one
 *	{not NAME} {only NAME}   at the beginning: the statement is left out for this, for another
 *	           dialect
 *
 * An N in the meaning of "text N" is the number. All text is compared byte by byte.
 */
struct dialect_word {
	const char *word, *meaning;
};

/* What is appended to a connection string that does not name it itself. */
struct dialect_option {
	const char *name, *value;
};

enum { DIALECT_ROWS = 2 };

/* By what the texts of packed rows are told apart. */
enum dialect_packing {
	PACKS_NONE,    /* rows come one by one */
	PACKS_LENGTHS, /* by the number of bytes of each, which the row begins with */
	PACKS_ENDS,    /* by a byte 0xff behind each, and 0xfe behind a row: UTF-8 has neither */
};

struct dialect {
	const char *name; /* "sqlite" */
	const char *dbms; /* SQL_DBMS_NAME begins with this */
	const char *hint; /* a connection string that has this in it is of this dialect */
	const struct dialect_option *options; /* ended by a row without a name */

	void (*settle)(void); /* called before the driver is loaded; NULL: nothing */
	const char *const *session; /* run after connecting, ended by NULL */
	const char *begin, *commit, *rollback;
	const char *const *begin_read; /* a transaction that reads one state, ended by NULL */
	const char
		*schema_lock; /* run behind begin before the schema is changed; NULL: not needed */

	/* Words of a refusal to connect that time does not change, where no code tells it; ended by
	 * NULL. NULL: codes tell it. */
	const char *const *refusals;
	const char *(*warning)(const char *dsn); /* dialect_warning; NULL: there is none */
	bool is_file; /* STATEMENT_FILE says where; it must not be removed while it is in use */

	int16_t text_type, binary_type;	    /* SQL types as which text and binary are bound */
	const struct dialect_error *errors; /* ended by a row without a state */
	const char *const *statements;	  /* by enum statement: NULL where statement_text says it */
	const char *writes;		  /* stands before statements without a result; or NULL */
	enum dialect_packing packs;	  /* how some rows come packed (db_packed.c) */
	const struct dialect_word *words; /* ended by a row without a word */
	unsigned rows[DIALECT_ROWS];	  /* how many go into one statement; 0: one alone */
	unsigned parameters_max;	  /* of a statement; 0: no limit that matters */

	/* A failure may stand behind the first result of a statement without columns. */
	bool more_results;

	/* The native code of a statement that somebody else's has forestalled, and that does
	 * something else when it is run again; 0: there is none. */
	int repeat_native;

	/* The index of texts: what makes and what drops it, each ended by NULL. A row of it has a word
	 * for its room; to remove one its text must be given. */
	const char *const *index_make, *const *index_drop;
	bool index_has_rooms, index_needs_text;

	/* Says what stands in statement.c in this dialect (mssql_text.h); NULL: as it stands. */
	char *(*write)(const char *text, const char *parameters, unsigned rows);
};

extern const struct dialect dialect_sqlite, dialect_postgresql, dialect_mssql;

/* The dialect by SQL_DBMS_NAME, or NULL. */
const struct dialect *dialect_of_dbms(const char *dbms);

/* The dialect that a connection string seems to be of, before anything is connected, or NULL. */
const struct dialect *dialect_of_dsn(const char *dsn);

/* What a failure means. dialect NULL: not known yet. *next_r: try the next connection string. */
enum db_result dialect_sort(const struct dialect *dialect, const char *state, int native,
			    bool *next_r);

/* What is unsafe about a connection string although it works, a sentence without a period; NULL:
 * nothing. */
const char *dialect_warning(const struct dialect *dialect, const char *dsn);

/* Whether the text of a failure to connect says that the database will not let us in. */
bool dialect_refuses(const struct dialect *dialect, const char *text);

/* A statement's text in the dialect for so many rows, which the caller frees; NULL: no memory. More
 * than one row needs a text with VALUES (...). */
char *dialect_statement(const struct dialect *dialect, enum statement number, unsigned rows);

/* Whether the rows of a statement come packed. */
bool dialect_packs(const struct dialect *dialect, enum statement number);

/* A schema's statement in the dialect's words, which the caller frees; empty where it is left out.
 * NULL: an unknown word, or no memory. */
char *dialect_expand(const struct dialect *dialect, const char *text, struct err *err);

/* Parameters and columns of a statement (odbc/statement.h). */
const char *dialect_parameters(enum statement number);
const char *dialect_columns(enum statement number);

#endif
