/* What a process in the sandbox cannot do any more, and what it still can. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/sandbox.h"

enum { NO_FILTER = 255 };

static char directory[64], file[80], other[80];

/* What becomes of one call in a process of its own: 0, or the errno, or the signal that ended it and
 * 1000. */
static int try(unsigned needs, int (*call)(void))
{
	const pid_t pid = fork();
	struct err err;
	int status;

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		const struct rlimit none = {0, 0};

		setrlimit(RLIMIT_CORE, &none);
		if (sandbox_enter(needs, &err) == -1)
			_exit(NO_FILTER);
		errno = 0;
		_exit(call() == -1 ? errno : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return 1000 + WTERMSIG(status);
	if (WEXITSTATUS(status) == NO_FILTER)
		skip(); /* not every kernel or container has it */
	return WEXITSTATUS(status);
}

static void assert_refused(unsigned needs, int (*call)(void))
{
	assert_int_equal(try(needs, call), EPERM);
}

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

/* --- Files. --- */

static int read_it(void) { return open(file, O_RDONLY | O_CLOEXEC); }
static int write_it(void) { return open(file, O_WRONLY | O_CLOEXEC); }
static int change_it(void) { return open(file, O_RDWR | O_CLOEXEC); }
static int empty_it(void) { return open(file, O_RDONLY | O_TRUNC | O_CLOEXEC); }
static int make_another(void) { return open(other, O_RDONLY | O_CREAT | O_CLOEXEC, 0600); }
static int rename_it(void) { return renameat(AT_FDCWD, file, AT_FDCWD, other); }
static int remove_it(void) { return unlinkat(AT_FDCWD, other, 0); }

static void test_a_file_can_be_read_and_neither_made_nor_changed_nor_emptied(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(try(SANDBOX_ALL, read_it), 0);
	assert_refused(SANDBOX_ALL, write_it);
	assert_refused(SANDBOX_ALL, change_it);
	assert_refused(SANDBOX_ALL, empty_it);
	assert_refused(SANDBOX_ALL, make_another);
	assert_refused(SANDBOX_ALL, rename_it);
	assert_false(exists(other));
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_size, 5);
}

static void test_who_keeps_files_can_make_rename_and_remove_them(void **state)
{
	(void)state;
	assert_int_equal(try(SANDBOX_FILES, change_it), 0);
	assert_int_equal(try(SANDBOX_FILES, make_another), 0);
	assert_int_equal(try(SANDBOX_FILES, remove_it), 0);
	assert_int_equal(try(SANDBOX_FILES, rename_it), 0);
	assert_false(exists(file));
}

/* --- Drivers of databases. --- */

static int remove_old_way(void) { return (int)syscall(SYS_unlink, file); }
static int rename_old_way(void) { return (int)syscall(SYS_rename, file, other); }
static int connect_by(int family, int type) { return socket(family, type, 0); }
static int connect_by_4(void) { return connect_by(AF_INET, SOCK_STREAM); }
static int connect_by_6(void) { return connect_by(AF_INET6, SOCK_STREAM); }
static int ask_for_addresses(void) { return connect_by(AF_NETLINK, SOCK_RAW); }
static int connect_by_crypto(void) { return connect_by(AF_ALG, SOCK_SEQPACKET); }
static int connect_by_packets(void) { return connect_by(AF_PACKET, SOCK_RAW); }
static int connect_to_guests(void) { return connect_by(AF_VSOCK, SOCK_STREAM); }
static int connect_beyond(void) { return connect_by(AF_MAX + 1, SOCK_STREAM); }

static int listen_to_it(void)
{
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	return listen(fd, 1);
}

static void test_a_driver_can_keep_files_and_connect_to_other_hosts(void **state)
{
	(void)state;
	assert_int_equal(try(SANDBOX_DATABASE, change_it), 0);
	assert_int_equal(try(SANDBOX_DATABASE, rename_old_way), 0);
	assert_int_equal(try(SANDBOX_DATABASE, make_another), 0);
	assert_int_equal(rename(other, file), 0);
	assert_int_equal(try(SANDBOX_DATABASE, remove_old_way), 0);
	assert_int_equal(try(SANDBOX_DATABASE, connect_by_4), 0);
	assert_int_not_equal(try(SANDBOX_DATABASE, connect_by_6), EPERM);
	assert_int_equal(try(SANDBOX_DATABASE, ask_for_addresses), 0);
}

static void test_a_driver_can_neither_serve_nor_use_rare_kinds_of_sockets(void **state)
{
	(void)state;
	assert_refused(SANDBOX_DATABASE, listen_to_it);
	assert_refused(SANDBOX_DATABASE, connect_by_crypto);
	assert_refused(SANDBOX_DATABASE, connect_by_packets);
	assert_refused(SANDBOX_DATABASE, connect_to_guests);
	assert_refused(SANDBOX_DATABASE, connect_beyond);
}

static void test_who_keeps_files_only_cannot_connect(void **state)
{
	(void)state;
	assert_refused(SANDBOX_FILES, connect_by_4);
	assert_refused(SANDBOX_FILES, ask_for_addresses);
}

/* --- Processes. --- */

static int fork_one(void)
{
	const pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid;
}

static int clone_space(void)
{
	const long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, 0L);

	if (pid == 0)
		_exit(0);
	return (int)pid;
}

static int clone_otherwise(void)
{
	uint64_t arguments[11] = {CLONE_NEWUSER};

	return (int)syscall(SYS_clone3, arguments, sizeof(arguments));
}

static void *nothing(void *arg)
{
	return arg;
}

static int make_thread(void)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, nothing, NULL);
	if (errno == 0)
		errno = pthread_join(thread, NULL);
	return errno == 0 ? 0 : -1;
}

static int execute(void) { return execl("/bin/true", "true", NULL); }

static void test_no_process_can_be_made(void **state)
{
	(void)state;
	assert_refused(SANDBOX_ALL, fork_one);
	assert_refused(SANDBOX_ALL, clone_space);
	assert_int_equal(try(SANDBOX_ALL, clone_otherwise), ENOSYS);
	assert_int_equal(try(SANDBOX_ALL, execute), 1000 + SIGSYS);
	assert_refused(SANDBOX_FILES, fork_one);
	assert_refused(SANDBOX_BINDS, fork_one);
	assert_refused(SANDBOX_DATABASE, fork_one);
	assert_int_equal(try(SANDBOX_DATABASE, execute), 1000 + SIGSYS);
}

/* As the writers of adapters do. */
static int trace_parent(void) { return (int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL); }

static int execute_another(void)
{
	const pid_t pid = fork();
	int status;

	if (pid == 0) {
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	return pid != -1 && waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

static void test_who_starts_programs_can_do_that_and_not_look_into_others(void **state)
{
	(void)state;
	assert_int_equal(try(SANDBOX_PROGRAMS, execute_another), 0);
	assert_int_equal(try(SANDBOX_PROGRAMS, trace_parent), 1000 + SIGSYS);
	assert_refused(SANDBOX_PROGRAMS, write_it);
	assert_refused(SANDBOX_PROGRAMS, connect_by_4);
}

static void test_a_thread_can_be_made(void **state)
{
	(void)state;
	assert_int_equal(try(SANDBOX_ALL, make_thread), 0);
}

static int signal_parent(void) { return kill(getppid(), 0); }
static int signal_group(void) { return kill(0, 0); }
static int signal_all(void) { return kill(-1, 0); }
static int signal_self(void) { return kill(getpid(), 0); }
static int queue_signal(void) { return sigqueue(getppid(), 0, (union sigval){.sival_int = 0}); }

static int limit_parent(void)
{
	const struct rlimit limit = {1, 1};

	return prlimit(getppid(), RLIMIT_NPROC, &limit, NULL);
}

static int limit_self(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit);
}

static void test_no_other_process_can_be_reached(void **state)
{
	(void)state;
	assert_refused(SANDBOX_ALL, signal_parent);
	assert_refused(SANDBOX_ALL, signal_group);
	assert_refused(SANDBOX_ALL, signal_all);
	assert_refused(SANDBOX_ALL, queue_signal);
	assert_refused(SANDBOX_ALL, limit_parent);
	assert_int_equal(try(SANDBOX_ALL, signal_self), 0);
	assert_int_equal(try(SANDBOX_ALL, limit_self), 0);
}

/* --- The rest. --- */

static int socket_of_internet(void) { return socket(AF_INET, SOCK_STREAM, 0); }
static int socket_of_unix(void) { return socket(AF_UNIX, SOCK_STREAM, 0); }

static int bind_one(void)
{
	const struct sockaddr address = {.sa_family = AF_UNIX};

	return bind(socket_of_unix(), &address, sizeof(address.sa_family));
}

static int ring(void)
{
	uint8_t parameters[256] = {0};

	return (int)syscall(SYS_io_uring_setup, 8, parameters);
}

/* A request is an int, whatever stands above it. */
static int type(void) { return ioctl(STDERR_FILENO, TIOCSTI, "x"); }
static int type_more(void) { return (int)syscall(SYS_ioctl, STDERR_FILENO, 1UL << 32 | TIOCSTI, "x"); }

static void test_no_way_leads_to_the_network_or_the_terminal(void **state)
{
	(void)state;
	assert_refused(SANDBOX_ALL, socket_of_internet);
	assert_refused(SANDBOX_ALL, bind_one);
	assert_refused(SANDBOX_ALL, ring);
	assert_refused(SANDBOX_ALL, type);
	assert_refused(SANDBOX_ALL, type_more);
	assert_int_equal(try(SANDBOX_ALL, socket_of_unix), 0);
	assert_int_equal(try(SANDBOX_BINDS, bind_one), 0);
}

static int setup(void **state)
{
	FILE *out;

	(void)state;
	strcpy(directory, "/tmp/pchat-sandbox-XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(file, sizeof(file), "%s/file", directory);
	snprintf(other, sizeof(other), "%s/other", directory);
	out = fopen(file, "w");
	return out && fputs("words", out) != EOF && fclose(out) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	unlink(file);
	unlink(other);
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_a_file_can_be_read_and_neither_made_nor_changed_nor_emptied, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			test_who_keeps_files_can_make_rename_and_remove_them, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_a_driver_can_keep_files_and_connect_to_other_hosts, setup, teardown),
		cmocka_unit_test(test_a_driver_can_neither_serve_nor_use_rare_kinds_of_sockets),
		cmocka_unit_test(test_who_keeps_files_only_cannot_connect),
		cmocka_unit_test(test_no_process_can_be_made),
		cmocka_unit_test_setup_teardown(
			test_who_starts_programs_can_do_that_and_not_look_into_others, setup, teardown),
		cmocka_unit_test(test_a_thread_can_be_made),
		cmocka_unit_test(test_no_other_process_can_be_reached),
		cmocka_unit_test(test_no_way_leads_to_the_network_or_the_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
