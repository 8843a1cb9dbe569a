/* The directory of the files: what is complete becomes a file, whole, and what can be done twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/file_about.h"
#include "daemon/file_place.h"
#include "t/unit/scratch.h"

struct test {
	char directory[64];
	struct file_place place;
};

static int setup(void **state)
{
	struct test *t = calloc(1, sizeof(*t));
	struct err err;

	strcpy(t->directory, "/tmp/pchat-place-XXXXXX");
	assert_non_null(mkdtemp(t->directory));
	assert_int_equal(place_open(&t->place, t->directory, false, &err), 0);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct test *t = *state;

	place_close(&t->place);
	scratch_remove(t->directory);
	free(t);
	return 0;
}

static struct file_about about(uint8_t number, uint8_t room)
{
	struct file_about about = {.size = 5, .user = "sip:alice@example.test", .name = "a \"b\"\\\n"};

	memset(about.file, number, sizeof(about.file));
	memset(about.room, room, sizeof(about.room));
	memset(about.sha256, 7, sizeof(about.sha256));
	strcpy(about.type, "text/plain");
	return about;
}

/* Up to where the sequencer is asked. */
static void bring(struct test *t, const struct file_about *about)
{
	struct err err;
	const int fd = place_create(&t->place, about->file, about->size, &err);

	assert_return_code(fd, errno);
	assert_int_equal(write(fd, "hello", 5), 5);
	assert_int_equal(place_complete(&t->place, fd, about, &err), 0);
	close(fd);
}

static void keep(struct test *t, uint8_t number, uint8_t room)
{
	const struct file_about what = about(number, room);
	struct err err;

	bring(t, &what);
	assert_int_equal(place_settle(&t->place, what.file, 1000000, &err), 1);
}

static void a_file_is_one_when_it_is_settled(void **state)
{
	struct test *t = *state;
	const struct file_about what = about(1, 2);
	struct file_about read;
	char content[8];
	struct err err;

	bring(t, &what);
	assert_int_equal(place_read(&t->place, what.file, &read, &err), 0);
	assert_false(place_has(&t->place, what.file, 5));
	assert_int_equal(place_settle(&t->place, what.file, 1234567, &err), 1);
	assert_int_equal(place_read(&t->place, what.file, &read, &err), 1);
	assert_int_equal(read.time, 1234567);
	assert_int_equal(read.size, 5);
	assert_string_equal(read.name, what.name);
	assert_string_equal(read.type, what.type);
	assert_string_equal(read.user, what.user);
	assert_memory_equal(read.room, what.room, 16);
	assert_memory_equal(read.sha256, what.sha256, FILE_HASH);
	assert_true(place_has(&t->place, what.file, 5));
	assert_false(place_has(&t->place, what.file, 6));
	assert_int_equal(place_chunk(&t->place, what.file, 1, content, sizeof(content), &err), 4);
	assert_memory_equal(content, "ello", 4);
	assert_int_equal(place_chunk(&t->place, what.file, 9, content, sizeof(content), &err), 0);
	assert_int_equal(t->place.files, 1);
	assert_int_equal(t->place.bytes, 5);
}

static void settling_twice_is_settling_once(void **state)
{
	struct test *t = *state;
	const struct file_about what = about(1, 2), none = about(2, 2);
	struct file_about read;
	struct err err;

	keep(t, 1, 2);
	assert_int_equal(place_settle(&t->place, what.file, 2000000, &err), 1);
	assert_int_equal(place_read(&t->place, what.file, &read, &err), 1);
	assert_int_equal(read.time, 1000000);
	assert_int_equal(place_settle(&t->place, none.file, 1, &err), 0);
	assert_int_equal(t->place.files, 1);
}

/* As a process leaves it that is killed between the two. */
static void a_content_that_was_moved_alone_is_followed_by_what_it_is(void **state)
{
	struct test *t = *state;
	const struct file_about what = about(1, 2);
	char from[128], to[128];
	struct err err;

	bring(t, &what);
	snprintf(from, sizeof(from), "%s/incoming/01010101-0101-0101-0101-010101010101", t->directory);
	snprintf(to, sizeof(to), "%s/01/01010101-0101-0101-0101-010101010101", t->directory);
	assert_return_code(rename(from, to), errno);
	assert_int_equal(place_settle(&t->place, what.file, 1, &err), 1);
	assert_true(place_has(&t->place, what.file, 5));
}

static void what_is_incoming_can_be_thrown_away(void **state)
{
	struct test *t = *state;
	const struct file_about one = about(1, 2), two = about(2, 2), three = about(3, 2);
	struct err err;

	bring(t, &one);
	bring(t, &two);
	bring(t, &three);
	place_discard(&t->place, one.file);
	assert_int_equal(place_settle(&t->place, one.file, 1, &err), 0);
	assert_int_equal(place_settle(&t->place, two.file, 1, &err), 1);
	assert_int_equal(place_clear(&t->place, &err), 0);
	assert_int_equal(place_settle(&t->place, three.file, 1, &err), 0);
	assert_true(place_has(&t->place, two.file, 5));
}

static void a_new_upload_of_the_same_file_begins_empty(void **state)
{
	struct test *t = *state;
	const struct file_about what = about(1, 2);
	struct stat st;
	struct err err;
	int fd;

	bring(t, &what);
	fd = place_create(&t->place, what.file, 3, &err);
	assert_return_code(fd, errno);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 3);
	assert_int_equal(st.st_mode & 077, 0);
	close(fd);
	assert_int_equal(place_settle(&t->place, what.file, 1, &err), 0);
}

static void a_removed_file_is_gone_once(void **state)
{
	struct test *t = *state;
	const struct file_about what = about(1, 2);
	struct file_about read;
	struct err err;

	keep(t, 1, 2);
	keep(t, 2, 2);
	assert_int_equal(place_remove(&t->place, what.file, &err), 1);
	assert_int_equal(place_remove(&t->place, what.file, &err), 0);
	assert_int_equal(place_read(&t->place, what.file, &read, &err), 0);
	assert_int_equal(t->place.files, 1);
	assert_int_equal(t->place.bytes, 5);
}

static void a_sweep_takes_what_is_of_its_rooms(void **state)
{
	static const uint8_t rooms[][16] = {{0}, {3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3}};
	struct test *t = *state;
	struct err err;
	struct file_about read;
	char path[128];
	uint8_t half[16];
	int removed = 0;

	keep(t, 1, 2);
	keep(t, 2, 3);
	keep(t, 200, 3);
	keep(t, 201, 3); /* which a predecessor had removed half */
	snprintf(path, sizeof(path), "%s/c9/c9c9c9c9-c9c9-c9c9-c9c9-c9c9c9c9c9c9", t->directory);
	assert_return_code(unlink(path), errno);
	for (unsigned first = 0; first < 256; first++) {
		const int n = place_sweep(&t->place, (uint8_t)first, rooms, 2, &err);

		assert_int_not_equal(n, -1);
		removed += n;
	}
	assert_int_equal(removed, 3);
	memset(half, 201, sizeof(half));
	assert_int_equal(place_read(&t->place, half, &read, &err), 0);
}

static void beat(void *arg)
{
	++*(unsigned *)arg;
}

static void files_are_counted_and_nothing_else(void **state)
{
	struct test *t = *state;
	unsigned beats = 0;
	char path[128];
	struct err err;

	keep(t, 1, 2);
	keep(t, 255, 2);
	snprintf(path, sizeof(path), "%s/01/of somebody else", t->directory);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	t->place.files = t->place.bytes = 99;
	assert_int_equal(place_count(&t->place, beat, &beats, &err), 0);
	assert_int_equal(t->place.files, 2);
	assert_int_equal(t->place.bytes, 10);
	assert_true(beats > 0);
}

static void write_about(struct test *t, const char *text)
{
	char path[128];
	FILE *out;

	snprintf(path, sizeof(path), "%s/01/01010101-0101-0101-0101-010101010101.json", t->directory);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
}

static void what_makes_no_sense_is_no_file_and_does_no_harm(void **state)
{
	static const char *const wrong[] = {
		"", "{", "[]", "{}", "{\"time\":1}",
		/* Another file's, and one whose room is none. */
		"{\"time\":\"2026-01-01T00:00:00Z\",\"file\":\"02010101-0101-0101-0101-010101010101\","
		"\"room\":\"02010101-0101-0101-0101-010101010101\",\"name\":\"a\",\"type\":\"\","
		"\"size\":1,\"sha256\":\"07070707070707070707070707070707"
		"07070707070707070707070707070707\",\"user\":\"u\"}",
		"{\"time\":\"2026-01-01T00:00:00Z\",\"file\":\"01010101-0101-0101-0101-010101010101\","
		"\"room\":\"0201\",\"name\":\"a\",\"type\":\"\","
		"\"size\":1,\"sha256\":\"07070707070707070707070707070707"
		"07070707070707070707070707070707\",\"user\":\"u\"}",
		"{\"time\":\"2026-01-01T00:00:00Z\",\"file\":\"01010101-0101-0101-0101-010101010101\","
		"\"room\":\"02010101-0101-0101-0101-010101010101\",\"name\":\"a\",\"type\":\"\","
		"\"size\":-1,\"sha256\":\"07070707070707070707070707070707"
		"07070707070707070707070707070707\",\"user\":\"u\"}",
	};
	struct test *t = *state;
	const struct file_about what = about(1, 2);
	struct file_about read;
	struct err err;

	keep(t, 1, 2);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		write_about(t, wrong[i]);
		assert_int_equal(place_read(&t->place, what.file, &read, &err), -1);
		assert_int_equal(place_sweep(&t->place, 1, &what.room, 1, &err), 0);
	}
	assert_true(place_has(&t->place, what.file, 5));
}

static void the_longest_names_fit(void **state)
{
	struct test *t = *state;
	struct file_about what = about(1, 2), read;
	struct err err;

	memset(what.name, '\x01', sizeof(what.name) - 1);
	memset(what.type, '"', sizeof(what.type) - 1);
	memset(what.user, '\\', sizeof(what.user) - 1);
	bring(t, &what);
	assert_int_equal(place_settle(&t->place, what.file, 1, &err), 1);
	assert_int_equal(place_read(&t->place, what.file, &read, &err), 1);
	assert_string_equal(read.name, what.name);
}

static void the_cursor_is_kept(void **state)
{
	struct test *t = *state;
	struct file_cursor cursor, read;
	struct err err;
	char path[128];
	FILE *out;

	assert_int_equal(place_cursor_get(&t->place, &read, &err), 0);
	assert_int_equal(read.lsn, 0);
	cursor = (struct file_cursor){.lsn = UINT64_C(1) << 60, .grants = 8};
	memset(cursor.journal, 0xab, sizeof(cursor.journal));
	assert_int_equal(place_cursor_put(&t->place, &cursor, &err), 0);
	assert_int_equal(place_cursor_get(&t->place, &read, &err), 0);
	assert_memory_equal(&read, &cursor, sizeof(cursor));
	snprintf(path, sizeof(path), "%s/.cursor", t->directory);
	out = fopen(path, "w");
	fputs("{\"journal\":1}", out);
	fclose(out);
	assert_int_equal(place_cursor_get(&t->place, &read, &err), -1);
}

static void nobody_else_gets_at_a_directory_in_use(void **state)
{
	struct test *t = *state;
	struct file_place other;
	struct err err;

	assert_int_equal(place_open(&other, t->directory, false, &err), -1);
	assert_non_null(strstr(err.text, "in use"));
	place_close(&t->place);
	assert_int_equal(place_open(&other, t->directory, false, &err), 0);
	place_close(&other);
	assert_int_equal(place_open(&t->place, t->directory, false, &err), 0);
	assert_int_equal(place_open(&other, "/nowhere/at/all", false, &err), -1);
}

static void a_link_is_not_followed(void **state)
{
	struct test *t = *state;
	const struct file_about what = about(1, 2);
	struct file_about read;
	char path[128], content[8];
	struct err err;

	keep(t, 1, 2);
	snprintf(path, sizeof(path), "%s/01/01010101-0101-0101-0101-010101010101", t->directory);
	assert_return_code(unlink(path), errno);
	assert_return_code(symlink("/etc/hostname", path), errno);
	assert_false(place_has(&t->place, what.file, 5));
	assert_int_equal(place_chunk(&t->place, what.file, 0, content, 8, &err), -1);
	strcat(path, ".json");
	assert_return_code(unlink(path), errno);
	assert_return_code(symlink("/etc/hostname", path), errno);
	assert_int_equal(place_read(&t->place, what.file, &read, &err), -1);
}

static void what_is_removed_can_stay_for_a_while(void **state)
{
	struct test *t = *state;
	const struct file_about what = about(1, 2);
	struct file_about read;
	unsigned beats = 0;
	struct stat st;
	char path[128];
	struct err err;

	place_close(&t->place);
	assert_int_equal(place_open(&t->place, t->directory, true, &err), 0);
	keep(t, 1, 2);
	keep(t, 2, 2);
	assert_int_equal(place_remove(&t->place, what.file, &err), 1);
	assert_int_equal(place_remove(&t->place, what.file, &err), 0);
	assert_int_equal(place_read(&t->place, what.file, &read, &err), 0);
	assert_int_equal(t->place.bytes, 5);
	assert_int_equal(t->place.removed, 5);
	assert_int_equal(place_count(&t->place, beat, &beats, &err), 0);
	assert_int_equal(t->place.bytes, 5);
	assert_int_equal(t->place.removed, 5);
	assert_int_equal(place_expire(&t->place, 1, clock_utc() - 60000000, &err), 0);
	snprintf(path, sizeof(path), "%s/removed/01/01010101-0101-0101-0101-010101010101",
		 t->directory);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(place_expire(&t->place, 2, clock_utc() + 60000000, &err), 0);
	assert_int_equal(place_expire(&t->place, 1, clock_utc() + 60000000, &err), 1);
	assert_int_equal(stat(path, &st), -1);
	assert_int_equal(t->place.removed, 0);
	assert_true(place_has(&t->place, about(2, 2).file, 5));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_one_when_it_is_settled),
		TEST(settling_twice_is_settling_once),
		TEST(a_content_that_was_moved_alone_is_followed_by_what_it_is),
		TEST(what_is_incoming_can_be_thrown_away),
		TEST(a_new_upload_of_the_same_file_begins_empty),
		TEST(a_removed_file_is_gone_once),
		TEST(a_sweep_takes_what_is_of_its_rooms),
		TEST(files_are_counted_and_nothing_else),
		TEST(what_makes_no_sense_is_no_file_and_does_no_harm),
		TEST(the_longest_names_fit),
		TEST(the_cursor_is_kept),
		TEST(nobody_else_gets_at_a_directory_in_use),
		TEST(a_link_is_not_followed),
		TEST(what_is_removed_can_stay_for_a_while),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
