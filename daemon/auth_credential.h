#ifndef PCHAT_DAEMON_AUTH_CREDENTIAL_H
#define PCHAT_DAEMON_AUTH_CREDENTIAL_H

#include "conf/code.h"
#include "conf/conf.h"
#include "daemon/auth_secret.h"

/*
 * The users' secrets, in the content database. Each call may take up to content.query_timeout. While
 * the database cannot be reached calls fail at once, but for one in a second that tries again.
 */
struct auth_credentials;

struct auth_credentials *auth_credentials_new(const struct conf *conf); /* conf is borrowed */
void auth_credentials_free(struct auth_credentials **credentials);

/* CODE_OK; CODE_NO_SUCH_PRINCIPAL: none for this URI; CODE_UNAVAILABLE or CODE_TIMEOUT, after which the
 * log says why. */
int auth_credentials_get(struct auth_credentials *credentials, const char *uri,
			 struct auth_secret *secret_r);

/* Puts a secret in place of the user's old one, if there was one. CODE_OK or as above. */
int auth_credentials_put(struct auth_credentials *credentials, const char *uri,
			 const struct auth_secret *secret);

#endif
