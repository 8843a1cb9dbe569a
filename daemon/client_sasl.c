#include "config.h"

#include "daemon/client_sasl.h"

#include <gsasl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"

/* What RFC 7677 wants at least, and what a server of ours has at least. */
enum { ROUNDS_MIN = 4096 };

struct client_sasl {
	Gsasl *library;		/* owned */
	Gsasl_session *session; /* owned */
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

struct client_sasl *client_sasl_new(const char *mechanism, const char *user, const char *password,
				    struct err *err)
{
	struct client_sasl *sasl = calloc(1, sizeof(*sasl));
	int result = GSASL_MALLOC_ERROR;
	if (sasl)
		result = gsasl_init(&sasl->library);
	if (result == GSASL_OK)
		result = gsasl_client_start(sasl->library, mechanism, &sasl->session);
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

/* The number behind ",i=" in "r=...,s=...,i=4096", or one that is larger than what is allowed; 0: none. */
static uint32_t rounds_in(const char *text, size_t length)
{
	const char *const end = text + length;
	const char *at = length > 0 ? memmem(text, length, ",i=", 3) : NULL;
	uint32_t rounds = 0;

	if (!at)
		return 0;
	for (at += 3; at < end && *at >= '0' && *at <= '9' && rounds <= CONF_ITERATIONS_MAX; at++)
		rounds = rounds * 10 + (uint32_t)(*at - '0');
	return rounds == 0 ? 1 : rounds;
}

/*
 * How often the password is hashed is the server's word. By too many rounds it keeps the client busy for
 * an hour; by few, one that is not the user's server gets an answer from which the password is soon
 * guessed.
 */
static int check_rounds(const char *data, struct err *err)
{
	uint32_t rounds;
	size_t length;
	char *text;

	if (!data || gsasl_base64_from(data, strlen(data), &text, &length) != GSASL_OK)
		return 0; /* nothing, or the library says what is wrong with it */
	rounds = rounds_in(text, length);
	gsasl_free(text);
	if (rounds == 0 || (rounds >= ROUNDS_MIN && rounds <= CONF_ITERATIONS_MAX))
		return 0;
	return err_set(err, "the sign-in failed: the server wants the password to be hashed too %s",
		       rounds < ROUNDS_MIN ? "seldom" : "often");
}

int client_sasl_step(struct client_sasl *sasl, const char *data, char **answer_r, struct err *err)
{
	char *answer = NULL;
	int result;
	*answer_r = NULL;
	if (check_rounds(data, err) == -1)
		return -1;
	result = gsasl_step64(sasl->session, data, &answer);
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
