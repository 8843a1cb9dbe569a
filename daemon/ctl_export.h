#ifndef PCHAT_DAEMON_CTL_EXPORT_H
#define PCHAT_DAEMON_CTL_EXPORT_H

#include "daemon/archive.h"
#include "daemon/ctl_archive.h"
#include "daemon/fragment.h"
#include "odbc/content_export.h"
#include "shm/event.h"

struct export;

/* A table of the database: executing for the next page, and one row of it. */
struct export_part {
	unsigned levels;			  /* bits 1 << enum archive_level */
	enum db_result (*page)(struct export *e); /* NULL: next does all of it */
	enum db_result (*next)(struct export *e);
	enum content_person_kind people; /* of what users have */
	enum archive_kind kind;
};

/* The key of a setting. */
struct export_setting {
	uint32_t kind;
	size_t scope_length, name_length;
	char scope[EVENT_SCOPE_MAX], name[EVENT_SETTING_MAX];
};

/* An export under way: between ctl_export.c, which says what is wanted, and ctl_export_table.c. */
struct export
{
	const struct ctl *ctl;	       /* borrowed */
	struct db *db;		       /* owned, in a transaction that only reads */
	struct archive_writer *writer; /* owned; NULL: lines are counted only */
	struct fragment line;	       /* owned: the one that is being written */
	struct content_cursor cursor;
	enum archive_level level;
	const struct export_part *part;
	uint32_t category;	   /* id of the only one; 0: all */
	uint8_t category_uuid[16]; /* its uuid */
	uint64_t start;		   /* what is older is left out; 0: nothing */
	bool failed;		   /* a line could not be written */
	bool found;		   /* the page had a row */
	union {			   /* the key up to which all of the table is taken */
		uint32_t id;
		struct content_role role;
		struct content_affiliation affiliation;
		struct content_person person;
		struct content_export_credential credential;
		struct export_setting setting;
		struct {
			uint8_t uuid[16];
			bool begun;
		} file;
	} above;
	struct archive_report report;
	struct err err;
};

/* All tables of the level. DB_OK: that was all; or what failed; with e->failed, DB_OK, too. */
enum db_result export_tables(struct export *e);

/* The messages of all rooms: a part of the same. */
enum db_result export_messages(struct export *e);

/* Settings and grants: pages and rows of parts (ctl_export_scoped.c). */
enum db_result export_setting_page(struct export *e);
enum db_result export_setting_next(struct export *e);
enum db_result export_grant_page(struct export *e);
enum db_result export_grant_next(struct export *e);

/* The rows of files (ctl_export_file.c). */
enum db_result export_file_page(struct export *e);
enum db_result export_file_next(struct export *e);

/* A line: begun by the name of its first member, whose value comes next; then others; its end.
 * False: it could not be written. kind: which is counted; KINDS: none. */
void export_begin(struct export *e, const char *name);
void export_name(struct export *e, const char *name);
void export_time(struct export *e, const char *name, uint64_t utc);
bool export_end(struct export *e, enum archive_kind kind);

#endif
