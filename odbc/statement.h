#ifndef PCHAT_ODBC_STATEMENT_H
#define PCHAT_ODBC_STATEMENT_H

/*
 * Every statement that is used on the content database: its name, its parameters and its
 * columns, one letter each in their order: i integer, t text, b binary. The text stands in
 * each dialect's file (struct dialect); all dialects agree on what stands here.
 */
#define STATEMENT_LIST(X)                                                                          \
	X(SCHEMA_EXISTS, "", "i")	/* whether there is a table pc_schema: 0 or 1 */           \
	X(SCHEMA_VERSION, "", "i")	/* the newest step that was applied */                     \
	X(SCHEMA_PUT, "ii", "")		/* step, time */                                           \
	X(CURSOR_GET, "t", "tiiii")	/* reader -> journal, lsn, principal, room, time */        \
	X(CURSOR_PUT, "ttiiii", "")	/* reader and the same */                                  \
	X(PRINCIPAL_PUT, "iiiitt", "")	/* id, kind, state, epoch, uri, name */                    \
	X(ROOM_PUT, "itttiit", "") /* id, uuid, name, description, disabled, created, folded */    \
	X(ROOM_SEQ, "iii", "")		/* seq, id, seq: raises the room's last number */          \
	X(MESSAGE_PUT, "iiiiitt", "")	/* room, seq, time, author, flags, client id, body */      \
	X(DEAD_PUT, "iittti", "")	/* lsn, type, reader, reason, record, time */             \
	X(PRINCIPALS, "ii", "iiiitt")	/* above, limit -> as PRINCIPAL_PUT */                     \
	X(ROOMS, "ii", "itttiii")	/* above, limit -> id, uuid, name, description, disabled,  \
					   created, last seq */                                    \
	X(HISTORY_NEWEST, "iiii", "iiiitttt") /* room, after, before, limit -> seq, time, author,  \
						 flags, client id, body, uri, name */              \
	X(HISTORY_OLDEST, "iiii", "iiiitttt") /* the same, ascending */                            \
	X(SEARCH, "tii", "itttiii")	/* pattern, limit, offset -> as ROOMS */                   \
	X(CREDENTIAL_GET, "tt", "ibbbiiii") /* uri, mechanism -> iterations, salt, stored key,     \
					       server key, changed, principal, epoch, state */     \
	X(CREDENTIAL_PUT, "ttibbbi", "") /* uri, mechanism, iterations, salt, keys, changed */     \
	X(CREDENTIAL_REMOVE, "t", "")	/* uri */

enum statement {
#define X(id, parameters, columns) STATEMENT_##id,
	STATEMENT_LIST(X)
#undef X
	STATEMENTS
};

enum { STATEMENT_PARAMETERS_MAX = 8, STATEMENT_COLUMNS_MAX = 8 };

#endif
