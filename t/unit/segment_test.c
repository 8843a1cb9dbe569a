/* Memory segments: two descriptors on the same bytes, of which one only reads. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/segment.h"

struct pair {
	int rw, ro;
};

static struct pair pair_new(uint64_t size)
{
	struct pair pair;
	struct err err;

	assert_int_equal(segment_create("test", size, &pair.rw, &pair.ro, &err), 0);
	return pair;
}

static void pair_close(const struct pair *pair)
{
	close(pair->rw);
	close(pair->ro);
}

static void what_the_writer_stores_the_reader_sees(void **state)
{
	struct pair pair = pair_new(5000);
	struct segment writer, reader;
	struct err err;

	(void)state;
	assert_int_equal(segment_map(&writer, pair.rw, true, &err), 0);
	assert_int_equal(segment_map(&reader, pair.ro, false, &err), 0);
	assert_int_equal(writer.size, 8192);
	assert_int_equal(reader.size, 8192);
	strcpy(writer.base, "here");
	assert_string_equal(reader.base, "here");
	segment_unmap(&writer);
	segment_unmap(&reader);
	assert_null(reader.base);
	segment_unmap(&reader);
	pair_close(&pair);
}

static void a_read_only_descriptor_can_neither_be_mapped_writable_nor_written(void **state)
{
	struct pair pair = pair_new(4096);
	struct segment segment;
	struct err err;
	void *base;

	(void)state;
	assert_int_equal(segment_map(&segment, pair.ro, true, &err), -1);
	assert_non_null(strstr(err.text, "ermission denied"));
	assert_null(segment.base);
	assert_int_equal(write(pair.ro, "x", 1), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(pwrite(pair.ro, "x", 1, 0), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(ftruncate(pair.ro, 0), -1);
	assert_int_equal(fallocate(pair.ro, 0, 0, 4096), -1);

	base = mmap(NULL, 4096, PROT_READ, MAP_SHARED, pair.ro, 0);
	assert_ptr_not_equal(base, MAP_FAILED);
	assert_int_equal(mprotect(base, 4096, PROT_READ | PROT_WRITE), -1);
	assert_int_equal(errno, EACCES);
	munmap(base, 4096);
	pair_close(&pair);
}

static void nobody_can_change_the_size_under_those_who_mapped_it(void **state)
{
	struct pair pair = pair_new(8192);

	(void)state;
	assert_int_equal(ftruncate(pair.rw, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(pair.rw, 1 << 20), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(fcntl(pair.rw, F_ADD_SEALS, F_SEAL_WRITE), -1);
	pair_close(&pair);
}

static void only_its_owner_may_open_it_again(void **state)
{
	struct pair pair = pair_new(4096);
	struct stat st;

	(void)state;
	assert_int_equal(fstat(pair.ro, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_uid, geteuid());
	assert_int_equal(fcntl(pair.rw, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(fcntl(pair.ro, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	pair_close(&pair);
}

static void a_size_that_is_none_is_refused_with_a_reason(void **state)
{
	struct segment segment;
	struct err err;
	int rw, ro, fds[2];

	(void)state;
	assert_int_equal(segment_create("test", 0, &rw, &ro, &err), -1);
	assert_int_equal(segment_create("test", UINT64_MAX, &rw, &ro, &err), -1);
	assert_non_null(strstr(err.text, "18446744073709551615"));
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(segment_map(&segment, fds[0], false, &err), -1);
	assert_int_equal(segment_map(&segment, -1, false, &err), -1);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_writer_stores_the_reader_sees),
		cmocka_unit_test(a_read_only_descriptor_can_neither_be_mapped_writable_nor_written),
		cmocka_unit_test(nobody_can_change_the_size_under_those_who_mapped_it),
		cmocka_unit_test(only_its_owner_may_open_it_again),
		cmocka_unit_test(a_size_that_is_none_is_refused_with_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
