#include "config.h"

#include <string.h>

#include "conf/log.h"
#include "daemon/auth.h"
#include "daemon/auth_body.h"

/* The secret first: if the sequencer then has no room, the administrator's second try does no harm. */
static int store_secret(struct auth *auth, const struct ask *question, const char *uri,
			struct text password)
{
	struct principal_view principal;
	struct auth_secret secret;
	const int known = auth_account_principal(auth, uri, &principal);
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
	return auth_session_rekey(auth, question, principal.id);
}

int auth_password_set(struct auth *auth, const struct ask *question, const void *body)
{
	struct auth_password change;
	char uri[AUTH_URI_SIZE], quoted[LOG_QUOTED];
	int code;

	if (!auth_table_find(&auth->admins, question)) {
		log_warning("a change of a password was refused: it did not come from an administrator");
		return CODE_ERROR_PERMISSION;
	}
	if (!auth_password_get(body, question->size, &change) ||
	    !auth_name_uri(change.name.data, change.name.length, auth->child.conf->domain, uri) ||
	    !auth_password_valid(change.password.data, change.password.length))
		return CODE_INVALID_ARGUMENT;
	code = store_secret(auth, question, uri, change.password);
	if (code == CODE_OK)
		log_notice("the password of %s was set", log_quote(uri, strlen(uri), quoted));
	else
		log_warning("could not set the password of %s: %s",
			    log_quote(uri, strlen(uri), quoted), code_text(code));
	return code;
}
