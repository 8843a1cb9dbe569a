#ifndef PCHAT_DAEMON_COMPLIANCE_TRANSLATION_H
#define PCHAT_DAEMON_COMPLIANCE_TRANSLATION_H

#include <string.h>

#include "daemon/compliance_batch.h"
#include "daemon/fragment.h"

/* One event on its way to be a record: what compliance_event.c and its parts work on. */
struct translation {
	struct compliance_batch *batch; /* borrowed, as are the next two */
	struct db *db;
	const struct record *record;
	struct record_row row;
	struct fragment detail; /* owned */
	char session[RECORD_SESSION];
};

static inline struct db_bytes bytes(struct text text)
{
	return (struct db_bytes){.data = text.data, .length = text.length};
}

static inline struct db_bytes word(const char *text)
{
	return (struct db_bytes){.data = text, .length = strlen(text)};
}

/* A session as records call it. */
void translation_session_name(const struct origin *origin, char name[RECORD_SESSION]);

/* Who and where: by the names that they have at this place of the journal. Number 0: nobody. */
enum db_result translation_room(struct translation *t, uint32_t id, struct err *err);
enum db_result translation_user(struct translation *t, uint32_t id, struct err *err);
enum db_result translation_session(struct translation *t, struct err *err);

/* Members of the record's detail. */
void translation_put_text(struct translation *t, const char *name, struct db_bytes text);
void translation_put_word(struct translation *t, const char *name, const char *text);
void translation_put_flag(struct translation *t, const char *name, bool value);
void translation_put_json(struct translation *t, const char *name, struct db_bytes json);
enum db_result translation_put_principal(struct translation *t, const char *name, uint32_t id,
					 struct err *err);

/* Whether a database takes it: it is UTF-8. */
bool translation_is_sound(struct db_bytes text);

/* Adds the record to the batch; what is not sound in it stands in its detail. */
enum db_result translation_add(struct translation *t, const char *type, struct err *err);

/* An event that is not what it should be is on record with its bytes. */
enum db_result translation_malformed(struct translation *t, struct err *err);

/* Makes an event of one type a record, or none; who, when and where are there already. */
typedef enum db_result use_fn(struct translation *t, struct err *err);

/* compliance_session.c */
use_fn use_open, use_close, use_lost, use_join, use_leave, use_joins, use_leaves;

/* compliance_message.c */
use_fn use_message, use_history, use_removal, use_purge, use_view, use_refused;

/* compliance_change.c */
use_fn use_principal, use_room, use_category, use_addin, use_role, use_affiliation, use_removed,
	use_access, use_setting, use_grant;

/* compliance_file.c */
use_fn use_file_grant, use_file, use_file_read, use_file_removed;

#endif
