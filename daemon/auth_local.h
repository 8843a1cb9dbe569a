#ifndef PCHAT_DAEMON_AUTH_LOCAL_H
#define PCHAT_DAEMON_AUTH_LOCAL_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include "conf/conf.h"
#include "shm/admin_role.h"
#include "shm/event.h"

/* Who may administer through the socket on this host, and as what: root, we ourselves, and the
 * users of admin.users, admin.operators, admin.readers and admin.compliance. */
struct auth_local_user {
	uid_t uid;
	enum admin_role role;
	char name[EVENT_ADMIN_NAME_MAX + 1]; /* "unix:root" */
};

struct auth_local {
	unsigned count;
	struct auth_local_user users[4 * CONF_ITEMS_MAX + 2];
	char socket[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

/* Users who do not exist are logged and left out. */
void auth_local_init(struct auth_local *local, const struct conf *conf);

/* Whether a connection was accepted from the administration socket; *peer_r: who is at its other
 * end (uid (uid_t)-1: that is not known). */
bool auth_local_peer(const struct auth_local *local, int fd, struct ucred *peer_r);

/* What a user of this host may do; NULL: nothing. */
const struct auth_local_user *auth_local_find(const struct auth_local *local, uid_t uid);

#endif
