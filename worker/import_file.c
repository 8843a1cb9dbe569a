#include <string.h>

#include "conf/clock.h"
#include "worker/core.h"
#include "worker/import.h"

/* A file out of an archive. The sequencer knows no files: whether it is here already is asked of a
 * reader first. */

enum { RETRY_US = 50000, STORE_TRIES = 200 /* ten seconds */ };

struct import_file {
	struct request base;
	uint64_t needed; /* LSN: the store has to have everything below it */
	unsigned tries;
	bool asked;
	struct ask_files ask;
	uint8_t payload[sizeof(struct command_import) + 256 + EVENT_FILE_NAME_MAX +
			EVENT_FILE_TYPE_MAX];
	uint32_t size; /* of the payload */
};

static int ask_reader(struct import_file *file)
{
	struct pending *pending = &file->base.base;
	struct chat *chat = pending->session->chat;
	const struct text part = {(const char *)&file->ask, sizeof(file->ask)};
	const int code = chat_ask(chat, chat->questions, ASK_FILES, pending, &part, 1, -1);

	file->asked = code == CODE_OK;
	if (code == CODE_OK)
		pending_until(&chat->pending, pending, chat_answer_limit(chat));
	return code;
}

/* What was imported a moment ago is to be found: the store may still be at it. */
static int go_on(struct import_file *file)
{
	struct pending *pending = &file->base.base;
	struct chat *chat = pending->session->chat;
	const struct proc_page *store = chat->proc->page[SLOT_STORE];

	if (atomic_load_explicit(&store->cursor, memory_order_acquire) >= file->needed)
		return ask_reader(file);
	if (++file->tries > STORE_TRIES)
		return CODE_UNAVAILABLE;
	pending_until(&chat->pending, pending, clock_mono() + RETRY_US);
	return CODE_OK;
}

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

	if (outcome->kind == OUTCOME_TIME && !file->asked) {
		code = go_on(file);
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
	return go_on(file);
}

void import_file(struct session *session, const struct chat_id *id, struct import_line *line)
{
	struct import_file *file =
		(struct import_file *)request_begin(session, id, sizeof(*file), settle);
	int code;

	if (file == NULL)
		return;
	file->needed = atomic_load_explicit(&session->chat->proc->page[SLOT_SEQUENCER]->durable,
					    memory_order_acquire);
	code = session->admin ? begin(file, line) : CODE_ERROR_PERMISSION;
	if (code != CODE_OK)
		request_refuse(&file->base, code);
}
