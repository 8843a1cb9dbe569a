#include <stdlib.h>
#include <string.h>

#include "conf/clock.h"
#include "worker/core.h"
#include "worker/person.h"

enum { NAME_RETRY_US = 10000 };

/*
 * A sign-in is done when two things have come, in either order: pchat-auth's last answer and the
 * durable event that the session is open.
 */
struct sign_in {
	struct request base;
	bool answered, opened;
	uint64_t expires;
	uint32_t final_size, token_size;
	char *words; /* owned: the mechanism's final data, then the token */
	struct chat_join *joins; /* owned: the rooms that are to be joined with it */
	unsigned join_count;
};

static void sign_in_free(struct pending *pending)
{
	struct sign_in *sign_in = (struct sign_in *)pending;

	session_request_ended(pending->session);
	pending->session->sign_in = NULL;
	if (sign_in->words != NULL)
		explicit_bzero(sign_in->words, sign_in->final_size + sign_in->token_size);
	free(sign_in->words);
	free(sign_in->joins);
	free(sign_in);
}

static void fail(struct sign_in *sign_in, int code)
{
	sign_in->base.base.session->state = SESSION_NEW;
	request_refuse(&sign_in->base, code);
}

/* Where rooms are to be joined it is answered when that is done. That there is no memory for it
 * costs the connection, as anywhere behind a sign-in. */
static void answer(struct sign_in *sign_in, const struct chat_signed_in *result)
{
	struct session *session = sign_in->base.base.session;
	const struct chat_id *id = &sign_in->base.id;

	if (sign_in->join_count == 0)
		session->front->signed_in(session, id, result);
	else if (!join_begin(session, id, result, sign_in->joins, sign_in->join_count))
		conn_kill(session->conn);
}

static void finish(struct sign_in *sign_in)
{
	struct session *session = sign_in->base.base.session;
	struct chat *chat = session->chat;
	struct chat_signed_in result = {
		.token = {sign_in->words + sign_in->final_size, sign_in->token_size},
		.data = sign_in->words,
		.size = sign_in->final_size,
		.expires = sign_in->expires,
	};
	struct name_view name = {0};

	if (!sign_in->answered || !sign_in->opened)
		return;
	if (session->principal != 0 &&
	    names_get(&chat->names, chat->cache, session->principal, &name) == CODE_BUSY) {
		pending_until(&chat->pending, &sign_in->base.base, clock_mono() + NAME_RETRY_US);
		return;
	}
	result.uri = name.uri;
	result.name = name.name;
	session->state = SESSION_OPEN;
	proc_count(chat->proc, COUNTER_SESSIONS_OPEN, 1);
	conn_settle(session->conn);
	answer(sign_in, &result);
	request_end(&sign_in->base);
}

/* The user is one of those who are signed in here, with his feeds. */
static bool enter(struct session *session)
{
	struct chat *chat = session->chat;
	const bool first = people_find(&chat->people, session->principal) == NULL;

	return people_enter(&chat->people, session) == 0 &&
	       (!first || person_feeds_load(chat, session->principal) == CODE_OK);
}

void sign_in_opened(struct session *session, const struct record *record)
{
	struct sign_in *sign_in = (struct sign_in *)session->sign_in;

	if (sign_in == NULL || sign_in->opened) {
		session_close_later(session->chat, record->origin.session, false);
		return;
	}
	session->principal = record->actor;
	session->admin = (record->flags & EVENT_ADMIN) != 0;
	if (session->admin)
		session_admin(session, record);
	session->state = SESSION_OPENING;
	if (!session->admin && !enter(session)) {
		session_drop(session, CHAT_RESTART);
		return;
	}
	sign_in->opened = true;
	finish(sign_in);
}

static bool keep_words(struct sign_in *sign_in, const struct ask *ask, const void *body)
{
	struct ask_signed_in head;
	uint64_t size;

	if (sign_in->answered || ask->size < sizeof(head))
		return false;
	memcpy(&head, body, sizeof(head));
	size = (uint64_t)head.final_size + head.token_size;
	if (size > ask->size - sizeof(head))
		return false;
	sign_in->words = malloc(size + 1);
	if (sign_in->words == NULL)
		return false;
	memcpy(sign_in->words, (const char *)body + sizeof(head), size);
	sign_in->final_size = head.final_size;
	sign_in->token_size = head.token_size;
	sign_in->expires = head.expires;
	return true;
}

static void answered(struct sign_in *sign_in, const struct ask *ask, const void *body)
{
	struct session *session = sign_in->base.base.session;

	if (ask->flags & ASK_MORE) {
		session->state = SESSION_CHALLENGED;
		session->front->challenge(session, &sign_in->base.id, body, ask->size);
		request_end(&sign_in->base);
		return;
	}
	if (!keep_words(sign_in, ask, body)) {
		fail(sign_in, CODE_SERVER_ERROR);
		return;
	}
	sign_in->answered = true;
	session->state = SESSION_OPENING;
	/* From here on it is the sequencer that is waited for, however long it is away. */
	pending_until(&session->chat->pending, &sign_in->base.base, 0);
	finish(sign_in);
}

static void settle(struct pending *pending, const struct outcome *outcome)
{
	struct sign_in *sign_in = (struct sign_in *)pending;
	struct session *session = pending->session;
	int code = outcome_code(outcome);

	if (outcome->kind == OUTCOME_TIME && sign_in->answered) {
		finish(sign_in);
		return;
	}
	if (outcome->kind == OUTCOME_ASK && code == CODE_OK) {
		answered(sign_in, outcome->ask, outcome->body);
		return;
	}
	/* What pchat-auth may still do for this number is not wanted any more. */
	if (outcome->kind == OUTCOME_TIME)
		session_renumber(session);
	fail(sign_in, code == CODE_OK ? CODE_SERVER_ERROR : code);
}

/* NULL: it was answered. */
static struct sign_in *begin(struct session *session, const struct chat_id *id)
{
	struct request *request;

	session_enter(session);
	request = request_begin(session, id, sizeof(struct sign_in), settle);
	if (request == NULL)
		return NULL;
	request->base.free = sign_in_free;
	session->sign_in = &request->base;
	session->state = SESSION_ASKING;
	return (struct sign_in *)request;
}

static void ask(struct sign_in *sign_in, enum ask_kind kind, const struct text *parts,
		unsigned count, int fd)
{
	struct pending *pending = &sign_in->base.base;
	struct chat *chat = pending->session->chat;
	int code;

	pending_until(&chat->pending, pending, chat_answer_limit(chat));
	code = chat_ask(chat, chat->auth, kind, pending, parts, count, fd);
	if (code != CODE_OK)
		fail(sign_in, code);
}

static void begin_and_ask(struct session *session, const struct chat_id *id, enum ask_kind kind,
			  const struct text *parts, unsigned count, int fd)
{
	struct sign_in *sign_in = begin(session, id);

	if (sign_in != NULL)
		ask(sign_in, kind, parts, count, fd);
}

/* The client's address, with the zero byte that ends it. */
static struct text address_of(const struct session *session, char text[CONN_ADDRESS])
{
	conn_address(session->conn, text);
	return (struct text){text, (uint32_t)strlen(text) + 1};
}

void chat_sign_in(struct session *session, const struct chat_id *id, const char *mechanism,
		  const void *data, size_t size)
{
	char address[CONN_ADDRESS];
	struct text parts[] = {
		address_of(session, address),
		{mechanism, (uint32_t)strlen(mechanism) + 1},
		{data, (uint32_t)size},
	};

	if (session->state != SESSION_NEW && session->state != SESSION_CHALLENGED)
		session_refuse(session, id, CODE_INVALID_FLOW_OF_OPERATIONS);
	else
		begin_and_ask(session, id, ASK_AUTH_START, parts, 3, -1);
}

void chat_sign_in_step(struct session *session, const struct chat_id *id, const void *data,
		       size_t size)
{
	const struct text parts[] = {{data, (uint32_t)size}};

	if (session->state != SESSION_CHALLENGED)
		session_refuse(session, id, CODE_INVALID_FLOW_OF_OPERATIONS);
	else
		begin_and_ask(session, id, ASK_AUTH_STEP, parts, 1, -1);
}

static bool keep_joins(struct sign_in *sign_in, const struct chat_join *joins, unsigned count)
{
	if (count == 0)
		return true;
	sign_in->joins = calloc(count, sizeof(*joins));
	if (sign_in->joins == NULL)
		return false;
	memcpy(sign_in->joins, joins, count * sizeof(*joins));
	sign_in->join_count = count;
	return true;
}

void chat_resume(struct session *session, const struct chat_id *id, struct text token,
		 const struct chat_join *joins, unsigned count)
{
	char address[CONN_ADDRESS];
	struct text parts[] = {address_of(session, address), token};
	struct sign_in *sign_in;

	if (session->state != SESSION_NEW && session->state != SESSION_CHALLENGED) {
		session_refuse(session, id, CODE_INVALID_FLOW_OF_OPERATIONS);
		return;
	}
	sign_in = begin(session, id);
	if (sign_in == NULL)
		return;
	if (keep_joins(sign_in, joins, count))
		ask(sign_in, ASK_AUTH_RESUME, parts, 2, -1);
	else
		fail(sign_in, CODE_BUSY);
}

void chat_sign_in_local(struct session *session, const struct chat_id *id)
{
	begin_and_ask(session, id, ASK_AUTH_LOCAL, NULL, 0, session->conn->fd);
}
