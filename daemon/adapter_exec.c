#include "daemon/adapter_exec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/log.h"

static const char MARK[] = ".done", TEMPORARY[] = ".part";

enum { TOLD = 200, PROGRAM_DESCRIPTORS = 256 };

static bool ends_with(const char *text, const char *end)
{
	const size_t length = strlen(text), part = strlen(end);

	return length >= part && strcmp(text + length - part, end) == 0;
}

static bool begins_with(const char *text, const char *begin)
{
	return strncmp(text, begin, strlen(begin)) == 0;
}

bool adapter_exec_is_done(const struct adapter *adapter, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s%s", adapter->directory, name, MARK);
	return access(path, F_OK) == 0;
}

/* --- The directory. --- */

static int list(const struct conf_adapter *adapter, struct dirent ***entries_r, struct err *err)
{
	const int count = scandir(adapter->directory, entries_r, NULL, alphasort);

	return count == -1 ? err_errno(err, "could not read %s", adapter->directory) : count;
}

static void free_list(struct dirent **entries, int count)
{
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
}

/* One of ours: its name goes on with the number of a record. */
static bool is_mark(const struct conf_adapter *adapter, const char *name)
{
	const size_t length = strlen(adapter->name);

	return begins_with(name, adapter->name) && name[length] == '-' &&
	       strspn(name + length + 1, "0123456789") == 20 && ends_with(name, MARK);
}

int adapter_exec_sweep(const struct conf_adapter *adapter, const char *prefix, struct err *err)
{
	struct dirent **entries;
	const int count = list(adapter, &entries, err);
	char path[PATH_MAX];

	for (int i = 0; i < count; i++) {
		if (!is_mark(adapter, entries[i]->d_name) ||
		    begins_with(entries[i]->d_name, prefix))
			continue;
		snprintf(path, sizeof(path), "%s/%s", adapter->directory, entries[i]->d_name);
		unlink(path);
	}
	if (count >= 0)
		free_list(entries, count);
	return count < 0 ? -1 : 0;
}

/* --- The program. --- */

/* Descriptors and core files are bounded for the program; memory was for us (adapter_writer.c). */
static int set_limits(void)
{
	const struct rlimit core = {0, 0}, files = {PROGRAM_DESCRIPTORS, PROGRAM_DESCRIPTORS};
	struct rlimit data;

	if (setrlimit(RLIMIT_CORE, &core) == -1 || setrlimit(RLIMIT_NOFILE, &files) == -1 ||
	    getrlimit(RLIMIT_DATA, &data) == -1)
		return -1;
	data.rlim_cur = data.rlim_max;
	return setrlimit(RLIMIT_DATA, &data);
}

/* Becomes the program. What goes wrong here is told on stderr, which is read at the other end. */
_Noreturn static void become(const struct conf_adapter *adapter, const char *path, int file,
			     int out, pid_t parent)
{
	char *argv[CONF_LIST_MAX + 1] = {NULL};
	char name[sizeof("PCHAT_ADAPTER=") + CONF_ADAPTER_NAME];
	const char *const environment[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8",
					   name, NULL};

	for (unsigned i = 0; i < adapter->program.count; i++)
		argv[i] = strcmp(adapter->program.item[i], "{}") == 0 ? (char *)path
								      : adapter->program.item[i];
	snprintf(name, sizeof(name), "PCHAT_ADAPTER=%s", adapter->name);
	umask(077);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
		_exit(126);
	signal(SIGPIPE, SIG_DFL);
	if (dup2(file, STDIN_FILENO) != -1 && dup2(out, STDOUT_FILENO) != -1 &&
	    dup2(out, STDERR_FILENO) != -1 && close_range(STDERR_FILENO + 1, UINT_MAX, 0) == 0 &&
	    chdir(adapter->directory) == 0 && set_limits() == 0)
		execve(argv[0], argv, (char *const *)environment);
	dprintf(STDERR_FILENO, "could not execute it: %s\n", strerror(errno));
	_exit(126);
}

/* The end of what it says; more than that nobody keeps. */
struct told {
	char text[TOLD + 1];
	size_t length;
};

static bool take_told(struct told *told, int fd)
{
	char part[TOLD];
	const ssize_t size = read(fd, part, sizeof(part));
	size_t keep;

	if (size <= 0)
		return false;
	keep = TOLD - (size_t)size < told->length ? TOLD - (size_t)size : told->length;
	memmove(told->text, told->text + told->length - keep, keep);
	memcpy(told->text + keep, part, (size_t)size);
	told->length = keep + (size_t)size;
	return true;
}

/* Until the program ends; that a child of it still has the other end does not matter. */
static void listen_to(struct told *told, int out, int pidfd)
{
	struct pollfd fds[] = {{.fd = pidfd, .events = POLLIN}, {.fd = out, .events = POLLIN}};

	while (fds[0].revents == 0) {
		if (poll(fds, 2, -1) == -1 && errno != EINTR)
			break;
		if (fds[1].revents != 0 && !take_told(told, out))
			fds[1].fd = -1;
	}
	while (take_told(told, out))
		;
}

/* Its last line. */
static const char *last_line(struct told *told, char quoted[LOG_QUOTED])
{
	char *line;

	while (told->length > 0 && told->text[told->length - 1] == '\n')
		told->length--;
	told->text[told->length] = '\0';
	line = memrchr(told->text, '\n', told->length);
	line = line ? line + 1 : told->text;
	return log_quote(line, strlen(line), quoted);
}

static int judge(const char *program, int status, struct told *told, struct err *err)
{
	char quoted[LOG_QUOTED];

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFSIGNALED(status))
		return err_set(err, "%s was ended by signal %d", program, WTERMSIG(status));
	if (told->length == 0)
		return err_set(err, "%s ended with status %d", program, WEXITSTATUS(status));
	return err_set(err, "%s ended with status %d: %s", program, WEXITSTATUS(status),
		       last_line(told, quoted));
}

static int wait_for(const char *program, pid_t pid, int out, struct err *err)
{
	const int pidfd = pidfd_open(pid, 0);
	struct told told = {.length = 0};
	int status = 0;

	if (pidfd == -1)
		return err_errno(err, "could not watch %s", program);
	listen_to(&told, out, pidfd);
	close(pidfd);
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return err_errno(err, "could not wait for %s", program);
	return judge(program, status, &told, err);
}

static int run(const struct conf_adapter *adapter, const char *path, int file, struct err *err)
{
	const char *program = adapter->program.item[0];
	const pid_t self = getpid();
	int out[2], result;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC | O_NONBLOCK) == -1)
		return err_errno(err, "could not start %s", program);
	/* The program's end blocks, as programs expect. */
	if (fcntl(out[1], F_SETFL, 0) == -1 || (pid = fork()) == -1) {
		result = err_errno(err, "could not start %s", program);
		close(out[1]);
	} else {
		if (pid == 0)
			become(adapter, path, file, out[1], self);
		close(out[1]);
		result = wait_for(program, pid, out[0], err);
	}
	close(out[0]);
	return result;
}

/* --- One file, and all. --- */

static int mark(const char *path, struct err *err)
{
	char name[PATH_MAX + sizeof(MARK)];
	int fd;

	snprintf(name, sizeof(name), "%s%s", path, MARK);
	fd = open(name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd == -1 || fsync(fd) == -1) {
		err_errno(err, "could not create %s", name);
		if (fd != -1)
			close(fd);
		return -1;
	}
	close(fd);
	return 0;
}

static int hand_over(const struct conf_adapter *adapter, const char *path, struct err *err)
{
	const int file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int result;

	if (file == -1)
		return err_errno(err, "could not open %s", path);
	result = run(adapter, path, file, err);
	close(file);
	return result == 0 ? mark(path, err) : -1;
}

static int hand_over_named(const struct conf_adapter *adapter, const char *name, struct err *err)
{
	const struct adapter names = {.directory = adapter->directory};
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", adapter->directory, name);
	if (!adapter_exec_is_done(&names, name) && hand_over(adapter, path, err) == -1)
		return -1;
	return unlink(path) == -1 ? err_errno(err, "could not remove %s", path) : 0;
}

int adapter_exec_files(const struct conf_adapter *adapter, const char *prefix, struct err *err)
{
	struct dirent **entries;
	const int count = list(adapter, &entries, err);
	int result = count < 0 ? -1 : 0;

	for (int i = 0; i < count && result == 0; i++) {
		const char *name = entries[i]->d_name;

		if (begins_with(name, prefix) && !ends_with(name, MARK) &&
		    !ends_with(name, TEMPORARY))
			result = hand_over_named(adapter, name, err);
	}
	if (count >= 0)
		free_list(entries, count);
	return result;
}
