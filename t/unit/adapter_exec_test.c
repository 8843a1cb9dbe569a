#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/unit/adapters.h"

/* Files that are handed to a program. */

/* Nobody may be there to take its exit status. */
static bool runs(pid_t pid)
{
	char path[64], state = 'X';
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	in = fopen(path, "r");
	if (in && fscanf(in, "%*d (%*[^)]) %c", &state) != 1)
		state = 'X';
	if (in)
		fclose(in);
	return state != 'X' && state != 'Z';
}

static void test_a_hanging_writer_is_ended_with_all_that_it_started(void **state)
{
	struct place *place = *state;
	char settings[256];
	pid_t pid;

	program(place, "echo $$ >\"$1.pid\"\nsleep 1000 & sleep 1000");
	snprintf(settings, sizeof(settings),
		 "form = exec time_limit = 1s program = { '%s/program', '{}' }", place->directory);
	configure(place, settings);
	record(place, 1, "hello");
	step(place);
	assert_true(place->task.run.pid != 0);
	while (place->task.run.pid != 0) {
		adapter_task_watch(&place->task, &place->shared);
		poll(NULL, 0, 10);
	}
	pid = atoi(content(place, "files/" FIRST "00000000000000000001.jsonl.pid"));
	while (runs(pid))
		poll(NULL, 0, 10);
	step(place);
	assert_string_equal(stored(place).error, "it was not done within its time_limit of 1 s");
}

/* --- Programs. --- */

static void hand_to(struct place *place, const char *text, const char *more)
{
	char settings[512];

	program(place, text);
	snprintf(settings, sizeof(settings),
		 "form = exec program = { '%s/program', '--a b', '{}' } %s", place->directory,
		 more);
	configure(place, settings);
}

static void test_a_program_gets_each_file_and_little_else(void **state)
{
	struct place *place = *state;

	assert_int_equal(setenv("PCHAT_SECRET", "sesame", 1), 0);
	hand_to(place,
		"{ echo \"$1 ${2##*/} $#\"; pwd; env; ls /proc/self/fd | tr '\\n' ' '; umask; } "
		">../told\nread line && echo \"$line\" >>../told",
		"");
	record(place, 1, "hello");
	run(place);
	assert_string_equal(stored(place).error, "");
	assert_string_equal(files(place), FIRST "00000000000000000001.jsonl.done ");
	content(place, "told");
	assert_non_null(
		strstr(content(place, "told"), "--a b " FIRST "00000000000000000001.jsonl 2\n"));
	assert_non_null(strstr(content(place, "told"), "\nPCHAT_ADAPTER=a\n"));
	assert_non_null(strstr(content(place, "told"), "/files\n"));
	assert_null(strstr(content(place, "told"), "sesame"));
	assert_non_null(strstr(content(place, "told"), "0 1 2 3 0077\n"));
	assert_non_null(strstr(content(place, "told"), "\"content\":\"hello\""));

	/* The mark goes when there is a later batch. */
	record(place, 1, "more");
	adapter_task_hurry(&place->task);
	run(place);
	assert_string_equal(files(place),
			    "a-00000000000000000002-00000000000000000002.jsonl.done ");
}

static void test_a_file_is_kept_until_the_program_takes_it(void **state)
{
	struct place *place = *state;

	hand_to(place, "echo begun; echo \"no \303 room\" >&2; exit 75", "");
	record(place, 1, "hello");
	run(place);
	assert_non_null(strstr(stored(place).error, "/program ended with status 75: \"no "));
	assert_non_null(strstr(stored(place).error, "room\""));
	assert_string_equal(files(place), FIRST "00000000000000000001.jsonl ");
	program(place, "kill -9 $$");
	adapter_task_hurry(&place->task);
	run(place);
	assert_non_null(strstr(stored(place).error, "/program was ended by signal 9"));
	program(place, "true");
	adapter_task_hurry(&place->task);
	run(place);
	assert_string_equal(files(place), FIRST "00000000000000000001.jsonl.done ");
	assert_int_equal(stored(place).done, 1);
}

static void test_what_was_taken_is_not_handed_over_again(void **state)
{
	struct place *place = *state;

	/* With a list of transfers, each batch is two files; the second is not taken at first. */
	hand_to(place, "echo ${2##*.} >>../told; test $2 != \"${2%jsonl}\" || test -e ../ready",
		"attachments_manifest = yes");
	record(place, 1, "hello");
	assert_int_equal(db_run(place->db, "UPDATE pcc_record SET type = 'upload'", &place->err),
			 DB_OK);
	run(place);
	assert_string_equal(content(place, "told"), "ATTACH\n");
	assert_string_equal(files(place), FIRST "00000000000000000001.ATTACH " FIRST
						"00000000000000000001.jsonl ");
	program(place, "echo ${2##*.} >>../told; test $2 = \"${2%jsonl}\"");
	adapter_task_hurry(&place->task);
	run(place);
	assert_string_equal(content(place, "told"), "ATTACH\nATTACH\njsonl\n");
	assert_string_equal(files(place), FIRST "00000000000000000001.ATTACH.done " FIRST
						"00000000000000000001.jsonl ");
	program(place, "echo ${2##*.} >>../told");
	adapter_task_hurry(&place->task);
	run(place);
	assert_string_equal(content(place, "told"), "ATTACH\nATTACH\njsonl\njsonl\n");
	assert_string_equal(files(place), FIRST "00000000000000000001.ATTACH.done " FIRST
						"00000000000000000001.jsonl.done ");
	assert_int_equal(stored(place).done, 1);
}

static void test_a_program_that_is_not_there_is_a_failure(void **state)
{
	struct place *place = *state;

	configure(place, "form = exec program = /nonexistent/program");
	record(place, 1, "hello");
	run(place);
	assert_non_null(
		strstr(stored(place).error, "could not execute it: No such file or directory"));
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_a_hanging_writer_is_ended_with_all_that_it_started),
		TEST(test_a_program_gets_each_file_and_little_else),
		TEST(test_a_file_is_kept_until_the_program_takes_it),
		TEST(test_what_was_taken_is_not_handed_over_again),
		TEST(test_a_program_that_is_not_there_is_a_failure),
	};

	if (argc == 3 && strcmp(argv[1], "-w") == 0)
		return adapter_writer_main(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
