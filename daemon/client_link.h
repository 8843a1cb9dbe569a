#ifndef PCHAT_DAEMON_CLIENT_LINK_H
#define PCHAT_DAEMON_CLIENT_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "conf/err.h"
#include "daemon/client_url.h"

/*
 * A byte stream to a server: TCP, with TLS on it unless the URL says ws. Nothing here blocks but
 * the look-up of the host's name. SIGPIPE must be ignored.
 */
struct client_link;

/*
 * ca: a PEM file of trusted certificates, NULL for the system's. insecure: any certificate is
 * taken. url is borrowed and outlives the link. The caller frees with client_link_free.
 */
struct client_link *client_link_new(const struct client_url *url, const char *ca, bool insecure,
				    struct err *err);
void client_link_free(struct client_link **link);

/* Shows the server a certificate: PEM files of it, with those between it and the root, and its key.
 * Before client_link_start. */
int client_link_identify(struct client_link *link, const char *certificate, const char *key,
			 struct err *err) __attribute__((warn_unused_result));

/* Begins to connect; an older connection is closed. */
int client_link_start(struct client_link *link, struct err *err)
	__attribute__((warn_unused_result));

/* Goes on connecting: 1 when data can flow, 0 when not yet, -1 when every address has failed. */
int client_link_turn(struct client_link *link, struct err *err) __attribute__((warn_unused_result));

/* Bytes read or written; 0: not possible now; -1: the connection is over and err says why. */
ssize_t client_link_read(struct client_link *link, void *data, size_t size, struct err *err)
	__attribute__((warn_unused_result));
ssize_t client_link_write(struct client_link *link, const void *data, size_t size, struct err *err)
	__attribute__((warn_unused_result));

/* What poll(2) should wait for, besides what the user of the link wants to write. */
int client_link_fd(const struct client_link *link);
short client_link_events(const struct client_link *link);

/* TLS with a verified certificate: a password may be sent as it is. */
bool client_link_trusted(const struct client_link *link);

/* The last attempt reached something; it failed at TLS, so the next one will fail as well. */
bool client_link_reached(const struct client_link *link);
bool client_link_refused(const struct client_link *link);

/* The server has said by TLS that it will have none of it, as of our certificate. */
bool client_link_alerted(const struct client_link *link);

void client_link_stop(struct client_link *link);

#endif
