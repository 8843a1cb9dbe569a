#include "shm/child.h"

#include <bsd/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/log.h"
#include "shm/fdpass.h"

enum { MEMORY_KEPT = 1 << 20 };

extern char **environ;

static int parse_number(const char *text, uint32_t *number_r)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || value > UINT32_MAX)
		return -1;
	*number_r = (uint32_t)value;
	return 0;
}

/* Options of a single role (-r) are left for its own main, which starts over with optind = 1. */
static int parse_options(struct child *child, int argc, char **argv)
{
	bool slot = false, generation = false;
	uint32_t number;
	int option;

	opterr = 0;
	optind = 1;
	while ((option = getopt(argc, argv, "s:g:")) != -1) {
		if ((option != 's' && option != 'g') || parse_number(optarg, &number) == -1)
			continue;
		if (option == 's' && number < SLOTS) {
			child->slot = number;
			slot = true;
		} else if (option == 'g') {
			child->generation = number;
			generation = true;
		}
	}
	optind = 1;
	opterr = 1;
	return slot && generation ? 0 : -1;
}

/* What the program inherits besides its descriptors must not depend on who started the master. */
static void settle_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int harden(struct err *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return err_errno(err, "could not give up gaining privileges");
#ifndef PCHAT_SANITIZERS
	/* The leak checker of the sanitizers attaches to its own process. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		return err_errno(err, "could not forbid core dumps and tracing");
#endif
	return 0;
}

/* A library that starts another program must not hand it what this process holds. */
static void close_on_exec(void)
{
	for (int fd = FD_CONTROL; fd < FD_END; fd++) {
		int flags = fcntl(fd, F_GETFD);

		if (flags != -1)
			fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
	}
}

static int open_table(struct child *child, struct err *err)
{
	close_on_exec();
	if (harden(err) == -1 || proc_open(&child->proc, child->slot, child->generation, err) == -1)
		return -1;
	child->proc.titled = true;
	proc_state(&child->proc, PROC_STARTING);
	return 0;
}

/* A page of history or a batch takes more than malloc keeps when it is free again, and memory that
 * was given back costs a fault for each 4 KiB of it when it is taken anew. */
static void settle_memory(void)
{
	mallopt(M_TRIM_THRESHOLD, MEMORY_KEPT);
	mallopt(M_MMAP_THRESHOLD, MEMORY_KEPT);
}

int child_start(struct child *child, int argc, char **argv)
{
	struct err err;
	char role[32];

	memset(child, 0, sizeof(*child));
	settle_memory();
	settle_signals();
	setproctitle_init(argc, argv, environ);
	if (parse_options(child, argc, argv) == -1) {
		log_error("this program is started by pchatd(8) only");
		return EX_USAGE;
	}
	child->conf = conf_load_fd(FD_CONF, "configuration", &err);
	if (child->conf == NULL) {
		log_error("%s", err.text);
		return EX_CONFIG;
	}
	snprintf(role, sizeof(role), "pchat-%s[%u]", proc_role(child->slot), child->slot);
	log_open(role, &child->conf->log);
	if (open_table(child, &err) == -1) {
		log_error("%s", err.text);
		return EX_OSERR;
	}
	return 0;
}

int child_ready(struct child *child, enum proc_state state, struct err *err)
{
	struct control control = {.type = CONTROL_READY};

	proc_heartbeat(&child->proc);
	proc_state(&child->proc, state);
	if (fdpass_send(FD_CONTROL, &control, sizeof(control), NULL, 0) == -1)
		return err_errno(err, "could not tell the master that this process is ready");
	return 0;
}

static void close_all(const int *fds, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		close(fds[i]);
}

/* child->conf stays: many hold pointers into it, and the level is all that changes. */
static void reload(const int *fds, unsigned count)
{
	struct conf *conf;
	struct err err;

	conf = count == 1 ? conf_load_fd(fds[0], "configuration", &err) : NULL;
	if (conf != NULL)
		log_level(conf->log.level);
	else
		log_warning("could not take over the new configuration");
	conf_free(&conf);
	close_all(fds, count);
}

static void stopping(struct child *child)
{
	if (atomic_load(&child->proc.own->state) != PROC_STOPPING)
		proc_state(&child->proc, PROC_STOPPING);
}

/* 1: a message; 0: none; -1: the other end is closed. */
static int receive(struct control *control_r, int *fds, unsigned *count_r)
{
	ssize_t size = fdpass_receive(FD_CONTROL, control_r, sizeof(*control_r), fds, count_r);

	if (size == (ssize_t)sizeof(*control_r))
		return 1;
	if (size > 0)
		close_all(fds, *count_r);
	if (size == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	/* A message of another shape cannot come from a master of the same build. */
	return -1;
}

int child_control(struct child *child, struct control *control_r, int *fds, unsigned *count_r)
{
	int received[FDPASS_MAX];
	unsigned count;
	int result;

	while ((result = receive(control_r, received, &count)) == 1 &&
	       control_r->type == CONTROL_RELOAD)
		reload(received, count);
	if (result == -1 || (result == 1 && control_r->type == CONTROL_STOP))
		stopping(child);
	if (result != 1)
		return result;
	if (fds == NULL || count_r == NULL) {
		close_all(received, count);
	} else {
		memcpy(fds, received, count * sizeof(*fds));
		*count_r = count;
	}
	return 1;
}
