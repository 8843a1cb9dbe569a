#ifndef PCHAT_DAEMON_AUTH_LOCAL_H
#define PCHAT_DAEMON_AUTH_LOCAL_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

#include "conf/conf.h"

/* Who may administer through the socket on this host: root, we ourselves, and the users of
 * admin.users. */
struct auth_local {
	unsigned count;
	uid_t users[CONF_LIST_MAX];
	char socket[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

/* Users who do not exist are logged and left out. */
void auth_local_init(struct auth_local *local, const struct conf *conf);

/* Whether the one at the other end of a connection to the administration socket may administer;
 * *uid_r: who it is ((uid_t)-1: that is not known). */
bool auth_local_check(const struct auth_local *local, int fd, uid_t *uid_r);

#endif
