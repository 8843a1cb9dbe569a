#ifndef PCHAT_DAEMON_AUTH_RELAY_H
#define PCHAT_DAEMON_AUTH_RELAY_H

#include <sys/types.h>

#include "conf/access.h"
#include "conf/conf.h"
#include "shm/event.h"

/* Connections to admin.sock that pchat-admin made for somebody with a certificate. */

enum auth_relay_kind {
	RELAY_NONE, /* somebody of this host */
	RELAY_GOOD,
	RELAY_BAD, /* it claims to be one, or comes from pchat-admin and is none */
};

struct auth_relay {
	enum admin_role role;
	char name[EVENT_ADMIN_NAME_MAX + 1]; /* "cert:alice" */
	char address[EVENT_ADDRESS_MAX + 1]; /* of the one for whom it is */
};

/* peer: the process at the other end; admin: the one that the master says is pchat-admin, 0: none.
 */
enum auth_relay_kind auth_relay_find(int fd, pid_t peer, pid_t admin, const struct conf *conf,
				     struct auth_relay *relay_r);

#endif
