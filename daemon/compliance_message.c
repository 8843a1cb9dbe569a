#include "conf/clock.h"
#include "conf/code.h"
#include "daemon/compliance_translation.h"
#include "shm/command.h"

/* What was said, removed, read, asked for and refused, as records. */

static enum db_result add_message(struct translation *t, const char *type,
				  const struct event_message *event, struct err *err)
{
	if (t->record->flags & EVENT_ALERT)
		t->row.flags |= RECORD_ALERT;
	if (t->record->flags & EVENT_UNLOGGED)
		t->row.flags &= ~(uint32_t)RECORD_HISTORY;
	t->row.message = t->record->seq;
	t->row.title = bytes(event->title);
	t->row.content = bytes(event->text);
	t->row.rich_type = bytes(event->rich_type);
	t->row.rich = bytes(event->rich);
	if (event->id.length > 0)
		translation_put_text(t, "id", bytes(event->id));
	return translation_add(t, type, err);
}

enum db_result use_message(struct translation *t, struct err *err)
{
	struct event_message event;

	return event_message_get(t->record, &event) ? add_message(t, "chat", &event, err)
						    : translation_malformed(t, err);
}

/* Nobody said that here and now, but from now on it stands there. */
enum db_result use_history(struct translation *t, struct err *err)
{
	struct event_history event;
	enum db_result result = DB_OK;
	char posted[CLOCK_TEXT];

	if (!event_history_get(t->record, &event))
		return translation_malformed(t, err);
	if (event.what != HISTORY_MESSAGE)
		return DB_OK;
	if (event.author != 0)
		result = translation_put_principal(t, "author", event.author, err);
	translation_put_word(t, "posted", clock_format(event.time, posted));
	return result == DB_OK ? add_message(t, "import", &event.message, err) : result;
}

enum db_result use_removal(struct translation *t, struct err *err)
{
	const bool replaced = t->record->flags & EVENT_REPLACED;
	struct event_replacement event;
	enum db_result result = DB_OK;

	t->row.message = t->record->seq;
	if (!event_replacement_get(t->record, &event))
		return translation_malformed(t, err);
	t->row.content = bytes(event.text);
	if (event.author != 0)
		result = translation_put_principal(t, "author", event.author, err);
	return result == DB_OK ? translation_add(t, replaced ? "replace" : "remove", err) : result;
}

enum db_result use_purge(struct translation *t, struct err *err)
{
	t->row.message = t->record->seq;
	return translation_add(t, "purge", err);
}

enum db_result use_view(struct translation *t, struct err *err)
{
	static const char *const types[] = {
		[VIEW_HISTORY] = "view",      [VIEW_SEARCH] = "search",
		[VIEW_RECORDS] = "discovery", [VIEW_HOLD] = "hold",
		[VIEW_RELEASE] = "release",   [VIEW_PURGE] = "purge_request"};
	enum db_result result = DB_OK;
	const char *refusal = NULL;
	struct event_view event;

	if (!event_view_get(t->record, &event))
		return translation_malformed(t, err);
	t->row.content = bytes(event.request);
	if (event.kind > VIEW_RECORDS)
		result = compliance_order(t->batch, t->db, event.kind, &t->row, &refusal, err);
	if (refusal)
		translation_put_word(t, "error", refusal);
	return result == DB_OK ? translation_add(t, types[event.kind], err) : result;
}

static const char *command_word(unsigned command)
{
	static const char *const words[] = {
		[COMMAND_MESSAGE] = "message",
		[COMMAND_JOIN] = "join",
		[COMMAND_JOIN_ROOMS] = "join",
		[COMMAND_LEAVE] = "leave",
		[COMMAND_PRINCIPAL] = "principal",
		[COMMAND_ROOM] = "room",
		[COMMAND_CATEGORY] = "category",
		[COMMAND_ADDIN] = "addin",
		[COMMAND_ROLES] = "roles",
		[COMMAND_SESSION_OPEN] = "sign_in",
		[COMMAND_MEMBERS] = "affiliation",
		[COMMAND_REMOVE] = "delete",
		[COMMAND_MESSAGE_REMOVE] = "message_remove",
		[COMMAND_PURGE] = "purge",
		[COMMAND_ACCESS] = "access_request",
		[COMMAND_VIEW] = "view",
		[COMMAND_QUIT] = "quit",
		[COMMAND_FILE_UPLOAD] = "upload",
		[COMMAND_FILE_STORED] = "upload",
		[COMMAND_FILE_READ] = "download",
		[COMMAND_FILE_REMOVE] = "file_remove",
	};

	return command < sizeof(words) / sizeof(words[0]) && words[command] ? words[command]
									    : "other";
}

enum db_result use_refused(struct translation *t, struct err *err)
{
	struct event_refused event;

	if (!event_refused_get(t->record, &event))
		return translation_malformed(t, err);
	if (event.method.length > 0)
		translation_put_text(t, "request", bytes(event.method));
	else
		translation_put_word(t, "request", command_word(event.command));
	translation_put_word(t, "error", code_name(event.code));
	if (event.user.length > 0)
		translation_put_text(t, "user", bytes(event.user));
	if (event.address.length > 0)
		t->row.address = bytes(event.address);
	return translation_add(t, "refused", err);
}
