/*
 * Journal and cache reach a worker as read-only descriptors. This shows that the kernel holds a
 * worker to that: whatever it tries, the bytes stay as they are, and the attempt to store through
 * its mapping kills it.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/segment.h"

enum { SIZE = 8192 };

struct shared {
	int rw, ro;
	struct segment owner, reader;
};

static int setup(void **state)
{
	struct shared *shared = calloc(1, sizeof(*shared));
	struct err err;

	assert_non_null(shared);
	*state = shared;
	assert_int_equal(segment_create("readonly", SIZE, &shared->rw, &shared->ro, &err), 0);
	assert_int_equal(segment_map(&shared->owner, shared->rw, true, &err), 0);
	assert_int_equal(segment_map(&shared->reader, shared->ro, false, &err), 0);
	memset(shared->owner.base, 'a', SIZE);
	return 0;
}

static int teardown(void **state)
{
	struct shared *shared = *state;

	segment_unmap(&shared->owner);
	segment_unmap(&shared->reader);
	close(shared->rw);
	close(shared->ro);
	free(shared);
	return 0;
}

static void assert_untouched(const struct shared *shared)
{
	const char *bytes = shared->owner.base;

	for (size_t i = 0; i < SIZE; i++)
		assert_int_equal(bytes[i], 'a');
}

static void test_write_refused(void **state)
{
	struct shared *shared = *state;

	assert_int_equal(pwrite(shared->ro, "b", 1, 0), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(ftruncate(shared->ro, 0), -1);
	assert_untouched(shared);
}

static void test_mapping_refused(void **state)
{
	struct shared *shared = *state;
	void *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, shared->ro, 0);

	assert_ptr_equal(map, MAP_FAILED);
	assert_int_equal(errno, EACCES);
	assert_int_equal(mprotect(shared->reader.base, SIZE, PROT_READ | PROT_WRITE), -1);
	assert_int_equal(errno, EACCES);
	assert_untouched(shared);
}

/* In a child, because it dies of it. A sanitizer would turn the signal into a report and an exit. */
static void test_store_kills(void **state)
{
	struct shared *shared = *state;
	const struct rlimit none = {0, 0};
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &none);
		signal(SIGSEGV, SIG_DFL);
		*(volatile char *)shared->reader.base = 'b';
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSEGV);
	assert_untouched(shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{"a reader's descriptor takes no write and no change of size", test_write_refused, setup,
		 teardown, NULL},
		{"a reader cannot map its descriptor writable, now or later", test_mapping_refused, setup,
		 teardown, NULL},
		{"a reader that stores into its mapping is killed and changes nothing", test_store_kills,
		 setup, teardown, NULL},
	};

	return cmocka_run_group_tests_name("readonly", tests, NULL, NULL);
}
