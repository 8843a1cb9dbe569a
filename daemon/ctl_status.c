#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/clock.h"
#include "daemon/ctl_status.h"
#include "shm/fdpass.h"
#include "shm/segment.h"

enum { ANSWER_TIMEOUT_MS = 10000 };

int ctl_control_open(const struct ctl *ctl, int *sock_r)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int length = snprintf(address.sun_path, sizeof(address.sun_path), "%s/control.sock",
				    ctl->run_directory);
	int saved;

	if (length >= (int)sizeof(address.sun_path))
		return ctl_fail(ctl, EX_USAGE, "the path %s/control.sock is too long",
				ctl->run_directory);
	*sock_r = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (*sock_r == -1)
		return ctl_fail(ctl, EX_OSERR, "could not make a socket: %s", strerror(errno));
	if (connect(*sock_r, (struct sockaddr *)&address, sizeof(address)) == 0)
		return EX_OK;
	saved = errno;
	close(*sock_r);
	return ctl_fail(ctl, saved == EACCES || saved == EPERM ? EX_NOPERM : EX_UNAVAILABLE,
			"the server is down: could not connect to %s: %s", address.sun_path,
			strerror(saved));
}

/* A message of another shape: a master of another version. */
static int wrong_reply(const struct ctl *ctl, const int *fds, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		close(fds[i]);
	return ctl_fail(ctl, EX_PROTOCOL, "the server is of another version than this program");
}

static int ask(const struct ctl *ctl, int sock, int fds[FDPASS_MAX])
{
	struct pollfd wait = {.fd = sock, .events = POLLIN};
	struct status_reply reply;
	unsigned count = 0;
	ssize_t size;

	/* Whoever may not ask may find the connection closed before the question is sent. */
	if (fdpass_send(sock, STATUS_REQUEST, strlen(STATUS_REQUEST), NULL, 0) == -1 &&
	    errno != EPIPE && errno != ECONNRESET)
		return ctl_fail(ctl, EX_OSERR, "could not ask the server: %s", strerror(errno));
	if (poll(&wait, 1, ANSWER_TIMEOUT_MS) != 1)
		return ctl_fail(ctl, EX_TEMPFAIL, "timeout: the master does not answer");
	size = fdpass_receive(sock, &reply, sizeof(reply), fds, &count);
	if (size == 0 || (size == -1 && errno == ECONNRESET))
		return ctl_fail(ctl, EX_NOPERM, "the server does not answer to this user");
	if (size == -1)
		return ctl_fail(ctl, EX_OSERR, "could not take the answer: %s", strerror(errno));
	if (size != sizeof(reply) || memcmp(reply.word, STATUS_REPLY, sizeof(reply.word)) != 0 ||
	    count != STATUS_DESCRIPTORS || reply.count != count)
		return wrong_reply(ctl, fds, count);
	return EX_OK;
}

static const struct proc_page *map_page(int fd)
{
	struct segment segment;
	struct err err;

	if (segment_map(&segment, fd, false, &err) == -1)
		return NULL;
	if (segment.size >= sizeof(struct proc_page))
		return segment.base;
	segment_unmap(&segment);
	return NULL;
}

/* What cannot be mapped is left out: status is most wanted when something is wrong. */
static void map_all(struct ctl_view *view, const int *fds)
{
	struct err err;

	memset(view, 0, sizeof(*view));
	for (unsigned i = 0; i < SLOTS; i++)
		view->page[i] = map_page(fds[STATUS_PAGE + i]);
	view->cache = cache_map(fds[STATUS_CACHE], &err);
	if (journal_map(&view->journal, fds[STATUS_JOURNAL], NULL, &err) == -1)
		view->journal.header = NULL;
	view->conf = conf_load_fd(fds[STATUS_CONF], "configuration", &err);
	for (unsigned i = 0; i < STATUS_DESCRIPTORS; i++)
		close(fds[i]);
}

void ctl_view_close(struct ctl_view *view)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		struct segment segment = {(void *)view->page[i], PAGE_SIZE_SHARED};

		if (view->page[i])
			segment_unmap(&segment);
	}
	if (view->journal.header)
		journal_unmap(&view->journal);
	cache_free(&view->cache);
	conf_free(&view->conf);
}

static int show(const struct ctl *ctl, const struct ctl_view *view)
{
	bool serves;
	json_t *document = ctl_status_document(view, clock_mono(), clock_utc(), &serves);
	int code = EX_OK;

	if (!document)
		return ctl_fail(ctl, EX_OSERR, "could not get memory for the status");
	if (ctl->json)
		code = ctl_print_json(ctl, document);
	else if ((ctl->option[CTL_METRICS] ? ctl_status_metrics(document, serves)
					   : ctl_status_print(document)) == -1)
		code = ctl_fail(ctl, EX_IOERR, "could not write the status");
	json_decref(document);
	if (code == EX_OK && !serves)
		code = ctl_fail(ctl, EX_UNAVAILABLE, "no worker is active");
	return code;
}

int ctl_view_open(const struct ctl *ctl, struct ctl_view *view)
{
	int fds[FDPASS_MAX], sock = -1, code;

	memset(view, 0, sizeof(*view));
	code = ctl_control_open(ctl, &sock);
	if (code != EX_OK)
		return code;
	code = ask(ctl, sock, fds);
	close(sock);
	if (code == EX_OK)
		map_all(view, fds);
	return code;
}

int ctl_status(const struct ctl *ctl)
{
	struct ctl_view view;
	int code = ctl_view_open(ctl, &view);

	if (code == EX_OK)
		code = show(ctl, &view);
	ctl_view_close(&view);
	return code;
}
