#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "conf/clock.h"
#include "conf/log.h"
#include "worker/core.h"
#include "worker/person.h"
#include "worker/view.h"

void session_init(struct session *session, struct chat *chat, const struct front_end *front,
		  struct conn *conn)
{
	memset(session, 0, sizeof(*session));
	session->chat = chat;
	session->front = front;
	session->conn = conn;
	session->state = SESSION_NEW;
	LIST_INIT(&session->pending);
}

void session_enter(struct session *session)
{
	struct sessions *all = &session->chat->sessions;

	if (session->number != 0)
		return;
	session->number = ++all->last;
	/* 4 thousand million sessions on: a new process has a new generation and begins at 1. */
	if (session->number == 0) {
		log_error("no session number is left");
		exit(EX_TEMPFAIL);
	}
	HASH_ADD(hh, all->table, number, sizeof(session->number), session);
}

void session_renumber(struct session *session)
{
	if (session->number == 0)
		return;
	HASH_DEL(session->chat->sessions.table, session);
	session->number = 0;
}

void session_request_begun(struct session *session)
{
	if (++session->requests == SESSION_REQUESTS_MAX)
		conn_pause(session->conn);
}

void session_request_ended(struct session *session)
{
	if (session->requests-- == SESSION_REQUESTS_MAX)
		conn_resume(session->conn);
}

struct session *session_find(struct chat *chat, uint32_t number)
{
	struct session *session;

	HASH_FIND(hh, chat->sessions.table, &number, sizeof(number), session);
	return session;
}

/* Tells pchat-auth that nobody waits for it any more. It may have had the session opened already:
 * then the event of that finds nobody and closes it. */
static void cancel_sign_in(struct session *session)
{
	struct pending nobody = {.session = session};

	(void)chat_ask(session->chat, session->chat->auth, ASK_AUTH_CANCEL, &nobody, NULL, 0, -1);
}

static void end(struct session *session, bool lost)
{
	struct chat *chat = session->chat;

	if (session->state == SESSION_OVER)
		return;
	pending_forget(&chat->pending, session);
	session->sign_in = NULL;
	fanout_leave_all(&chat->fanout, session);
	person_feeds_forget(session);
	people_leave(&chat->people, session);
	if (session->state == SESSION_OPEN) {
		proc_count(chat->proc, COUNTER_SESSIONS_OPEN, UINT64_MAX);
		if (!session->closed)
			session_close_later(chat, session->number, lost);
	}
	if (session->number != 0 && (session->state != SESSION_OPEN || session->admin))
		cancel_sign_in(session);
	session_renumber(session);
	free(session->name);
	session->name = NULL;
	session->state = SESSION_OVER;
}

void session_end(struct session *session)
{
	end(session, false);
}

void session_lose(struct session *session)
{
	end(session, true);
}

void session_admin(struct session *session, const struct record *record)
{
	struct event_session event;

	session->role = (uint8_t)admin_role_of(record->flags);
	if (event_session_get(record, &event) && session->name == NULL)
		session->name = strndup(event.name.data, event.name.length);
}

bool session_admin_may(struct session *session, enum admin_duty duty, const char *what)
{
	struct chat *chat = session->chat;
	const char *name = session->name == NULL ? "" : session->name;
	char quoted[LOG_QUOTED];

	if (admin_may(session->role, duty))
		return true;
	view_forbidden(session, what);
	if (log_within(&chat->forbidden, "calls were refused to administrators"))
		log_notice("refused %s to the administrator %s, whose role is %s", what,
			   log_quote(name, strlen(name), quoted), admin_role_name(session->role));
	return false;
}

void session_close_later(struct chat *chat, uint32_t number, bool lost)
{
	struct sessions *all = &chat->sessions;

	if (all->closing_count == all->closing_size) {
		uint32_t size = all->closing_size == 0 ? 64 : all->closing_size * 2;
		struct closing *larger = reallocarray(all->closing, size, sizeof(*larger));

		/* A session that stays open for ever is worse than a new start, which closes all.
		 */
		if (larger == NULL) {
			log_error("could not allocate the list of sessions to be closed");
			exit(EX_OSERR);
		}
		all->closing = larger;
		all->closing_size = size;
	}
	all->closing[all->closing_count++] = (struct closing){.number = number, .lost = lost};
}

void session_close_flush(struct chat *chat)
{
	struct command head = {.type = COMMAND_SESSION_CLOSE};
	struct sessions *all = &chat->sessions;

	while (all->closing_count > 0) {
		const struct closing *closing = &all->closing[all->closing_count - 1];

		head.flags = closing->lost ? COMMAND_LOST : 0;
		if (chat_command(chat, &head, closing->number, 0, NULL, 0) != CODE_OK)
			return;
		all->closing_count--;
	}
	free(all->closing);
	all->closing = NULL;
	all->closing_size = 0;
}

void session_drop(struct session *session, enum chat_drop reason)
{
	end(session, reason != CHAT_SIGNED_OUT);
	session->front->drop(session, reason);
}

void session_drop_all(struct chat *chat, enum chat_drop reason)
{
	struct session *session, *next;

	HASH_ITER(hh, chat->sessions.table, session, next)
	session_drop(session, reason);
}

void session_drop_some(struct chat *chat, enum chat_drop reason, uint32_t count)
{
	struct session *session, *next;

	HASH_ITER(hh, chat->sessions.table, session, next)
	{
		if (count == 0)
			break;
		if (session->admin)
			continue;
		session_drop(session, reason);
		count--;
	}
}

void session_refuse(struct session *session, const struct chat_id *id, int code)
{
	chat_count_refusal(session->chat, code);
	session->front->refuse(session, id, code);
}

void sessions_fini(struct sessions *sessions)
{
	free(sessions->closing);
	sessions->closing = NULL;
}
