#include "daemon/auth_relay.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/relay_name.h"

static bool fill(const struct conf_list *access, const struct relay_name *name,
		 struct auth_relay *relay_r)
{
	size_t length;

	if (name->item >= access->count)
		return false;
	relay_r->role = access_item(access->item[name->item], &length);
	snprintf(relay_r->name, sizeof(relay_r->name), "cert:%.*s", (int)length,
		 access->item[name->item]);
	snprintf(relay_r->address, sizeof(relay_r->address), "%s", name->address);
	return relay_r->role != ADMIN_NONE;
}

/*
 * Whoever bears such a name is never looked at by his user id, which may be ours: a pchat-admin
 * that has been replaced meanwhile would make administrators of all who came through it. Nor is
 * pchat-admin itself, whatever name it bears.
 */
enum auth_relay_kind auth_relay_find(int fd, pid_t peer, pid_t admin, const struct conf *conf,
				     struct auth_relay *relay_r)
{
	struct sockaddr_un address = {.sun_family = AF_UNSPEC};
	socklen_t length = sizeof(address);
	struct relay_name name;

	if (getpeername(fd, (struct sockaddr *)&address, &length) == -1)
		return RELAY_BAD;
	if (!relay_name_is(&address, length))
		return admin != 0 && peer == admin ? RELAY_BAD : RELAY_NONE;
	return admin != 0 && peer == admin && relay_name_get(&address, length, &name) &&
			       fill(&conf->admin.access, &name, relay_r)
		       ? RELAY_GOOD
		       : RELAY_BAD;
}
