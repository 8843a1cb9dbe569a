#include "worker/note.h"

#include "worker/core.h"
#include "worker/view.h"

static void settle(struct pending *pending, const struct outcome *outcome)
{
	struct request *request = (struct request *)pending;
	struct session *session = pending->session;
	const int code = outcome_code(outcome);

	if (code != CODE_OK || outcome->kind != OUTCOME_EVENT) {
		request_refuse(request, code == CODE_OK ? CODE_SERVER_ERROR : code);
		return;
	}
	session->front->noted(session, &request->id, outcome->record->lsn);
	request_end(request);
}

static void ask(struct session *session, const struct chat_id *id, enum view_kind kind,
		struct text text)
{
	struct request *request = request_begin(session, id, sizeof(*request), settle);
	int code = CODE_INVALID_FLOW_OF_OPERATIONS;

	if (request == NULL)
		return;
	if (view_is_recorded(session->chat))
		code = view_note(&request->base, kind, NULL, 0, text);
	if (code != CODE_OK)
		request_refuse(request, code);
}

void note_records(struct session *session, const struct chat_id *id, struct text text)
{
	ask(session, id, VIEW_RECORDS, text);
}

void note_order(struct session *session, const struct chat_id *id, enum view_kind kind,
		struct text order)
{
	/* Records are kept for ever: there is nothing to purge. */
	if (kind == VIEW_PURGE && chat_conf(session->chat)->compliance.retention == 0)
		session_refuse(session, id, CODE_INVALID_FLOW_OF_OPERATIONS);
	else
		ask(session, id, kind, order);
}
