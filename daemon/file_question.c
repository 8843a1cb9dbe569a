#include <openssl/sha.h>
#include <string.h>

#include "conf/clock.h"
#include "daemon/file.h"
#include "shm/command.h"

static void refuse(struct file_server *server, const struct ask *question, int code)
{
	file_answer(server, question, code, NULL, 0);
}

static struct file_grant *find_grant(struct file_server *server, const uint8_t token[FILE_HASH],
				     bool upload)
{
	struct file_grant *grant;
	uint8_t hash[FILE_HASH];

	SHA256(token, FILE_HASH, hash);
	grant = grants_find(&server->grants, hash, clock_utc());
	return grant && grant->upload == upload ? grant : NULL;
}

/* --- Tokens. --- */

static void tell_download(struct file_server *server, const struct ask *question,
			  const struct file_grant *grant)
{
	uint8_t answer[sizeof(struct ask_file) + EVENT_FILE_NAME_MAX + EVENT_FILE_TYPE_MAX];
	struct event_file event = {.size = grant->size,
				   .author = grant->author,
				   .name = grant_name(grant),
				   .type = grant_type(grant)};
	struct room_view room;
	const int code = cache_room(server->cache, grant->room, &room);
	struct err err;

	if (code != CODE_OK) {
		refuse(server, question, code);
		return;
	}
	if (!place_has(&server->place, grant->file, grant->size)) {
		err_set(&err, "a file is not there, or has another size: see pchatctl file check");
		file_failed(server, &err);
		refuse(server, question, CODE_FILE_DOWNLOAD_FAILED);
		return;
	}
	memcpy(event.uuid, grant->file, sizeof(event.uuid));
	memcpy(event.sha256, grant->sha256, sizeof(event.sha256));
	file_answer(server, question, CODE_OK, answer,
		    file_tell(&event, room.uuid, grant->time, grant->expires, answer));
}

static void on_token(struct file_server *server, const struct ask *question)
{
	const struct file_grant *grant;
	struct ask_file_token ask;

	memcpy(&ask, server->body, sizeof(ask));
	grant = find_grant(server, ask.token, ask.upload != 0);
	if (!grant)
		refuse(server, question, CODE_INVALID_TOKEN);
	else if (grant->upload)
		file_begin_upload(server, question, grant);
	else
		tell_download(server, question, grant);
}

/* --- Downloads. --- */

static void on_chunk(struct file_server *server, const struct ask *question)
{
	const struct file_grant *grant;
	struct ask_file_chunk ask;
	size_t size;
	ssize_t got;
	struct err err;

	memcpy(&ask, server->body, sizeof(ask));
	grant = find_grant(server, ask.token, false);
	if (!grant || ask.offset > grant->size) {
		refuse(server, question, grant ? CODE_INVALID_ARGUMENT : CODE_INVALID_TOKEN);
		return;
	}
	size = ask.limit < sizeof(server->chunk) ? ask.limit : sizeof(server->chunk);
	if (size > grant->size - ask.offset)
		size = (size_t)(grant->size - ask.offset);
	got = place_chunk(&server->place, grant->file, ask.offset, server->chunk, size, &err);
	if (got >= 0 && (size_t)got < size)
		err_set(&err, "a file is shorter than it was: see pchatctl file check");
	if (got != (ssize_t)size) {
		file_failed(server, &err);
		refuse(server, question, CODE_FILE_DOWNLOAD_FAILED);
		return;
	}
	proc_count(&server->child.proc, COUNTER_FILE_BYTES_OUT, size);
	file_answer(server, question, CODE_OK, server->chunk, (uint32_t)size);
}

/* --- What the sequencer decides. --- */

static struct origin origin_of(const struct ask *question)
{
	return (struct origin){.slot = question->slot,
			       .generation = question->generation,
			       .session = question->session};
}

/* What a file is, as an event, whose texts stand in about; in its room, of which room_r tells. An
 * uploader whom the server does not know any more is nobody. */
static int look_up(struct file_server *server, const uint8_t room[16], const uint8_t file[16],
		   struct file_about *about, struct event_file *event_r, struct room_view *room_r)
{
	struct principal_view author = {0};
	struct err err;
	int code = cache_room_by_uuid(server->cache, room, room_r), there;

	if (code != CODE_OK)
		return code;
	there = place_read(&server->place, file, about, &err);
	if (there == -1) {
		file_failed(server, &err);
		return CODE_FILE_DOWNLOAD_FAILED;
	}
	if (there == 0 || memcmp(about->room, room, sizeof(about->room)) != 0)
		return CODE_NO_SUCH_NODE;
	code = cache_principal_by_uri(server->cache, about->user, strlen(about->user), &author);
	if (code != CODE_OK && code != CODE_NO_SUCH_PRINCIPAL)
		return code;
	*event_r = (struct event_file){
		.size = about->size,
		.time = about->time,
		.author = code == CODE_OK ? author.id : 0,
		.name = {about->name, (uint32_t)strlen(about->name)},
		.type = {about->type, (uint32_t)strlen(about->type)},
	};
	memcpy(event_r->uuid, file, sizeof(event_r->uuid));
	memcpy(event_r->sha256, about->sha256, sizeof(event_r->sha256));
	return CODE_OK;
}

static void on_open(struct file_server *server, const struct ask *question)
{
	const struct origin origin = origin_of(question);
	struct file_about about;
	struct event_file event;
	struct ask_file_open ask;
	struct room_view room;
	int code;

	memcpy(&ask, server->body, sizeof(ask));
	code = look_up(server, ask.room, ask.file, &about, &event, &room);
	if (code == CODE_OK) {
		memcpy(event.token_hash, ask.token_hash, sizeof(event.token_hash));
		code = file_command(server, question, COMMAND_FILE_READ, &origin, room.id, &event,
				    room.uuid);
	}
	if (code != CODE_OK)
		refuse(server, question, code);
}

static bool is_lost(struct file_server *server, const struct ask_file_remove *ask)
{
	struct file_about about;
	struct err err;

	return place_read(&server->place, ask->file, &about, &err) != 1;
}

static void on_remove(struct file_server *server, const struct ask *question)
{
	const struct origin origin = origin_of(question);
	struct event_file event = {0};
	struct file_about about;
	struct ask_file_remove ask;
	struct room_view room;
	int code;

	memcpy(&ask, server->body, sizeof(ask));
	code = look_up(server, ask.room, ask.file, &about, &event, &room);
	/* Of what was lost nobody knows whose it was: the sequencer asks for an administrator. */
	if (code != CODE_OK && ask.lost && is_lost(server, &ask)) {
		event = (struct event_file){.name = {"", 0}, .type = {"", 0}};
		memcpy(event.uuid, ask.file, sizeof(event.uuid));
		code = cache_room_by_uuid(server->cache, ask.room, &room);
	}
	if (code == CODE_OK)
		code = file_command(server, question, COMMAND_FILE_REMOVE, &origin, room.id, &event,
				    room.uuid);
	if (code != CODE_OK)
		refuse(server, question, code);
}

/* --- All of them. --- */

static void on_write(struct file_server *server, const struct ask *question)
{
	file_write(server, question);
}

static void on_end(struct file_server *server, const struct ask *question)
{
	file_end_upload(server, question);
}

void file_question(struct file_server *server, const struct ask *question)
{
	static const struct {
		uint16_t kind;
		uint32_t least, most; /* bytes of the body */
		void (*take)(struct file_server *server, const struct ask *question);
	} kinds[] = {
		{ASK_FILE_WRITE, sizeof(struct ask_file_write), ASK_BODY_MAX, on_write},
		{ASK_FILE_OPEN, sizeof(struct ask_file_open), sizeof(struct ask_file_open), on_open},
		{ASK_FILE_CHUNK, sizeof(struct ask_file_chunk), sizeof(struct ask_file_chunk),
		 on_chunk},
		{ASK_FILE_TOKEN, sizeof(struct ask_file_token), sizeof(struct ask_file_token),
		 on_token},
		{ASK_FILE_REMOVE, sizeof(struct ask_file_remove), sizeof(struct ask_file_remove),
		 on_remove},
		{ASK_FILE_END, 0, 0, on_end},
	};

	proc_count(&server->child.proc, COUNTER_QUESTIONS, 1);
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].kind != question->kind)
			continue;
		if (question->size < kinds[i].least || question->size > kinds[i].most)
			break;
		kinds[i].take(server, question);
		return;
	}
	if (question->kind != ASK_FILE_END)
		refuse(server, question, CODE_INVALID_ARGUMENT);
}
