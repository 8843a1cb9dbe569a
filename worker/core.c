#include "worker/core.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/log.h"

enum {
	TEXTS_MAX = 16 << 20,
	ANSWERS_A_TURN = 256,
	CACHE_RETRY_US = 2000,
	CACHE_TRIES = 250, /* half a second */
};

int chat_init(struct chat *chat, const struct chat_parts *parts, struct err *err)
{
	uint64_t texts = (uint64_t)parts->conf->limits.message_size * CHAT_PAGE_MAX;

	memset(chat, 0, sizeof(*chat));
	chat->conf = parts->conf;
	chat->proc = parts->proc;
	chat->cache = parts->cache;
	chat->mailbox = parts->mailbox;
	chat->questions = parts->questions;
	chat->auth = parts->auth;
	chat->files = parts->files;
	pendings_init(&chat->pending);
	/* What does not fit is asked of a reader. */
	chat->texts_size = texts > TEXTS_MAX ? TEXTS_MAX : (size_t)texts;
	chat->texts = malloc(chat->texts_size);
	chat->views = calloc(CHAT_PAGE_MAX, sizeof(*chat->views));
	chat->answer = malloc(ASK_INLINE_MAX);
	chat->feeds = feeds_new();
	if (chat->texts == NULL || chat->views == NULL || chat->answer == NULL ||
	    chat->feeds == NULL) {
		chat_fini(chat);
		return err_errno(err, "could not allocate %zu bytes for pages of history",
				 chat->texts_size);
	}
	return tail_init(&chat->tail, chat, parts->journal, err);
}

void chat_fini(struct chat *chat)
{
	tail_fini(&chat->tail);
	sessions_fini(&chat->sessions);
	names_fini(&chat->names);
	kept_forget(&chat->kept);
	feeds_free(&chat->feeds);
	free(chat->texts);
	free(chat->views);
	free(chat->answer);
	buf_fini(&chat->users);
	chat->texts = NULL;
	chat->views = NULL;
	chat->answer = NULL;
}

const struct conf *chat_conf(const struct chat *chat)
{
	return chat->conf;
}

void chat_count_refusal(struct chat *chat, int code)
{
	proc_count(chat->proc, counter_of_code(code), 1);
}

/* --- Requests under way. --- */

static void request_free(struct pending *pending)
{
	session_request_ended(pending->session);
	free(pending);
}

struct request *request_begin(struct session *session, const struct chat_id *id, size_t size,
			      void (*settle)(struct pending *, const struct outcome *))
{
	struct request *request = NULL;

	if (session->requests < SESSION_REQUESTS_MAX)
		request = calloc(1, size);
	if (request == NULL) {
		session_refuse(session, id, CODE_BUSY);
		return NULL;
	}
	request->id = *id;
	request->base.settle = settle;
	request->base.free = request_free;
	session_request_begun(session);
	pending_begin(&session->chat->pending, &request->base, session);
	return request;
}

bool pending_try_again(struct pending *pending, uint16_t *tries_r)
{
	if (++*tries_r > CACHE_TRIES)
		return false;
	pending_until(&pending->session->chat->pending, pending, clock_mono() + CACHE_RETRY_US);
	return true;
}

void request_end(struct request *request)
{
	pending_end(&request->base.session->chat->pending, &request->base);
}

void request_refuse(struct request *request, int code)
{
	session_refuse(request->base.session, &request->id, code);
	request_end(request);
}

int outcome_code(const struct outcome *outcome)
{
	switch (outcome->kind) {
	case OUTCOME_ANSWER:
		return outcome->answer->code;
	case OUTCOME_ASK:
		return outcome->ask->code;
	case OUTCOME_TIME:
		return CODE_TIMEOUT;
	case OUTCOME_EVENT:
		break;
	}
	return CODE_OK;
}

/* --- To the sequencer and back. --- */

int chat_command(struct chat *chat, const struct command *head, uint32_t session, uint32_t tag,
		 const void *payload, uint32_t size)
{
	struct command command = *head;

	command.origin = (struct origin){
		.slot = (uint16_t)chat->proc->slot,
		.generation = chat->proc->generation,
		.session = session,
		.request = tag,
	};
	if (mailbox_send(chat->mailbox, &command, payload, size, NULL, 0) == 0)
		return CODE_BUSY;
	proc_count(chat->proc, COUNTER_COMMANDS, 1);
	chat->wake = true;
	return CODE_OK;
}

void chat_refusals(struct chat *chat)
{
	struct answer answer;

	while (mailbox_answer(chat->mailbox, &answer)) {
		struct outcome outcome = {.kind = OUTCOME_ANSWER, .answer = &answer};
		struct pending *pending;

		/* What was decided before this answer is in the journal by now: it comes first. */
		tail_catch_up(&chat->tail);
		if (answer.origin.generation != chat->proc->generation)
			continue;
		pending =
			pending_find(&chat->pending, answer.origin.request, answer.origin.session);
		chat->full = answer.code == CODE_LIMIT_EXCEEDED ? answer.full : 0;
		if (pending != NULL)
			pending->settle(pending, &outcome);
		chat->full = 0;
	}
}

const char *chat_full(const struct chat *chat)
{
	return chat->full == 0 ? NULL : cache_table_name(chat->full - 1);
}

/* --- To readers and pchat-auth and back. --- */

int chat_ask(struct chat *chat, int sock, enum ask_kind kind, const struct pending *pending,
	     const struct text *parts, unsigned count, int fd)
{
	struct ask ask = {
		.kind = (uint16_t)kind,
		.slot = (uint16_t)chat->proc->slot,
		.generation = chat->proc->generation,
		.tag = pending->tag,
		.session = pending->session->number,
	};
	uint8_t body[ASK_BODY_MAX];
	uint32_t size = 0;

	for (unsigned i = 0; i < count; i++) {
		if (parts[i].length > sizeof(body) - size)
			return CODE_TOO_LARGE;
		if (parts[i].length > 0)
			memcpy(body + size, parts[i].data, parts[i].length);
		size += parts[i].length;
	}
	ask.size = size;
	proc_count(chat->proc, COUNTER_QUESTIONS, 1);
	return ask_send(sock, &ask, body, size, NULL, 0, fd);
}

uint64_t chat_answer_limit(const struct chat *chat)
{
	return clock_mono() + chat->conf->content.query_timeout + 1000000;
}

static void take_answer(struct chat *chat, const struct ask *ask, int fd)
{
	struct outcome outcome = {.kind = OUTCOME_ASK, .ask = ask, .body = chat->answer};
	const void *map = NULL;
	struct pending *pending;
	struct err err;

	if (ask->generation != chat->proc->generation || ask->slot != chat->proc->slot)
		return;
	pending = pending_find(&chat->pending, ask->tag, ask->session);
	if (pending == NULL)
		return; /* whoever asked is gone, or waits no longer */
	if (ask->flags & ASK_FILE) {
		outcome.body = map = ask_map(fd, ask->size, &err);
		if (map == NULL) {
			log_warning("%s", err.text);
			return;
		}
	}
	pending->settle(pending, &outcome);
	if (map != NULL)
		ask_unmap(map, ask->size);
}

void chat_answers(struct chat *chat, int answers)
{
	for (unsigned i = 0; i < ANSWERS_A_TURN; i++) {
		struct ask ask;
		int fd = -1, result = ask_receive(answers, &ask, chat->answer, ASK_INLINE_MAX, &fd);

		if (result == 0)
			return;
		if (result == 1)
			take_answer(chat, &ask, fd);
		if (fd != -1)
			close(fd);
	}
}

void chat_turn(struct chat *chat)
{
	session_close_flush(chat);
	if (chat->wake)
		proc_wake(chat->proc, SLOT_SEQUENCER);
	chat->wake = false;
}
