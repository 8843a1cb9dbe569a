#include "config.h"

#include "daemon/client_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "conf/clock.h"
#include "conf/code.h"
#include "daemon/client_sasl.h"
#include "daemon/client_ws.h"

enum {
	SIGN_IN_TIMEOUT_US = 30000000, /* from the connection to the sign-in */
	PING_US = 30000000,	       /* of silence, then we ask */
	SILENCE_US = 75000000,	       /* then the server is taken for dead */
	LOGOUT_US = 3000000,
	WAIT_FIRST_US = 500000, /* the longest pause before the first new attempt */
	WAIT_LAST_US = 60000000,
	TICK_MS = 1000,
};

enum state { WAITING, OPENING, SIGNING, READY, LEAVING, OVER };

struct client_session {
	struct client_options options; /* user, password, ca: owned */
	const struct client_session_handlers *handlers;
	void *ctx;
	struct client_ws *ws;	  /* owned */
	struct client_rpc *rpc;	  /* owned */
	struct client_sasl *sasl; /* owned, during a sign-in */
	bool sasl_done;
	enum state state;
	enum client_end end;
	bool was_ready;
	unsigned failures;   /* attempts in a row that did not get to READY */
	uint64_t retry_at;   /* WAITING */
	uint64_t deadline;   /* OPENING, SIGNING, LEAVING */
	uint64_t away_since; /* not signed in since */
	uint64_t pinged;
	char *token;  /* owned */
	json_t *info; /* owned */
	char *user;   /* owned */
	/* Set inside of callbacks, acted upon at the end of the turn. */
	bool broken;
	enum client_end verdict;
	struct err why;
};

static int on_send(void *ctx, const char *text, size_t length)
{
	struct client_session *session = ctx;
	return client_ws_send(session->ws, text, length);
}

/* The connection has to be given up, for ever if verdict says so; the first reason counts. */
static void give_up(struct client_session *session, enum client_end verdict, const char *why)
{
	if (session->broken)
		return;
	session->broken = true;
	session->verdict = verdict;
	err_set(&session->why, "%s", why);
}

static void on_message(void *ctx, const char *text, size_t length)
{
	struct client_session *session = ctx;
	struct err err;
	if (!session->broken && client_rpc_take(session->rpc, text, length, &err) != 0)
		give_up(session, CLIENT_RUNS, err.text);
}

static void on_notify(void *ctx, const char *method, const json_t *params)
{
	struct client_session *session = ctx;
	if (strcmp(method, "dropped") == 0) {
		char why[128];
		const char *reason = json_string_value(json_object_get(params, "reason"));
		snprintf(why, sizeof(why), "the server dropped the connection (%.40s)",
			 reason ? reason : "no reason given");
		give_up(session,
			json_is_false(json_object_get(params, "resume")) ? CLIENT_DENIED
									 : CLIENT_RUNS,
			why);
		return;
	}
	session->handlers->notify(session->ctx, method, params);
}

static bool copy_options(struct client_session *session, const struct client_options *options)
{
	session->options = *options;
	session->options.user = strdup(options->user);
	session->options.password = strdup(options->password);
	session->options.ca = options->ca ? strdup(options->ca) : NULL;
	session->user = strdup("");
	return session->options.user && session->options.password && session->user &&
	       (session->options.ca || !options->ca);
}

struct client_session *client_session_new(const struct client_options *options,
					  const struct client_session_handlers *handlers, void *ctx,
					  struct err *err)
{
	struct client_session *session = calloc(1, sizeof(*session));
	if (!session || !copy_options(session, options)) {
		err_errno(err, "could not make a session");
		client_session_free(&session);
		return NULL;
	}
	session->handlers = handlers;
	session->ctx = ctx;
	session->rpc = client_rpc_new(on_send, on_notify, session);
	session->ws = client_ws_new(&session->options.url, options->ca, options->insecure,
				    on_message, session, err);
	if (!session->rpc)
		err_errno(err, "could not make a session");
	if (!session->ws || !session->rpc)
		client_session_free(&session);
	else
		session->away_since = clock_mono();
	return session;
}

static void wipe(const char *secret)
{
	if (secret)
		explicit_bzero((char *)(uintptr_t)secret, strlen(secret));
	free((char *)(uintptr_t)secret);
}

void client_session_free(struct client_session **session)
{
	struct client_session *s = *session;
	if (!s)
		return;
	client_ws_free(&s->ws);
	client_rpc_free(&s->rpc);
	client_sasl_free(&s->sasl);
	wipe(s->options.password);
	wipe(s->token);
	free((char *)(uintptr_t)s->options.user);
	free((char *)(uintptr_t)s->options.ca);
	free(s->user);
	json_decref(s->info);
	free(s);
	*session = NULL;
}

/* Signing in. */

static bool may_pass(int code)
{
	return code == CLIENT_LOST || code == CODE_BUSY || code == CODE_UNAVAILABLE ||
	       code == CODE_TIMEOUT;
}

static void sign_in_failed(struct client_session *session, int code, const char *text)
{
	char why[256];
	snprintf(why, sizeof(why), "could not sign in: %.200s", text);
	give_up(session, may_pass(code) ? CLIENT_RUNS : CLIENT_DENIED, why);
}

static void signed_in(struct client_session *session, const json_t *result)
{
	const char *token = json_string_value(json_object_get(result, "token"));
	const json_t *user = json_object_get(result, "user");
	const char *uri = json_string_value(json_object_get(user, "uri"));
	wipe(session->token);
	session->token = token ? strdup(token) : NULL;
	free(session->user);
	session->user = strdup(uri ? uri : "");
	client_sasl_free(&session->sasl);
	if (!session->user) {
		give_up(session, CLIENT_RUNS, "out of memory");
		return;
	}
	session->state = READY;
	session->was_ready = true;
	session->failures = 0;
	session->handlers->ready(session->ctx);
}

static void on_step(void *ctx, const json_t *result, int code, const char *text);

/* Feeds the mechanism with what the server sent; *answer_r is what is to be sent on. */
static bool step(struct client_session *session, const char *data, char **answer_r)
{
	struct err err;
	int done = client_sasl_step(session->sasl, data, answer_r, &err);
	session->sasl_done = done == 1;
	if (done < 0)
		sign_in_failed(session, CODE_AUTHENTICATION_FAILED, err.text);
	return done >= 0;
}

static void send_step(struct client_session *session, const char *mechanism, const char *data)
{
	char *answer;
	if (!step(session, data, &answer))
		return;
	json_t *params =
		json_pack("{s:s*, s:s}", "mechanism", mechanism, "data", answer ? answer : "");
	client_rpc_call(session->rpc, mechanism ? "auth.start" : "auth.step", params, on_step,
			session);
	free(answer);
}

static void finish_sasl(struct client_session *session, const char *data)
{
	char *answer = NULL;
	if (!session->sasl_done && data && !step(session, data, &answer))
		return;
	free(answer);
	if (!session->sasl_done)
		sign_in_failed(session, CODE_AUTHENTICATION_FAILED,
			       "the server did not prove that it knows this user");
}

static void on_step(void *ctx, const json_t *result, int code, const char *text)
{
	struct client_session *session = ctx;
	const char *data = json_string_value(json_object_get(result, "data"));
	bool last = json_is_true(json_object_get(result, "done"));
	if (!result) {
		sign_in_failed(session, code, text);
		return;
	}
	if (!last) {
		send_step(session, NULL, data ? data : "");
		return;
	}
	finish_sasl(session, data);
	if (!session->broken)
		signed_in(session, result);
}

static void start_sasl(struct client_session *session)
{
	struct err err;
	const json_t *offered = json_object_get(session->info, "mechanisms");
	const char *mechanism = client_sasl_choose(offered, client_ws_trusted(session->ws));
	if (!mechanism) {
		sign_in_failed(session, CODE_AUTHENTICATION_FAILED,
			       "the server offers no mechanism that is safe on this connection");
		return;
	}
	client_sasl_free(&session->sasl);
	session->sasl =
		client_sasl_new(mechanism, session->options.user, session->options.password, &err);
	if (!session->sasl)
		sign_in_failed(session, CODE_AUTHENTICATION_FAILED, err.text);
	else
		send_step(session, mechanism, NULL);
}

static void on_resume(void *ctx, const json_t *result, int code, const char *text)
{
	struct client_session *session = ctx;
	if (result)
		signed_in(session, result);
	session->handlers->joined(session->ctx, json_object_get(result, "rooms"));
	if (!result && may_pass(code)) {
		sign_in_failed(session, code, text);
	} else if (!result) {
		wipe(session->token);
		session->token = NULL;
		start_sasl(session);
	}
}

static void on_info(void *ctx, const json_t *result, int code, const char *text)
{
	struct client_session *session = ctx;
	if (!result) {
		sign_in_failed(session, code, text);
		return;
	}
	json_decref(session->info);
	session->info = json_deep_copy(result);
	if (session->token)
		client_rpc_call(session->rpc, "auth.resume",
				json_pack("{s:s, s:o*}", "token", session->token, "rooms",
					  session->handlers->joins(session->ctx)),
				on_resume, session);
	else
		start_sasl(session);
}

/* Connecting. */

static uint64_t random_below(uint64_t limit)
{
	uint64_t number;
	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		number = clock_mono();
	return limit ? number % limit : 0;
}

static void end(struct client_session *session, enum client_end how)
{
	session->state = OVER;
	session->end = how;
}

/* A pause of random length, so that the clients of a server that died do not come back as one. */
static void wait_and_retry(struct client_session *session)
{
	unsigned doublings = session->failures < 7 ? session->failures : 7;
	uint64_t longest = (uint64_t)WAIT_FIRST_US << doublings;
	uint64_t wait = random_below(longest < WAIT_LAST_US ? longest : WAIT_LAST_US);
	session->failures++;
	session->retry_at = clock_mono() + wait;
	session->state = WAITING;
	session->handlers->lost(session->ctx, session->why.text, wait);
}

static void lost(struct client_session *session, const char *why)
{
	bool opening = session->state == OPENING && !session->was_ready;
	uint64_t now = clock_mono();
	give_up(session, CLIENT_RUNS, why);
	if (session->state == READY)
		session->away_since = now;
	client_ws_stop(session->ws);
	client_sasl_free(&session->sasl);
	bool leaving = session->state == LEAVING;
	session->state = WAITING;
	client_rpc_drop(session->rpc);
	if (leaving)
		end(session, CLIENT_SIGNED_OUT);
	else if (session->verdict != CLIENT_RUNS)
		end(session, session->verdict);
	else if (opening && client_ws_refused(session->ws))
		end(session, CLIENT_REFUSED);
	else if (opening && !client_ws_reached(session->ws))
		end(session, CLIENT_UNREACHABLE);
	else if (session->options.patience && now - session->away_since > session->options.patience)
		end(session, CLIENT_IMPATIENT);
	else
		wait_and_retry(session);
	session->broken = false;
	session->verdict = CLIENT_RUNS;
}

static void connect_now(struct client_session *session)
{
	struct err err;
	session->state = OPENING;
	session->deadline = clock_mono() + SIGN_IN_TIMEOUT_US;
	if (client_ws_start(session->ws, &err) != 0)
		lost(session, err.text);
}

static void watch_time(struct client_session *session)
{
	uint64_t now = clock_mono();
	uint64_t heard = client_ws_heard(session->ws);
	if (session->state != READY) {
		if (now > session->deadline)
			give_up(session, CLIENT_RUNS,
				session->state == OPENING ? "could not open a WebSocket in time"
							  : "the server does not answer");
		return;
	}
	if (now > heard + SILENCE_US)
		give_up(session, CLIENT_RUNS, "the server is silent");
	else if (now > heard + PING_US && session->pinged < heard) {
		client_ws_ping(session->ws);
		session->pinged = now;
	}
}

void client_session_turn(struct client_session *session)
{
	struct err err = {""};
	if (session->state == OVER)
		return;
	if (session->state == WAITING) {
		if (clock_mono() < session->retry_at)
			return;
		connect_now(session);
		if (session->state != OPENING)
			return;
	}
	int result = client_ws_turn(session->ws, &err);
	if (result == 1 && session->state == OPENING) {
		session->state = SIGNING;
		client_rpc_call(session->rpc, "server.info", NULL, on_info, session);
	}
	if (result >= 0)
		watch_time(session);
	if (result < 0 || session->broken)
		lost(session, err.text);
}

int client_session_poll(const struct client_session *session, struct pollfd *wait_r)
{
	*wait_r = (struct pollfd){.fd = -1};
	if (session->state == OVER)
		return 0;
	if (session->state == WAITING) {
		uint64_t now = clock_mono();
		uint64_t left = now < session->retry_at ? session->retry_at - now : 0;
		return left > TICK_MS * 1000 ? TICK_MS : (int)((left + 999) / 1000);
	}
	wait_r->fd = client_ws_fd(session->ws);
	wait_r->events = client_ws_events(session->ws);
	return client_ws_again(session->ws) ? 0 : TICK_MS;
}

void client_session_call(struct client_session *session, const char *method, json_t *take_params,
			 client_reply_fn *reply, void *ctx)
{
	if (session->state == READY && !session->broken) {
		client_rpc_call(session->rpc, method, take_params, reply, ctx);
		return;
	}
	json_decref(take_params);
	reply(ctx, NULL, CLIENT_LOST, "there is no connection");
}

static void on_logout(void *ctx, const json_t *result, int code, const char *text)
{
	struct client_session *session = ctx;
	(void)result, (void)text;
	if (code != CLIENT_LOST)
		client_ws_close(session->ws);
}

void client_session_logout(struct client_session *session)
{
	if (session->state != READY) {
		client_ws_stop(session->ws);
		end(session, CLIENT_SIGNED_OUT);
		return;
	}
	session->state = LEAVING;
	session->deadline = clock_mono() + LOGOUT_US;
	client_rpc_call(session->rpc, "auth.logout", json_object(), on_logout, session);
}

bool client_session_ready(const struct client_session *session)
{
	return session->state == READY && !session->broken;
}

enum client_end client_session_end(const struct client_session *session)
{
	return session->end;
}

const char *client_session_why(const struct client_session *session)
{
	return session->why.text;
}

const char *client_session_user(const struct client_session *session)
{
	return session->user;
}
