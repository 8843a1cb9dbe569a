#include "daemon/ctl_link.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/code.h"
#include "daemon/client_link.h"

enum { CONNECT_TIMEOUT_US = 15000000 };

struct ctl_link {
	int sock;		    /* owned; -1: remote */
	struct client_url url;	    /* of remote */
	struct client_link *remote; /* owned; or NULL */
};

/* --- On this host. --- */

static int open_local(const struct ctl *ctl, struct ctl_link *link)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int length = snprintf(address.sun_path, sizeof(address.sun_path), "%s/admin.sock",
				    ctl->run_directory);

	if (length >= (int)sizeof(address.sun_path))
		return ctl_fail(ctl, EX_USAGE, "the path %s/admin.sock is too long",
				ctl->run_directory);
	link->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (link->sock == -1)
		return ctl_fail(ctl, EX_OSERR, "could not make a socket: %s", strerror(errno));
	if (connect(link->sock, (struct sockaddr *)&address, sizeof(address)) == 0)
		return EX_OK;
	return ctl_fail(ctl, errno == EACCES || errno == EPERM ? EX_NOPERM : EX_UNAVAILABLE,
			"could not connect to %s: %s", address.sun_path, strerror(errno));
}

static ssize_t write_local(const struct ctl_link *link, const void *data, size_t size,
			   struct err *err)
{
	const ssize_t n = send(link->sock, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n >= 0 || errno == EINTR || errno == EAGAIN)
		return n >= 0 ? n : 0;
	return err_errno(err, "could not send the request");
}

static ssize_t read_local(const struct ctl_link *link, void *data, size_t size, struct err *err)
{
	const ssize_t n = recv(link->sock, data, size, MSG_DONTWAIT);

	if (n > 0 || (n == -1 && (errno == EINTR || errno == EAGAIN)))
		return n > 0 ? n : 0;
	if (n == -1 && errno != ECONNRESET)
		return err_errno(err, "could not read the answer");
	return err_set(err, "the server closed the connection without an answer");
}

/* --- Elsewhere. --- */

static int await(const struct ctl *ctl, const struct ctl_link *link, short events, uint64_t until)
{
	struct pollfd wait = {.fd = link->sock, .events = events};
	const uint64_t now = clock_mono();

	if (link->remote) {
		wait.fd = client_link_fd(link->remote);
		wait.events |= client_link_events(link->remote);
	}
	if (now >= until)
		return ctl_fail(ctl, EX_TEMPFAIL, "timeout: %s", code_text(CODE_TIMEOUT));
	if (poll(&wait, 1, (int)((until - now) / 1000 + 1)) == -1 && errno != EINTR)
		return ctl_fail(ctl, EX_OSERR, "could not wait for the answer: %s",
				strerror(errno));
	return EX_OK;
}

/* A server that says no to our certificate says so by TLS, and some of them after the handshake. */
static int failed(const struct ctl *ctl, const struct ctl_link *link, const struct err *err)
{
	const bool refused = link->remote && (client_link_refused(link->remote) ||
					      client_link_alerted(link->remote));

	return ctl_fail(ctl, refused ? EX_NOPERM : EX_UNAVAILABLE, "%s", err->text);
}

static int shake_hands(const struct ctl *ctl, struct ctl_link *link)
{
	const uint64_t until = clock_mono() + CONNECT_TIMEOUT_US;
	struct err err;
	int code = EX_OK, result = client_link_start(link->remote, &err);

	while (result == 0) {
		result = client_link_turn(link->remote, &err);
		if (result == 0)
			code = await(ctl, link, 0, until);
		if (code != EX_OK)
			return code;
	}
	return result == -1 ? failed(ctl, link, &err) : EX_OK;
}

/* The system's certificates say nothing about who may administer: the authority has to be named. */
static int open_remote(const struct ctl *ctl, struct ctl_link *link)
{
	const struct ctl_remote *remote = ctl->remote;
	struct err err;

	signal(SIGPIPE, SIG_IGN);
	if (client_url_remote(&link->url, remote->server, &err) == -1)
		return ctl_fail(ctl, EX_USAGE, "%s", err.text);
	link->remote = client_link_new(&link->url, remote->ca, false, &err);
	if (!link->remote ||
	    client_link_identify(link->remote, remote->certificate,
				 remote->key ? remote->key : remote->certificate, &err) == -1)
		return ctl_fail(ctl, EX_NOINPUT, "%s", err.text);
	return shake_hands(ctl, link);
}

/* --- Both. --- */

int ctl_link_open(const struct ctl *ctl, struct ctl_link **link_r)
{
	struct ctl_link *link = calloc(1, sizeof(*link));
	int code;

	*link_r = NULL;
	if (!link)
		return ctl_fail(ctl, EX_OSERR, "could not get memory for the connection");
	link->sock = -1;
	code = ctl->remote ? open_remote(ctl, link) : open_local(ctl, link);
	if (code == EX_OK)
		*link_r = link;
	else
		ctl_link_free(&link);
	return code;
}

void ctl_link_free(struct ctl_link **link)
{
	if (*link) {
		client_link_free(&(*link)->remote);
		if ((*link)->sock != -1)
			close((*link)->sock);
	}
	free(*link);
	*link = NULL;
}

int ctl_link_write(const struct ctl *ctl, struct ctl_link *link, const void *data, size_t size,
		   uint64_t until)
{
	for (size_t sent = 0; sent < size;) {
		const char *at = (const char *)data + sent;
		struct err err;
		const ssize_t n = link->remote
					  ? client_link_write(link->remote, at, size - sent, &err)
					  : write_local(link, at, size - sent, &err);
		int code = EX_OK;

		if (n < 0)
			return failed(ctl, link, &err);
		if (n == 0)
			code = await(ctl, link, POLLOUT, until);
		if (code != EX_OK)
			return code;
		sent += (size_t)n;
	}
	return EX_OK;
}

int ctl_link_read(const struct ctl *ctl, struct ctl_link *link, void *data, size_t size,
		  uint64_t until, size_t *count_r)
{
	for (;;) {
		struct err err;
		const ssize_t n = link->remote ? client_link_read(link->remote, data, size, &err)
					       : read_local(link, data, size, &err);
		int code = EX_OK;

		if (n < 0)
			return failed(ctl, link, &err);
		*count_r = (size_t)n;
		if (n == 0)
			code = await(ctl, link, POLLIN, until);
		if (n > 0 || code != EX_OK)
			return code;
	}
}
