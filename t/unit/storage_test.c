/* What the master makes on disk, while somebody else may write to where it makes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/master_storage.h"
#include "t/unit/scratch.h"

struct test {
	char state[64], run[80], files[80], elsewhere[80];
	struct conf conf;
};

static const char *replaced; /* the directory that is changed for a link as soon as it is made */
static const char *target;

int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);

int __wrap_mkdir(const char *path, mode_t mode)
{
	const int result = __real_mkdir(path, mode);

	if (result == 0 && replaced && strcmp(path, replaced) == 0) {
		assert_int_equal(rmdir(path), 0);
		assert_int_equal(symlink(target, path), 0);
	}
	return result;
}

static int setup(void **state)
{
	struct test *t = calloc(1, sizeof(*t));

	*state = t;
	replaced = NULL;
	strcpy(t->state, "/tmp/pchat-storage-XXXXXX");
	if (!mkdtemp(t->state))
		return -1;
	snprintf(t->run, sizeof(t->run), "%s/run", t->state);
	snprintf(t->files, sizeof(t->files), "%s/files", t->state);
	snprintf(t->elsewhere, sizeof(t->elsewhere), "%s/elsewhere", t->state);
	t->conf.state_directory = t->state;
	t->conf.run_directory = t->run;
	t->conf.files.directory = t->files;
	return __real_mkdir(t->elsewhere, 0755);
}

static int teardown(void **state)
{
	struct test *t = *state;

	scratch_remove(t->state);
	free(t);
	return 0;
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static void test_directories_are_made_with_their_modes_whatever_the_umask(void **state)
{
	const struct account nobody = {.change = false};
	struct test *t = *state;
	const mode_t before = umask(0777);
	struct err err;
	const int result = storage_directories(&t->conf, &nobody, &nobody, &err);

	umask(before);
	if (result == -1)
		fail_msg("%s", err.text);
	assert_int_equal(mode_of(t->run), 0755);
	assert_int_equal(mode_of(t->files), 0700);
	assert_int_equal(storage_directories(&t->conf, &nobody, &nobody, &err), 0);
}

static void test_a_directory_that_is_changed_for_a_link_does_not_lead_elsewhere(void **state)
{
	const struct account self = {.change = true, .uid = getuid(), .gid = getgid()};
	struct test *t = *state;
	struct err err;

	replaced = t->files;
	target = t->elsewhere;
	assert_int_equal(storage_directories(&t->conf, &self, &self, &err), -1);
	assert_int_equal(mode_of(t->elsewhere), 0755);
}

static void test_a_pipe_in_the_place_of_the_token_key_stops_nobody(void **state)
{
	struct test *t = *state;
	char path[100];
	struct err err;

	snprintf(path, sizeof(path), "%s/token.key", t->state);
	assert_int_equal(mkfifo(path, 0600), 0);
	alarm(30);
	assert_int_equal(storage_token_key(&t->conf, &err), -1);
	alarm(0);
	assert_non_null(strstr(err.text, "is not a plain file"));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(storage_token_key(&t->conf, &err), 0);
	assert_int_equal(mode_of(path), 0600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_directories_are_made_with_their_modes_whatever_the_umask, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			test_a_directory_that_is_changed_for_a_link_does_not_lead_elsewhere, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			test_a_pipe_in_the_place_of_the_token_key_stops_nobody, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
