#ifndef PCHAT_DAEMON_CLIENT_SASL_H
#define PCHAT_DAEMON_CLIENT_SASL_H

#include <jansson.h>
#include <stdbool.h>

#include "conf/err.h"

/* The client's side of one sign-in: SCRAM-SHA-256 (RFC 7677) or PLAIN (RFC 4616), by GNU SASL. */
struct client_sasl;

/*
 * The best of the server's mechanisms (an array of strings): SCRAM-SHA-256, else PLAIN where the
 * connection is one on which a password may be shown. NULL if there is none.
 */
const char *client_sasl_choose(const json_t *mechanisms, bool trusted);

/* user and password are copied. The caller frees with client_sasl_free. */
struct client_sasl *client_sasl_new(const char *mechanism, const char *user, const char *password,
				    struct err *err);
void client_sasl_free(struct client_sasl **sasl);

/*
 * Takes what the server sent (base64; NULL at the start) and gives what is to be answered (base64;
 * freed by the caller with free). 1: this was the last step and, with SCRAM, the server has proved
 * that it knows the user; 0: the exchange goes on; -1: it failed.
 */
int client_sasl_step(struct client_sasl *sasl, const char *data, char **answer_r, struct err *err)
	__attribute__((warn_unused_result));

#endif
