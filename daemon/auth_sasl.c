#include "daemon/auth_sasl.h"

#include <gsasl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct auth_sasl {
	Gsasl *gsasl;			    /* owned */
	const struct conf_list *mechanisms; /* borrowed */
	auth_lookup *lookup;
	void *arg; /* borrowed */
};

struct auth_exchange {
	const struct auth_sasl *sasl; /* borrowed, outlives us */
	Gsasl_session *session;	      /* owned */
	char *data;		      /* owned by GNU SASL's allocator: the last output */
	bool looked_up;
	int code;
	char uri[USER_URI_SIZE];
	struct auth_account account;
};

/* Once for an exchange: the user is who was named first, whatever the library asks later. */
static bool look_up(struct auth_exchange *exchange)
{
	const char *name = gsasl_property_fast(exchange->session, GSASL_AUTHID);
	int code;

	if (exchange->looked_up)
		return exchange->code == CODE_AUTHENTICATION_FAILED;
	if (!name)
		return false;
	exchange->looked_up = true;
	code = exchange->sasl->lookup(exchange->sasl->arg, name, exchange->uri,
				      &exchange->account);
	if (code != CODE_OK)
		exchange->code = code;
	return code == CODE_OK;
}

static int set_base64(Gsasl_session *session, Gsasl_property property, const uint8_t *data,
		      size_t size)
{
	char *text;
	int rc = gsasl_base64_to((const char *)data, size, &text, NULL);

	if (rc != GSASL_OK)
		return rc;
	rc = gsasl_property_set(session, property, text);
	gsasl_free(text);
	return rc;
}

static int give_secret(struct auth_exchange *exchange, Gsasl_property property)
{
	const struct auth_secret *secret = &exchange->account.secret;
	Gsasl_session *session = exchange->session;
	char iterations[16];

	if (!look_up(exchange))
		return GSASL_AUTHENTICATION_ERROR;
	switch (property) {
	case GSASL_SCRAM_ITER:
		snprintf(iterations, sizeof(iterations), "%" PRIu32, secret->iterations);
		return gsasl_property_set(session, property, iterations);
	case GSASL_SCRAM_SALT:
		return set_base64(session, property, secret->salt, sizeof(secret->salt));
	case GSASL_SCRAM_STOREDKEY:
		return set_base64(session, property, secret->stored_key,
				  sizeof(secret->stored_key));
	default:
		return set_base64(session, property, secret->server_key,
				  sizeof(secret->server_key));
	}
}

static int check_password(struct auth_exchange *exchange)
{
	const char *password = gsasl_property_fast(exchange->session, GSASL_PASSWORD);

	if (!look_up(exchange) || !password ||
	    !auth_secret_match(&exchange->account.secret, password, strlen(password)))
		return GSASL_AUTHENTICATION_ERROR;
	return GSASL_OK;
}

static int callback(Gsasl *gsasl, Gsasl_session *session, Gsasl_property property)
{
	struct auth_exchange *exchange = session ? gsasl_session_hook_get(session) : NULL;

	(void)gsasl;
	if (!exchange)
		return GSASL_NO_CALLBACK;
	switch (property) {
	case GSASL_SCRAM_ITER:
	case GSASL_SCRAM_SALT:
	case GSASL_SCRAM_STOREDKEY:
	case GSASL_SCRAM_SERVERKEY:
		return give_secret(exchange, property);
	case GSASL_VALIDATE_SIMPLE:
		return check_password(exchange);
	default:
		return GSASL_NO_CALLBACK;
	}
}

static int check_mechanisms(const struct auth_sasl *sasl, struct err *err)
{
	for (unsigned i = 0; i < sasl->mechanisms->count; i++) {
		if (!gsasl_server_support_p(sasl->gsasl, sasl->mechanisms->item[i]))
			return err_set(err, "could not offer %s: GNU SASL does not have it",
				       sasl->mechanisms->item[i]);
	}
	return 0;
}

struct auth_sasl *auth_sasl_new(const struct conf_list *mechanisms, auth_lookup *lookup, void *arg,
				struct err *err)
{
	struct auth_sasl *sasl = calloc(1, sizeof(*sasl));
	int rc;

	if (!sasl) {
		err_errno(err, "could not prepare SASL");
		return NULL;
	}
	sasl->mechanisms = mechanisms;
	sasl->lookup = lookup;
	sasl->arg = arg;
	rc = gsasl_init(&sasl->gsasl);
	if (rc != GSASL_OK) {
		err_set(err, "could not prepare SASL: %s", gsasl_strerror(rc));
		goto fail;
	}
	gsasl_callback_set(sasl->gsasl, callback);
	if (check_mechanisms(sasl, err) == -1)
		goto fail;
	return sasl;
fail:
	auth_sasl_free(&sasl);
	return NULL;
}

void auth_sasl_free(struct auth_sasl **sasl)
{
	if (*sasl && (*sasl)->gsasl)
		gsasl_done((*sasl)->gsasl);
	free(*sasl);
	*sasl = NULL;
}

static const char *find_mechanism(const struct auth_sasl *sasl, const char *name, size_t length)
{
	for (unsigned i = 0; i < sasl->mechanisms->count; i++) {
		const char *item = sasl->mechanisms->item[i];

		if (strlen(item) == length && memcmp(item, name, length) == 0)
			return item;
	}
	return NULL;
}

struct auth_exchange *auth_exchange_new(struct auth_sasl *sasl, const char *mechanism,
					size_t length)
{
	const char *known = find_mechanism(sasl, mechanism, length);
	struct auth_exchange *exchange = known ? calloc(1, sizeof(*exchange)) : NULL;

	if (!exchange)
		return NULL;
	exchange->sasl = sasl;
	exchange->code = CODE_AUTHENTICATION_FAILED;
	if (gsasl_server_start(sasl->gsasl, known, &exchange->session) != GSASL_OK) {
		exchange->session = NULL;
		auth_exchange_free(&exchange);
		return NULL;
	}
	gsasl_session_hook_set(exchange->session, exchange);
	return exchange;
}

void auth_exchange_free(struct auth_exchange **exchange)
{
	struct auth_exchange *old = *exchange;

	if (!old)
		return;
	if (old->session)
		gsasl_finish(old->session);
	gsasl_free(old->data);
	explicit_bzero(old, sizeof(*old));
	free(old);
	*exchange = NULL;
}

/* Nobody acts for somebody else: an authorization identity must be the user's own, or absent. */
static bool is_own_identity(const struct auth_exchange *exchange)
{
	const char *other = gsasl_property_fast(exchange->session, GSASL_AUTHZID);
	const char *own = gsasl_property_fast(exchange->session, GSASL_AUTHID);

	return !other || !*other || (own && strcmp(other, own) == 0) ||
	       strcmp(other, exchange->uri) == 0;
}

/* The library is lenient with a lookup that fails in the middle: it would make up a salt. */
static bool is_possible(const struct auth_exchange *exchange)
{
	return exchange->code == CODE_AUTHENTICATION_FAILED && is_own_identity(exchange);
}

/* The library frees its copy of the password without wiping it, so this is done in its buffer. */
static void forget_password(Gsasl_session *session)
{
	char *password = (char *)gsasl_property_fast(session, GSASL_PASSWORD);

	if (password)
		explicit_bzero(password, strlen(password));
	gsasl_property_free(session, GSASL_PASSWORD);
}

enum auth_step auth_exchange_step(struct auth_exchange *exchange, const void *data, size_t size,
				  const char **data_r, size_t *size_r)
{
	int rc;

	gsasl_free(exchange->data);
	exchange->data = NULL;
	*size_r = 0;
	rc = gsasl_step(exchange->session, data, size, &exchange->data, size_r);
	forget_password(exchange->session);
	*data_r = exchange->data ? exchange->data : "";
	if (!is_possible(exchange))
		return AUTH_REFUSED;
	if (rc == GSASL_NEEDS_MORE)
		return AUTH_MORE;
	if (rc != GSASL_OK || exchange->account.principal == 0)
		return AUTH_REFUSED;
	return AUTH_DONE;
}

int auth_exchange_code(const struct auth_exchange *exchange)
{
	return exchange->code;
}

const char *auth_exchange_uri(const struct auth_exchange *exchange)
{
	return exchange->uri;
}

const struct auth_account *auth_exchange_account(const struct auth_exchange *exchange)
{
	return &exchange->account;
}
