#include <string.h>

#include "conf/clock.h"
#include "conf/log.h"
#include "daemon/auth.h"
#include "daemon/auth_body.h"

enum { REKEY_WAIT_US = 10000000 };

static void finish(struct auth *auth, struct auth_rekey *rekey, int code)
{
	auth_answer(auth, &rekey->question, code, 0, NULL, 0);
	rekey->pending = false;
	auth->rekeys_pending--;
}

static struct auth_rekey *free_rekey(struct auth *auth)
{
	for (unsigned i = 0; i < AUTH_REKEYS; i++) {
		if (!auth->rekeys[i].pending)
			return &auth->rekeys[i];
	}
	return NULL;
}

/* The answer waits until the new epoch is in the cache: who was told that the password has
 * changed can sign in with it at once. */
static int rekey(struct auth *auth, const struct ask *question,
		 const struct principal_view *principal, struct auth_rekey *place)
{
	const int code = auth_session_rekey(auth, question, principal->id);

	if (code != CODE_OK)
		return code;
	*place = (struct auth_rekey){.pending = true,
				     .question = *question,
				     .principal = principal->id,
				     .epoch = principal->epoch,
				     .until = clock_mono() + REKEY_WAIT_US};
	auth->rekeys_pending++;
	return CODE_OK;
}

/* The secret first: if the sequencer then has no room, the administrator's second try does no
 * harm. */
static int change(struct auth *auth, const struct ask *question, const char *uri,
		  struct text password, bool *waits_r)
{
	struct auth_rekey *place = free_rekey(auth);
	struct principal_view principal;
	struct auth_secret secret;
	const int known = place ? auth_account_principal(auth, uri, &principal) : CODE_BUSY;
	int code;

	if (known != CODE_OK && known != CODE_NO_SUCH_PRINCIPAL)
		return known;
	if (!auth_secret_make(password.data, password.length, auth->child.conf->auth.iterations,
			      &secret))
		return CODE_SERVER_ERROR;
	code = auth_credentials_put(auth->credentials, uri, &secret);
	explicit_bzero(&secret, sizeof(secret));
	if (code != CODE_OK || known == CODE_NO_SUCH_PRINCIPAL)
		return code;
	code = rekey(auth, question, &principal, place);
	*waits_r = code == CODE_OK;
	return code;
}

static int set(struct auth *auth, const struct ask *question, const void *body, bool *waits_r)
{
	struct auth_password asked;
	char uri[USER_URI_SIZE], quoted[LOG_QUOTED];
	int code;

	if (!auth_table_find(&auth->admins, question)) {
		if (log_within(&auth->forbidden, "changes of passwords were refused"))
			log_warning("a change of a password was refused: it did not come from an "
				    "administrator");
		return CODE_ERROR_PERMISSION;
	}
	if (!auth_password_get(body, question->size, &asked) ||
	    !user_uri_make(asked.name.data, asked.name.length, auth->child.conf->domain, uri) ||
	    !auth_password_valid(asked.password.data, asked.password.length))
		return CODE_INVALID_ARGUMENT;
	code = change(auth, question, uri, asked.password, waits_r);
	if (code == CODE_OK)
		log_notice("the password of %s was set", log_quote(uri, strlen(uri), quoted));
	else
		log_warning("could not set the password of %s: %s",
			    log_quote(uri, strlen(uri), quoted), code_text(code));
	return code;
}

void auth_password_set(struct auth *auth, const struct ask *question, const void *body)
{
	bool waits = false;
	const int code = set(auth, question, body, &waits);

	if (!waits)
		auth_answer(auth, question, code, 0, NULL, 0);
}

static bool is_same(const struct ask *one, const struct ask *other)
{
	return one->slot == other->slot && one->generation == other->generation &&
	       one->session == other->session && one->tag == other->tag;
}

void auth_password_refused(struct auth *auth, const struct ask *question, int code)
{
	log_warning("could not make a user's tokens void after a change of the password: %s",
		    code_text(code));
	for (unsigned i = 0; i < AUTH_REKEYS; i++) {
		struct auth_rekey *rekey = &auth->rekeys[i];

		if (rekey->pending && is_same(&rekey->question, question))
			finish(auth, rekey, code);
	}
}

void auth_password_settle(struct auth *auth)
{
	for (unsigned i = 0; auth->rekeys_pending > 0 && i < AUTH_REKEYS; i++) {
		struct auth_rekey *rekey = &auth->rekeys[i];
		struct principal_view principal;

		if (!rekey->pending)
			continue;
		if (auth_account_by_id(auth, rekey->principal, &principal) == CODE_OK &&
		    principal.epoch != rekey->epoch)
			finish(auth, rekey, CODE_OK);
		else if (clock_mono() >= rekey->until)
			finish(auth, rekey, CODE_TIMEOUT);
	}
}
