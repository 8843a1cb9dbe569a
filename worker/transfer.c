#include "worker/transfer.h"

#include <stdlib.h>
#include <string.h>

#include "conf/clock.h"
#include "worker/core.h"
#include "worker/file_answer.h"

enum {
	BUSY_RETRY_US = 10000,
	STORE_LIMIT_US = 60000000, /* the last bytes: disk and sequencer are waited for */
};

enum asked { ASKED_NOTHING, ASKED_PAUSE, ASKED_TOKEN, ASKED_READ, ASKED_WRITE, ASKED_LAST };

struct transfer {
	struct pending base; /* while a question is under way */
	const struct transfer_ops *ops;
	void *owner;
	struct session *session;
	uint32_t number; /* of the session, which has none any more when it is over */
	uint8_t asked;	 /* enum asked */
	bool uploading;	 /* pchat-file has to be told if it is broken off */
	uint8_t token[FILE_HASH];
};

/* It is in no list any more: answered, or the session is over. */
static void idle(struct pending *pending)
{
	((struct transfer *)pending)->asked = ASKED_NOTHING;
}

static void settled(struct transfer *transfer, enum asked asked, int code, const struct ask *ask,
		    const void *body)
{
	const struct transfer_ops *ops = transfer->ops;
	struct file_info info = {.size = 0};

	if (code == CODE_OK && (asked == ASKED_TOKEN || asked == ASKED_LAST) &&
	    !file_answer(ask, body, &info))
		code = CODE_SERVER_ERROR;
	if (asked == ASKED_LAST || code != CODE_OK)
		transfer->uploading = code == CODE_TIMEOUT && transfer->uploading;
	switch (asked) {
	case ASKED_NOTHING:
		break;
	case ASKED_PAUSE:
		ops->again(transfer->owner);
		break;
	case ASKED_TOKEN:
		ops->known(transfer->owner, code, &info);
		break;
	case ASKED_READ:
		ops->given(transfer->owner, code, body, code == CODE_OK ? ask->size : 0);
		break;
	case ASKED_WRITE:
		ops->taken(transfer->owner, code, NULL);
		break;
	case ASKED_LAST:
		ops->taken(transfer->owner, code, &info);
		break;
	}
}

static void settle(struct pending *pending, const struct outcome *outcome)
{
	struct transfer *transfer = (struct transfer *)pending;
	const enum asked asked = (enum asked)transfer->asked;

	pending_end(&transfer->session->chat->pending, pending);
	settled(transfer, asked, outcome_code(outcome), outcome->ask, outcome->body);
}

static void begin(struct transfer *transfer, enum asked asked)
{
	transfer->base.settle = settle;
	transfer->base.free = idle;
	transfer->asked = (uint8_t)asked;
	pending_begin(&transfer->session->chat->pending, &transfer->base, transfer->session);
}

static int ask(struct transfer *transfer, enum asked asked, enum ask_kind kind,
	       const struct text *parts, unsigned count)
{
	struct chat *chat = transfer->session->chat;
	int code;

	begin(transfer, asked);
	code = chat_ask(chat, chat->files, kind, &transfer->base, parts, count, -1);
	if (code == CODE_OK) {
		pending_until(&chat->pending, &transfer->base,
			      asked == ASKED_LAST ? clock_mono() + STORE_LIMIT_US
						  : chat_answer_limit(chat));
	} else if (code == CODE_BUSY) {
		transfer->asked = ASKED_PAUSE;
		pending_until(&chat->pending, &transfer->base, clock_mono() + BUSY_RETRY_US);
	} else {
		pending_end(&chat->pending, &transfer->base);
	}
	return code;
}

struct transfer *transfer_new(struct session *session, const struct transfer_ops *ops, void *owner)
{
	struct transfer *transfer = calloc(1, sizeof(*transfer));

	if (transfer == NULL)
		return NULL;
	session_enter(session);
	transfer->session = session;
	transfer->number = session->number;
	transfer->ops = ops;
	transfer->owner = owner;
	return transfer;
}

/* If it cannot be sent: what nothing comes for, pchat-file ends by itself. */
static void break_off(const struct transfer *transfer)
{
	const struct chat *chat = transfer->session->chat;
	const struct ask ask = {
		.kind = ASK_FILE_END,
		.slot = (uint16_t)chat->proc->slot,
		.generation = chat->proc->generation,
		.session = transfer->number,
	};

	(void)ask_send(chat->files, &ask, NULL, 0, NULL, 0, -1);
}

void transfer_free(struct transfer **transferp)
{
	struct transfer *transfer = *transferp;

	*transferp = NULL;
	if (transfer == NULL)
		return;
	if (transfer->asked != ASKED_NOTHING)
		pending_end(&transfer->session->chat->pending, &transfer->base);
	if (transfer->uploading)
		break_off(transfer);
	session_renumber(transfer->session); /* nobody else knows of it */
	explicit_bzero(transfer->token, sizeof(transfer->token));
	free(transfer);
}

int transfer_token(struct transfer *transfer, const uint8_t token[FILE_HASH], bool upload)
{
	struct ask_file_token question = {.upload = upload};
	const struct text part = {(const char *)&question, sizeof(question)};
	int code;

	memcpy(transfer->token, token, sizeof(transfer->token));
	memcpy(question.token, token, sizeof(question.token));
	code = ask(transfer, ASKED_TOKEN, ASK_FILE_TOKEN, &part, 1);
	transfer->uploading = upload && code == CODE_OK;
	return code;
}

int transfer_read(struct transfer *transfer, uint64_t offset, uint32_t limit)
{
	struct ask_file_chunk question = {.offset = offset, .limit = limit};
	const struct text part = {(const char *)&question, sizeof(question)};

	memcpy(question.token, transfer->token, sizeof(question.token));
	return ask(transfer, ASKED_READ, ASK_FILE_CHUNK, &part, 1);
}

int transfer_write(struct transfer *transfer, uint64_t offset, const void *data, uint32_t size,
		   bool last)
{
	struct ask_file_write question = {.offset = offset};
	const struct text parts[] = {{(const char *)&question, sizeof(question)}, {data, size}};

	memcpy(question.token, transfer->token, sizeof(question.token));
	return ask(transfer, last ? ASKED_LAST : ASKED_WRITE, ASK_FILE_WRITE, parts, 2);
}
