#ifndef PCHAT_ODBC_CONTENT_AUDIT_H
#define PCHAT_ODBC_CONTENT_AUDIT_H

#include "odbc/content.h"

/* What administrators, managers and creators changed: a row for each change, and what is needed to
 * say whose it was and how it was before. All functions answer as odbc/db.h says. */

struct content_audit {
	uint64_t lsn, time; /* of the event; UTC us */
	struct db_bytes actor, address;
	struct db_bytes what;	 /* "room.update" */
	struct db_bytes object;	 /* its name or URI, as it was then */
	struct db_bytes ref;	 /* its uuid, or empty */
	struct db_bytes details; /* a JSON object */
};

enum db_result content_audit_put(struct db *db, const struct content_audit *audit, struct err *err);

/* Those below an LSN and within two times (both inclusive), newest first: execute, then take rows.
 */
struct content_audit_range {
	uint64_t before, start, end;
	unsigned limit;
};
enum db_result content_audits(struct db *db, const struct content_audit_range *range,
			      struct err *err);
enum db_result content_audits_next(struct db *db, struct content_audit *audit_r, struct err *err);

/* Deletes those before a time, the oldest first and at most so many, in a transaction of its own.
 * *more_r: there may be more. */
enum db_result content_audit_expire(struct db *db, uint64_t before, unsigned most, bool *more_r,
				    struct err *err);

/* Sessions of administrators that are open. */
struct content_admin {
	uint16_t slot;
	uint32_t generation, session;
	struct db_bytes name, address;
};
enum db_result content_admin_put(struct db *db, const struct content_admin *admin, struct err *err);
enum db_result content_admin_remove(struct db *db, const struct content_admin *admin,
				    struct err *err);
enum db_result content_admin_clear(struct db *db, struct err *err);

/* DB_END: there is no such session. What is found is good until the next execution, as it is with
 * the next functions. */
enum db_result content_admin_get(struct db *db, struct content_admin *admin_r, struct err *err);

/* One row; DB_END: there is none. */
enum db_result content_principal_get(struct db *db, uint32_t id,
				     struct content_principal *principal_r, struct err *err);
enum db_result content_room_get(struct db *db, uint32_t id, struct content_room *room_r,
				struct err *err);
enum db_result content_category_get(struct db *db, uint32_t id, struct content_category *category_r,
				    struct err *err);
enum db_result content_addin_get(struct db *db, uint32_t id, struct content_addin *addin_r,
				 struct err *err);
enum db_result content_setting_get(struct db *db, struct content_setting *setting_r,
				   struct err *err);
enum db_result content_grant_get(struct db *db, struct content_grant *grant_r, struct err *err);

#endif
