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

#include "daemon/archive.h"

/* Archives as files, in a scratch directory of each test's own. */
struct place {
	char directory[64], file[96], part[128];
};

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return -1;
	*state = place;
	strcpy(place->directory, "/tmp/pchat-archive-XXXXXX");
	if (!mkdtemp(place->directory))
		return -1;
	snprintf(place->file, sizeof(place->file), "%s/archive", place->directory);
	snprintf(place->part, sizeof(place->part), "%s.part", place->file);
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;

	unlink(place->file);
	unlink(place->part);
	assert_int_equal(rmdir(place->directory), 0);
	free(place);
	return 0;
}

static void put_line(struct archive_writer *writer, const char *line)
{
	struct err err;

	assert_int_equal(archive_put(writer, line, strlen(line), &err), 0);
}

enum { LINES = 200 };

static void make(const struct place *place)
{
	struct err err;
	struct archive_writer *writer = archive_create(place->file, &err);
	char line[64];

	assert_non_null(writer);
	for (unsigned i = 0; i < LINES; i++) {
		snprintf(line, sizeof(line), "{\"line\":%u,\"noise\":%u}", i, i * 2654435761u);
		put_line(writer, line);
	}
	assert_int_equal(archive_finish(writer, &err), 0);
	archive_writer_free(&writer);
	assert_null(writer);
}

/* Reads to the end. How many lines there were, or -1 and why in err. */
static int read_all(const char *file, struct err *err)
{
	struct archive_reader *reader = archive_open(file, err);
	size_t length;
	char *line;
	int count = 0, got;

	if (!reader)
		return -1;
	while ((got = archive_next(reader, &line, &length, err)) == 1) {
		assert_int_equal(strlen(line), length);
		count++;
		assert_int_equal(archive_line(reader), count);
	}
	archive_reader_free(&reader);
	return got == 0 ? count : -1;
}

static char *load(const char *file, size_t *size_r)
{
	FILE *in = fopen(file, "r");
	char *data = malloc(1 << 20);

	assert_true(in && data);
	*size_r = fread(data, 1, 1 << 20, in);
	fclose(in);
	return data;
}

static void save(const char *file, const char *data, size_t size)
{
	FILE *out = fopen(file, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(data, 1, size, out), size);
	assert_int_equal(fclose(out), 0);
}

static void test_what_was_written_is_read(void **state)
{
	const struct place *place = *state;
	struct stat stat_r;
	struct err err;

	make(place);
	assert_int_equal(read_all(place->file, &err), LINES);
	assert_int_equal(access(place->part, F_OK), -1);
	assert_int_equal(stat(place->file, &stat_r), 0);
	assert_int_equal(stat_r.st_mode & 0777, 0600);
}

static void test_lines_may_be_long(void **state)
{
	const struct place *place = *state;
	struct err err;
	struct archive_writer *writer = archive_create(place->file, &err);
	struct archive_reader *reader;
	char *line = malloc(ARCHIVE_LINE_MAX + 1), *got;
	size_t length;

	assert_true(writer && line);
	memset(line, 'x', ARCHIVE_LINE_MAX + 1);
	assert_int_equal(archive_put(writer, line, ARCHIVE_LINE_MAX, &err), 0);
	assert_int_equal(archive_put(writer, line, ARCHIVE_LINE_MAX + 1, &err), -1);
	put_line(writer, "");
	assert_int_equal(archive_finish(writer, &err), 0);
	archive_writer_free(&writer);
	reader = archive_open(place->file, &err);
	assert_int_equal(archive_next(reader, &got, &length, &err), 1);
	assert_int_equal(length, ARCHIVE_LINE_MAX);
	assert_memory_equal(got, line, length);
	assert_int_equal(archive_next(reader, &got, &length, &err), 1);
	assert_int_equal(length, 0);
	assert_int_equal(archive_next(reader, &got, &length, &err), 0);
	assert_int_equal(archive_next(reader, &got, &length, &err), 0);
	archive_reader_free(&reader);
	free(line);
}

/* However much of it is missing. */
static void test_an_archive_that_was_cut_is_refused(void **state)
{
	const struct place *place = *state;
	struct err err;
	size_t size;
	char *data;

	make(place);
	data = load(place->file, &size);
	for (size_t left = 0; left < size; left++) {
		save(place->file, data, left);
		if (read_all(place->file, &err) != -1)
			fail_msg("%zu of %zu bytes were taken for all of it", left, size);
	}
	free(data);
}

/* Whichever byte it is, behind the head of gzip, where some mean nothing; but for the last one
 * before its checksum, which need not be used to the last bit. */
static void test_an_archive_that_was_changed_is_refused(void **state)
{
	const struct place *place = *state;
	struct err err;
	size_t size;
	char *data;

	make(place);
	data = load(place->file, &size);
	for (size_t at = 10; at < size; at++) {
		data[at] = (char)(data[at] ^ 1 << at % 8);
		save(place->file, data, size);
		if (at != size - 9 && read_all(place->file, &err) != -1)
			fail_msg("byte %zu of %zu was changed, and nobody noticed", at, size);
		data[at] = (char)(data[at] ^ 1 << at % 8);
	}
	free(data);
}

static void test_what_is_not_an_archive_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"\n",
		"hello\n",
		"{\"end\":true,\"lines\":0,\"sha256\":\"\"}\n",
		"{\"end\":true,\"lines\":1,\"sha256\":"
		"\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}\n",
		"{\"end\":true,\"lines\":0,\"sha256\":"
		"\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}\nmore\n",
	};
	const struct place *place = *state;
	struct err err;

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		save(place->file, texts[i], strlen(texts[i]));
		assert_int_equal(read_all(place->file, &err), -1);
	}
	assert_int_equal(read_all("/nonexistent/archive", &err), -1);
	assert_string_equal(err.text,
			    "could not read /nonexistent/archive: No such file or directory");
}

static void test_plain_lines_are_read_as_well(void **state)
{
	static const char text[] =
		"a\n{\"end\":true,\"lines\":1,\"sha256\":"
		"\"87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7\"}\n";
	const struct place *place = *state;
	struct err err;

	save(place->file, text, sizeof(text) - 1);
	assert_int_equal(read_all(place->file, &err), 1);
}

static void test_no_file_is_written_over(void **state)
{
	const struct place *place = *state;
	struct archive_writer *writer;
	struct err err;

	save(place->file, "precious", 8);
	assert_null(archive_create(place->file, &err));
	assert_non_null(strstr(err.text, "there is such a file already"));
	unlink(place->file);

	/* Nor one that was made meanwhile. */
	writer = archive_create(place->file, &err);
	save(place->file, "precious", 8);
	assert_int_equal(archive_finish(writer, &err), -1);
	archive_writer_free(&writer);
	assert_int_equal(access(place->part, F_OK), -1);
}

static void test_an_archive_that_was_not_finished_leaves_nothing(void **state)
{
	const struct place *place = *state;
	struct err err;
	struct archive_writer *writer = archive_create(place->file, &err);

	put_line(writer, "x");
	assert_int_equal(access(place->file, F_OK), -1);
	assert_int_equal(access(place->part, F_OK), 0);
	archive_writer_free(&writer);
	assert_int_equal(access(place->part, F_OK), -1);
	archive_writer_free(&writer);
}

static void test_a_full_disk_is_told(void **state)
{
	const struct place *place = *state;
	char *noise = malloc(1 << 20);
	struct archive_writer *writer;
	struct err err;
	int result = 0;

	assert_non_null(noise);
	assert_int_equal(symlink("/dev/full", place->part), 0);
	writer = archive_create(place->file, &err);
	assert_non_null(writer);
	for (unsigned i = 0; i < 1 << 20; i++)
		noise[i] = (char)('!' + rand() % 90);
	for (unsigned i = 0; i < 4 && result == 0; i++)
		result = archive_put(writer, noise, 1 << 20, &err);
	assert_int_equal(result, -1);
	assert_non_null(strstr(err.text, "No space left on device"));
	archive_writer_free(&writer);
	free(noise);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_was_written_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lines_may_be_long, setup, teardown),
		cmocka_unit_test_setup_teardown(test_an_archive_that_was_cut_is_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_an_archive_that_was_changed_is_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_what_is_not_an_archive_is_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_plain_lines_are_read_as_well, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_file_is_written_over, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_an_archive_that_was_not_finished_leaves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_full_disk_is_told, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
