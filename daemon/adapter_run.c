#include "daemon/adapter_run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the child: the writer's descriptors at their places, and no others. */
static int place(int conf, int batch, int result)
{
	const int from[] = {batch, result, conf};
	int high[3];

	for (int i = 0; i < 3; i++)
		if ((high[i] = fcntl(from[i], F_DUPFD_CLOEXEC, WRITER_END)) == -1)
			return -1;
	for (int i = 0; i < 3; i++)
		if (dup2(high[i], WRITER_BATCH + i) == -1)
			return -1;
	return close_range(WRITER_END, UINT_MAX, 0);
}

/* In the child. It leads a group of its own, in which the programs stay that it starts. */
_Noreturn static void become(const struct conf_adapter *adapter, int conf, int batch, int result,
			     pid_t parent)
{
	const char *const argv[] = {"pchat-adapter", "-w", adapter->name, NULL};

	setpgid(0, 0);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent &&
	    place(conf, batch, result) == 0)
		execv("/proc/self/exe", (char *const *)argv);
	_exit(127);
}

int adapter_run_start(struct adapter_run *run, const struct conf_adapter *adapter, int conf,
		      int batch, uint64_t now, struct err *err)
{
	const pid_t self = getpid();
	int ends[2];

	*run = (struct adapter_run){.pidfd = -1, .result = -1};
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == -1)
		return err_errno(err, "could not start a writer");
	run->pid = fork();
	if (run->pid == 0)
		become(adapter, conf, batch, ends[1], self);
	close(ends[1]);
	run->result = ends[0];
	run->deadline = now + adapter->time_limit;
	if (run->pid != -1)
		run->pidfd = pidfd_open(run->pid, 0);
	if (run->pidfd != -1) {
		setpgid(run->pid, run->pid); /* whichever of us comes first */
		return 0;
	}
	err_errno(err, "could not start a writer");
	if (run->pid != -1) {
		kill(run->pid, SIGKILL);
		waitpid(run->pid, NULL, 0);
	}
	close(run->result);
	run->pid = 0;
	return -1;
}

void adapter_run_kill(struct adapter_run *run)
{
	run->killed = true;
	kill(-run->pid, SIGKILL);
}

static bool has_ended(const struct adapter_run *run)
{
	struct pollfd wait = {.fd = run->pidfd, .events = POLLIN};

	return poll(&wait, 1, 0) == 1;
}

static void take_result(const struct adapter_run *run, const struct conf_adapter *adapter,
			int status, struct writer_result *result_r)
{
	const ssize_t size = read(run->result, result_r, sizeof(*result_r));
	const bool said = size == (ssize_t)sizeof(*result_r);
	const bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	if (said && (good || result_r->failed)) {
		result_r->error[sizeof(result_r->error) - 1] = '\0';
		return;
	}
	*result_r = (struct writer_result){.failed = 1};
	if (run->killed)
		snprintf(result_r->error, sizeof(result_r->error),
			 "it was not done within its time_limit of %llu s",
			 (unsigned long long)(adapter->time_limit / 1000000));
	else if (WIFSIGNALED(status))
		snprintf(result_r->error, sizeof(result_r->error),
			 "the process that writes it was ended by signal %d", WTERMSIG(status));
	else
		snprintf(result_r->error, sizeof(result_r->error),
			 "the process that writes it ended with status %d", WEXITSTATUS(status));
}

bool adapter_run_ended(struct adapter_run *run, const struct conf_adapter *adapter, uint64_t now,
		       struct writer_result *result_r)
{
	int status = 0;

	if (!has_ended(run)) {
		if (now >= run->deadline && !run->killed)
			adapter_run_kill(run);
		return false;
	}
	/* What it left running goes, too, while its number is still taken. */
	kill(-run->pid, SIGKILL);
	while (waitpid(run->pid, &status, 0) == -1 && errno == EINTR)
		;
	take_result(run, adapter, status, result_r);
	close(run->pidfd);
	close(run->result);
	*run = (struct adapter_run){.pidfd = -1, .result = -1};
	return true;
}
