#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/code.h"
#include "conf/log.h"
#include "daemon/relay.h"
#include "daemon/relay_name.h"

enum {
	HELD_MAX = 65536,   /* bytes for one side; then the other one is not read */
	CLOSE_US = 2000000, /* for the last word */
	LOG_US = 1000000,
};

enum state {
	HANDSHAKE,
	OPEN,
	CLOSING, /* what is left for the client goes out */
	LINGER,	 /* all is out */
};

struct relay_link {
	struct relay *relay; /* borrowed */
	LIST_ENTRY(relay_link) all;
	struct bufferevent *client; /* owned; with TLS; NULL: lingering */
	struct bufferevent *server; /* owned; NULL: not yet, or not any more */
	struct event *rest;	    /* owned, with its socket; of LINGER */
	enum state state;
	uint64_t deadline; /* clock_mono(), of all states but OPEN */
	char address[EVENT_ADDRESS_MAX + 1];
};

void relay_refused(struct relay *relay, enum counter counter, const char *address, const char *why)
{
	const uint64_t now = clock_mono();

	proc_count(&relay->child.proc, counter, 1);
	if (relay->logged != 0 && now - relay->logged < LOG_US) {
		relay->skipped++;
		return;
	}
	if (relay->skipped > 0)
		log_notice("%llu more administration connections were refused",
			   (unsigned long long)relay->skipped);
	log_notice("the administration connection from %s was refused: %s", address, why);
	relay->logged = now;
	relay->skipped = 0;
}

/* --- The end. --- */

/* Says good-bye by TLS; the connection itself lives on. */
static void client_free(struct relay_link *link)
{
	SSL *ssl = link->client == NULL ? NULL : bufferevent_openssl_get_ssl(link->client);

	if (link->state != HANDSHAKE && ssl != NULL) {
		SSL_set_shutdown(ssl, SSL_RECEIVED_SHUTDOWN);
		SSL_shutdown(ssl);
	}
	ERR_clear_error();
	if (link->client != NULL)
		bufferevent_free(link->client);
	link->client = NULL;
}

static void server_free(struct relay_link *link)
{
	if (link->server != NULL)
		bufferevent_free(link->server);
	link->server = NULL;
}

static void link_free(struct relay_link **link)
{
	struct relay *relay = (*link)->relay;

	server_free(*link);
	client_free(*link);
	if ((*link)->rest != NULL) {
		close(event_get_fd((*link)->rest));
		event_free((*link)->rest);
	}
	LIST_REMOVE(*link, all);
	relay->count--;
	proc_count(&relay->child.proc, COUNTER_CONNECTIONS_OPEN, UINT64_MAX);
	free(*link);
	*link = NULL;
	if (relay->stopping && relay->count == 0)
		event_base_loopbreak(relay->base);
}

static void on_rest(evutil_socket_t fd, short what, void *arg)
{
	struct relay_link *link = arg;
	char rest[4096];
	const ssize_t n = recv(fd, rest, sizeof(rest), MSG_DONTWAIT);

	(void)what;
	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
		link_free(&link);
}

/* A socket that is closed with something unread in it takes our last word away from the peer: what
 * still comes is read and forgotten. */
static void linger(struct relay_link **link)
{
	const int fd = dup(bufferevent_getfd((*link)->client));

	server_free(*link);
	client_free(*link);
	(*link)->state = LINGER;
	(*link)->deadline = clock_mono() + CLOSE_US;
	if (fd != -1)
		(*link)->rest =
			event_new((*link)->relay->base, fd, EV_READ | EV_PERSIST, on_rest, *link);
	if ((*link)->rest != NULL && shutdown(fd, SHUT_WR) == 0 &&
	    event_add((*link)->rest, NULL) == 0)
		return;
	if (fd != -1 && (*link)->rest == NULL)
		close(fd);
	link_free(link);
}

/* What the client is still to get goes out first. */
static void end_link(struct relay_link **link)
{
	server_free(*link);
	if (evbuffer_get_length(bufferevent_get_output((*link)->client)) == 0) {
		linger(link);
		return;
	}
	(*link)->state = CLOSING;
	(*link)->deadline = clock_mono() + CLOSE_US;
	bufferevent_disable((*link)->client, EV_READ);
	bufferevent_setwatermark((*link)->client, EV_WRITE, 0, 0);
}

/* Says why in the way of the protocol, and ends. */
static void refuse(struct relay_link **link, int code)
{
	(*link)->state = OPEN;
	evbuffer_add_printf(bufferevent_get_output((*link)->client),
			    "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":%d,\"message\":"
			    "\"%s\",\"data\":{\"name\":\"%s\"}}}\n",
			    code, code_text(code), code_name(code));
	end_link(link);
}

/* --- Passing on. --- */

static void pass(struct bufferevent *from, struct bufferevent *to)
{
	struct evbuffer *out = bufferevent_get_output(to);

	if (evbuffer_add_buffer(out, bufferevent_get_input(from)) == -1 ||
	    evbuffer_get_length(out) < HELD_MAX)
		return;
	bufferevent_disable(from, EV_READ);
	bufferevent_setwatermark(to, EV_WRITE, HELD_MAX / 2, 0);
}

static void on_client_data(struct bufferevent *client, void *arg)
{
	struct relay_link *link = arg;
	struct evbuffer *in = bufferevent_get_input(client);

	if (link->state != OPEN) {
		evbuffer_drain(in, evbuffer_get_length(in));
		return;
	}
	proc_count(&link->relay->child.proc, COUNTER_BYTES_IN, evbuffer_get_length(in));
	pass(client, link->server);
}

static void on_server_data(struct bufferevent *server, void *arg)
{
	struct relay_link *link = arg;

	proc_count(&link->relay->child.proc, COUNTER_BYTES_OUT,
		   evbuffer_get_length(bufferevent_get_input(server)));
	pass(server, link->client);
}

/* There is room again. */
static void on_client_drained(struct bufferevent *client, void *arg)
{
	struct relay_link *link = arg;

	(void)client;
	if (link->state == CLOSING)
		linger(&link);
	else if (link->server != NULL)
		bufferevent_enable(link->server, EV_READ);
}

static void on_server_drained(struct bufferevent *server, void *arg)
{
	struct relay_link *link = arg;

	(void)server;
	if (link->state == OPEN)
		bufferevent_enable(link->client, EV_READ);
}

static void on_server_event(struct bufferevent *server, short what, void *arg)
{
	struct relay_link *link = arg;

	if (!(what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)))
		return;
	(void)evbuffer_add_buffer(bufferevent_get_output(link->client),
				  bufferevent_get_input(server));
	end_link(&link);
}

/* --- Who it is. --- */

/* A connection to a worker, with a name that tells pchat-auth for whom it is. -1 and errno. */
static int connect_worker(struct relay *relay, const struct relay_name *name)
{
	struct sockaddr_un own, worker = {.sun_family = AF_UNIX};
	const socklen_t length = relay_name_put(name, ++relay->serial, &own);
	int fd, error;

	snprintf(worker.sun_path, sizeof(worker.sun_path), "%s/admin.sock",
		 relay->child.conf->run_directory);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (length != 0 && bind(fd, (struct sockaddr *)&own, length) == 0 &&
	    connect(fd, (struct sockaddr *)&worker, sizeof(worker)) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static void begin(struct relay_link *link, unsigned item)
{
	struct relay *relay = link->relay;
	struct relay_name name = {.item = item};
	int fd;

	memcpy(name.address, link->address, sizeof(name.address));
	fd = connect_worker(relay, &name);
	if (fd != -1)
		link->server = bufferevent_socket_new(relay->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (link->server == NULL) {
		relay_refused(relay, COUNTER_REFUSED_BUSY, link->address,
			      fd == -1 ? strerror(errno) : "there is no memory for it");
		if (fd != -1)
			close(fd);
		refuse(&link, CODE_BUSY);
		return;
	}
	link->state = OPEN;
	bufferevent_setcb(link->server, on_server_data, on_server_drained, on_server_event, link);
	bufferevent_setwatermark(link->server, EV_READ, 0, HELD_MAX);
	bufferevent_enable(link->server, EV_READ | EV_WRITE);
	on_client_data(link->client, link);
}

/* The handshake is done: the certificate is one that we trust. */
static void shaken(struct relay_link *link)
{
	const struct conf *conf = link->relay->child.conf;
	X509 *certificate = SSL_get1_peer_certificate(bufferevent_openssl_get_ssl(link->client));
	char name[ACCESS_NAME_MAX + 1] = "", quoted[LOG_QUOTED], why[LOG_QUOTED + 64];
	int item = -1;

	if (certificate != NULL)
		item = relay_peer_find(&conf->admin.access, certificate, name);
	X509_free(certificate);
	if (item >= 0) {
		begin(link, (unsigned)item);
		return;
	}
	snprintf(why, sizeof(why), "no name of its certificate (%s) is in admin.access",
		 log_quote(name, strlen(name), quoted));
	relay_refused(link->relay, COUNTER_SIGN_INS_REFUSED, link->address, why);
	refuse(&link, CODE_ERROR_PERMISSION);
}

static const char *why_not(struct relay_link *link)
{
	const long verdict = SSL_get_verify_result(bufferevent_openssl_get_ssl(link->client));
	const unsigned long code = bufferevent_get_openssl_error(link->client);
	const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);

	if (verdict != X509_V_OK)
		return X509_verify_cert_error_string(verdict);
	return reason != NULL ? reason : "it ended in the middle of the TLS handshake";
}

static void on_client_event(struct bufferevent *client, short what, void *arg)
{
	struct relay_link *link = arg;

	(void)client;
	if (what & BEV_EVENT_CONNECTED) {
		shaken(link);
		return;
	}
	if (link->state == HANDSHAKE && (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)))
		relay_refused(link->relay, COUNTER_SIGN_INS_REFUSED, link->address, why_not(link));
	else if (what & BEV_EVENT_TIMEOUT)
		relay_refused(link->relay, COUNTER_CONNECTIONS_DROPPED_SLOW, link->address,
			      "it took no answers");
	if (link->state == HANDSHAKE && (what & BEV_EVENT_ERROR))
		linger(&link);
	else
		link_free(&link);
}

/* --- The beginning. --- */

static struct bufferevent *make_client(struct relay *relay, int take_fd)
{
	SSL *ssl = SSL_new(relay->tls);
	struct bufferevent *client = NULL;

	if (ssl != NULL)
		client = bufferevent_openssl_socket_new(relay->base, take_fd, ssl,
							BUFFEREVENT_SSL_ACCEPTING,
							BEV_OPT_CLOSE_ON_FREE);
	if (client != NULL)
		return client;
	SSL_free(ssl);
	close(take_fd);
	return NULL;
}

void relay_link_open(struct relay *relay, int take_fd, const char *address)
{
	const uint64_t idle = relay->child.conf->json.idle_timeout;
	const struct timeval time = {.tv_sec = (time_t)(idle / 1000000),
				     .tv_usec = (suseconds_t)(idle % 1000000)};
	struct bufferevent *client = make_client(relay, take_fd);
	struct relay_link *link = client == NULL ? NULL : calloc(1, sizeof(*link));

	if (link == NULL) {
		if (client != NULL)
			bufferevent_free(client);
		relay_refused(relay, COUNTER_CONNECTIONS_REFUSED, address,
			      "there is no memory for it");
		return;
	}
	link->relay = relay;
	link->client = client;
	link->deadline = clock_mono() + relay->child.conf->admin.handshake_timeout;
	snprintf(link->address, sizeof(link->address), "%s", address);
	LIST_INSERT_HEAD(&relay->links, link, all);
	relay->count++;
	proc_count(&relay->child.proc, COUNTER_CONNECTIONS_OPEN, 1);
	bufferevent_openssl_set_allow_dirty_shutdown(client, 1);
	bufferevent_setcb(client, on_client_data, on_client_drained, on_client_event, link);
	bufferevent_setwatermark(client, EV_READ, 0, HELD_MAX);
	bufferevent_set_timeouts(client, NULL, &time);
	bufferevent_enable(client, EV_READ | EV_WRITE);
}

/* --- All of them. --- */

bool relay_links_make_room(struct relay *relay)
{
	struct relay_link *link, *oldest = NULL;

	LIST_FOREACH(link, &relay->links, all)
	{
		if ((link->state == HANDSHAKE || link->state == LINGER) &&
		    (oldest == NULL || link->deadline < oldest->deadline))
			oldest = link;
	}
	if (oldest == NULL)
		return false;
	if (oldest->state == HANDSHAKE)
		relay_refused(relay, COUNTER_CONNECTIONS_REFUSED, oldest->address,
			      "it has not shown a certificate, and others wait");
	link_free(&oldest);
	return true;
}

void relay_links_tick(struct relay *relay)
{
	const uint64_t now = clock_mono();
	struct relay_link *link, *next;

	LIST_FOREACH_SAFE(link, &relay->links, all, next)
	{
		if (link->state == OPEN || now < link->deadline)
			continue;
		if (link->state == HANDSHAKE)
			relay_refused(relay, COUNTER_CONNECTIONS_DROPPED_IDLE, link->address,
				      "it took too long over the TLS handshake");
		link_free(&link);
	}
}

void relay_links_stop(struct relay *relay)
{
	struct relay_link *link, *next;

	LIST_FOREACH_SAFE(link, &relay->links, all, next)
	{
		if (link->state == HANDSHAKE || link->state == LINGER)
			link_free(&link);
	}
}

void relay_links_fini(struct relay *relay)
{
	struct relay_link *link;

	while ((link = LIST_FIRST(&relay->links)) != NULL)
		link_free(&link);
}
