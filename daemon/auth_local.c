#include "daemon/auth_local.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/log.h"

static void add(struct auth_local *local, uid_t uid, enum admin_role role, const char *name)
{
	struct auth_local_user *user = &local->users[local->count++];

	user->uid = uid;
	user->role = role;
	snprintf(user->name, sizeof(user->name), "unix:%s", name);
}

static void add_list(struct auth_local *local, const struct conf_list *names, enum admin_role role,
		     const char *setting)
{
	char quoted[LOG_QUOTED];

	for (unsigned i = 0; i < names->count; i++) {
		const char *name = names->item[i];
		const struct passwd *user = getpwnam(name);

		if (user)
			add(local, user->pw_uid, role, name);
		else
			log_warning("the user %s of %s does not exist",
				    log_quote(name, strlen(name), quoted), setting);
	}
}

/* Who comes first counts: root and we ourselves cannot be made less than they are. */
void auth_local_init(struct auth_local *local, const struct conf *conf)
{
	const struct passwd *own = getpwuid(geteuid());

	memset(local, 0, sizeof(*local));
	snprintf(local->socket, sizeof(local->socket), "%s/admin.sock", conf->run_directory);
	add(local, geteuid(), ADMIN_ADMINISTRATOR, own ? own->pw_name : "server");
	add(local, 0, ADMIN_ADMINISTRATOR, "root");
	add_list(local, &conf->admin.users, ADMIN_ADMINISTRATOR, "admin.users");
	add_list(local, &conf->admin.operators, ADMIN_OPERATOR, "admin.operators");
	add_list(local, &conf->admin.readers, ADMIN_READER, "admin.readers");
	add_list(local, &conf->admin.compliance, ADMIN_COMPLIANCE, "admin.compliance");
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

bool auth_local_peer(const struct auth_local *local, int fd, struct ucred *peer_r)
{
	socklen_t size = sizeof(*peer_r);

	*peer_r = (struct ucred){.uid = (uid_t)-1};
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer_r, &size) == 0 &&
	       size == sizeof(*peer_r) && is_ours(local, fd);
}

const struct auth_local_user *auth_local_find(const struct auth_local *local, uid_t uid)
{
	for (unsigned i = 0; i < local->count; i++)
		if (local->users[i].uid == uid)
			return &local->users[i];
	return NULL;
}
