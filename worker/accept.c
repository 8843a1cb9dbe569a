#include "worker/accept.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/log.h"
#include "worker/json_client.h"
#include "worker/local_client.h"

enum { ACCEPTS_A_TURN = 64, ADMIN_RESERVE = 16 };

/* Administrators get in where clients do not. */
static bool has_room(const struct accept_socket *socket)
{
	const struct net *net = socket->accept->net;
	uint32_t reserve = socket->kind == LISTEN_ADMIN ? ADMIN_RESERVE : 0;

	return net->count < net->conf->json.connections + reserve;
}

static void set_open(struct accept_socket *socket, bool open)
{
	if (socket->open == open)
		return;
	socket->open = open;
	if (open)
		event_add(&socket->event, NULL);
	else
		event_del(&socket->event);
}

static void open_client(struct accept_socket *socket, int fd)
{
	struct accept *accept = socket->accept;
	int result = -1;

	proc_count(accept->net->proc, COUNTER_CONNECTIONS_ACCEPTED, 1);
	switch (socket->kind) {
	case LISTEN_JSON_TLS:
	case LISTEN_JSON_PLAIN:
		result = json_client_open(accept->net, accept->chat, fd,
					  socket->kind == LISTEN_JSON_TLS);
		break;
	case LISTEN_ADMIN:
		result = local_client_open(accept->net, accept->chat, fd);
		break;
	}
	if (result == -1)
		proc_count(accept->net->proc, COUNTER_CONNECTIONS_REFUSED, 1);
}

/* What is the peer's or the network's fault leaves the others alone; what is a shortage waits. */
static void accept_failed(struct accept *accept)
{
	if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
		return;
	log_warning("could not accept a connection: %s", strerror(errno));
	accept->failed = true; /* until the next second */
}

/* False: there is none, or no room for it. */
static bool take_one(struct accept_socket *socket, int fd)
{
	int client;

	if (!has_room(socket))
		return false;
	client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (client == -1)
		accept_failed(socket->accept);
	else
		open_client(socket, client);
	return client != -1;
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
	unsigned taken = 0;

	(void)what;
	while (taken < ACCEPTS_A_TURN && take_one(arg, (int)fd))
		taken++;
}

void accept_init(struct accept *accept, struct net *net, struct chat *chat)
{
	memset(accept, 0, sizeof(*accept));
	accept->net = net;
	accept->chat = chat;
}

static bool kind_known(const struct accept *accept, unsigned kind)
{
	return kind == LISTEN_JSON_PLAIN || kind == LISTEN_ADMIN ||
	       (kind == LISTEN_JSON_TLS && accept->net->tls != NULL);
}

void accept_add(struct accept *accept, const int *take_fds, unsigned count, const uint8_t *kinds)
{
	for (unsigned i = 0; i < count; i++) {
		struct accept_socket *socket = &accept->sockets[accept->count];

		if (accept->count == FDPASS_MAX || !kind_known(accept, kinds[i])) {
			log_error("could not serve a listening socket of kind %u", kinds[i]);
			close(take_fds[i]);
			continue;
		}
		evutil_make_socket_nonblocking(take_fds[i]);
		socket->accept = accept;
		socket->kind = kinds[i];
		event_assign(&socket->event, accept->net->base, take_fds[i], EV_READ | EV_PERSIST,
			     on_socket, socket);
		set_open(socket, true);
		accept->count++;
	}
}

void accept_turn(struct accept *accept)
{
	for (unsigned i = 0; i < accept->count; i++) {
		struct accept_socket *socket = &accept->sockets[i];

		set_open(socket, !accept->failed && has_room(socket));
	}
}

void accept_second(struct accept *accept)
{
	accept->failed = false;
}

void accept_drain(struct accept *accept)
{
	for (unsigned i = 0; i < accept->count; i++) {
		struct accept_socket *socket = &accept->sockets[i];

		if (socket->kind == LISTEN_ADMIN)
			continue;
		while (take_one(socket, (int)event_get_fd(&socket->event)))
			;
	}
	accept_fini(accept);
}

void accept_fini(struct accept *accept)
{
	for (unsigned i = 0; i < accept->count; i++) {
		set_open(&accept->sockets[i], false);
		close(event_get_fd(&accept->sockets[i].event));
	}
	accept->count = 0;
}
