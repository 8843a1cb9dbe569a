#include "config.h"

#include "daemon/client_sasl.h"

#include <gsasl.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"

/* What RFC 7677 wants at least, and what a server of ours has at least. */
enum { ROUNDS_MIN = 4096 };

struct client_sasl {
	Gsasl *library;		/* owned */
	Gsasl_session *session; /* owned */
	const char *rounds;	/* "seldom" or "often": what was wrong with the server's wish */
};

const char *client_sasl_choose(const json_t *mechanisms, bool trusted)
{
	const char *best = NULL;
	size_t i;
	json_t *mechanism;
	json_array_foreach(mechanisms, i, mechanism)
	{
		const char *name = json_string_value(mechanism);
		if (name && strcmp(name, "SCRAM-SHA-256") == 0)
			return "SCRAM-SHA-256";
		if (name && trusted && strcmp(name, "PLAIN") == 0)
			best = "PLAIN";
	}
	return best;
}

/*
 * How often the password is hashed is the server's word. By too many rounds it keeps the client busy for
 * an hour; by few, one that is not the user's server gets an answer from which the password is soon
 * guessed. The library asks for what has been hashed already before it asks for the password, which it
 * does not get then.
 */
static int on_property(Gsasl *library, Gsasl_session *session, Gsasl_property property)
{
	struct client_sasl *sasl = gsasl_callback_hook_get(library);
	const char *text;
	unsigned long rounds;

	if (property != GSASL_SCRAM_SALTED_PASSWORD)
		return GSASL_NO_CALLBACK;
	text = gsasl_property_fast(session, GSASL_SCRAM_ITER);
	rounds = text ? strtoul(text, NULL, 10) : 0;
	if (rounds < ROUNDS_MIN || rounds > CONF_ITERATIONS_MAX) {
		sasl->rounds = rounds < ROUNDS_MIN ? "seldom" : "often";
		gsasl_property_free(session, GSASL_PASSWORD);
	}
	return GSASL_NO_CALLBACK;
}

struct client_sasl *client_sasl_new(const char *mechanism, const char *user, const char *password,
				    struct err *err)
{
	struct client_sasl *sasl = calloc(1, sizeof(*sasl));
	int result = GSASL_MALLOC_ERROR;
	if (sasl)
		result = gsasl_init(&sasl->library);
	if (result == GSASL_OK) {
		gsasl_callback_hook_set(sasl->library, sasl);
		gsasl_callback_set(sasl->library, on_property);
		result = gsasl_client_start(sasl->library, mechanism, &sasl->session);
	}
	if (result == GSASL_OK)
		result = gsasl_property_set(sasl->session, GSASL_AUTHID, user);
	if (result == GSASL_OK)
		result = gsasl_property_set(sasl->session, GSASL_PASSWORD, password);
	if (result == GSASL_OK)
		return sasl;
	err_set(err, "could not set up the sign-in by %s: %s", mechanism, gsasl_strerror(result));
	client_sasl_free(&sasl);
	return NULL;
}

void client_sasl_free(struct client_sasl **sasl)
{
	if (*sasl) {
		if ((*sasl)->session)
			gsasl_finish((*sasl)->session);
		if ((*sasl)->library)
			gsasl_done((*sasl)->library);
	}
	free(*sasl);
	*sasl = NULL;
}

int client_sasl_step(struct client_sasl *sasl, const char *data, char **answer_r, struct err *err)
{
	char *answer = NULL;
	int result = gsasl_step64(sasl->session, data, &answer);
	*answer_r = NULL;
	if (sasl->rounds)
		return err_set(err,
			       "the sign-in failed: the server wants the password to be hashed too %s",
			       sasl->rounds);
	if (result != GSASL_OK && result != GSASL_NEEDS_MORE)
		return err_set(err, "the sign-in failed: %s", gsasl_strerror(result));
	/* The library's memory may have another allocator than ours. */
	if (answer)
		*answer_r = strdup(answer);
	gsasl_free(answer);
	if (answer && !*answer_r)
		return err_errno(err, "could not answer the server's challenge");
	return result == GSASL_OK;
}
