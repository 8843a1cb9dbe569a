/*
 * Plays any role under the master, for the tests of the master alone. The test puts wishes into
 * the directory PCHAT_STUB as files: "start.SLOT" is looked at when a process starts, "run.SLOT"
 * while it runs (and is removed); both hold one word:
 *
 *   start: die (status 3), mute (never ready), load (PROC_LOADING until the file is gone),
 *          upgrade (PROC_UPGRADING likewise, without a sign of life)
 *   run:   die, crash (SIGABRT), hang, busy (as a reader with a question), advance (its
 *          cursor), deaf (to CONTROL_STOP)
 *
 * What happens is appended to "log", a line each: the slot, its pid, its generation, then what. A
 * worker accepts connections, writes its slot and closes them. "fds.SLOT" lists its descriptors.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/log.h"
#include "shm/child.h"
#include "shm/fdpass.h"

enum { TURN_MS = 20, WISH = 16 };

struct stub {
	struct child child;
	const char *directory;
	bool deaf;
	unsigned count;
	struct pollfd poll[1 + FDPASS_MAX];
};

static void path_of(const struct stub *stub, const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s.%u", stub->directory, name, stub->child.slot);
}

/* The wish in the file, or "". */
static const char *wish(const struct stub *stub, const char *name, char word[WISH])
{
	char path[PATH_MAX];
	ssize_t size = -1;
	int fd;

	path_of(stub, name, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd != -1) {
		size = read(fd, word, WISH - 1);
		close(fd);
	}
	word[size > 0 ? size : 0] = '\0';
	word[strcspn(word, "\n")] = '\0';
	return word;
}

static void forget(const struct stub *stub, const char *name)
{
	char path[PATH_MAX];

	path_of(stub, name, path);
	unlink(path);
}

static void note(const struct stub *stub, const char *what, unsigned number)
{
	char path[PATH_MAX], line[128];
	int fd, length;

	snprintf(path, sizeof(path), "%s/log", stub->directory);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	length = snprintf(line, sizeof(line), "%u %d %u %s %u\n", stub->child.slot, getpid(),
			  stub->child.generation, what, number);
	if (fd == -1 || write(fd, line, (size_t)length) != length)
		log_error("could not write to %s", path);
	close(fd);
}

/* Number, access mode and what it is, as the kernel tells. */
static void list_descriptors(const struct stub *stub)
{
	static const char *const modes[] = {"r", "w", "rw", "?"};
	char path[PATH_MAX], link[PATH_MAX];
	struct dirent *entry;
	DIR *directory = opendir("/proc/self/fd");
	FILE *out;

	path_of(stub, "fds", path);
	out = fopen(path, "we");
	if (directory == NULL || out == NULL)
		exit(EX_OSERR);
	while ((entry = readdir(directory)) != NULL) {
		const int fd = atoi(entry->d_name);
		ssize_t size;

		if (entry->d_name[0] == '.' || fd == dirfd(directory) || fd == fileno(out))
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		size = readlink(path, link, sizeof(link) - 1);
		link[size > 0 ? size : 0] = '\0';
		fprintf(out, "%d %s %s\n", fd, modes[fcntl(fd, F_GETFL) & O_ACCMODE], link);
	}
	fclose(out);
	closedir(directory);
}

static void listen_on(struct stub *stub, const struct control *control, const int *fds,
		      unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		stub->poll[1 + i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
	stub->count = count;
	note(stub, "listen", control->arg);
	proc_state(&stub->child.proc, PROC_ACTIVE);
}

static void stop(struct stub *stub, const char *why, unsigned number)
{
	if (stub->deaf)
		return;
	note(stub, why, number);
	exit(EX_OK);
}

static void take_messages(struct stub *stub)
{
	int fds[FDPASS_MAX], result;
	struct control control;
	unsigned count;

	while ((result = child_control(&stub->child, &control, fds, &count)) == 1) {
		if (control.type == CONTROL_LISTEN)
			listen_on(stub, &control, fds, count);
		else if (control.type == CONTROL_STOP)
			stop(stub, "stop", control.arg);
	}
	if (result == -1)
		stop(stub, "orphan", 0);
}

static void accept_all(struct stub *stub)
{
	char text[8];

	for (unsigned i = 1; i <= stub->count; i++) {
		int sock;

		while ((sock = accept4(stub->poll[i].fd, NULL, NULL, SOCK_CLOEXEC)) != -1) {
			const int length =
				snprintf(text, sizeof(text), "%u\n", stub->child.slot);

			if (write(sock, text, (size_t)length) != length)
				log_info("a client left early");
			close(sock);
		}
	}
}

static void do_wish(struct stub *stub)
{
	char word[WISH];

	if (*wish(stub, "run", word) == '\0')
		return;
	forget(stub, "run");
	note(stub, word, 0);
	if (strcmp(word, "die") == 0)
		exit(3);
	if (strcmp(word, "crash") == 0)
		abort();
	if (strcmp(word, "busy") == 0)
		atomic_store(&stub->child.proc.own->busy_since, clock_mono());
	if (strcmp(word, "advance") == 0)
		atomic_fetch_add(&stub->child.proc.own->cursor, 1);
	if (strcmp(word, "deaf") == 0)
		stub->deaf = true;
	while (strcmp(word, "hang") == 0)
		pause();
}

/* Returns when the process may say that it is ready. */
static void begin(struct stub *stub)
{
	char word[WISH];

	wish(stub, "start", word);
	if (strcmp(word, "die") == 0)
		exit(3);
	if (strcmp(word, "load") == 0)
		proc_state(&stub->child.proc, PROC_LOADING);
	if (strcmp(word, "upgrade") == 0)
		proc_state(&stub->child.proc, PROC_UPGRADING);
	while (*wish(stub, "start", word) != '\0') {
		if (strcmp(word, "upgrade") != 0)
			proc_heartbeat(&stub->child.proc);
		take_messages(stub);
		poll(NULL, 0, TURN_MS);
	}
}

int main(int argc, char **argv)
{
	static struct stub stub;
	struct err err;
	const bool recover = strcmp(argv[argc - 1], "-r") == 0;
	int code = child_start(&stub.child, argc, argv);

	stub.directory = getenv("PCHAT_STUB");
	if (code != 0 || stub.directory == NULL)
		return code != 0 ? code : EX_USAGE;
	note(&stub, recover ? "recover" : "start", getuid());
	list_descriptors(&stub);
	begin(&stub);
	proc_heartbeat(&stub.child.proc);
	note(&stub, "ready", 0);
	if (child_ready(&stub.child, PROC_READY, &err) == -1)
		return EX_OSERR;
	stub.poll[0] = (struct pollfd){.fd = FD_CONTROL, .events = POLLIN};
	for (;;) {
		poll(stub.poll, 1 + stub.count, TURN_MS);
		proc_heartbeat(&stub.child.proc);
		accept_all(&stub);
		take_messages(&stub);
		do_wish(&stub);
	}
}
