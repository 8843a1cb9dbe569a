#ifndef PCHAT_DAEMON_AUTH_CREDENTIAL_H
#define PCHAT_DAEMON_AUTH_CREDENTIAL_H

#include "conf/code.h"
#include "conf/conf.h"
#include "daemon/auth_secret.h"
#include "shm/proc.h"

/*
 * The users' secrets, in the content database. A call may wait for the database; while it cannot
 * be reached calls fail at once, but for one now and then that tries again (odbc/backoff.h).
 */
struct auth_credentials;

/* conf and proc are borrowed and outlive it. NULL: no memory, or no ODBC. */
struct auth_credentials *auth_credentials_new(const struct conf *conf, struct proc *proc);
void auth_credentials_free(struct auth_credentials **credentials);

/* CODE_OK; CODE_NO_SUCH_PRINCIPAL: none for this URI; CODE_UNAVAILABLE: the log says why. */
int auth_credentials_get(struct auth_credentials *credentials, const char *uri,
			 struct auth_secret *secret_r);

/* Puts a secret in place of the user's old one, if there was one. CODE_OK, CODE_UNAVAILABLE, or
 * CODE_INVALID_ARGUMENT where the database cannot take the URI. */
int auth_credentials_put(struct auth_credentials *credentials, const char *uri,
			 const struct auth_secret *secret);

#endif
