#include "daemon/master_detach.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* A boot must not hang for ever because a database is away: the daemon goes on trying. */
enum { WAIT_MS = 90000 };

struct report {
	int status;
	char text[512];
};

_Noreturn static void wait_for_report(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	struct report report;
	int ready;

	do
		ready = poll(&wait, 1, WAIT_MS);
	while (ready == -1 && errno == EINTR);
	if (ready == 0) {
		fprintf(stderr, "pchatd: not ready yet, goes on in the background; see the log\n");
		exit(EX_OK);
	}
	if (read(fd, &report, sizeof(report)) != (ssize_t)sizeof(report)) {
		fprintf(stderr, "pchatd: the server ended without saying why; see the log\n");
		exit(EX_SOFTWARE);
	}
	if (report.text[0] != '\0')
		fprintf(stderr, "pchatd: %.*s\n", (int)sizeof(report.text), report.text);
	exit(report.status);
}

static int close_standard(bool keep_stderr, struct err *err)
{
	const int last = keep_stderr ? STDOUT_FILENO : STDERR_FILENO;
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null == -1)
		return err_errno(err, "could not open /dev/null");
	for (int fd = STDIN_FILENO; fd <= last; fd++)
		if (dup2(null, fd) == -1)
			return err_errno(err, "could not give up the standard descriptors");
	close(null);
	return 0;
}

/* The second fork leaves the daemon without the right to get a terminal by opening one. */
static int leave_session(struct err *err)
{
	pid_t pid;

	if (setsid() == -1)
		return err_errno(err, "could not leave the session");
	pid = fork();
	if (pid == -1)
		return err_errno(err, "could not fork");
	if (pid > 0)
		_exit(EX_OK);
	if (chdir("/") == -1)
		return err_errno(err, "could not change to /");
	return 0;
}

int detach_start(struct detach *detach, bool keep_stderr, struct err *err)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) == -1)
		return err_errno(err, "could not make a pipe");
	pid = fork();
	if (pid == -1)
		return err_errno(err, "could not fork");
	if (pid > 0) {
		close(ends[1]);
		wait_for_report(ends[0]);
	}
	close(ends[0]);
	detach->report = ends[1];
	if (leave_session(err) == -1)
		return -1;
	return close_standard(keep_stderr, err);
}

void detach_report(struct detach *detach, int status, const char *text)
{
	struct report report = {.status = status};

	if (detach->report == -1)
		return;
	snprintf(report.text, sizeof(report.text), "%s", text);
	/* Whoever called may be gone; then nobody needs to know. */
	if (write(detach->report, &report, sizeof(report)) == -1)
		errno = 0;
	close(detach->report);
	detach->report = -1;
}
