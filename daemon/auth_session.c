#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "conf/clock.h"
#include "conf/log.h"
#include "daemon/auth.h"
#include "shm/command.h"

/*
 * The askers of the last commands, so that a refusal finds its way back. Numbers count up by
 * one, so the place is the number; what is older than this many commands has been answered long
 * ago.
 */
enum { SENT_SIZE = 16384, FINAL_MAX = 1024 };

enum { DENIED_MAX = 100, DENIED_US = 1000000 };

struct auth_sent {
	uint64_t number;
	struct ask question;
};

bool auth_session_init(struct auth *auth)
{
	auth->sent = calloc(SENT_SIZE, sizeof(*auth->sent));
	return auth->sent != NULL;
}

void auth_session_fini(struct auth *auth)
{
	free(auth->sent);
	auth->sent = NULL;
}

static int send_command(struct auth *auth, const struct ask *question, struct command *head,
			const void *payload, uint32_t size, const void *more, uint32_t more_size)
{
	uint64_t number;

	head->origin = (struct origin){.slot = question->slot,
				       .generation = question->generation,
				       .session = question->session,
				       .request = question->tag};
	number = mailbox_send(&auth->mailbox, head, payload, size, more, more_size);
	if (number == 0)
		return CODE_BUSY;
	auth->sent[number % SENT_SIZE] = (struct auth_sent){number, *question};
	proc_wake(&auth->child.proc, SLOT_SEQUENCER);
	return CODE_OK;
}

static int send_open(struct auth *auth, const struct ask *question,
		     const struct auth_opening *opening)
{
	const struct command_session session = {opening->principal, opening->epoch};
	const struct event_session event = {.address = opening->address, .name = opening->name};
	struct command head = {.type = COMMAND_SESSION_OPEN,
			       .flags = (uint16_t)admin_role_flags(opening->role)};
	char payload[sizeof(event) + EVENT_ADDRESS_MAX + EVENT_ADMIN_NAME_MAX];
	const uint32_t size = event_session_put(&event, payload, sizeof(payload));

	if (size == 0)
		return CODE_SERVER_ERROR;
	return send_command(auth, question, &head, &session, sizeof(session), payload, size);
}

/* The answer's body: struct ask_signed_in, the mechanism's last data, the token. 0: it cannot
 * be made. */
static uint32_t build_answer(struct auth *auth, const struct auth_opening *opening, char *body)
{
	const uint64_t now = clock_utc();
	const struct auth_token token = {opening->principal, opening->epoch, now,
					 now + auth->child.conf->auth.token_lifetime};
	struct ask_signed_in head = {.final_size = opening->final.length};
	char *text = body + sizeof(head) + head.final_size;

	if (head.final_size > FINAL_MAX)
		return 0;
	if (opening->role == ADMIN_NONE) {
		if (!auth_token_make(&token, auth->signer, text))
			return 0;
		head.token_size = AUTH_TOKEN_LENGTH;
		head.expires = token.expires;
	}
	memcpy(body, &head, sizeof(head));
	if (head.final_size)
		memcpy(body + sizeof(head), opening->final.data, head.final_size);
	return (uint32_t)sizeof(head) + head.final_size + head.token_size;
}

int auth_session_open(struct auth *auth, const struct ask *question,
		      const struct auth_opening *opening)
{
	char body[sizeof(struct ask_signed_in) + FINAL_MAX + AUTH_TOKEN_LENGTH + 1];
	const uint32_t size = build_answer(auth, opening, body);
	struct ask answered = *question;
	int code;

	if (size == 0)
		return CODE_SERVER_ERROR;
	code = send_open(auth, question, opening);
	if (code == CODE_OK) {
		answered.principal = opening->principal;
		auth_answer(auth, &answered, CODE_OK, 0, body, size);
		proc_count(&auth->child.proc, COUNTER_SIGN_INS, 1);
	}
	explicit_bzero(body, sizeof(body));
	return code;
}

int auth_session_rekey(struct auth *auth, const struct ask *question, uint32_t principal)
{
	const struct command_rekey rekey = {.principal = principal};
	struct command head = {.type = COMMAND_REKEY};

	return send_command(auth, question, &head, &rekey, sizeof(rekey), NULL, 0);
}

/* Whether there have not been too many in this second. */
static bool count_denied(struct auth *auth)
{
	const uint64_t now = clock_mono();

	if (now - auth->denied_since >= DENIED_US) {
		if (auth->denied > DENIED_MAX)
			log_warning("%u refused sign-ins are not on record: there were too many",
				    auth->denied - DENIED_MAX);
		auth->denied_since = now;
		auth->denied = 0;
	}
	return ++auth->denied <= DENIED_MAX;
}

void auth_session_denied(struct auth *auth, const char *uri, struct text address, int code)
{
	const struct conf *conf = auth->child.conf;
	const struct event_refused event = {.code = code,
					    .command = COMMAND_SESSION_OPEN,
					    .user = {uri, (uint32_t)strlen(uri)},
					    .address = address};
	struct command head = {.type = COMMAND_REFUSED};
	char payload[64 + EVENT_URI_MAX + EVENT_ADDRESS_MAX];
	uint32_t size;

	if (!conf->compliance.enabled || !conf->compliance.refused || !count_denied(auth))
		return;
	size = event_refused_put(&event, payload, sizeof(payload));
	if (size != 0 && mailbox_send(&auth->mailbox, &head, payload, size, NULL, 0) != 0)
		proc_wake(&auth->child.proc, SLOT_SEQUENCER);
	else if (log_within(&auth->unrecorded, "refused sign-ins are not on record"))
		log_warning("a refused sign-in is not on record: it could not be sent");
}

static void refused(struct auth *auth, const struct ask *question, int code)
{
	if (question->kind == ASK_AUTH_PASSWORD) {
		auth_password_refused(auth, question, code);
		return;
	}
	auth_table_remove(&auth->admins, question);
	if (log_within(&auth->refused, "sign-ins were refused"))
		log_notice("the session of a user who signed in was refused: %s", code_text(code));
	proc_count(&auth->child.proc, COUNTER_SIGN_INS_REFUSED, 1);
	auth_answer(auth, question, code, 0, NULL, 0);
}

bool auth_session_refusals(struct auth *auth)
{
	struct answer answer;
	bool any = false;

	while (mailbox_answer(&auth->mailbox, &answer)) {
		const struct auth_sent *sent = &auth->sent[answer.number % SENT_SIZE];

		any = true;
		/* Another number there: our predecessor sent the command, and its asker knows. */
		if (answer.number != 0 && sent->number == answer.number && answer.code != CODE_OK)
			refused(auth, &sent->question, answer.code);
	}
	return any;
}
