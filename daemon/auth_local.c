#include "daemon/auth_local.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/log.h"

void auth_local_init(struct auth_local *local, const struct conf *conf)
{
	char quoted[LOG_QUOTED];

	memset(local, 0, sizeof(*local));
	snprintf(local->socket, sizeof(local->socket), "%s/admin.sock", conf->run_directory);
	for (unsigned i = 0; i < conf->admin.users.count; i++) {
		const char *name = conf->admin.users.item[i];
		const struct passwd *user = getpwnam(name);

		if (user)
			local->users[local->count++] = user->pw_uid;
		else
			log_warning("the user %s of admin.users does not exist",
				    log_quote(name, strlen(name), quoted));
	}
}

/*
 * A worker that was taken over could pass any socket. One that it connected itself, to some
 * service of root's, has root at its other end; only one that was accepted from our socket bears
 * its name.
 */
static bool is_ours(const struct auth_local *local, int fd)
{
	struct sockaddr_un name = {.sun_family = AF_UNSPEC};
	socklen_t size = sizeof(name);

	if (getsockname(fd, (struct sockaddr *)&name, &size) == -1 || name.sun_family != AF_UNIX ||
	    size <= offsetof(struct sockaddr_un, sun_path) || size > sizeof(name))
		return false;
	return strncmp(name.sun_path, local->socket, sizeof(name.sun_path)) == 0;
}

bool auth_local_check(const struct auth_local *local, int fd, uid_t *uid_r)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	*uid_r = (uid_t)-1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == -1 || size != sizeof(peer))
		return false;
	*uid_r = peer.uid;
	if (!is_ours(local, fd))
		return false;
	if (peer.uid == 0 || peer.uid == geteuid())
		return true;
	for (unsigned i = 0; i < local->count; i++) {
		if (local->users[i] == peer.uid)
			return true;
	}
	return false;
}
