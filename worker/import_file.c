#include <string.h>

#include "worker/import.h"
#include "worker/lookup.h"

/* A file out of an archive. The sequencer knows no files: whether it is here already is asked of a
 * reader first. */

enum { TRIES = 200 /* ten seconds */ };

struct import_file {
	struct request base;
	struct lookup lookup;
	struct ask_files ask;
	uint8_t payload[sizeof(struct command_import) + 256 + EVENT_FILE_NAME_MAX +
			EVENT_FILE_TYPE_MAX];
	uint32_t size; /* of the payload */
};

static int send_line(struct import_file *file)
{
	const struct command head = {.type = COMMAND_IMPORT, .room = file->ask.room};
	struct session *session = file->base.base.session;

	pending_until(&session->chat->pending, &file->base.base, 0);
	return chat_command(session->chat, &head, session->number, file->base.base.tag,
			    file->payload, file->size);
}

static void end(struct import_file *file, bool made)
{
	struct session *session = file->base.base.session;

	session->front->object->imported(session, &file->base.id, made);
	request_end(&file->base);
}

static void settle(struct pending *pending, const struct outcome *outcome)
{
	struct import_file *file = (struct import_file *)pending;
	const bool checked = outcome->kind == OUTCOME_ANSWER && outcome->answer->seq == 1;
	int code;

	if (lookup_waits(&file->lookup, outcome)) {
		code = lookup_go_on(&file->lookup, pending);
	} else {
		code = outcome_code(outcome);
		if (outcome->kind == OUTCOME_ASK && code == CODE_NO_SUCH_NODE)
			code = send_line(file);
		else if (code == CODE_OK)
			end(file, outcome->kind == OUTCOME_EVENT || checked);
	}
	if (code != CODE_OK)
		request_refuse(&file->base, code);
}

static int begin(struct import_file *file, struct import_line *line)
{
	struct session *session = file->base.base.session;
	uint32_t used;
	int code = import_names(session->chat, line, &file->ask.room);

	if (code != CODE_OK)
		return code;
	line->head.type = line->type;
	memcpy(file->payload, &line->head, sizeof(line->head));
	used = event_file_put(&line->file, file->payload + sizeof(line->head),
			      sizeof(file->payload) - (uint32_t)sizeof(line->head));
	if (used == 0)
		return CODE_INVALID_ARGUMENT;
	file->size = (uint32_t)sizeof(line->head) + used;
	memcpy(file->ask.uuid, line->file.uuid, sizeof(file->ask.uuid));
	file->ask.one = file->ask.removed = 1;
	lookup_add(&file->lookup, &file->ask, sizeof(file->ask));
	return lookup_go_on(&file->lookup, &file->base.base);
}

void import_file(struct session *session, const struct chat_id *id, struct import_line *line)
{
	struct import_file *file =
		(struct import_file *)request_begin(session, id, sizeof(*file), settle);
	int code;

	if (file == NULL)
		return;
	lookup_init(&file->lookup, session->chat, ASK_FILES);
	file->lookup.tries = TRIES;
	code = session->admin ? begin(file, line) : CODE_ERROR_PERMISSION;
	if (code != CODE_OK)
		request_refuse(&file->base, code);
}
