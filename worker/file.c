#include "worker/file.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "worker/file_answer.h"
#include "worker/object_find.h"
#include "worker/object_send.h"

/* Files asked for: uploading by a command, the rest of pchat-file, which has the sequencer decide.
 */

struct grant {
	struct request base;
	uint8_t token[FILE_HASH];
	struct file_info file; /* its name and type are not used */
};

static void grant_free(struct pending *pending)
{
	struct grant *grant = (struct grant *)pending;

	session_request_ended(pending->session);
	explicit_bzero(grant->token, sizeof(grant->token));
	free(grant);
}

static struct grant *grant_begin(struct session *session, const struct chat_id *id,
				 void (*settle)(struct pending *, const struct outcome *))
{
	struct grant *grant = (struct grant *)request_begin(session, id, sizeof(*grant), settle);

	if (grant != NULL)
		grant->base.base.free = grant_free;
	return grant;
}

/* A new token, and its hash: no more than that leaves this process until the client shows it. */
static bool make_token(uint8_t token[FILE_HASH], uint8_t hash_r[FILE_HASH])
{
	unsigned length;

	return getrandom(token, FILE_HASH, 0) == FILE_HASH &&
	       EVP_Digest(token, FILE_HASH, hash_r, &length, EVP_sha256(), NULL) == 1;
}

bool file_answer(const struct ask *ask, const void *body, struct file_info *info_r)
{
	const char *texts = (const char *)body + sizeof(struct ask_file);
	struct ask_file file;

	if (ask == NULL || ask->size < sizeof(file))
		return false;
	memcpy(&file, body, sizeof(file));
	if (ask->size != sizeof(file) + file.name + file.type)
		return false;
	*info_r = (struct file_info){
		.size = file.size,
		.time = file.time,
		.expires = file.expires,
		.name = {texts, file.name},
		.type = {texts + file.name, file.type},
	};
	memcpy(info_r->room, file.room, sizeof(info_r->room));
	memcpy(info_r->file, file.file, sizeof(info_r->file));
	memcpy(info_r->sha256, file.sha256, sizeof(info_r->sha256));
	return true;
}

/* --- Uploading. --- */

static void upload_settle(struct pending *pending, const struct outcome *outcome)
{
	struct grant *grant = (struct grant *)pending;
	struct session *session = pending->session;
	const int code = outcome_code(outcome);

	if (code != CODE_OK || outcome->kind != OUTCOME_EVENT) {
		request_refuse(&grant->base, code == CODE_OK ? CODE_SERVER_ERROR : code);
		return;
	}
	grant->file.expires = outcome->record->time + FILE_TOKEN_US;
	session->front->file->granted(session, &grant->base.id, &grant->file, grant->token);
	request_end(&grant->base);
}

static int send_upload(struct grant *grant, uint32_t room, const struct file_info *wanted)
{
	struct session *session = grant->base.base.session;
	const struct command command = {.type = COMMAND_FILE_UPLOAD, .room = room};
	struct event_file event = {
		.size = wanted->size,
		.name = wanted->name,
		.type = wanted->type,
	};
	uint8_t payload[256 + EVENT_FILE_NAME_MAX + EVENT_FILE_TYPE_MAX];
	uint32_t size;

	if (!object_make_uuid(event.uuid) || !make_token(grant->token, event.token_hash))
		return CODE_SERVER_ERROR;
	memcpy(grant->file.room, wanted->room, sizeof(grant->file.room));
	memcpy(grant->file.file, event.uuid, sizeof(grant->file.file));
	size = event_file_put(&event, payload, sizeof(payload));
	return size == 0 ? CODE_INVALID_ARGUMENT
			 : chat_command(session->chat, &command, session->number,
					grant->base.base.tag, payload, size);
}

static int find_room(const struct chat *chat, const uint8_t uuid[16], uint32_t *room_r)
{
	struct object_key key = {.by_name = false};
	struct room_view view;
	int code;

	memcpy(key.uuid, uuid, sizeof(key.uuid));
	code = object_find_room(chat, &key, &view);
	if (code == CODE_OK)
		*room_r = view.id;
	return code;
}

void file_upload(struct session *session, const struct chat_id *id, const struct file_info *wanted)
{
	struct grant *grant;
	uint32_t room = 0;
	int code;

	grant = grant_begin(session, id, upload_settle);
	if (grant == NULL)
		return;
	code = find_room(session->chat, wanted->room, &room);
	if (code == CODE_OK)
		code = send_upload(grant, room, wanted);
	if (code != CODE_OK)
		request_refuse(&grant->base, code);
}

/* --- Downloading and removing. --- */

static int ask(struct request *request, enum ask_kind kind, const void *question, uint32_t size)
{
	struct chat *chat = request->base.session->chat;
	const struct text part = {question, size};
	const int code = chat_ask(chat, chat->files, kind, &request->base, &part, 1, -1);

	if (code == CODE_OK)
		pending_until(&chat->pending, &request->base, chat_answer_limit(chat));
	return code;
}

static void download_settle(struct pending *pending, const struct outcome *outcome)
{
	struct grant *grant = (struct grant *)pending;
	struct session *session = pending->session;
	int code = outcome_code(outcome);

	if (code == CODE_OK && (outcome->kind != OUTCOME_ASK ||
				!file_answer(outcome->ask, outcome->body, &grant->file)))
		code = CODE_SERVER_ERROR;
	if (code != CODE_OK) {
		request_refuse(&grant->base, code);
		return;
	}
	session->front->file->granted(session, &grant->base.id, &grant->file, grant->token);
	request_end(&grant->base);
}

void file_download(struct session *session, const struct chat_id *id, const uint8_t room[16],
		   const uint8_t file[16])
{
	struct ask_file_open question = {.room = {0}};
	struct grant *grant = grant_begin(session, id, download_settle);
	int code = CODE_SERVER_ERROR;

	if (grant == NULL)
		return;
	memcpy(question.room, room, sizeof(question.room));
	memcpy(question.file, file, sizeof(question.file));
	if (make_token(grant->token, question.token_hash))
		code = ask(&grant->base, ASK_FILE_OPEN, &question, sizeof(question));
	if (code != CODE_OK)
		request_refuse(&grant->base, code);
}

void file_remove(struct session *session, const struct chat_id *id, const uint8_t room[16],
		 const uint8_t file[16], bool lost)
{
	struct ask_file_remove question = {.lost = lost};
	struct request *request = request_begin(session, id, sizeof(*request), object_done);
	int code;

	if (request == NULL)
		return;
	memcpy(question.room, room, sizeof(question.room));
	memcpy(question.file, file, sizeof(question.file));
	code = ask(request, ASK_FILE_REMOVE, &question, sizeof(question));
	if (code != CODE_OK)
		request_refuse(request, code);
}
