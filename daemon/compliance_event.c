#include "daemon/compliance_translation.h"

/* Events as records. */

static enum db_result use_start(struct translation *t, struct err *err)
{
	translation_put_flag(t, "cold", t->record->flags & EVENT_COLD);
	return translation_add(t, "start", err);
}

/* What users keep for themselves is nobody's business. */
static enum db_result use_nothing(struct translation *t, struct err *err)
{
	(void)t;
	(void)err;
	return DB_OK;
}

static use_fn *const uses[EVENT_TYPES] = {
	[EVENT_START] = use_start,
	[EVENT_PRINCIPAL] = use_principal,
	[EVENT_ROOM] = use_room,
	[EVENT_SESSION_OPEN] = use_open,
	[EVENT_SESSION_CLOSE] = use_close,
	[EVENT_JOIN] = use_join,
	[EVENT_LEAVE] = use_leave,
	[EVENT_MESSAGE] = use_message,
	[EVENT_CATEGORY] = use_category,
	[EVENT_ADDIN] = use_addin,
	[EVENT_ROLE] = use_role,
	[EVENT_AFFILIATION] = use_affiliation,
	[EVENT_REMOVED] = use_removed,
	[EVENT_MESSAGE_REMOVED] = use_removal,
	[EVENT_PURGE] = use_purge,
	[EVENT_INVITATION] = use_nothing,
	[EVENT_MARKER] = use_nothing,
	[EVENT_FEED] = use_nothing,
	[EVENT_ACCESS_REQUEST] = use_access,
	[EVENT_HISTORY] = use_history,
	[EVENT_SETTING] = use_setting,
	[EVENT_GRANT] = use_grant,
	[EVENT_VIEW] = use_view,
	[EVENT_REFUSED] = use_refused,
	[EVENT_FILE_GRANT] = use_file_grant,
	[EVENT_FILE] = use_file,
	[EVENT_FILE_READ] = use_file_read,
	[EVENT_FILE_REMOVED] = use_file_removed,
	[EVENT_JOINS] = use_joins,
	[EVENT_LEAVES] = use_leaves,
	[EVENT_LOST] = use_lost,
};

static enum db_result begin(struct translation *t, struct err *err)
{
	enum db_result result;

	t->row.lsn = t->record->lsn;
	t->row.time = t->record->time;
	result = translation_session(t, err);
	if (result == DB_OK)
		result = translation_user(t, t->record->actor, err);
	if (result == DB_OK && t->record->type != EVENT_ROOM)
		result = translation_room(t, t->record->room, err);
	return result;
}

enum db_result compliance_event(struct compliance_batch *batch, struct db *db,
				const struct record *record, struct err *err)
{
	struct translation t = {.batch = batch, .db = db, .record = record};
	use_fn *const use = record->type < EVENT_TYPES ? uses[record->type] : NULL;
	enum db_result result = use == use_nothing ? DB_OK : begin(&t, err);

	if (result == DB_OK)
		result = use ? use(&t, err) : translation_malformed(&t, err);
	fragment_free(&t.detail);
	return result;
}
