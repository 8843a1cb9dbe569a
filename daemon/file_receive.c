#include <openssl/sha.h>
#include <string.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/log.h"
#include "daemon/file.h"
#include "shm/command.h"

/* Uploads: begun, written piece by piece, complete or broken off. */

/* A worker goes on reading from its client for so long; it says when it does not any more. */
enum { IDLE_TIMES = 2 };

/* The part of all uploads that one user may have under way. */
enum { SHARE = 4, SHARE_LEAST = 4 };

static void break_off(struct file_server *server, struct file_upload **upload)
{
	place_discard(&server->place, (*upload)->grant->file);
	uploads_drop(&server->uploads, upload);
}

static bool has_room(const struct file_server *server, uint64_t size)
{
	const uint64_t total = server->child.conf->files.total;
	const uint64_t used = server->place.bytes + server->place.removed + server->uploads.bytes +
			      file_bytes_waiting(server);

	return total == 0 || (used <= total && size <= total - used);
}

/* One user leaves room for others. */
static bool has_share(const struct file_server *server, uint32_t author)
{
	const unsigned max = server->uploads.max;
	const unsigned most = max / SHARE > SHARE_LEAST ? max / SHARE : SHARE_LEAST;
	const struct file_upload *upload = server->uploads.table;
	unsigned count = 0;

	for (; upload; upload = upload->hh.next)
		count += upload->grant->author == author;
	return count < most;
}

static void event_of(const struct file_grant *grant, struct event_file *event_r)
{
	*event_r = (struct event_file){.size = grant->size,
				       .time = grant->time,
				       .author = grant->author,
				       .name = grant_name(grant),
				       .type = grant_type(grant)};
	memcpy(event_r->uuid, grant->file, sizeof(event_r->uuid));
	memcpy(event_r->sha256, grant->sha256, sizeof(event_r->sha256));
	memcpy(event_r->token_hash, grant->hash, sizeof(event_r->token_hash));
}

static int begin(struct file_server *server, const struct ask *question,
		 const struct file_grant *grant)
{
	struct err err;
	int fd;

	if (uploads_find(&server->uploads, grant->hash) || file_is_waiting(server, grant->hash))
		return CODE_DATA_COLLISION;
	if (server->uploads.count >= server->uploads.max || !has_share(server, grant->author) ||
	    !has_room(server, grant->size))
		return CODE_LIMIT_EXCEEDED;
	fd = place_create(&server->place, grant->file, grant->size, &err);
	if (fd == -1) {
		file_failed(server, &err);
		return CODE_FILE_UPLOAD_FAILED;
	}
	if (uploads_add(&server->uploads, grant, question, fd))
		return CODE_OK;
	close(fd);
	place_discard(&server->place, grant->file);
	return CODE_BUSY;
}

void file_begin_upload(struct file_server *server, const struct ask *question,
		       const struct file_grant *grant)
{
	uint8_t answer[sizeof(struct ask_file) + EVENT_FILE_NAME_MAX + EVENT_FILE_TYPE_MAX];
	struct room_view room;
	struct event_file event;
	int code = cache_room(server->cache, grant->room, &room);

	if (code == CODE_OK)
		code = begin(server, question, grant);
	event_of(grant, &event);
	file_answer(server, question, code, answer,
		    code == CODE_OK ? file_tell(&event, room.uuid, 0, grant->expires, answer) : 0);
}

/* --- The last byte is there. --- */

static int about_of(const struct file_server *server, const struct event_file *event,
		    const struct room_view *room, struct file_about *about_r)
{
	struct principal_view author;
	const int code = cache_principal(server->cache, event->author, &author);

	if (code != CODE_OK)
		return code;
	*about_r = (struct file_about){.size = event->size};
	memcpy(about_r->room, room->uuid, sizeof(about_r->room));
	memcpy(about_r->file, event->uuid, sizeof(about_r->file));
	memcpy(about_r->sha256, event->sha256, sizeof(about_r->sha256));
	memcpy(about_r->user, author.uri, author.uri_length);
	memcpy(about_r->name, event->name.data, event->name.length);
	memcpy(about_r->type, event->type.data, event->type.length);
	return CODE_OK;
}

static int complete(struct file_server *server, const struct ask *question,
		    struct file_upload *upload)
{
	struct room_view room;
	struct file_about about;
	struct event_file event;
	struct err err;
	int code = cache_room(server->cache, upload->grant->room, &room);

	event_of(upload->grant, &event);
	if (code == CODE_OK && !upload_digest(upload, event.sha256))
		code = CODE_SERVER_ERROR;
	if (code == CODE_OK)
		code = about_of(server, &event, &room, &about);
	if (code == CODE_OK && place_complete(&server->place, upload->fd, &about, &err) == -1) {
		file_failed(server, &err);
		code = CODE_FILE_UPLOAD_FAILED;
	}
	if (code == CODE_OK)
		code = file_command(server, question, COMMAND_FILE_STORED, &upload->grant->origin,
				    upload->grant->room, &event, room.uuid);
	return code;
}

/* --- A piece. --- */

static int check_piece(const struct file_upload *upload, const struct ask_file_write *piece,
		       uint32_t size)
{
	const uint64_t left = upload->grant->size - upload->offset;

	return piece->offset == upload->offset && size <= left && (size > 0 || left == 0)
		       ? CODE_OK
		       : CODE_INVALID_ARGUMENT;
}

static int write_piece(struct file_server *server, struct file_upload *upload, uint32_t size)
{
	struct err err;

	if (upload_write(upload, server->body + sizeof(struct ask_file_write), size, &err) == -1) {
		file_failed(server, &err);
		return CODE_FILE_UPLOAD_FAILED;
	}
	proc_count(&server->child.proc, COUNTER_FILE_BYTES_IN, size);
	return CODE_OK;
}

/* The upload that a piece belongs to, if this connection sends it; else NULL. */
static struct file_upload *upload_of(struct file_server *server, const struct ask *question,
				     const struct ask_file_write *piece)
{
	struct file_upload *upload;
	uint8_t hash[FILE_HASH];

	SHA256(piece->token, sizeof(piece->token), hash);
	upload = uploads_find(&server->uploads, hash);
	return upload && upload_is_of(upload, question) ? upload : NULL;
}

void file_write(struct file_server *server, const struct ask *question)
{
	struct file_upload *upload;
	struct ask_file_write piece;
	uint32_t size;
	bool last;
	int code;

	memcpy(&piece, server->body, sizeof(piece));
	upload = upload_of(server, question, &piece);
	if (!upload) {
		file_answer(server, question, CODE_INVALID_FLOW_OF_OPERATIONS, NULL, 0);
		return;
	}
	size = question->size - (uint32_t)sizeof(piece);
	code = check_piece(upload, &piece, size);
	if (code == CODE_OK)
		code = write_piece(server, upload, size);
	last = upload->offset == upload->grant->size;
	if (code == CODE_OK && last)
		code = complete(server, question, upload);
	if (code != CODE_OK)
		break_off(server, &upload);
	else if (last)
		uploads_drop(&server->uploads, &upload);
	if (code != CODE_OK || !last)
		file_answer(server, question, code, NULL, 0);
}

void file_end_upload(struct file_server *server, const struct ask *question)
{
	struct file_upload *upload = uploads_of(&server->uploads, question);

	if (upload)
		break_off(server, &upload);
}

static bool is_over(const struct file_server *server, const struct file_upload *upload)
{
	const struct master_slot *slot =
		&server->child.proc.page[SLOT_MASTER]->slots[upload->slot];

	return atomic_load(&slot->generation) != upload->generation ||
	       clock_mono() - upload->touched >
		       IDLE_TIMES * server->child.conf->json.idle_timeout;
}

void file_expire_uploads(struct file_server *server)
{
	struct file_upload *upload, *next;

	HASH_ITER(hh, server->uploads.table, upload, next)
		if (is_over(server, upload))
			break_off(server, &upload);
}
