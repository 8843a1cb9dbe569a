#include "daemon/master_status.h"

#include <errno.h>
#include <event2/event.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/conf.h"
#include "conf/log.h"
#include "daemon/master_control.h"
#include "daemon/master_supply.h"
#include "daemon/status.h"
#include "shm/fdpass.h"

enum { CLIENTS_MAX = 8, PATIENCE_SECONDS = 5, COMPLAIN_EVERY = 10000000 };
static_assert((int)STATUS_DESCRIPTORS <= (int)FDPASS_MAX, "a reply is one message");

struct client {
	struct status *status;	/* borrowed */
	int sock;		/* owned; -1: free */
	uint64_t number;	/* counts up: the lowest has waited longest */
	bool may_run;		/* an administrator: may have adapters run, too */
	struct event *readable; /* owned */
};

struct status {
	struct event_base *base;     /* borrowed */
	const struct conf *conf;     /* borrowed */
	const struct supply *supply; /* borrowed */
	const struct process *adapter; /* borrowed: of SLOT_ADAPTER */
	struct event *acceptable;    /* owned */
	int sock;		     /* borrowed */
	uint64_t clients;	     /* so far */
	uint64_t complained;	     /* of strangers, clock_mono(); 0: not yet */
	unsigned administrators;     /* how many of the users, the first */
	unsigned users;
	uid_t user[3 * CONF_ITEMS_MAX];
	struct client client[CLIENTS_MAX];
};

static void look_up(struct status *status, const struct conf_list *names, const char *setting)
{
	for (unsigned i = 0; i < names->count; i++) {
		const struct passwd *entry = getpwnam(names->item[i]);

		if (entry != NULL)
			status->user[status->users++] = entry->pw_uid;
		else
			log_warning("%s: there is no user \"%s\"", setting, names->item[i]);
	}
}

/* All of these may look. */
static void look_up_users(struct status *status)
{
	look_up(status, &status->conf->admin.users, "admin.users");
	status->administrators = status->users;
	look_up(status, &status->conf->admin.operators, "admin.operators");
	look_up(status, &status->conf->admin.readers, "admin.readers");
}

/* Seldom enough that a stranger cannot fill the log. */
static void log_stranger(struct status *status, const struct ucred *peer)
{
	const uint64_t now = clock_mono();

	if (status->complained != 0 && now - status->complained < COMPLAIN_EVERY)
		return;
	status->complained = now;
	log_warning("refused the status to user %u, process %d", peer->uid, peer->pid);
}

/* Whether it may ask for the status; *may_run_r: and have adapters run. */
static bool may_ask(struct status *status, int sock, bool *may_run_r)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &size) == -1)
		return false;
	*may_run_r = peer.uid == 0 || peer.uid == geteuid();
	if (*may_run_r)
		return true;
	for (unsigned i = 0; i < status->users; i++) {
		if (status->user[i] != peer.uid)
			continue;
		*may_run_r = i < status->administrators;
		return true;
	}
	log_stranger(status, &peer);
	return false;
}

static void drop(struct client *client)
{
	if (client->readable != NULL)
		event_free(client->readable);
	client->readable = NULL;
	if (client->sock != -1)
		close(client->sock);
	client->sock = -1;
}

static void reply(const struct client *client)
{
	const struct status_reply head = {.word = STATUS_REPLY, .count = STATUS_DESCRIPTORS};
	const struct supply *supply = client->status->supply;
	int fds[STATUS_DESCRIPTORS];
	struct err err;

	for (unsigned slot = 0; slot < SLOTS; slot++)
		fds[STATUS_PAGE + slot] = supply->page[slot].ro;
	fds[STATUS_CACHE] = supply->cache.ro;
	fds[STATUS_JOURNAL] = supply->journal.ro;
	fds[STATUS_CONF] = conf_snapshot(client->status->conf, CONF_NO_SECRETS, &err);
	if (fds[STATUS_CONF] == -1) {
		log_error("%s", err.text);
		return;
	}
	if (fdpass_send(client->sock, &head, sizeof(head), fds, STATUS_DESCRIPTORS) == -1)
		log_info("could not answer a question for the status: %s", strerror(errno));
	close(fds[STATUS_CONF]);
}

/* Which adapters there are pchat-adapter knows: it passes over a name that is none. */
static void run(const struct client *client, const struct status_run *request)
{
	const struct process *adapter = client->status->adapter;
	struct status_reply head = {.word = STATUS_RUN};
	struct control control = {.type = CONTROL_RUN};

	static_assert(sizeof(control.kinds) == sizeof(request->adapter), "a name fits a message");
	memcpy(control.kinds, request->adapter, sizeof(control.kinds));
	head.count = adapter->ready && control_send(adapter, &control, NULL, 0) == 0;
	if (fdpass_send(client->sock, &head, sizeof(head), NULL, 0) == -1)
		log_info("could not answer a request to run adapters: %s", strerror(errno));
}

static void take_request(const struct client *client, const char *request, ssize_t size)
{
	struct status_run wanted;

	if (size == (ssize_t)strlen(STATUS_REQUEST) &&
	    memcmp(request, STATUS_REQUEST, (size_t)size) == 0)
		reply(client);
	if (size != (ssize_t)sizeof(wanted) || !client->may_run)
		return;
	memcpy(&wanted, request, sizeof(wanted));
	if (memcmp(wanted.word, STATUS_RUN, sizeof(wanted.word)) == 0)
		run(client, &wanted);
}

/* A request or the end of patience: either way the connection is over afterwards. */
static void on_client(evutil_socket_t fd, short what, void *arg)
{
	struct client *client = arg;
	char request[64];
	ssize_t size;

	if (what & EV_READ) {
		size = recv(fd, request, sizeof(request), MSG_DONTWAIT);
		take_request(client, request, size);
	}
	drop(client);
}

/* A free one; or that of who has been silent longest: whoever connects and says nothing must not
 * shut out others. */
static struct client *find_client(struct status *status)
{
	struct client *oldest = &status->client[0];

	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		if (status->client[i].sock == -1)
			return &status->client[i];
		if (status->client[i].number < oldest->number)
			oldest = &status->client[i];
	}
	drop(oldest);
	return oldest;
}

static void take(struct status *status, int take_sock)
{
	const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
	struct client *client;
	bool may_run;

	if (!may_ask(status, take_sock, &may_run)) {
		close(take_sock);
		return;
	}
	client = find_client(status);
	client->sock = take_sock;
	client->may_run = may_run;
	client->number = ++status->clients;
	client->readable = event_new(status->base, take_sock, EV_READ, on_client, client);
	if (client->readable == NULL || event_add(client->readable, &patience) == -1)
		drop(client);
}

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
	const int sock = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)what;
	if (sock != -1)
		take(arg, sock);
}

struct status *status_new(struct event_base *base, int sock, const struct conf *conf,
			  const struct supply *supply, const struct process *adapter,
			  struct err *err)
{
	struct status *status = calloc(1, sizeof(*status));

	if (status == NULL) {
		err_errno(err, "could not begin to answer for the status");
		return NULL;
	}
	*status = (struct status){.base = base, .conf = conf, .supply = supply,
				  .adapter = adapter, .sock = sock};
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		status->client[i] = (struct client){.status = status, .sock = -1};
	look_up_users(status);
	status->acceptable = event_new(base, sock, EV_READ | EV_PERSIST, on_acceptable, status);
	if (status->acceptable == NULL || event_add(status->acceptable, NULL) == -1) {
		err_set(err, "could not watch the control socket");
		status_free(&status);
	}
	return status;
}

void status_free(struct status **status)
{
	if (*status == NULL)
		return;
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		drop(&(*status)->client[i]);
	if ((*status)->acceptable != NULL)
		event_free((*status)->acceptable);
	free(*status);
	*status = NULL;
}
