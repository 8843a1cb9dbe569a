#ifndef PCHAT_ODBC_CONTENT_EXPORT_H
#define PCHAT_ODBC_CONTENT_EXPORT_H

#include "odbc/content.h"

/*
 * Tables for archives: as the functions of the same name without "export" in content.h, and with
 * each row the names of what its ids refer to, because ids mean nothing in another database. A name
 * is empty where what it was of is gone.
 */
struct content_names {
	struct db_bytes principal; /* URI; of an affiliation the member's */
	struct db_bytes other;	   /* URI: the group, the inviter, the author of a feed */
	struct db_bytes node;	   /* uuid, as text, of the room or category */
	uint32_t category;	   /* id: of the room, or the node itself; 0: there is no room */
};

struct content_room_names {
	struct db_bytes category, addin; /* uuids, as text */
	uint64_t purged;		 /* messages up to there are not shown any more */
};

enum db_result content_export_affiliations(struct db *db, const struct content_affiliation *above,
					   struct err *err);
enum db_result content_export_affiliations_next(struct db *db,
						struct content_affiliation *affiliation_r,
						struct content_names *names_r, struct err *err);
enum db_result content_export_rooms(struct db *db, uint32_t above, struct err *err);
enum db_result content_export_rooms_next(struct db *db, struct content_room *room_r,
					 struct content_room_names *names_r, struct err *err);
enum db_result content_export_roles(struct db *db, const struct content_role *above,
				    struct err *err);
enum db_result content_export_roles_next(struct db *db, struct content_role *role_r,
					 struct content_names *names_r, struct err *err);
enum db_result content_export_people(struct db *db, enum content_person_kind kind,
				     const struct content_person *above, struct err *err);
enum db_result content_export_people_next(struct db *db, enum content_person_kind kind,
					  struct content_person *person_r,
					  struct content_names *names_r, struct err *err);

enum db_result content_export_grants(struct db *db, uint32_t above, struct err *err);
enum db_result content_export_grants_next(struct db *db, struct content_grant *grant_r,
					  struct content_names *names_r, struct err *err);

/* Secrets by which users prove who they are. uri and mechanism: above which; empty at first. */
enum { CONTENT_EXPORT_URI_MAX = 454 };
struct content_export_credential {
	size_t uri_length;
	char uri[CONTENT_EXPORT_URI_MAX];
	struct content_credential credential; /* without what it has of the principal */
};
enum db_result content_export_credentials(struct db *db,
					  const struct content_export_credential *above,
					  struct err *err);
enum db_result content_export_credentials_next(struct db *db,
					       struct content_export_credential *credential_r,
					       struct err *err);

#endif
