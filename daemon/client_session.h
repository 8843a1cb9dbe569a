#ifndef PCHAT_DAEMON_CLIENT_SESSION_H
#define PCHAT_DAEMON_CLIENT_SESSION_H

#include <jansson.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "conf/err.h"
#include "daemon/client_rpc.h"
#include "daemon/client_url.h"

/*
 * A session with a server: connects, signs in, and does so again when the connection is lost, by
 * the token it was given or, when that is void, by the password. Rooms and posts are client.h's.
 */
struct client_session;

struct client_options {
	struct client_url url;
	const char *user, *password; /* copied by client_session_new */
	const char *ca;		     /* PEM file; NULL: the system's certificates */
	bool insecure;		     /* take any certificate */
	uint64_t patience; /* us without being signed in after which it gives up; 0: never */
};

/* None of them may free the session. */
struct client_session_handlers {
	void (*ready)(void *ctx); /* signed in, for the first time or again */
	/* The connection is lost; the next attempt is made after wait (us). */
	void (*lost)(void *ctx, const char *why, uint64_t wait);
	client_notify_fn *notify;
	/* Rooms that are to be joined with the token, as room.join wants them; the caller gets the
	 * reference. NULL: none. */
	json_t *(*joins)(void *ctx);
	/* What became of them, after ready: as room.join answers it. NULL: nothing, they are to be
	 * joined by room.join. */
	void (*joined)(void *ctx, const json_t *rooms);
};

/* Why a session is over. */
enum client_end {
	CLIENT_RUNS = 0,
	CLIENT_SIGNED_OUT,  /* by client_session_logout */
	CLIENT_UNREACHABLE, /* the first attempt did not find a server */
	CLIENT_REFUSED,	  /* nor one of this kind, or one whose certificate is not to be trusted */
	CLIENT_DENIED,	  /* the server does not let this user in, or put him out */
	CLIENT_IMPATIENT, /* see client_options.patience */
};

/* The first turn connects. The caller frees with client_session_free. */
struct client_session *client_session_new(const struct client_options *options,
					  const struct client_session_handlers *handlers, void *ctx,
					  struct err *err);
void client_session_free(struct client_session **session);

/* What poll(2) should wait for; returns how many milliseconds at most. */
int client_session_poll(const struct client_session *session, struct pollfd *wait_r);

/* Does what there is to do: after poll, whatever it said. */
void client_session_turn(struct client_session *session);

/* See client_rpc_call. Only while the session is ready; else the call is answered CLIENT_LOST. */
void client_session_call(struct client_session *session, const char *method, json_t *take_params,
			 client_reply_fn *reply, void *ctx);

/* Signs out; the session ends soon after. */
void client_session_logout(struct client_session *session);

bool client_session_ready(const struct client_session *session);
enum client_end client_session_end(const struct client_session *session);

/* Why it is over, for a person; borrowed. */
const char *client_session_why(const struct client_session *session);

/* The URI of the user who is signed in, "" before; borrowed. */
const char *client_session_user(const struct client_session *session);

#endif
