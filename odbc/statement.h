#ifndef PCHAT_ODBC_STATEMENT_H
#define PCHAT_ODBC_STATEMENT_H

/*
 * Every statement that is used on the databases: its name, its parameters and its
 * columns, one letter each in their order: i integer, t text, b binary. The text stands in
 * statement.c where the databases agree on it, else in the dialects' files.
 */
#define STATEMENT_LIST(X)                                                                          \
	X(SCHEMA_EXISTS, "", "i")	 /* whether there is a table pc_schema: 0 or 1 */          \
	X(SCHEMA_VERSION, "", "i")	 /* the newest step that was applied */                    \
	X(SCHEMA_PUT, "ii", "")		 /* step, time */                                          \
	X(WRITABLE, "", "i")		 /* whether the database takes writes: 0 or 1 */           \
	X(FILE, "", "t")		/* the file's name, where there is one */                  \
	X(CURSOR_GET, "t", "tiiiiii")	 /* reader -> journal, lsn, principal, room, category,     \
					    add-in, time */                                        \
	X(CURSOR_PUT, "ttiiiiii", "")	 /* reader and the same */                                 \
	X(PRINCIPAL_PUT, "iiiitt", "")	 /* id, kind, state, epoch, uri, name */                   \
	X(AFFILIATION_PUT, "ii", "")	 /* member, group */                                       \
	X(AFFILIATION_REMOVE, "ii", "")	 /* the same */                                            \
	X(CATEGORY_PUT, "itttiiit", "")	 /* id, uuid, name, description, flags, created, revision, \
					    folded */                                              \
	X(CATEGORY_REMOVE, "i", "")	 /* id */                                                  \
	X(ADDIN_PUT, "ittt", "")	 /* id, uuid, name, url */                                 \
	X(ADDIN_REMOVE, "i", "")	 /* id */                                                  \
	X(ROOM_PUT, "itttiiiiiiiit", "") /* id, uuid, name, description, disabled, category,       \
					    add-in, privacy, behavior, invitations, created,       \
					    revision, folded */                                    \
	X(ROOM_REMOVE, "i", "")		 /* id */                                                  \
	X(ROLE_PUT, "iiii", "")		 /* kind, node, principal, role */                         \
	X(ROLE_REMOVE, "iiii", "")	 /* the same */                                            \
	X(ROLES_REMOVE, "ii", "")	 /* kind, node */                                          \
	X(INVITATION_PUT, "iiiii", "")	 /* principal, room, id, time, inviter */                  \
	X(INVITATION_REMOVE, "ii", "")	 /* principal, room, as in the next ones */                \
	X(INVITED_PUT, "iii", "")	 /* principal, last id, read id: raises both */            \
	X(INVITED_REMOVE, "ii", "")	 /* principal, 0 */                                        \
	X(MARKER_PUT, "iii", "")	 /* principal, room, seq */                                \
	X(MARKER_REMOVE, "ii", "")                                                                 \
	X(FEED_PUT, "iittiii", "") /* principal, id, name, words, author, room, flags */           \
	X(FEED_REMOVE, "ii", "")                                                                   \
	X(REQUEST_PUT, "iiit", "") /* principal, room, time, reason */                             \
	X(REQUEST_REMOVE, "ii", "")                                                                \
	X(SETTING_PUT, "ittt", "")	/* kind, scope, name, value */                             \
	X(SETTING_REMOVE, "itt", "")	/* kind, scope, name */                                    \
	X(GRANT_PUT, "it", "")		/* principal, policy */                                    \
	X(GRANT_REMOVE, "i", "")	/* principal */                                            \
	X(ROOM_SEQ, "ii", "")		 /* seq, id: raises the room's last number */              \
	X(MESSAGE_PUT, "iiiiittttt", "") /* room, seq, time, author, flags, client id, body,       \
					    title, rich type, rich */                              \
	X(MESSAGE_REMOVE, "ii", "")	 /* room, seq */                                           \
	X(MESSAGE_REPLACE, "tii", "")	 /* body, room, seq */                                     \
	X(ROOM_REMOVAL, "i", "")	 /* id: counts a removal */                                \
	X(ROOM_REMOVALS, "iii", "")	/* removals, id, removals: raises their number */          \
	X(ROOM_PURGE, "iii", "")	 /* seq, id, seq: raises what is purged */                 \
	X(ROOM_STATE, "i", "ii")	 /* id -> last seq, purged */                              \
	X(DEAD_PUT, "iittti", "")	 /* lsn, type, reader, reason, record, time */             \
	X(DEAD_COUNT, "", "i")		 /* how many dead letters */                               \
	X(PRINCIPALS, "ii", "iiiitt")	 /* above, limit -> as PRINCIPAL_PUT */                    \
	X(AFFILIATIONS, "iii", "ii")	 /* above both, limit -> as AFFILIATION_PUT */             \
	X(CATEGORIES, "ii", "itttiii")	 /* above, limit -> id, uuid, name, description, flags,    \
					    created, revision */                                   \
	X(ADDINS, "ii", "ittt")		 /* above, limit -> as ADDIN_PUT */                        \
	X(ROOMS, "ii", "itttiiiiiiiiii") /* above, limit -> id, uuid, name, description, disabled, \
					    category, add-in, privacy, behavior, invitations,      \
					    created, revision, last seq, removals */               \
	X(ROLES, "iiiii", "iiii")	 /* above all four, limit -> as ROLE_PUT */                \
	X(INVITATIONS, "iii", "iiiii")	 /* above both, limit -> as INVITATION_PUT */              \
	X(INVITED, "iii", "iii") /* above (the second does not count), limit -> as INVITED_PUT */  \
	X(MARKERS, "iii", "iii") /* above both, limit -> as MARKER_PUT */                          \
	X(FEEDS, "iii", "iittiii") /* above both, limit -> as FEED_PUT */                          \
	X(REQUESTS, "iii", "iiit") /* above both, limit -> as REQUEST_PUT */                       \
	X(SETTINGS, "itti", "ittt")	/* above all three, limit -> as SETTING_PUT */             \
	X(GRANTS, "ii", "it")		/* above, limit -> as GRANT_PUT */                         \
	X(REMAINS_PUT, "ii", "")   /* room, seq: messages up to there are still to be deleted */   \
	X(REMAINS_NEXT, "i", "ii") /* limit -> room, the last seq of its oldest messages */        \
	X(REMAINS_MESSAGES, "ii", "")		 /* room, seq: deletes the messages up to there */ \
	X(REMAINS_END, "i", "")			 /* room */                                        \
	X(HISTORY_NEWEST, "iiii", "tiiiitttttt") /* room, after, before, limit -> body, seq,       \
						    time, author, flags, client id, title, rich    \
						    type, rich, uri, name */                       \
	X(HISTORY_OLDEST, "iiii", "tiiiitttttt") /* the same, ascending */                         \
	X(PAGE_NEWEST, "iiiii", "tiiiitttt")	 /* room, after, room, before, limit: the newest   \
						    behind what was purged, without uri, name */   \
	X(PAGE_OLDEST, "iiii", "tiiiitttt")	 /* room, after, before, limit: the same of all,   \
						    ascending */                                   \
	X(MOMENT, "iii", "i") /* room, before, time -> seq of the newest up to then */             \
	/* The index of the messages' texts (odbc/content_index.h); ids: content_index.c. */       \
	X(INDEXING, "", "i")		/* the rules by which it was made; 0: there is none */      \
	X(INDEXING_PUT, "i", "")	/* the same */                                             \
	X(INDEX_POSSIBLE, "", "i")	/* whether this database can have one: 0 or 1 */           \
	X(INDEX_READY, "", "i")		/* whether all that is in it can be found now: 0 or 1 */   \
	X(INDEX_REST, "", "i")		/* how many numbers of messages are not in it yet */       \
	X(INDEX_ROOMS, "", "")		/* no message is in it from now on */                      \
	X(INDEX_ROOM, "i", "ii")	/* above -> the next room that is not all in it: id, up to \
					   where its messages are not */                           \
	X(INDEX_ROOM_GET, "i", "iii")	/* id -> the same of one room; and from where to where     \
					   others are not, or 0 */                                 \
	X(INDEX_GAP_PUT, "iii", "")	/* room, from, to: raises only the end of one that is there */ \
	X(INDEX_GAP_NEXT, "", "iii")	/* -> the same of one room */                              \
	X(INDEX_GAP_CUT, "ii", "")	/* end, room: lowers it */                                 \
	X(INDEX_GAP_REMOVE, "i", "")	/* room */                                                 \
	X(INDEX_GAPS_REMOVE, "", "")	/* all of them */                                          \
	X(INDEX_ROOM_PUT, "ii", "")	/* up to where its messages are not, id */                 \
	X(INDEX_TEXTS, "iii", "itt")	/* room, up to, limit -> seq, title, body, newest first */ \
	X(INDEX_TEXT, "ii", "tt")	/* room, seq -> title, body */                             \
	X(INDEX_PUT, "it", "")		/* id, grams */                                            \
	X(INDEX_REMOVE, "it", "")	/* the same */                                             \
	X(INDEX_REMOVE_RANGE, "ii", "") /* id, id: all from the first to the second */             \
	X(INDEX_NEWEST, "tiii", "i")	/* query, above, below, limit -> id, descending */         \
	X(INDEX_OLDEST, "tiii", "i")	/* the same, ascending */                                  \
	X(MESSAGES_NEWEST, "iiiiiiiiiiiiiiiii", "tiiiitttttt") /* room, 16 seqs -> as HISTORY */   \
	X(MESSAGES_OLDEST, "iiiiiiiiiiiiiiiii", "tiiiitttttt") /* the same, ascending */           \
	X(RETAINED_ROOMS, "ii", "itii") /* above, limit -> id, category's uuid, last seq, purged:  \
					   those that may have messages */                         \
	X(RETAINED_TIMES, "iii", "ii")	/* room, above, limit -> seq, time, ascending */           \
	X(RETAINED_SIZES, "iiii", "ii") /* room, above, below, limit -> seq, bytes, descending */  \
	X(ROOM_SIZES, "ii", "ii")	/* above, limit -> id, bytes of its messages: those of     \
					   RETAINED_ROOMS */                                       \
	X(CREDENTIAL_GET, "tt", "ibbbiiii") /* uri, mechanism -> iterations, salt, stored key,     \
					       server key, changed, principal, epoch, state */     \
	X(CREDENTIAL_PUT, "ttibbbi", "")    /* uri, mechanism, iterations, salt, keys, changed */  \
	/* Files. */                                                                               \
	X(FILE_PUT, "tiiiittit", "")	/* uuid, lsn, room, time, author, name, type, size, sha256 */ \
	X(FILE_REMOVE, "iit", "")	/* time, by whom, uuid */                                  \
	X(FILES_REMOVE, "iii", "")	/* time, by whom, room: all of them */                     \
	X(FILE_GET, "t", "tiiiittitiiitttt") /* uuid -> as FILE_PUT, removed when, by whom, the   \
					room's category and uuid, the author's uri and name, the   \
					remover's uri */                                           \
	X(FILES, "iiitii", "tiiiittitiiitttt") /* room, before a time and a uuid (time twice), removed \
					up to when, limit -> as FILE_GET, newest first */          \
	/* The audit. */                                                                           \
	X(AUDIT_PUT, "iitttttt", "")	/* lsn, time, actor, address, what, object, ref, details */ \
	X(AUDITS, "iiii", "iitttttt")	/* below, start, end, limit -> as AUDIT_PUT */             \
	X(AUDIT_OLD, "ii", "i")		/* time, limit -> the newest lsn of the oldest before it */ \
	X(AUDIT_REMOVE, "i", "")	/* lsn: those up to there */                               \
	X(ADMIN_PUT, "iiitt", "")	/* slot, generation, session, name, address */             \
	X(ADMIN_GET, "iii", "tt")	/* slot, generation, session -> name, address */           \
	X(ADMIN_REMOVE, "iii", "")	/* the same */                                             \
	X(ADMIN_CLEAR, "", "")                                                                     \
	X(SETTING_GET, "itt", "t")	/* kind, scope, name -> value */                           \
	/* For archives: as the tables without EXPORT, then the names of what they refer to. */    \
	X(EXPORT_AFFILIATIONS, "iii", "iitt")	   /* ..., member, group */                        \
	X(EXPORT_ROOMS, "ii", "itttiiiiiiiiiiitt") /* ..., purged, category, add-in */             \
	X(EXPORT_ROLES, "iiiii", "iiiiitt")	   /* ..., category's id, node, principal */       \
	/* ..., user, room, its category's id, other user */                                       \
	X(EXPORT_INVITATIONS, "iii", "iiiiittit")                                                  \
	X(EXPORT_INVITED, "iii", "iiittit")                                                        \
	X(EXPORT_MARKERS, "iii", "iiittit")                                                        \
	X(EXPORT_FEEDS, "iii", "iittiiittit")                                                      \
	X(EXPORT_REQUESTS, "iii", "iiitttit")                                                      \
	X(EXPORT_GRANTS, "ii", "itt")	   /* ..., user */                                      \
	X(EXPORT_FILES, "ti", "tiiiittitiiitttt") /* above a uuid, limit -> as FILE_GET */        \
	X(EXPORT_CREDENTIALS, "tti", "ttibbbi") /* above both, limit -> as CREDENTIAL_PUT */       \
	/* The compliance database. */                                                             \
	X(RECORD_SCHEMA_EXISTS, "", "i") /* as those of the content database */                    \
	X(RECORD_SCHEMA_VERSION, "", "i")                                                          \
	X(RECORD_SCHEMA_PUT, "ii", "")                                                             \
	X(RECORD_CURSOR_GET, "", "tiiitit") /* -> journal, lsn, time, number, hash, gap accepted */ \
	X(RECORD_CURSOR_PUT, "itiiitit", "")	   /* 1 and the same */                           \
	X(RECORD_PUT, "iiitiitttittttitttttt", "") /* number, lsn, time, type, flags, room id,     \
			room, room name, category, user id, user uri, user name, address, session, \
			message, title, content, rich type, rich, detail, hash */                  \
	X(RECORDS, "ii", "iiitiitttittttittttttt") /* above, limit -> as RECORD_PUT, and the       \
			room's description */                                                      \
	X(OBJECT_GET, "ii", "ttiitt")	/* kind, id -> uri, name, parent, flags, description,      \
					   detail */                                               \
	X(OBJECT_PUT, "iittiitt", "")	/* kind, id and the same */                                \
	X(OPEN_SESSION_GET, "t", "itt")	/* session -> principal, address, name */                       \
	X(OPEN_SESSION_PUT, "titt", "")	/* session, principal, address, name */                          \
	X(OPEN_SESSION_REMOVE, "t", "") /* session */                                              \
	X(OPEN_SESSIONS, "i", "titt")	/* limit -> as OPEN_SESSION_PUT */                         \
	X(OPEN_ROOM_PUT, "ti", "")	/* session, room */                                        \
	X(OPEN_ROOM_REMOVE, "ti", "")	/* the same */                                             \
	X(OPEN_ROOMS, "i", "ti")	/* limit -> the same */                                    \
	X(CHECKPOINT_PUT, "itit", "")	/* number, hash, time, signature */                        \
	X(CHECKPOINTS, "ii", "itit")	/* above, limit -> the same */                             \
	X(ADAPTER_GET, "t", "iiiiit")	/* name -> done, batch, ran, failures, failing, error */   \
	X(ADAPTER_PUT, "tiiiiit", "")	/* name and the same */                                    \
	X(ADAPTERS, "ti", "tiiiiit")	/* above, limit -> as ADAPTER_PUT */                       \
	X(RECORD_SINCE, "i", "i")	/* time -> the first number since then, or 0 */            \
	X(RECORD_UNTIL, "i", "i")	/* time -> the last number until then, or 0 */             \
	X(CHATS_BEFORE, "iii", "iiitiitttittttittttttt") /* room, number, limit -> as RECORDS,    \
					   the nearest first */                                    \
	X(CHATS_AFTER, "iii", "iiitiitttittttittttttt")  /* the same */                           \
	X(OBJECTS_NAMED, "iti", "it")	/* kind, name, limit -> id, uri */                          \
	X(HOLD_PUT, "iitttiititiitt", "") /* number, lsn, name, user, room, start, end, reason,    \
			added, by whom, released, its lsn, by whom, why */                         \
	X(HOLD_RELEASE, "iittt", "")	/* released, its lsn, by whom, why, name */                \
	X(HOLDS, "ii", "iitttiititiitt") /* above, limit -> as HOLD_PUT */                         \
	X(HOLD_COUNT, "t", "ii")	/* name -> active ones of that name, of any */             \
	X(PURGE_PUT, "iiiiiii", "")	/* 1, requested, until, finished, gone, held, waiting */   \
	X(PURGE_GET, "", "iiiiii")	/* -> the same, without 1 */                               \
	X(RECORDS_EXPIRE, "ii", "")	/* from, to: nothing but number and hash stays */          \
	X(RECORDS_REMOVE, "i", "")	/* up to */                                                \
	X(CHECKPOINTS_REMOVE, "i", "")	/* up to */

enum statement {
#define X(id, parameters, columns) STATEMENT_##id,
	STATEMENT_LIST(X)
#undef X
		STATEMENTS
};

/* What dialects that pack the rows of a page (odbc/db_packed.c) say alike: m is the message, p its
 * author. */
#define STATEMENT_OF_MESSAGES                                                  \
	"FROM pc_message AS m LEFT JOIN pc_principal AS p ON p.id = m.author " \
	"WHERE m.room = ? "
#define STATEMENT_OF_RANGE STATEMENT_OF_MESSAGES "AND m.seq > ? AND m.seq < ? "
#define STATEMENT_OF_NEWEST STATEMENT_OF_RANGE "ORDER BY m.seq DESC LIMIT ?"
#define STATEMENT_OF_OLDEST STATEMENT_OF_RANGE "ORDER BY m.seq LIMIT ?"
#define STATEMENT_OF_ALONE  "FROM pc_message AS m WHERE m.room = ? "
#define STATEMENT_OF_PURGED "(SELECT r.purged FROM pc_room AS r WHERE r.id = ?)"
#define STATEMENT_OF_PAGE_NEWEST                                         \
	STATEMENT_OF_ALONE "AND m.seq > ? AND m.seq > " STATEMENT_OF_PURGED \
			   " AND m.seq < ? ORDER BY m.seq DESC LIMIT ?"
#define STATEMENT_OF_PAGE_OLDEST \
	STATEMENT_OF_ALONE "AND m.seq > ? AND m.seq < ? ORDER BY m.seq LIMIT ?"

/* Their texts; NULL where each dialect has its own. */
extern const char *const statement_text[STATEMENTS];

enum { STATEMENT_PARAMETERS_MAX = 24, STATEMENT_COLUMNS_MAX = 24 };

#endif
