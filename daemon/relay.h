#ifndef PCHAT_DAEMON_RELAY_H
#define PCHAT_DAEMON_RELAY_H

#include <bsd/sys/queue.h>
#include <event2/event.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "conf/access.h"
#include "conf/conf.h"
#include "shm/child.h"
#include "shm/event.h"

/*
 * pchat-admin: takes administrators' connections from the network, asks for their certificates, and
 * passes on what they send to admin.sock and what comes from there. It reads none of it. What they
 * may do is decided by others, who learn from it only which item of admin.access has come.
 */
struct relay_link;

struct relay {
	struct child child;
	struct event_base *base; /* owned */
	SSL_CTX *tls;		 /* owned */
	LIST_HEAD(relay_links, relay_link) links;
	unsigned count;
	uint64_t serial;  /* of connections to admin.sock */
	uint64_t logged;  /* clock_mono() of the last line about a refusal */
	uint64_t skipped; /* refusals since then that have none */
	bool stopping;
};

/* --- relay_tls.c --- */

/* Certificate, key, trusted certificates and (crl -1: none) revoked ones from the start of PEM
 * files. NULL and err. The caller frees. */
SSL_CTX *relay_tls_new(int certificate, int key, int ca, int crl, struct err *err);

/* --- relay_peer.c --- */

/* The item of the access list that a certificate has a name of: its number, or -1. name_r is a name
 * of the certificate, for the log: that one, or the first. */
int relay_peer_find(const struct conf_list *access, const X509 *certificate,
		    char name_r[ACCESS_NAME_MAX + 1]);

/* --- relay_link.c --- */

/* Takes a connected socket. */
void relay_link_open(struct relay *relay, int take_fd, const char *address);

/* Ends those that take too long over their handshake. To be called some times a second. */
void relay_links_tick(struct relay *relay);

/* Ends all that are not at work. */
void relay_links_stop(struct relay *relay);

/* Ends all. */
void relay_links_fini(struct relay *relay);

/* Makes room for another: the one that has been in its handshake for longest ends. False: there is
 * none. */
bool relay_links_make_room(struct relay *relay);

/* Counts a refusal and says so in the log, seldom enough that nobody can fill it. */
void relay_refused(struct relay *relay, enum counter counter, const char *address, const char *why);

#endif
