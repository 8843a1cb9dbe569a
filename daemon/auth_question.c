#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/log.h"
#include "daemon/auth.h"
#include "daemon/auth_body.h"
#include "daemon/auth_relay.h"

/* Whether a refusal has a line of the log for itself: whoever guesses must not fill it. */
static bool is_told(struct auth *auth)
{
	return log_within(&auth->refused, "sign-ins were refused");
}

static void log_refusal(struct auth *auth, const char *uri, struct text address, int code)
{
	char quoted[LOG_QUOTED];

	if (!is_told(auth))
		return;
	log_notice("the sign-in of %s from %.*s was refused: %s",
		   log_quote(uri, strlen(uri), quoted), (int)address.length, address.data,
		   code_text(code));
}

/* Only what a guess could be behind is delayed; "busy" and the like are answered at once. */
static void refuse(struct auth *auth, const struct ask *question, const char *uri,
		   struct text address, int code)
{
	log_refusal(auth, uri, address, code);
	proc_count(&auth->child.proc, COUNTER_SIGN_INS_REFUSED, 1);
	if (code == CODE_AUTHENTICATION_FAILED || code == CODE_INVALID_TOKEN) {
		auth_session_denied(auth, uri, address, code);
		auth_answer_later(auth, question, code);
	} else {
		auth_answer(auth, question, code, 0, NULL, 0);
	}
}

static void sign_in(struct auth *auth, const struct ask *question,
		    const struct auth_exchange *exchange, struct text address, struct text final)
{
	const struct auth_account *account = auth_exchange_account(exchange);
	const char *uri = auth_exchange_uri(exchange);
	const struct auth_opening opening = {.principal = account->principal,
					     .epoch = account->epoch,
					     .address = address,
					     .final = final};
	const int code = auth_session_open(auth, question, &opening);
	char quoted[LOG_QUOTED];

	if (code != CODE_OK)
		refuse(auth, question, uri, address, code);
	else if (log_within(&auth->signed_in, "users signed in"))
		log_info("%s signed in from %.*s", log_quote(uri, strlen(uri), quoted),
			 (int)address.length, address.data);
}

/* Takes one step. True: the exchange goes on, and the challenge is in *challenge_r. */
static bool step(struct auth *auth, const struct ask *question, struct auth_exchange *exchange,
		 struct text address, struct text data, struct text *challenge_r)
{
	const char *out;
	size_t size;

	switch (auth_exchange_step(exchange, data.data, data.length, &out, &size)) {
	case AUTH_MORE:
		*challenge_r = (struct text){out, (uint32_t)size};
		return true;
	case AUTH_DONE:
		sign_in(auth, question, exchange, address, (struct text){out, (uint32_t)size});
		return false;
	case AUTH_REFUSED:
	default:
		refuse(auth, question, auth_exchange_uri(exchange), address,
		       auth_exchange_code(exchange));
		return false;
	}
}

static void on_start(struct auth *auth, const struct ask *question, const void *body)
{
	struct auth_exchange *exchange;
	struct text challenge;
	struct auth_start start;

	auth_table_remove(&auth->exchanges, question);
	exchange = auth_start_get(body, question->size, &start) ?
			   auth_exchange_new(auth->sasl, start.mechanism.data,
					     start.mechanism.length) :
			   NULL;
	if (!exchange) {
		auth_answer(auth, question, CODE_INVALID_ARGUMENT, 0, NULL, 0);
		return;
	}
	if (step(auth, question, exchange, start.address, start.data, &challenge)) {
		struct auth_exchange *kept = exchange;

		if (auth_table_add(&auth->exchanges, question, &start.address, clock_mono(), &kept)) {
			auth_answer(auth, question, CODE_OK, ASK_MORE, challenge.data,
				    challenge.length);
			return;
		}
		refuse(auth, question, auth_exchange_uri(exchange), start.address, CODE_BUSY);
	}
	auth_exchange_free(&exchange);
}

static void on_step(struct auth *auth, const struct ask *question, const void *body)
{
	struct auth_client *client = auth_table_find(&auth->exchanges, question);
	struct text challenge;

	if (!client) {
		auth_answer(auth, question, CODE_INVALID_FLOW_OF_OPERATIONS, 0, NULL, 0);
		return;
	}
	if (step(auth, question, auth_client_exchange(client), auth_client_address(client),
		 (struct text){body, question->size}, &challenge))
		auth_answer(auth, question, CODE_OK, ASK_MORE, challenge.data, challenge.length);
	else
		auth_table_remove(&auth->exchanges, question);
}

static int check_token(struct auth *auth, struct text text, struct principal_view *principal_r)
{
	struct auth_token token;
	int code;

	if (!auth_token_check(text.data, text.length, auth->signer, clock_utc(), &token))
		return CODE_INVALID_TOKEN;
	code = auth_account_by_id(auth, token.principal, principal_r);
	if (code == CODE_BUSY || code == CODE_UNAVAILABLE)
		return code;
	if (code != CODE_OK || principal_r->kind != PRINCIPAL_USER ||
	    principal_r->state != PRINCIPAL_ACTIVE || principal_r->epoch != token.epoch)
		return CODE_INVALID_TOKEN;
	return CODE_OK;
}

static void on_resume(struct auth *auth, const struct ask *question, const void *body)
{
	struct principal_view principal = {0};
	struct auth_opening opening = {0};
	struct auth_resume resume;
	char quoted[LOG_QUOTED];
	int code;

	if (!auth_resume_get(body, question->size, &resume)) {
		auth_answer(auth, question, CODE_INVALID_ARGUMENT, 0, NULL, 0);
		return;
	}
	code = check_token(auth, resume.token, &principal);
	if (code == CODE_OK) {
		opening.principal = principal.id;
		opening.epoch = principal.epoch;
		opening.address = resume.address;
		code = auth_session_open(auth, question, &opening);
	}
	if (code != CODE_OK)
		refuse(auth, question, "", resume.address, code);
	else
		log_debug("%s resumed from %.*s",
			  log_quote(principal.uri, principal.uri_length, quoted),
			  (int)resume.address.length, resume.address.data);
}

/* The oldest makes room: a worker may have failed to say that it is gone. */
static bool add_admin(struct auth *auth, const struct ask *question, const struct text *address)
{
	if (auth_table_count(&auth->admins) == auth->admins.max)
		auth_table_remove_oldest(&auth->admins);
	return auth_table_add(&auth->admins, question, address, clock_mono(), NULL);
}

/* Only who may set passwords is remembered: the sequencer knows of all others what it needs. */
static int open_admin(struct auth *auth, const struct ask *question,
		      const struct auth_opening *opening)
{
	int code = CODE_OK;

	if (admin_may(opening->role, DUTY_ALL) && !add_admin(auth, question, &opening->address))
		code = CODE_BUSY;
	if (code == CODE_OK)
		code = auth_session_open(auth, question, opening);
	if (code != CODE_OK)
		auth_table_remove(&auth->admins, question);
	return code;
}

static pid_t admin_process(const struct auth *auth)
{
	const struct proc_page *master = auth->child.proc.page[SLOT_MASTER];

	return master ? atomic_load(&master->slots[SLOT_ADMIN].pid) : 0;
}

/* Who is at the other end of an administration connection. who_r->role ADMIN_NONE: nobody who may
 * come in; name and address are set in any case. */
static void identify(const struct auth *auth, int fd, struct auth_relay *who_r)
{
	const struct auth_local_user *user = NULL;
	struct ucred peer = {.uid = (uid_t)-1};
	enum auth_relay_kind kind = RELAY_NONE;
	const bool ours = fd != -1 && auth_local_peer(&auth->local, fd, &peer);

	*who_r = (struct auth_relay){.role = ADMIN_NONE};
	if (ours)
		kind = auth_relay_find(fd, peer.pid, admin_process(auth), auth->child.conf, who_r);
	if (kind == RELAY_GOOD)
		return;
	who_r->role = ADMIN_NONE;
	snprintf(who_r->address, sizeof(who_r->address), "unix:uid=%" PRIdMAX, (intmax_t)peer.uid);
	if (ours && kind == RELAY_NONE)
		user = auth_local_find(&auth->local, peer.uid);
	if (!user)
		return;
	who_r->role = user->role;
	snprintf(who_r->name, sizeof(who_r->name), "%s", user->name);
}

static void on_local(struct auth *auth, const struct ask *question, int fd)
{
	struct auth_opening opening = {0};
	char quoted[LOG_QUOTED];
	struct auth_relay who;
	int code = CODE_ERROR_PERMISSION;

	identify(auth, fd, &who);
	opening.role = who.role;
	opening.name = (struct text){who.name, (uint32_t)strlen(who.name)};
	opening.address = (struct text){who.address, (uint32_t)strlen(who.address)};
	if (who.role != ADMIN_NONE)
		code = open_admin(auth, question, &opening);
	if (code == CODE_OK) {
		log_info("administration by %s, %s, from %s",
			 log_quote(who.name, strlen(who.name), quoted), admin_role_name(who.role),
			 who.address);
		return;
	}
	proc_count(&auth->child.proc, COUNTER_SIGN_INS_REFUSED, 1);
	if (is_told(auth))
		log_warning("administration from %s was refused: %s", who.address, code_text(code));
	auth_answer(auth, question, code, 0, NULL, 0);
}

/* A worker that is gone has no use for an answer, and a slot that is no worker's has no answers. */
static bool has_asker(const struct auth *auth, const struct ask *question)
{
	const struct proc_page *master = auth->child.proc.page[SLOT_MASTER];

	if (question->slot < SLOT_WORKER || question->slot >= SLOT_WORKER + WORKER_SLOTS)
		return false;
	return !master ||
	       atomic_load(&master->slots[question->slot].generation) == question->generation;
}

static void dispatch(struct auth *auth, const struct ask *question, const void *body, int fd)
{
	switch (question->kind) {
	case ASK_AUTH_START:
		on_start(auth, question, body);
		break;
	case ASK_AUTH_STEP:
		on_step(auth, question, body);
		break;
	case ASK_AUTH_RESUME:
		on_resume(auth, question, body);
		break;
	case ASK_AUTH_LOCAL:
		on_local(auth, question, fd);
		break;
	case ASK_AUTH_CANCEL:
		auth_table_remove(&auth->exchanges, question);
		auth_table_remove(&auth->admins, question);
		break;
	case ASK_AUTH_PASSWORD:
		auth_password_set(auth, question, body);
		break;
	default:
		auth_answer(auth, question, CODE_INVALID_ARGUMENT, 0, NULL, 0);
		break;
	}
}

void auth_question(struct auth *auth, struct ask *question, void *body, int take_fd)
{
	question->principal = 0;
	proc_count(&auth->child.proc, COUNTER_QUESTIONS, 1);
	if (has_asker(auth, question))
		dispatch(auth, question, body, take_fd);
	else
		proc_count(&auth->child.proc, COUNTER_REFUSED_INVALID, 1);
	explicit_bzero(body, question->size);
	if (take_fd != -1)
		close(take_fd);
}
