#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "conf/clock.h"
#include "conf/fault.h"
#include "conf/log.h"
#include "daemon/file.h"
#include "shm/command.h"

enum { BLOCKED_US = 2000000, WAITED_US = 60000000 };

/* As in pchat-auth: one worker that hangs must not hold up the others. */
static bool is_blocked(const struct file_server *server, uint16_t slot)
{
	struct pollfd reply = {.fd = FD_REPLY + slot, .events = POLLOUT};

	return server->blocked[slot - SLOT_WORKER] > clock_mono() && poll(&reply, 1, 0) != 1;
}

void file_answer(struct file_server *server, const struct ask *question, int code, const void *body,
		 uint32_t size)
{
	struct err err;

	if (code != CODE_OK)
		proc_count(&server->child.proc, counter_of_code(code), 1);
	if (is_blocked(server, question->slot) ||
	    ask_reply(FD_REPLY + question->slot, question, code, 0, body, size, &err) == 0)
		return;
	server->blocked[question->slot - SLOT_WORKER] = clock_mono() + BLOCKED_US;
	log_warning("%s", err.text);
}

void file_failed(struct file_server *server, const struct err *err)
{
	proc_count(&server->child.proc, COUNTER_FILE_FAILURES, 1);
	complaint_tell(&server->disk, err);
}

uint32_t file_tell(const struct event_file *event, const uint8_t room[16], uint64_t time,
		   uint64_t expires, uint8_t *out)
{
	struct ask_file head = {.size = event->size,
				.time = time,
				.expires = expires,
				.author = event->author,
				.name = (uint16_t)event->name.length,
				.type = (uint16_t)event->type.length};

	memcpy(head.room, room, sizeof(head.room));
	memcpy(head.file, event->uuid, sizeof(head.file));
	memcpy(head.sha256, event->sha256, sizeof(head.sha256));
	memcpy(out, &head, sizeof(head));
	memcpy(out + sizeof(head), event->name.data, head.name);
	memcpy(out + sizeof(head) + head.name, event->type.data, head.type);
	return (uint32_t)sizeof(head) + head.name + head.type;
}

/* --- Commands. --- */

static int send_command(struct file_server *server, struct file_waiting *waiting,
			const struct command *head, const struct event_file *event)
{
	uint8_t payload[256 + EVENT_FILE_NAME_MAX + EVENT_FILE_TYPE_MAX];
	const uint32_t size = event_file_put(event, payload, sizeof(payload));

	if (size == 0)
		return CODE_SERVER_ERROR;
	waiting->number = mailbox_send(&server->mailbox, head, payload, size, NULL, 0);
	if (waiting->number == 0)
		return CODE_BUSY;
	proc_wake(&server->child.proc, SLOT_SEQUENCER);
	fault_point("file.sent");
	return CODE_OK;
}

int file_command(struct file_server *server, const struct ask *question, enum command_type type,
		 const struct origin *origin, uint32_t room, const struct event_file *event,
		 const uint8_t room_uuid[16])
{
	const struct command head = {.type = (uint16_t)type, .origin = *origin, .room = room};
	struct file_waiting *waiting;
	int code;

	if (HASH_COUNT(server->waiting) >= FILE_WAITING_MAX)
		return CODE_BUSY;
	waiting = calloc(1, sizeof(*waiting));
	if (!waiting)
		return CODE_BUSY;
	waiting->since = clock_mono();
	waiting->question = *question;
	waiting->upload = type == COMMAND_FILE_STORED;
	waiting->bytes = event->size;
	memcpy(waiting->file, event->uuid, sizeof(waiting->file));
	memcpy(waiting->hash, event->token_hash, sizeof(waiting->hash));
	waiting->size = file_tell(event, room_uuid, event->time, 0, waiting->answer);
	code = send_command(server, waiting, &head, event);
	if (code == CODE_OK)
		HASH_ADD(hh, server->waiting, number, sizeof(waiting->number), waiting);
	else
		free(waiting);
	return code;
}

static struct file_waiting *take(struct file_server *server, uint64_t number)
{
	struct file_waiting *waiting;

	HASH_FIND(hh, server->waiting, &number, sizeof(number), waiting);
	if (waiting)
		HASH_DEL(server->waiting, waiting);
	return waiting;
}

/* When it was uploaded, and until when it can be had, is known only now. */
static void complete(struct file_waiting *waiting, const struct record *record)
{
	struct ask_file head;

	memcpy(&head, waiting->answer, sizeof(head));
	if (record->type == EVENT_FILE)
		head.time = record->time;
	if (record->type == EVENT_FILE_READ)
		head.expires = record->time + FILE_TOKEN_US;
	memcpy(waiting->answer, &head, sizeof(head));
}

void file_decided(struct file_server *server, const struct record *record, int code)
{
	struct file_waiting *waiting = NULL;

	if (record->mail_slot == SLOT_FILE && !server->replaying)
		waiting = take(server, record->command);
	if (!waiting)
		return;
	complete(waiting, record);
	if (!waiting->lost)
		file_answer(server, &waiting->question, code, waiting->answer,
			    code == CODE_OK ? waiting->size : 0);
	free(waiting);
}

static void remove_lost(struct file_server *server, const struct file_waiting *waiting)
{
	struct err err;

	if (place_remove(&server->place, waiting->file, &err) == -1)
		file_failed(server, &err);
}

static void refused(struct file_server *server, const struct answer *answer)
{
	struct file_waiting *waiting = take(server, answer->number);

	if (!waiting)
		return;
	if (waiting->upload)
		place_discard(&server->place, waiting->file);
	if (waiting->lost)
		remove_lost(server, waiting);
	else
		file_answer(server, &waiting->question, answer->code, NULL, 0);
	free(waiting);
}

static void lose(struct file_server *server, struct file_waiting *waiting)
{
	struct err err;

	/* Where the disk does not let it happen it is tried again at the next start (place_adopt). */
	if (waiting->upload && place_settle(&server->place, waiting->file, clock_utc(), &err) == -1)
		file_failed(server, &err);
	file_answer(server, &waiting->question, CODE_TIMEOUT, NULL, 0);
	waiting->lost = waiting->upload;
	waiting->upload = false;
	waiting->since = clock_mono();
}

void file_lost(struct file_server *server)
{
	struct file_waiting *waiting, *next;

	HASH_ITER(hh, server->waiting, waiting, next) {
		if (!waiting->lost)
			lose(server, waiting);
		if (waiting->lost)
			continue;
		HASH_DEL(server->waiting, waiting);
		free(waiting);
	}
}

bool file_refusals(struct file_server *server)
{
	struct answer answer;
	bool any = false;

	while (mailbox_answer(&server->mailbox, &answer)) {
		any = true;
		/* A restarted sequencer refuses what its predecessor had decided: that comes first. */
		file_follow(server);
		refused(server, &answer);
	}
	return any;
}

bool file_is_waiting(const struct file_server *server, const uint8_t hash[FILE_HASH])
{
	const struct file_waiting *waiting = server->waiting;

	while (waiting && !(waiting->upload && memcmp(waiting->hash, hash, FILE_HASH) == 0))
		waiting = waiting->hh.next;
	return waiting;
}

uint64_t file_bytes_waiting(const struct file_server *server)
{
	const struct file_waiting *waiting = server->waiting;
	uint64_t bytes = 0;

	for (; waiting; waiting = waiting->hh.next)
		bytes += waiting->upload ? waiting->bytes : 0;
	return bytes;
}

/* Of an upload the content stays until the sequencer has spoken. */
void file_expire_waiting(struct file_server *server)
{
	const uint64_t now = clock_mono();
	struct file_waiting *waiting, *next;

	HASH_ITER(hh, server->waiting, waiting, next) {
		if (waiting->upload || now - waiting->since < WAITED_US)
			continue;
		HASH_DEL(server->waiting, waiting);
		free(waiting);
	}
}
