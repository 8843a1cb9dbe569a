#include <stdlib.h>
#include <string.h>

#include "conf/code.h"
#include "stub_calls.h"
#include "worker/file.h"
#include "worker/transfer.h"

/* The calls of file.h and transfer.h: one file, whose bytes are their own offsets. */

enum { STUB_FILE = 100000, STUB_NAME = 13 };

static struct file_info stub_file(bool uploaded)
{
	return (struct file_info){.size = STUB_FILE,
				  .time = uploaded,
				  .expires = 2,
				  .name = {"plan \xc3\xa4 \".pdf", STUB_NAME},
				  .type = {"application/pdf", 15}};
}

static void grant(struct session *session, const struct chat_id *id, bool uploaded)
{
	static const uint8_t token[FILE_HASH] = {7};
	const struct file_info file = stub_file(uploaded);

	session->front->file->granted(session, id, &file, token);
}

void file_upload(struct session *session, const struct chat_id *id, const struct file_info *wanted)
{
	stub_called(session, "upload", wanted->name, wanted->size);
	grant(session, id, false);
}

void file_download(struct session *session, const struct chat_id *id, const uint8_t room[16],
		   const uint8_t file[16])
{
	stub_called(session, "download", stub_nothing, (uint64_t)room[0] + file[0]);
	grant(session, id, true);
}

void file_remove(struct session *session, const struct chat_id *id, const uint8_t room[16],
		 const uint8_t file[16], bool lost)
{
	stub_called(session, "file_remove", stub_nothing, (uint64_t)room[0] + file[0] + lost);
	session->front->done(session, id);
}

void file_list(struct session *session, const struct chat_id *id, const struct object_key *room,
	       const struct file_page *page)
{
	stub_called(session, "file_list", room->name,
	       (uint64_t)page->before[0] + page->limit + page->removed);
	session->front->found(session, id, "{}", 2);
}

void file_get(struct session *session, const struct chat_id *id, const uint8_t room[16],
	      const uint8_t file[16], bool removed)
{
	stub_called(session, "file_get", stub_nothing, (uint64_t)room[0] + file[0] + removed);
	session->front->found(session, id, "{}", 2);
}

/* Questions wait until stub_transfer answers them. */
struct transfer {
	struct chat *chat;
	const struct transfer_ops *ops;
	void *owner;
	uint64_t offset;
	uint32_t size;
	enum { NO_QUESTION, TOKEN_WANTED, BYTES_WANTED, BYTES_GIVEN, LAST_GIVEN } question;
};

struct transfer *transfer_new(struct session *session, const struct transfer_ops *ops, void *owner)
{
	struct transfer *transfer = calloc(1, sizeof(*transfer));

	transfer->chat = session->chat;
	transfer->ops = ops;
	transfer->owner = owner;
	session->chat->transfer = transfer;
	return transfer;
}

void transfer_free(struct transfer **transfer)
{
	if (*transfer != NULL)
		(*transfer)->chat->transfer = NULL;
	free(*transfer);
	*transfer = NULL;
}

static int wait_for_stub(struct transfer *transfer, int question)
{
	const int code = transfer->chat->transfer_code;

	if (code == CODE_OK)
		transfer->question = question;
	return code;
}

int transfer_token(struct transfer *transfer, const uint8_t token[FILE_HASH], bool upload)
{
	transfer->chat->call.number = token[0] + (unsigned)upload;
	return wait_for_stub(transfer, TOKEN_WANTED);
}

int transfer_read(struct transfer *transfer, uint64_t offset, uint32_t limit)
{
	transfer->offset = offset;
	transfer->size = limit;
	return wait_for_stub(transfer, BYTES_WANTED);
}

int transfer_write(struct transfer *transfer, uint64_t offset, const void *data, uint32_t size,
		   bool last)
{
	const uint8_t *bytes = data;

	for (uint32_t i = 0; i < size; i++)
		transfer->chat->spoiled |= bytes[i] != (uint8_t)((offset + i) % 251);
	if (offset != transfer->offset || size > TRANSFER_WRITE_MAX)
		abort();
	if (transfer->chat->transfer_code == CODE_OK)
		transfer->offset += size;
	return wait_for_stub(transfer, last ? LAST_GIVEN : BYTES_GIVEN);
}

void stub_transfer_code(struct stub *stub, int code)
{
	stub->chat->transfer_code = code;
}

static void give_bytes(struct transfer *transfer, int code)
{
	uint8_t *bytes = malloc(transfer->size);

	for (uint32_t i = 0; i < transfer->size; i++)
		bytes[i] = (uint8_t)((transfer->offset + i) % 251);
	transfer->ops->given(transfer->owner, code, bytes, transfer->size);
	free(bytes);
}

bool stub_transfer(struct stub *stub, int code)
{
	struct transfer *transfer = stub->chat->transfer;
	const int question = transfer == NULL ? NO_QUESTION : (int)transfer->question;
	const struct file_info file = stub_file(true);

	if (question == NO_QUESTION)
		return false;
	transfer->question = NO_QUESTION;
	if (question == TOKEN_WANTED)
		transfer->ops->known(transfer->owner, code, &file);
	else if (question == BYTES_WANTED)
		give_bytes(transfer, code);
	else
		transfer->ops->taken(transfer->owner, code,
				     question == LAST_GIVEN ? &file : NULL);
	event_base_loop(stub->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	net_turn(&stub->net);
	return true;
}

void stub_transfer_again(struct stub *stub)
{
	struct transfer *transfer = stub->chat->transfer;

	transfer->ops->again(transfer->owner);
	event_base_loop(stub->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	net_turn(&stub->net);
}

bool stub_spoiled(const struct stub *stub)
{
	return stub->chat->spoiled;
}

bool stub_transfers(const struct stub *stub)
{
	return stub->chat->transfer != NULL;
}
