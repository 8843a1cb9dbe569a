#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/bug.h"
#include "conf/err.h"

static void test_an_error_says_what_and_why(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(err_set(&err, "no room named %s", "x"), -1);
	assert_string_equal(err.text, "no room named x");
	errno = ENOENT;
	assert_int_equal(err_errno(&err, "could not open %s", "/x"), -1);
	assert_string_equal(err.text, "could not open /x: No such file or directory");
	err_set(&err, "no room named x");
	err_set(&err, "could not post: %s", err.text);
	assert_string_equal(err.text, "could not post: no room named x");
}

static void test_a_long_error_is_cut(void **state)
{
	struct err err;
	char text[2 * sizeof(err.text)];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	errno = ENOENT;
	err_errno(&err, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

static void test_a_bug_aborts_and_names_its_place(void **state)
{
	int out[2], status;
	char text[512] = "";
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(out), 0);
	pid = fork();
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		signal(SIGABRT, SIG_DFL);
		dup2(out[1], STDERR_FILENO);
		bug_on(pid == 0);
		_exit(0);
	}
	close(out[1]);
	assert_true(read(out[0], text, sizeof(text) - 1) > 0);
	close(out[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_non_null(strstr(text, "err_test.c:"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_error_says_what_and_why),
		cmocka_unit_test(test_a_long_error_is_cut),
		cmocka_unit_test(test_a_bug_aborts_and_names_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
