#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/fault.h"

static void order(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

#ifdef PCHAT_FAULTS
/* How often a process comes through the point before it dies; -1: it lives. */
static int passes(const char *name)
{
	int out[2], status, count = 0;
	char byte;
	pid_t pid;

	assert_int_equal(pipe(out), 0);
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 5; i++) {
			fault_point("other");
			fault_point(name);
			if (write(out[1], "x", 1) != 1)
				_exit(1);
		}
		_exit(0);
	}
	close(out[1]);
	while (read(out[0], &byte, 1) == 1)
		count++;
	close(out[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? count : -1;
}

static void test_a_process_dies_at_the_nth_pass_and_only_once(void **state)
{
	char path[] = "/tmp/pchat-fault-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	setenv("PCHAT_FAULT_FILE", path, 1);
	order(path, "point 3\n");
	assert_int_equal(passes("point"), 2);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(passes("point"), -1);
	order(path, "elsewhere 1\n");
	assert_int_equal(passes("point"), -1);
	order(path, "point 6\n");
	assert_int_equal(passes("point"), -1);
	unlink(path);
}
#else
static void test_without_fault_points_the_file_is_left_alone(void **state)
{
	char path[] = "/tmp/pchat-fault-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	setenv("PCHAT_FAULT_FILE", path, 1);
	order(path, "point 1\n");
	fault_point("point");
	assert_int_equal(unlink(path), 0);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef PCHAT_FAULTS
		cmocka_unit_test(test_a_process_dies_at_the_nth_pass_and_only_once),
#else
		cmocka_unit_test(test_without_fault_points_the_file_is_left_alone),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
