#ifndef PCHAT_DAEMON_AUTH_H
#define PCHAT_DAEMON_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/auth_credential.h"
#include "daemon/auth_delay.h"
#include "daemon/auth_local.h"
#include "daemon/auth_sasl.h"
#include "daemon/auth_table.h"
#include "shm/ask.h"
#include "shm/cache.h"
#include "shm/child.h"
#include "shm/mailbox.h"

/*
 * pchat-auth: the only process that can open a session. The parts below share this and nothing
 * else; each is described where it is declared.
 */
struct auth_sent;

/* A change of a password whose end a local administrator waits for. */
struct auth_rekey {
	bool pending;
	uint32_t principal, epoch; /* the old one */
	uint64_t until;		   /* clock_mono() */
	struct ask question;
};
enum { AUTH_REKEYS = 16 };

struct auth {
	struct child child;
	struct auth_local local;
	uint8_t key[AUTH_KEY_SIZE];	      /* of tokens and of made-up salts; secret */
	struct auth_signer *signer;	      /* owned: of tokens, with that key */
	struct cache *cache;		      /* owned, read-only; NULL until it is laid out */
	struct mailbox mailbox;		      /* our own, to the sequencer */
	struct auth_credentials *credentials; /* owned */
	struct auth_sasl *sasl;		      /* owned */
	struct auth_table exchanges;
	struct auth_table admins; /* sessions of those who may set passwords */
	struct auth_delay *delay; /* owned */
	struct auth_sent *sent;	  /* owned: the askers of the last commands, by number */
	struct auth_rekey rekeys[AUTH_REKEYS];
	unsigned rekeys_pending;
	unsigned denied; /* sign-ins, since: */
	uint64_t denied_since; /* clock_mono() */
	struct log_limit refused, signed_in; /* sign-ins */
	struct log_limit unrecorded;	/* those that were refused */
	struct log_limit dropped;	/* questions */
	struct log_limit forbidden;	/* changes of passwords */
	uint64_t blocked[WORKER_SLOTS]; /* until then answers are not waited for (clock_mono) */
	uint8_t body[ASK_BODY_MAX];	/* of the question that is being dealt with */
};

/* --- auth_answer.c: answers to workers. --- */

/* Sends an answer and counts a refusal. question->principal goes with it. */
void auth_answer(struct auth *auth, const struct ask *question, int code, uint32_t flags,
		 const void *body, uint32_t size);

/* Refuses a failed attempt, a second from now. */
void auth_answer_later(struct auth *auth, const struct ask *question, int code);

/* Sends those that are due. */
void auth_answer_due(struct auth *auth);

/* --- auth_account.c: who a user is. --- */

/* An auth_lookup; arg is the struct auth. */
int auth_account_find(void *arg, const char *name, char uri_r[USER_URI_SIZE],
		      struct auth_account *account_r);

/* The principal of a URI. CODE_OK, CODE_NO_SUCH_PRINCIPAL, CODE_BUSY; CODE_UNAVAILABLE: it is
 * not in the cache, but the sequencer has not loaded all users yet. */
int auth_account_principal(struct auth *auth, const char *uri, struct principal_view *principal_r);

/* The same by number. */
int auth_account_by_id(struct auth *auth, uint32_t id, struct principal_view *principal_r);

/* --- auth_session.c: commands to the sequencer. --- */

struct auth_opening {
	uint32_t principal, epoch;
	enum admin_role role; /* of an administrator; of users ADMIN_NONE */
	struct text address;
	struct text name; /* of an administrator, see event.h */
	struct text final; /* the mechanism's last data for the client */
};

/* False: out of memory. */
bool auth_session_init(struct auth *auth);
void auth_session_fini(struct auth *auth);

/* Opens the asker's session: sends the command and answers the worker. CODE_OK, or why not;
 * then nothing was sent. */
int auth_session_open(struct auth *auth, const struct ask *question,
		      const struct auth_opening *opening);

/* Makes all tokens of a user void, after a change of the password. CODE_OK or CODE_BUSY. */
int auth_session_rekey(struct auth *auth, const struct ask *question, uint32_t principal);

/* A sign-in failed: on record, where compliance wants to know. Not more than DENIED_MAX a second, so that
 * guessing does not fill the journal; how many were left out is logged. */
void auth_session_denied(struct auth *auth, const char *uri, struct text address, int code);

/* Takes the sequencer's refusals and passes them on. Returns whether there were any. */
bool auth_session_refusals(struct auth *auth);

/* --- auth_question.c: workers' questions. --- */

/* Deals with one; body is writable so that secrets in it can be wiped. fd (or -1) is taken. */
void auth_question(struct auth *auth, struct ask *question, void *body, int take_fd);

/* --- auth_password.c --- */

/* A new password for a user, from a local administrator: sets it and answers, at once or when the
 * sequencer has made the user's tokens void. */
void auth_password_set(struct auth *auth, const struct ask *question, const void *body);

/* The sequencer did not do its part. */
void auth_password_refused(struct auth *auth, const struct ask *question, int code);

/* Answers those that are done or have waited too long; to be called often while rekeys_pending. */
void auth_password_settle(struct auth *auth);

#endif
