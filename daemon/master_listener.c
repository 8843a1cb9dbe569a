#include "daemon/master_listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "conf/bug.h"
#include "conf/clock.h"
#include "conf/log.h"
#include "shm/child.h"

enum { BACKLOG = 4096, CONTROL_BACKLOG = 64, RETRY_US = 50000 };

/* "127.0.0.1:8010" or "[::1]:8010". The caller frees with freeaddrinfo. */
static struct addrinfo *resolve(const char *address, struct err *err)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				       .ai_socktype = SOCK_STREAM};
	const char *colon = strrchr(address, ':');
	struct addrinfo *result;
	char host[64];
	int error;

	/* conf_load lets nothing else through. */
	bug_on(colon == NULL);
	if (address[0] == '[')
		snprintf(host, sizeof(host), "%.*s", (int)(colon - address) - 2, address + 1);
	else
		snprintf(host, sizeof(host), "%.*s", (int)(colon - address), address);
	error = getaddrinfo(host, colon + 1, &hints, &result);
	if (error == 0)
		return result;
	err_set(err, "could not use the address %s: %s", address, gai_strerror(error));
	return NULL;
}

static int set_option(int sock, int level, int option)
{
	const int on = 1;

	return setsockopt(sock, level, option, &on, sizeof(on));
}

/*
 * The first socket of an address is bound without SO_REUSEPORT: another process of our user that
 * serves the same port with it would otherwise share our connections without a word. Only when the
 * address is ours is the option set, which lets the other places in.
 */
static int bind_one(const struct addrinfo *info, bool first)
{
	int sock = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error;

	if (sock == -1)
		return -1;
	if (set_option(sock, SOL_SOCKET, SO_REUSEADDR) == 0 &&
	    (info->ai_family != AF_INET6 || set_option(sock, IPPROTO_IPV6, IPV6_V6ONLY) == 0) &&
	    (first || set_option(sock, SOL_SOCKET, SO_REUSEPORT) == 0) &&
	    bind(sock, info->ai_addr, info->ai_addrlen) == 0 &&
	    (!first || set_option(sock, SOL_SOCKET, SO_REUSEPORT) == 0))
		return sock;
	error = errno;
	close(sock);
	errno = error;
	return -1;
}

static int bind_waiting(const struct addrinfo *info, bool first, uint64_t wait)
{
	const uint64_t end = clock_mono() + wait;
	int sock;

	while ((sock = bind_one(info, first)) == -1) {
		if (errno != EADDRINUSE || clock_mono() >= end)
			return -1;
		usleep(RETRY_US);
	}
	return sock;
}

/* All are bound before the first listens: once a socket listens, connections arrive in it. */
static int bind_address(struct listener *listener, unsigned i, uint64_t wait, struct err *err)
{
	const char *address = listener->conf->json.listen.item[i];
	struct addrinfo *info = resolve(address, err);

	if (info == NULL)
		return -1;
	for (unsigned place = 0; place < listener->conf->workers.active; place++) {
		int sock = bind_waiting(info, place == 0, wait);

		if (sock == -1) {
			err_errno(err, "could not bind to %s", address);
			freeaddrinfo(info);
			return -1;
		}
		listener->json[place][i] = sock;
	}
	freeaddrinfo(info);
	return 0;
}

static int bind_remote(struct listener *listener, unsigned i, uint64_t wait, struct err *err)
{
	const char *address = listener->conf->admin.listen.item[i];
	struct addrinfo *info = resolve(address, err);
	int result = 0;

	if (info == NULL)
		return -1;
	listener->remote[i] = bind_waiting(info, true, wait);
	if (listener->remote[i] == -1)
		result = err_errno(err, "could not bind to %s", address);
	else if (listen(listener->remote[i], BACKLOG) == -1)
		result = err_errno(err, "could not listen on %s", address);
	freeaddrinfo(info);
	return result;
}

static int listen_all(struct listener *listener, struct err *err)
{
	for (unsigned place = 0; place < listener->conf->workers.active; place++)
		for (unsigned i = 0; i < listener->addresses; i++)
			if (listen(listener->json[place][i], BACKLOG) == -1)
				return err_errno(err, "could not listen on %s",
						 listener->conf->json.listen.item[i]);
	return 0;
}

static int unix_path(struct sockaddr_un *address, const struct conf *conf, const char *name,
		     struct err *err)
{
	int length;

	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	length = snprintf(address->sun_path, sizeof(address->sun_path), "%s/%s",
			  conf->run_directory, name);
	if (length < (int)sizeof(address->sun_path))
		return 0;
	return err_set(err, "run_directory is too long for a socket: %s/%s", conf->run_directory,
		       name);
}

/* A file of that name was left behind: we hold the pid file. Peer credentials decide who may come
 * in, so everybody may connect. */
static int bind_unix(const struct conf *conf, const char *name, int type, int backlog,
		     struct err *err)
{
	struct sockaddr_un address;
	int sock;

	if (unix_path(&address, conf, name, err) == -1)
		return -1;
	unlink(address.sun_path);
	sock = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock != -1 && bind(sock, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    chmod(address.sun_path, 0666) == 0 && listen(sock, backlog) == 0)
		return sock;
	err_errno(err, "could not listen on %s", address.sun_path);
	if (sock != -1)
		close(sock);
	return -1;
}

int listener_init(struct listener *listener, const struct conf *conf, uint64_t wait,
		  struct err *err)
{
	memset(listener, -1, sizeof(*listener));
	listener->conf = conf;
	listener->places = conf->workers.active + conf->workers.standby;
	listener->addresses = conf->json.listen.count;
	for (unsigned i = 0; i < listener->addresses; i++) {
		if (bind_address(listener, i, wait, err) == -1)
			return -1;
		if (!conf->json.tls)
			log_warning("json.tls is off: passwords and messages travel in plain text "
				    "through %s",
				    conf->json.listen.item[i]);
	}
	for (unsigned i = 0; i < conf->admin.listen.count; i++)
		if (bind_remote(listener, i, wait, err) == -1)
			return -1;
	listener->admin = bind_unix(conf, "admin.sock", SOCK_STREAM, BACKLOG, err);
	if (listener->admin == -1)
		return -1;
	listener->control = bind_unix(conf, "control.sock", SOCK_SEQPACKET, CONTROL_BACKLOG, err);
	if (listener->control == -1)
		return -1;
	return listen_all(listener, err);
}

static void remove_unix(const struct conf *conf, const char *name, int *sock)
{
	struct sockaddr_un address;
	struct err err;

	if (*sock == -1)
		return;
	if (unix_path(&address, conf, name, &err) == 0)
		unlink(address.sun_path);
	close(*sock);
	*sock = -1;
}

void listener_fini(struct listener *listener)
{
	for (unsigned place = 0; place < CONF_PLACES_MAX; place++)
		listener_close(listener, place);
	for (unsigned i = 0; i < CONF_ITEMS_MAX; i++) {
		if (listener->remote[i] != -1)
			close(listener->remote[i]);
		listener->remote[i] = -1;
	}
	remove_unix(listener->conf, "admin.sock", &listener->admin);
	remove_unix(listener->conf, "control.sock", &listener->control);
}

void listener_close(struct listener *listener, unsigned place)
{
	for (unsigned i = 0; i < CONF_ITEMS_MAX; i++) {
		if (listener->json[place][i] != -1)
			close(listener->json[place][i]);
		listener->json[place][i] = -1;
	}
}

static bool is_listening(int sock)
{
	socklen_t size = sizeof(int);
	int listens = 0;

	return sock != -1 && getsockopt(sock, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 &&
	       listens;
}

/* Others of ours hold the address already. */
static int reopen(struct listener *listener, unsigned place, unsigned i, struct err *err)
{
	const char *address = listener->conf->json.listen.item[i];
	struct addrinfo *info = resolve(address, err);
	int *sock = &listener->json[place][i], result = 0;

	if (info == NULL)
		return -1;
	if (*sock != -1)
		close(*sock);
	*sock = bind_one(info, false);
	if (*sock == -1)
		result = err_errno(err, "could not bind to %s", address);
	else if (listen(*sock, BACKLOG) == -1)
		result = err_errno(err, "could not listen on %s", address);
	freeaddrinfo(info);
	return result;
}

int listener_open(struct listener *listener, unsigned place, struct err *err)
{
	for (unsigned i = 0; i < listener->addresses; i++)
		if (!is_listening(listener->json[place][i]) &&
		    reopen(listener, place, i, err) == -1)
			return -1;
	return 0;
}

unsigned listener_place(const struct listener *listener, unsigned place, int *fds, uint8_t *kinds)
{
	unsigned count = 0;

	for (unsigned i = 0; i < listener->addresses; i++) {
		fds[count] = listener->json[place][i];
		kinds[count++] = listener->conf->json.tls ? LISTEN_JSON_TLS : LISTEN_JSON_PLAIN;
	}
	fds[count] = listener->admin;
	kinds[count++] = LISTEN_ADMIN;
	/* It is the only one of its kind, and cannot be made anew. */
	if (listen(listener->admin, BACKLOG) == -1)
		log_warning("could not listen again on the socket for administration: %s",
			    strerror(errno));
	return count;
}
