#include "odbc/statement.h"

#include <stddef.h>

/*
 * SQL that SQLite and PostgreSQL both understand, and that mssql_text.c can turn into T-SQL:
 * upserts by INSERT with ON CONFLICT, LIMIT at the end, no functions but the standard's.
 */
#define ALONE_COLUMNS                                                             \
	"SELECT m.body, m.seq, m.time, m.author, m.flags, m.client_id, m.title, " \
	"m.rich_type, m.rich"
#define MESSAGE_COLUMNS ALONE_COLUMNS ", p.uri, p.name "

#define LISTED_COLUMNS                        \
	MESSAGE_COLUMNS STATEMENT_OF_MESSAGES \
	"AND m.seq IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "

#define FILES                                                                                  \
	"SELECT f.uuid, f.lsn, f.room, f.time, f.author, f.name, f.type, f.size, f.sha256, "   \
	"f.removed, f.removed_by, r.category, r.uuid, p.uri, p.name, w.uri FROM pc_file AS f " \
	"LEFT JOIN pc_room AS r ON r.id = f.room "                                             \
	"LEFT JOIN pc_principal AS p ON p.id = f.author "                                      \
	"LEFT JOIN pc_principal AS w ON w.id = f.removed_by "

#define ROOM_COLUMNS                                                                               \
	"SELECT r.id, r.uuid, r.name, r.description, r.disabled, r.category, r.addin, r.privacy, " \
	"r.behavior, r.invitations, r.created, r.revision, r.last_seq, r.removals"

#define RECORD_COLUMNS                                                                            \
	"number, lsn, time, type, flags, room_id, room, room_name, category, user_id, user_uri, " \
	"user_name, address, session, message, title, content, rich_type, rich, detail, hash"
#define WHOLE_RECORDS                                                                              \
	"SELECT r.number, r.lsn, r.time, r.type, r.flags, r.room_id, r.room, r.room_name, "        \
	"r.category, r.user_id, r.user_uri, r.user_name, r.address, r.session, r.message, "        \
	"r.title, r.content, r.rich_type, r.rich, r.detail, r.hash, o.description "                \
	"FROM pcc_record AS r LEFT JOIN pcc_object AS o ON o.kind = 2 AND o.id = r.room_id "
#define HOLD_COLUMNS                                                                               \
	"number, lsn, name, user_uri, room, start_time, end_time, reason, added, added_by, "       \
	"released, released_lsn, released_by, released_reason"
#define USER_AND_ROOM                                        \
	"LEFT JOIN pc_principal AS p ON p.id = x.principal " \
	"LEFT JOIN pc_room AS r ON r.id = x.room "
#define ABOVE_ROOM "WHERE (x.principal, x.room) > (?, ?) ORDER BY x.principal, x.room LIMIT ?"

const char *const statement_text[STATEMENTS] = {
	[STATEMENT_FILE] = "SELECT ''",
	[STATEMENT_SCHEMA_VERSION] = "SELECT COALESCE(MAX(version), 0) FROM pc_schema",
	[STATEMENT_SCHEMA_PUT] = "INSERT INTO pc_schema (version, applied) VALUES (?, ?)",
	[STATEMENT_CURSOR_GET] =
		"SELECT journal_id, lsn, last_principal, last_room, last_category, last_addin, "
		"last_time FROM pc_cursor WHERE reader = ?",
	[STATEMENT_CURSOR_PUT] =
		"INSERT INTO pc_cursor (reader, journal_id, lsn, last_principal, last_room, "
		"last_category, last_addin, last_time) "
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (reader) DO UPDATE SET "
		"journal_id = excluded.journal_id, lsn = excluded.lsn, "
		"last_principal = excluded.last_principal, last_room = excluded.last_room, "
		"last_category = excluded.last_category, last_addin = excluded.last_addin, "
		"last_time = excluded.last_time",
	[STATEMENT_PRINCIPAL_PUT] =
		"INSERT INTO pc_principal (id, kind, state, epoch, uri, name) "
		"VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, "
		"state = excluded.state, epoch = excluded.epoch, uri = excluded.uri, "
		"name = excluded.name",
	[STATEMENT_AFFILIATION_PUT] = "INSERT INTO pc_affiliation (member, group_id) VALUES (?, ?) "
				      "ON CONFLICT (member, group_id) DO NOTHING",
	[STATEMENT_AFFILIATION_REMOVE] =
		"DELETE FROM pc_affiliation WHERE member = ? AND group_id = ?",
	[STATEMENT_CATEGORY_PUT] =
		"INSERT INTO pc_category "
		"(id, uuid, name, description, flags, created, revision, folded) "
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
		"uuid = excluded.uuid, name = excluded.name, description = excluded.description, "
		"flags = excluded.flags, created = excluded.created, "
		"revision = excluded.revision, folded = excluded.folded",
	[STATEMENT_CATEGORY_REMOVE] = "DELETE FROM pc_category WHERE id = ?",
	[STATEMENT_ADDIN_PUT] =
		"INSERT INTO pc_addin (id, uuid, name, url) VALUES (?, ?, ?, ?) "
		"ON CONFLICT (id) DO UPDATE SET uuid = excluded.uuid, name = excluded.name, "
		"url = excluded.url",
	[STATEMENT_ADDIN_REMOVE] = "DELETE FROM pc_addin WHERE id = ?",
	[STATEMENT_ROOM_PUT] =
		"INSERT INTO pc_room (id, uuid, name, description, disabled, category, addin, "
		"privacy, behavior, invitations, created, revision, folded, last_seq) "
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT (id) DO UPDATE SET "
		"uuid = excluded.uuid, name = excluded.name, description = excluded.description, "
		"disabled = excluded.disabled, category = excluded.category, "
		"addin = excluded.addin, privacy = excluded.privacy, "
		"behavior = excluded.behavior, invitations = excluded.invitations, "
		"created = excluded.created, revision = excluded.revision, "
		"folded = excluded.folded",
	[STATEMENT_ROOM_REMOVE] = "DELETE FROM pc_room WHERE id = ?",
	[STATEMENT_ROLE_PUT] =
		"INSERT INTO pc_role (kind, node, principal, role) VALUES (?, ?, ?, ?) "
		"ON CONFLICT (kind, node, principal, role) DO NOTHING",
	[STATEMENT_ROLE_REMOVE] =
		"DELETE FROM pc_role WHERE kind = ? AND node = ? AND principal = ? AND role = ?",
	[STATEMENT_ROLES_REMOVE] = "DELETE FROM pc_role WHERE kind = ? AND node = ?",
	[STATEMENT_INVITATION_PUT] =
		"INSERT INTO pc_invitation (principal, room, id, time, inviter) "
		"VALUES (?, ?, ?, ?, ?) ON CONFLICT (principal, room) DO UPDATE SET "
		"id = excluded.id, time = excluded.time, inviter = excluded.inviter",
	[STATEMENT_INVITATION_REMOVE] =
		"DELETE FROM pc_invitation WHERE principal = ? AND room = ?",
	[STATEMENT_INVITED_PUT] =
		"INSERT INTO pc_invited (principal, last_id, read_id) VALUES (?, ?, ?) "
		"ON CONFLICT (principal) DO UPDATE SET "
		"last_id = CASE WHEN excluded.last_id > pc_invited.last_id "
		"THEN excluded.last_id ELSE pc_invited.last_id END, "
		"read_id = CASE WHEN excluded.read_id > pc_invited.read_id "
		"THEN excluded.read_id ELSE pc_invited.read_id END",
	[STATEMENT_INVITED_REMOVE] = "DELETE FROM pc_invited WHERE principal = ? AND last_id >= ?",
	[STATEMENT_MARKER_PUT] = "INSERT INTO pc_marker (principal, room, seq) VALUES (?, ?, ?) "
				 "ON CONFLICT (principal, room) DO UPDATE SET seq = excluded.seq",
	[STATEMENT_MARKER_REMOVE] = "DELETE FROM pc_marker WHERE principal = ? AND room = ?",
	[STATEMENT_FEED_PUT] =
		"INSERT INTO pc_feed (principal, id, name, words, author, room, flags) "
		"VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (principal, id) DO UPDATE SET "
		"name = excluded.name, words = excluded.words, author = excluded.author, "
		"room = excluded.room, flags = excluded.flags",
	[STATEMENT_FEED_REMOVE] = "DELETE FROM pc_feed WHERE principal = ? AND id = ?",
	[STATEMENT_REQUEST_PUT] =
		"INSERT INTO pc_request (principal, room, time, reason) VALUES (?, ?, ?, ?) "
		"ON CONFLICT (principal, room) DO UPDATE SET "
		"time = excluded.time, reason = excluded.reason",
	[STATEMENT_REQUEST_REMOVE] = "DELETE FROM pc_request WHERE principal = ? AND room = ?",
	[STATEMENT_SETTING_PUT] =
		"INSERT INTO pc_setting (kind, scope, name, value) VALUES (?, ?, ?, ?) "
		"ON CONFLICT (kind, scope, name) DO UPDATE SET value = excluded.value",
	[STATEMENT_SETTING_REMOVE] =
		"DELETE FROM pc_setting WHERE kind = ? AND scope = ? AND name = ?",
	[STATEMENT_GRANT_PUT] = "INSERT INTO pc_grant (principal, policy) VALUES (?, ?) "
				"ON CONFLICT (principal) DO UPDATE SET policy = excluded.policy",
	[STATEMENT_GRANT_REMOVE] = "DELETE FROM pc_grant WHERE principal = ?",
	[STATEMENT_ROOM_SEQ] = "UPDATE pc_room SET last_seq = v.column1 "
			       "FROM (VALUES (CAST(? AS BIGINT), CAST(? AS BIGINT))) AS v "
			       "WHERE pc_room.id = v.column2 AND pc_room.last_seq < v.column1",
	[STATEMENT_MESSAGE_PUT] =
		"INSERT INTO pc_message "
		"(room, seq, time, author, flags, client_id, body, title, rich_type, rich) "
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (room, seq) DO NOTHING",
	[STATEMENT_MESSAGE_REMOVE] = "DELETE FROM pc_message WHERE room = ? AND seq = ?",
	[STATEMENT_MESSAGE_REPLACE] =
		"UPDATE pc_message SET body = ?, title = '', rich_type = '', rich = '', "
		"flags = flags | 128 WHERE room = ? AND seq = ?",
	[STATEMENT_ROOM_REMOVAL] = "UPDATE pc_room SET removals = removals + 1 WHERE id = ?",
	[STATEMENT_ROOM_REMOVALS] =
		"UPDATE pc_room SET removals = ? WHERE id = ? AND removals < ?",
	[STATEMENT_ROOM_PURGE] = "UPDATE pc_room SET purged = ? WHERE id = ? AND purged < ?",
	[STATEMENT_ROOM_STATE] = "SELECT last_seq, purged FROM pc_room WHERE id = ?",
	[STATEMENT_DEAD_PUT] =
		"INSERT INTO pc_dead_letter (lsn, type, reader, reason, record, time) "
		"VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (reader, lsn) DO NOTHING",
	[STATEMENT_DEAD_COUNT] = "SELECT COUNT(*) FROM pc_dead_letter",
	[STATEMENT_PRINCIPALS] = "SELECT id, kind, state, epoch, uri, name FROM pc_principal "
				 "WHERE id > ? ORDER BY id LIMIT ?",
	[STATEMENT_AFFILIATIONS] =
		"SELECT member, group_id FROM pc_affiliation WHERE (member, group_id) > (?, ?) "
		"ORDER BY member, group_id LIMIT ?",
	[STATEMENT_CATEGORIES] =
		"SELECT id, uuid, name, description, flags, created, revision FROM pc_category "
		"WHERE id > ? ORDER BY id LIMIT ?",
	[STATEMENT_ADDINS] =
		"SELECT id, uuid, name, url FROM pc_addin WHERE id > ? ORDER BY id LIMIT ?",
	[STATEMENT_ROOMS] = ROOM_COLUMNS " FROM pc_room AS r WHERE r.id > ? ORDER BY r.id LIMIT ?",
	[STATEMENT_ROLES] = "SELECT kind, node, principal, role FROM pc_role "
			    "WHERE (kind, node, principal, role) > (?, ?, ?, ?) "
			    "ORDER BY kind, node, principal, role LIMIT ?",
	[STATEMENT_INVITATIONS] =
		"SELECT principal, room, id, time, inviter FROM pc_invitation "
		"WHERE (principal, room) > (?, ?) ORDER BY principal, room LIMIT ?",
	[STATEMENT_INVITED] = "SELECT principal, last_id, read_id FROM pc_invited "
			      "WHERE principal > ? AND last_id >= ? ORDER BY principal LIMIT ?",
	[STATEMENT_MARKERS] = "SELECT principal, room, seq FROM pc_marker "
			      "WHERE (principal, room) > (?, ?) ORDER BY principal, room LIMIT ?",
	[STATEMENT_FEEDS] = "SELECT principal, id, name, words, author, room, flags FROM pc_feed "
			    "WHERE (principal, id) > (?, ?) ORDER BY principal, id LIMIT ?",
	[STATEMENT_REQUESTS] = "SELECT principal, room, time, reason FROM pc_request "
			       "WHERE (principal, room) > (?, ?) ORDER BY principal, room LIMIT ?",
	[STATEMENT_SETTINGS] = "SELECT kind, scope, name, value FROM pc_setting "
			       "WHERE (kind, scope, name) > (?, ?, ?) "
			       "ORDER BY kind, scope, name LIMIT ?",
	[STATEMENT_GRANTS] =
		"SELECT principal, policy FROM pc_grant WHERE principal > ? ORDER BY principal LIMIT ?",
	[STATEMENT_REMAINS_PUT] =
		"INSERT INTO pc_remains (room, through) VALUES (?, ?) "
		"ON CONFLICT (room) DO UPDATE SET through = CASE "
		"WHEN excluded.through > pc_remains.through THEN excluded.through "
		"ELSE pc_remains.through END",
	[STATEMENT_REMAINS_NEXT] =
		"SELECT r.room, (SELECT MAX(o.seq) FROM (SELECT m.seq FROM pc_message AS m "
		"WHERE m.room = r.room AND m.seq <= r.through ORDER BY m.seq LIMIT ?) AS o) "
		"FROM pc_remains AS r WHERE r.room = (SELECT MIN(x.room) FROM pc_remains AS x)",
	[STATEMENT_REMAINS_MESSAGES] = "DELETE FROM pc_message WHERE room = ? AND seq <= ?",
	[STATEMENT_REMAINS_END] = "DELETE FROM pc_remains WHERE room = ?",
	[STATEMENT_HISTORY_NEWEST] = MESSAGE_COLUMNS STATEMENT_OF_NEWEST,
	[STATEMENT_HISTORY_OLDEST] = MESSAGE_COLUMNS STATEMENT_OF_OLDEST,
	[STATEMENT_PAGE_NEWEST] = ALONE_COLUMNS " " STATEMENT_OF_PAGE_NEWEST,
	[STATEMENT_PAGE_OLDEST] = ALONE_COLUMNS " " STATEMENT_OF_PAGE_OLDEST,
	[STATEMENT_MOMENT] = "SELECT seq FROM pc_message WHERE room = ? AND seq < ? AND time <= ? "
			     "ORDER BY seq DESC LIMIT 1",
	[STATEMENT_INDEXING] = "SELECT rules FROM pc_indexing WHERE id = 1",
	[STATEMENT_INDEXING_PUT] = "UPDATE pc_indexing SET rules = ? WHERE id = 1",
	[STATEMENT_INDEX_READY] = "SELECT 1",
	[STATEMENT_INDEX_REST] =
		"SELECT COALESCE(SUM(indexed), 0) + (SELECT COALESCE(SUM(through - from_seq + 1), "
		"0) FROM pc_unindexed) FROM pc_room",
	[STATEMENT_INDEX_GAP_PUT] =
		"INSERT INTO pc_unindexed (room, from_seq, through) VALUES (?, ?, ?) "
		"ON CONFLICT (room) DO UPDATE SET through = excluded.through",
	[STATEMENT_INDEX_GAP_NEXT] =
		"SELECT u.room, u.from_seq, u.through FROM pc_unindexed AS u "
		"WHERE u.room = (SELECT MIN(x.room) FROM pc_unindexed AS x)",
	[STATEMENT_INDEX_GAP_CUT] = "UPDATE pc_unindexed SET through = ? WHERE room = ?",
	[STATEMENT_INDEX_GAP_REMOVE] = "DELETE FROM pc_unindexed WHERE room = ?",
	[STATEMENT_INDEX_GAPS_REMOVE] = "DELETE FROM pc_unindexed",
	[STATEMENT_INDEX_ROOMS] = "UPDATE pc_room SET indexed = last_seq",
	[STATEMENT_INDEX_ROOM] = "SELECT id, indexed FROM pc_room WHERE id > ? AND indexed > 0 "
				 "ORDER BY id LIMIT 1",
	[STATEMENT_INDEX_ROOM_GET] =
		"SELECT r.indexed, COALESCE(u.from_seq, 0), COALESCE(u.through, 0) "
		"FROM pc_room AS r LEFT JOIN pc_unindexed AS u ON u.room = r.id WHERE r.id = ?",
	[STATEMENT_INDEX_ROOM_PUT] = "UPDATE pc_room SET indexed = ? WHERE id = ?",
	[STATEMENT_INDEX_TEXTS] = "SELECT seq, title, body FROM pc_message "
				  "WHERE room = ? AND seq <= ? ORDER BY seq DESC LIMIT ?",
	[STATEMENT_INDEX_TEXT] = "SELECT title, body FROM pc_message WHERE room = ? AND seq = ?",
	[STATEMENT_INDEX_PUT] = "INSERT INTO pc_index (id, grams) VALUES (?, ?) "
				"ON CONFLICT (id) DO UPDATE SET grams = excluded.grams",
	[STATEMENT_INDEX_REMOVE] = "DELETE FROM pc_index WHERE id = ? AND grams = ?",
	[STATEMENT_INDEX_REMOVE_RANGE] = "DELETE FROM pc_index WHERE id >= ? AND id <= ?",
	[STATEMENT_MESSAGES_NEWEST] = LISTED_COLUMNS "ORDER BY m.seq DESC",
	[STATEMENT_MESSAGES_OLDEST] = LISTED_COLUMNS "ORDER BY m.seq",
	[STATEMENT_RETAINED_ROOMS] =
		"SELECT r.id, c.uuid, r.last_seq, r.purged FROM pc_room AS r "
		"INNER JOIN pc_category AS c ON c.id = r.category "
		"WHERE r.id > ? AND r.last_seq > r.purged ORDER BY r.id LIMIT ?",
	[STATEMENT_RETAINED_TIMES] = "SELECT seq, time FROM pc_message WHERE room = ? AND seq > ? "
				     "ORDER BY seq LIMIT ?",
	[STATEMENT_CREDENTIAL_GET] =
		"SELECT c.iterations, c.salt, c.stored_key, c.server_key, c.changed, "
		"p.id, p.epoch, p.state FROM pc_credential AS c "
		"LEFT JOIN pc_principal AS p ON p.uri = c.uri WHERE c.uri = ? AND c.mechanism = ?",
	[STATEMENT_CREDENTIAL_PUT] =
		"INSERT INTO pc_credential "
		"(uri, mechanism, iterations, salt, stored_key, server_key, changed) "
		"VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (uri, mechanism) DO UPDATE SET "
		"iterations = excluded.iterations, salt = excluded.salt, "
		"stored_key = excluded.stored_key, server_key = excluded.server_key, "
		"changed = excluded.changed",
	[STATEMENT_RECORD_SCHEMA_VERSION] = "SELECT COALESCE(MAX(version), 0) FROM pcc_schema",
	[STATEMENT_RECORD_SCHEMA_PUT] = "INSERT INTO pcc_schema (version, applied) VALUES (?, ?)",
	[STATEMENT_RECORD_CURSOR_GET] =
		"SELECT journal_id, lsn, time, number, hash, gap, signature FROM pcc_cursor "
		"WHERE id = 1",
	[STATEMENT_RECORD_CURSOR_PUT] =
		"INSERT INTO pcc_cursor (id, journal_id, lsn, time, number, hash, gap, signature) "
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
		"journal_id = excluded.journal_id, lsn = excluded.lsn, time = excluded.time, "
		"number = excluded.number, hash = excluded.hash, gap = excluded.gap, "
		"signature = excluded.signature",
	/* A number that is there already is a failure: somebody else writes records, too. */
	[STATEMENT_RECORD_PUT] = "INSERT INTO pcc_record (" RECORD_COLUMNS ") VALUES "
				 "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[STATEMENT_RECORDS] = WHOLE_RECORDS "WHERE r.number > ? ORDER BY r.number LIMIT ?",
	[STATEMENT_RECORD_SINCE] = "SELECT COALESCE(MIN(number), 0) FROM pcc_record WHERE time >= ?",
	[STATEMENT_RECORD_UNTIL] = "SELECT COALESCE(MAX(number), 0) FROM pcc_record WHERE time <= ?",
	[STATEMENT_CHATS_BEFORE] = WHOLE_RECORDS
	"WHERE r.room_id = ? AND r.number < ? AND r.type = 'chat' ORDER BY r.number DESC LIMIT ?",
	[STATEMENT_CHATS_AFTER] = WHOLE_RECORDS
	"WHERE r.room_id = ? AND r.number > ? AND r.type = 'chat' ORDER BY r.number LIMIT ?",
	[STATEMENT_OBJECTS_NAMED] =
		"SELECT id, uri FROM pcc_object WHERE kind = ? AND name = ? ORDER BY id LIMIT ?",
	[STATEMENT_HOLD_PUT] = "INSERT INTO pcc_hold (" HOLD_COLUMNS ") VALUES "
			       "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[STATEMENT_HOLD_RELEASE] = "UPDATE pcc_hold SET released = ?, released_lsn = ?, "
				   "released_by = ?, released_reason = ? "
				   "WHERE name = ? AND released = 0",
	[STATEMENT_HOLDS] = "SELECT " HOLD_COLUMNS
			    " FROM pcc_hold WHERE number > ? ORDER BY number LIMIT ?",
	[STATEMENT_HOLD_COUNT] = "SELECT COALESCE(SUM(CASE WHEN name = ? THEN 1 ELSE 0 END), 0), "
				 "COUNT(*) FROM pcc_hold WHERE released = 0",
	[STATEMENT_PURGE_PUT] =
		"INSERT INTO pcc_purge (id, requested, until, finished, gone, held, waiting) "
		"VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
		"requested = excluded.requested, until = excluded.until, "
		"finished = excluded.finished, gone = excluded.gone, held = excluded.held, "
		"waiting = excluded.waiting",
	[STATEMENT_PURGE_GET] =
		"SELECT requested, until, finished, gone, held, waiting FROM pcc_purge WHERE id = 1",
	[STATEMENT_RECORDS_EXPIRE] =
		"UPDATE pcc_record SET lsn = 0, time = 0, type = 'expired', flags = 0, room_id = 0, "
		"room = '', room_name = '', category = '', user_id = 0, user_uri = '', "
		"user_name = '', address = '', session = '', message = 0, title = '', "
		"content = '', rich_type = '', rich = '', detail = '' "
		"WHERE number >= ? AND number <= ?",
	[STATEMENT_RECORDS_REMOVE] = "DELETE FROM pcc_record WHERE number <= ?",
	[STATEMENT_CHECKPOINTS_REMOVE] = "DELETE FROM pcc_checkpoint WHERE number <= ?",
	[STATEMENT_OBJECT_GET] = "SELECT uri, name, parent, flags, description, detail "
				 "FROM pcc_object WHERE kind = ? AND id = ?",
	[STATEMENT_OBJECT_PUT] =
		"INSERT INTO pcc_object (kind, id, uri, name, parent, flags, description, detail) "
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET "
		"uri = excluded.uri, name = excluded.name, parent = excluded.parent, "
		"flags = excluded.flags, description = excluded.description, "
		"detail = excluded.detail",
	[STATEMENT_OPEN_SESSION_GET] =
		"SELECT principal, address, name FROM pcc_open_session WHERE session = ?",
	[STATEMENT_OPEN_SESSION_PUT] =
		"INSERT INTO pcc_open_session (session, principal, address, name) VALUES (?, ?, ?, ?) "
		"ON CONFLICT (session) DO UPDATE SET principal = excluded.principal, "
		"address = excluded.address, name = excluded.name",
	[STATEMENT_OPEN_SESSION_REMOVE] = "DELETE FROM pcc_open_session WHERE session = ?",
	[STATEMENT_OPEN_SESSIONS] = "SELECT session, principal, address, name FROM pcc_open_session "
				    "ORDER BY session LIMIT ?",
	[STATEMENT_OPEN_ROOM_PUT] = "INSERT INTO pcc_open_room (session, room) VALUES (?, ?) "
				    "ON CONFLICT (session, room) DO NOTHING",
	[STATEMENT_OPEN_ROOM_REMOVE] = "DELETE FROM pcc_open_room WHERE session = ? AND room = ?",
	[STATEMENT_OPEN_ROOMS] =
		"SELECT session, room FROM pcc_open_room ORDER BY session, room LIMIT ?",
	[STATEMENT_CHECKPOINT_PUT] =
		"INSERT INTO pcc_checkpoint (number, hash, time, signature) VALUES (?, ?, ?, ?) "
		"ON CONFLICT (number) DO NOTHING",
	[STATEMENT_CHECKPOINTS] = "SELECT number, hash, time, signature FROM pcc_checkpoint "
				  "WHERE number > ? ORDER BY number LIMIT ?",
	[STATEMENT_FILE_PUT] =
		"INSERT INTO pc_file (uuid, lsn, room, time, author, name, type, size, sha256, "
		"removed, removed_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0) "
		"ON CONFLICT (uuid) DO NOTHING",
	[STATEMENT_FILE_REMOVE] = "UPDATE pc_file SET removed = ?, removed_by = ? "
				  "WHERE uuid = ? AND removed = 0",
	[STATEMENT_FILES_REMOVE] = "UPDATE pc_file SET removed = ?, removed_by = ? "
				   "WHERE room = ? AND removed = 0",
	[STATEMENT_FILE_GET] = FILES "WHERE f.uuid = ?",
	[STATEMENT_FILES] =
		FILES "WHERE f.room = ? AND f.time <= ? AND (f.time < ? OR f.uuid < ?) "
		      "AND f.removed <= ? ORDER BY f.time DESC, f.uuid DESC LIMIT ?",
	[STATEMENT_EXPORT_FILES] = FILES "WHERE f.uuid > ? ORDER BY f.uuid LIMIT ?",
	[STATEMENT_AUDIT_PUT] = "INSERT INTO pc_audit "
				"(lsn, time, actor, address, what, object, ref, details) "
				"VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (lsn) DO NOTHING",
	[STATEMENT_AUDITS] = "SELECT lsn, time, actor, address, what, object, ref, details "
			     "FROM pc_audit WHERE lsn < ? AND time >= ? AND time <= ? "
			     "ORDER BY lsn DESC LIMIT ?",
	[STATEMENT_AUDIT_OLD] =
		"SELECT COALESCE(MAX(o.lsn), 0) FROM (SELECT a.lsn FROM pc_audit AS a "
		"WHERE a.time < ? ORDER BY a.lsn LIMIT ?) AS o",
	[STATEMENT_AUDIT_REMOVE] = "DELETE FROM pc_audit WHERE lsn <= ?",
	[STATEMENT_ADMIN_PUT] =
		"INSERT INTO pc_session (slot, generation, session, name, address) "
		"VALUES (?, ?, ?, ?, ?) ON CONFLICT (slot, generation, session) DO UPDATE SET "
		"name = excluded.name, address = excluded.address",
	[STATEMENT_ADMIN_GET] = "SELECT name, address FROM pc_session "
				"WHERE slot = ? AND generation = ? AND session = ?",
	[STATEMENT_ADMIN_REMOVE] =
		"DELETE FROM pc_session WHERE slot = ? AND generation = ? AND session = ?",
	[STATEMENT_ADMIN_CLEAR] = "DELETE FROM pc_session",
	[STATEMENT_SETTING_GET] =
		"SELECT value FROM pc_setting WHERE kind = ? AND scope = ? AND name = ?",
	[STATEMENT_EXPORT_AFFILIATIONS] =
		"SELECT a.member, a.group_id, m.uri, g.uri FROM pc_affiliation AS a "
		"LEFT JOIN pc_principal AS m ON m.id = a.member "
		"LEFT JOIN pc_principal AS g ON g.id = a.group_id "
		"WHERE (a.member, a.group_id) > (?, ?) ORDER BY a.member, a.group_id LIMIT ?",
	[STATEMENT_EXPORT_ROOMS] = ROOM_COLUMNS ", r.purged, c.uuid, a.uuid FROM pc_room AS r "
						"LEFT JOIN pc_category AS c ON c.id = r.category "
						"LEFT JOIN pc_addin AS a ON a.id = r.addin "
						"WHERE r.id > ? ORDER BY r.id LIMIT ?",
	[STATEMENT_EXPORT_ROLES] =
		"SELECT x.kind, x.node, x.principal, x.role, COALESCE(r.category, x.node), "
		"COALESCE(r.uuid, c.uuid), p.uri FROM pc_role AS x "
		"LEFT JOIN pc_category AS c ON x.kind = 1 AND c.id = x.node "
		"LEFT JOIN pc_room AS r ON x.kind = 2 AND r.id = x.node "
		"LEFT JOIN pc_principal AS p ON p.id = x.principal "
		"WHERE (x.kind, x.node, x.principal, x.role) > (?, ?, ?, ?) "
		"ORDER BY x.kind, x.node, x.principal, x.role LIMIT ?",
	[STATEMENT_EXPORT_INVITATIONS] =
		"SELECT x.principal, x.room, x.id, x.time, x.inviter, p.uri, r.uuid, r.category, "
		"w.uri FROM pc_invitation AS x " USER_AND_ROOM
		"LEFT JOIN pc_principal AS w ON w.id = x.inviter " ABOVE_ROOM,
	[STATEMENT_EXPORT_INVITED] =
		"SELECT x.principal, x.last_id, x.read_id, p.uri, '', 0, '' FROM pc_invited AS x "
		"LEFT JOIN pc_principal AS p ON p.id = x.principal "
		"WHERE x.principal > ? AND x.last_id >= ? ORDER BY x.principal LIMIT ?",
	[STATEMENT_EXPORT_MARKERS] =
		"SELECT x.principal, x.room, x.seq, p.uri, r.uuid, r.category, "
		"'' FROM pc_marker AS x " USER_AND_ROOM ABOVE_ROOM,
	[STATEMENT_EXPORT_FEEDS] =
		"SELECT x.principal, x.id, x.name, x.words, x.author, x.room, x.flags, p.uri, "
		"r.uuid, r.category, w.uri FROM pc_feed AS x " USER_AND_ROOM
		"LEFT JOIN pc_principal AS w ON w.id = x.author "
		"WHERE (x.principal, x.id) > (?, ?) ORDER BY x.principal, x.id LIMIT ?",
	[STATEMENT_EXPORT_REQUESTS] =
		"SELECT x.principal, x.room, x.time, x.reason, p.uri, r.uuid, r.category, '' "
		"FROM pc_request AS x " USER_AND_ROOM ABOVE_ROOM,
	[STATEMENT_EXPORT_GRANTS] =
		"SELECT x.principal, x.policy, p.uri FROM pc_grant AS x "
		"LEFT JOIN pc_principal AS p ON p.id = x.principal "
		"WHERE x.principal > ? ORDER BY x.principal LIMIT ?",
	[STATEMENT_EXPORT_CREDENTIALS] =
		"SELECT uri, mechanism, iterations, salt, stored_key, server_key, changed "
		"FROM pc_credential WHERE (uri, mechanism) > (?, ?) ORDER BY uri, mechanism LIMIT "
		"?",
	[STATEMENT_ADAPTER_GET] = "SELECT done, batch, ran, failures, failing, error "
				  "FROM pcc_adapter WHERE name = ?",
	[STATEMENT_ADAPTER_PUT] =
		"INSERT INTO pcc_adapter (name, done, batch, ran, failures, failing, error) "
		"VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
		"done = excluded.done, batch = excluded.batch, ran = excluded.ran, "
		"failures = excluded.failures, failing = excluded.failing, error = excluded.error",
	[STATEMENT_ADAPTERS] = "SELECT name, done, batch, ran, failures, failing, error "
			       "FROM pcc_adapter WHERE name > ? ORDER BY name LIMIT ?",
};
