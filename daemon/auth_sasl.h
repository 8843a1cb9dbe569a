#ifndef PCHAT_DAEMON_AUTH_SASL_H
#define PCHAT_DAEMON_AUTH_SASL_H

#include <stddef.h>
#include <stdint.h>

#include "conf/code.h"
#include "conf/conf.h"
#include "conf/err.h"
#include "shm/user_uri.h"
#include "daemon/auth_secret.h"

/*
 * The server's side of SASL (RFC 4422) by GNU SASL: which messages are exchanged, and whether the
 * client has shown that it knows the user's password. Channel binding is not offered.
 */
struct auth_account {
	uint32_t principal; /* 0: nobody can sign in with this, whatever the secret */
	uint32_t epoch;	    /* read before the secret was */
	struct auth_secret secret;
};

/*
 * Finds the account of a login name and its URI ("" for a name that can be nobody's). CODE_OK
 * also for users who do not exist or may not sign in: they get an account without a principal
 * and a secret that is as good as any, so that a client cannot tell. Another code: it could not
 * be found out.
 */
typedef int auth_lookup(void *arg, const char *name, char uri_r[USER_URI_SIZE],
			struct auth_account *account_r);

struct auth_sasl;

/* mechanisms and arg are borrowed and outlive it. */
struct auth_sasl *auth_sasl_new(const struct conf_list *mechanisms, auth_lookup *lookup, void *arg,
				struct err *err);
void auth_sasl_free(struct auth_sasl **sasl);

struct auth_exchange;

/* NULL: no such mechanism, or out of memory. */
struct auth_exchange *auth_exchange_new(struct auth_sasl *sasl, const char *mechanism,
					size_t length);
void auth_exchange_free(struct auth_exchange **exchange);

enum auth_step {
	AUTH_MORE,    /* the client is to answer the data */
	AUTH_DONE,    /* it is the user; the data is the last that the client is to get */
	AUTH_REFUSED, /* auth_exchange_code says why */
};

/* Takes the client's data; *data_r is valid until the next call and never NULL. */
enum auth_step auth_exchange_step(struct auth_exchange *exchange, const void *data, size_t size,
				  const char **data_r, size_t *size_r);

/* CODE_AUTHENTICATION_FAILED, or the code of the lookup that failed. */
int auth_exchange_code(const struct auth_exchange *exchange);

/* Who wants to sign in, "" as long as that is not known; meaningful for logs before AUTH_DONE. */
const char *auth_exchange_uri(const struct auth_exchange *exchange);

/* After AUTH_DONE. */
const struct auth_account *auth_exchange_account(const struct auth_exchange *exchange);

#endif
