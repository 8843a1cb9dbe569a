#include "daemon/master_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/log.h"
#include "daemon/master_grant.h"
#include "daemon/master_slot.h"
#include "shm/proc.h"
#include "shm/schedule.h"

int spawn_program(const struct spawn *spawn, unsigned slot, char path_r[PATH_MAX], struct err *err)
{
	static const char *const below[] = {"", "daemon/", "worker/"};
	const char *role = proc_role(slot);

	if (spawn->directory == NULL) {
		snprintf(path_r, PATH_MAX, "%s/pchat-%s", PCHAT_LIBEXECDIR, role);
		if (access(path_r, X_OK) == 0)
			return 0;
		return err_errno(err, "could not find the program %s", path_r);
	}
	for (unsigned i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
		snprintf(path_r, PATH_MAX, "%s/%spchat-%s", spawn->directory, below[i], role);
		if (access(path_r, X_OK) == 0)
			return 0;
	}
	return err_errno(err, "could not find the program pchat-%s below %s", role,
			 spawn->directory);
}

/* What the master catches, ignores or blocks is its own affair. */
static void reset_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int close_input(struct err *err)
{
	const int null = open("/dev/null", O_RDWR);

	if (null == -1 || dup2(null, STDIN_FILENO) == -1 || dup2(null, STDOUT_FILENO) == -1)
		return err_errno(err, "could not give up the standard descriptors");
	return 0;
}

static const struct account *account_of(const struct spawn *spawn, unsigned slot)
{
	if (slot == SLOT_COMPLIANCE || slot == SLOT_ADAPTER)
		return spawn->compliance_account;
	if (slot == SLOT_ADMIN)
		return spawn->admin_account;
	return slot_is_worker(slot) ? spawn->worker_account : spawn->account;
}

/*
 * In the child. A session of its own, so that a key pressed at the master's terminal stops the
 * master, which then stops the others in their order, and none of them has a terminal.
 */
static int prepare(const struct spawn *spawn, unsigned slot, const struct grants *grants,
		   struct err *err)
{
	setsid();
	if (slot == SLOT_SEQUENCER)
		schedule_allow(-SCHEDULE_FIRST);
	else if (slot == SLOT_STORE || slot == SLOT_COMPLIANCE)
		schedule_allow(0);
	if (close_input(err) == -1 || grants_place(grants, err) == -1)
		return -1;
	return account_take(account_of(spawn, slot), err);
}

_Noreturn static void become(const struct spawn *spawn, unsigned slot, uint32_t generation,
			     const char *path, const struct grants *grants)
{
	char name[32], slot_text[12], generation_text[12];
	const char *const argv[] = {name, "-s", slot_text, "-g", generation_text,
				    spawn->recover ? "-r" : NULL, NULL};
	struct err err;

	snprintf(name, sizeof(name), "pchat-%s", proc_role(slot));
	snprintf(slot_text, sizeof(slot_text), "%u", slot);
	snprintf(generation_text, sizeof(generation_text), "%u", generation);
	reset_signals();
	if (prepare(spawn, slot, grants, &err) == 0) {
		execv(path, (char *const *)argv);
		err_errno(&err, "could not execute %s", path);
	}
	log_error("%s[%u]: %s", name, slot, err.text);
	_exit(EX_OSERR);
}

static pid_t fork_blocked(void)
{
	sigset_t all, before;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid != 0)
		sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

pid_t spawn_start(const struct spawn *spawn, unsigned slot, uint32_t generation, int *control_r,
		  struct err *err)
{
	struct grants grants;
	char path[PATH_MAX];
	int ends[2];
	pid_t pid;

	if (spawn_program(spawn, slot, path, err) == -1)
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == -1)
		return err_errno(err, "could not make a control socket");
	if (grants_make(&grants, slot, ends[1], spawn, err) == -1) {
		close(ends[0]);
		return -1;
	}
	pid = fork_blocked();
	if (pid == 0)
		become(spawn, slot, generation, path, &grants);
	if (pid == -1) {
		err_errno(err, "could not fork");
		close(ends[0]);
	} else {
		*control_r = ends[0];
	}
	grants_fini(&grants);
	return pid;
}
