#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/log.h"
#include "daemon/relay.h"
#include "shm/sandbox.h"

/* pchat-admin: the administration port (relay.h). */

enum { TICK_US = 100000, STOP_SECONDS = 2, ACCEPTS_A_TURN = 16 };

struct admin {
	struct relay relay;
	struct event *listen[CONF_ITEMS_MAX]; /* owned */
	struct event *control, *tick, *end;   /* owned */
	bool short_of;			      /* descriptors or memory: until the next tick */
};

/* --- Connections. --- */

static void print_address(const struct sockaddr_storage *peer, char out[EVENT_ADDRESS_MAX + 1])
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)peer;
	const struct sockaddr_in *four = (const struct sockaddr_in *)peer;
	char host[INET6_ADDRSTRLEN] = "?";

	if (peer->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof(host));
		snprintf(out, EVENT_ADDRESS_MAX + 1, "[%s]:%u", host, ntohs(six->sin6_port));
	} else {
		inet_ntop(AF_INET, &four->sin_addr, host, sizeof(host));
		snprintf(out, EVENT_ADDRESS_MAX + 1, "%s:%u", host, ntohs(four->sin_port));
	}
}

static void take(struct relay *relay, int take_fd, const struct sockaddr_storage *peer)
{
	char address[EVENT_ADDRESS_MAX + 1];
	const int one = 1;

	print_address(peer, address);
	proc_count(&relay->child.proc, COUNTER_CONNECTIONS_ACCEPTED, 1);
	if (relay->count >= relay->child.conf->admin.connections && !relay_links_make_room(relay)) {
		relay_refused(relay, COUNTER_CONNECTIONS_REFUSED, address,
			      "there are as many as admin.connections allows");
		close(take_fd);
		return;
	}
	(void)setsockopt(take_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	relay_link_open(relay, take_fd, address);
}

static void watch_listeners(struct admin *admin, bool on)
{
	for (unsigned i = 0; i < CONF_ITEMS_MAX; i++) {
		if (admin->listen[i] != NULL && on)
			event_add(admin->listen[i], NULL);
		else if (admin->listen[i] != NULL)
			event_del(admin->listen[i]);
	}
}

static void on_listen(evutil_socket_t fd, short what, void *arg)
{
	struct admin *admin = arg;

	(void)what;
	for (unsigned i = 0; i < ACCEPTS_A_TURN; i++) {
		struct sockaddr_storage peer = {.ss_family = AF_UNSPEC};
		socklen_t size = sizeof(peer);
		const int client =
			accept4(fd, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (client != -1) {
			take(&admin->relay, client, &peer);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			log_warning("could not accept a connection: %s", strerror(errno));
			admin->short_of = true;
			watch_listeners(admin, false);
		}
		return;
	}
}

/* --- The loop. --- */

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct admin *admin = arg;

	(void)fd;
	(void)what;
	proc_heartbeat(&admin->relay.child.proc);
	relay_links_tick(&admin->relay);
	if (admin->short_of && !admin->relay.stopping)
		watch_listeners(admin, true);
	admin->short_of = false;
}

static void on_end(evutil_socket_t fd, short what, void *arg)
{
	struct admin *admin = arg;

	(void)fd;
	(void)what;
	event_base_loopbreak(admin->relay.base);
}

/* Those who have come in have a moment to get their answers. */
static void begin_stop(struct admin *admin)
{
	const struct timeval time = {.tv_sec = STOP_SECONDS};

	if (admin->relay.stopping)
		return;
	log_info("stopping with %u connections", admin->relay.count);
	admin->relay.stopping = true;
	watch_listeners(admin, false);
	relay_links_stop(&admin->relay);
	if (admin->relay.count == 0 || event_add(admin->end, &time) == -1)
		event_base_loopbreak(admin->relay.base);
}

static void on_control(evutil_socket_t fd, short what, void *arg)
{
	struct admin *admin = arg;
	struct control control;
	int got;

	(void)fd;
	(void)what;
	while ((got = child_control(&admin->relay.child, &control, NULL, NULL)) == 1)
		if (control.type == CONTROL_STOP)
			begin_stop(admin);
	if (got == -1) {
		event_del(admin->control);
		begin_stop(admin);
	}
}

/* --- Start and end. --- */

static int open_listeners(struct admin *admin, struct err *err)
{
	for (unsigned i = 0; i < admin->relay.child.conf->admin.listen.count; i++) {
		admin->listen[i] = event_new(admin->relay.base, FD_LISTEN + (int)i,
					     EV_READ | EV_PERSIST, on_listen, admin);
		if (admin->listen[i] == NULL || event_add(admin->listen[i], NULL) == -1)
			return err_set(err, "could not watch the administration port");
	}
	return 0;
}

static int open_loop(struct admin *admin, struct err *err)
{
	const struct timeval tick = {.tv_usec = TICK_US};
	struct event_base *base = event_base_new();

	admin->relay.base = base;
	if (base == NULL)
		return err_set(err, "could not set up the event loop");
	admin->control = event_new(base, FD_CONTROL, EV_READ | EV_PERSIST, on_control, admin);
	admin->tick = event_new(base, -1, EV_PERSIST, on_tick, admin);
	admin->end = evtimer_new(base, on_end, admin);
	if (admin->control == NULL || admin->tick == NULL || admin->end == NULL ||
	    event_add(admin->control, NULL) == -1 || event_add(admin->tick, &tick) == -1)
		return err_set(err, "could not set up the event loop");
	return open_listeners(admin, err);
}

static int load_tls(struct relay *relay, struct err *err)
{
	const bool revoked = *relay->child.conf->admin.crl != '\0';

	relay->tls = relay_tls_new(FD_CERTIFICATE, FD_KEY, FD_CA, revoked ? FD_CRL : -1, err);
	if (relay->tls == NULL)
		return -1;
	close(FD_CERTIFICATE);
	close(FD_KEY);
	close(FD_CA);
	if (revoked)
		close(FD_CRL);
	return 0;
}

static int open_all(struct admin *admin, struct err *err)
{
	struct relay *relay = &admin->relay;

	LIST_INIT(&relay->links);
	atomic_store_explicit(&relay->child.proc.own->counters[COUNTER_CONNECTIONS_OPEN], 0,
			      memory_order_relaxed);
	if (load_tls(relay, err) == -1 || open_loop(admin, err) == -1)
		return -1;
	sandbox_try(SANDBOX_BINDS);
	return child_ready(&relay->child, PROC_READY, err);
}

static void close_all(struct admin *admin)
{
	struct event *events[] = {admin->control, admin->tick, admin->end};

	if (admin->relay.base != NULL)
		relay_links_fini(&admin->relay);
	for (unsigned i = 0; i < CONF_ITEMS_MAX; i++)
		if (admin->listen[i] != NULL)
			event_free(admin->listen[i]);
	for (unsigned i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (events[i] != NULL)
			event_free(events[i]);
	if (admin->relay.base != NULL)
		event_base_free(admin->relay.base);
	SSL_CTX_free(admin->relay.tls);
	conf_free(&admin->relay.child.conf);
}

int main(int argc, char **argv)
{
	static struct admin admin;
	struct err err;
	int code = child_start(&admin.relay.child, argc, argv);

	if (code != 0)
		return code;
	if (open_all(&admin, &err) == -1) {
		log_error("%s", err.text);
		code = EX_OSERR;
	} else {
		event_base_dispatch(admin.relay.base);
	}
	close_all(&admin);
	return code;
}
