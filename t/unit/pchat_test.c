#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pchat_args.h"
#include "daemon/pchat_command.h"
#include "daemon/pchat_text.h"

static void assert_escaped(const char *text, const char *indent, const char *expected)
{
	char *escaped = pchat_text_escape(text, indent);
	assert_string_equal(escaped, expected);
	free(escaped);
}

static void test_letters_of_all_scripts_stay(void **state)
{
	(void)state;
	assert_escaped("", NULL, "");
	assert_escaped("a\\b \"c\"", NULL, "a\\b \"c\"");
	assert_escaped("Gr\xc3\xbc\xc3\x9f"
		       "e \xe6\xbc\xa2 \xf0\x9f\x99\x82",
		       NULL,
		       "Gr\xc3\xbc\xc3\x9f"
		       "e \xe6\xbc\xa2 \xf0\x9f\x99\x82");
}

static void test_control_characters_are_shown_not_done(void **state)
{
	(void)state;
	assert_escaped("\x1b]0;x\x07\x7f\r", NULL, "\\x1b]0;x\\x07\\x7f\\x0d");
	assert_escaped("\xc2\x9b"
		       "2J \xc2\x85",
		       NULL, "\\x9b2J \\x85");
	assert_escaped("\xe2\x80\xae"
		       "a\xe2\x80\xa8\xe2\x81\xa6",
		       NULL, "\\u{202e}a\\u{2028}\\u{2066}");
}

static void test_bytes_that_are_not_utf8_are_shown(void **state)
{
	(void)state;
	assert_escaped("\xff"
		       "a",
		       NULL, "\\xffa");
	assert_escaped("\x9b"
		       "2J",
		       NULL, "\\x9b2J");
	assert_escaped("\xc3", NULL, "\\xc3");
	assert_escaped("\xe6\xbc", NULL, "\\xe6\\xbc");
	assert_escaped("\xc0\x9b", NULL, "\\xc0\\x9b");		 /* overlong */
	assert_escaped("\xed\xa0\x80", NULL, "\\xed\\xa0\\x80"); /* a surrogate */
	assert_escaped("\xf4\x90\x80\x80", NULL, "\\xf4\\x90\\x80\\x80");
}

static void test_a_line_break_cannot_forge_a_line(void **state)
{
	(void)state;
	assert_escaped("a\nb\tc", NULL, "a\\nb\\tc");
	assert_escaped("a\nb\n", " | ", "a\n | b\n | ");
}

static void assert_file_name(const char *name, const char *expected)
{
	char *own = pchat_text_file_name(name);
	assert_string_equal(own, expected);
	free(own);
}

static void test_a_name_of_a_file_leads_nowhere_else(void **state)
{
	(void)state;
	assert_file_name("plan.pdf", "plan.pdf");
	assert_file_name("Gr\xc3\xbc\xc3\x9f"
			 "e.txt",
			 "Gr\xc3\xbc\xc3\x9f"
			 "e.txt");
	assert_file_name("../../etc/passwd", "passwd");
	assert_file_name("/etc/..", "_.");
	assert_file_name(".bashrc", "_bashrc");
	assert_file_name("-rf", "_rf");
	assert_file_name("directory/", "file");
	assert_file_name("", "file");
	assert_file_name(NULL, "file");
}

static void test_a_name_of_a_file_holds_nothing_that_misleads(void **state)
{
	char name[2 * PCHAT_FILE_NAME_MAX + 3], *own;
	(void)state;
	assert_file_name("a\nb\x1b[2J\x7f", "a_b_[2J_");
	assert_file_name("\xc2\x9b"
			 "2J",
			 "_2J");
	assert_file_name("x\xe2\x80\xae"
			 "fdp.exe",
			 "x_fdp.exe");
	assert_file_name("\xff\xc3", "__");
	strcpy(name, "a");
	for (size_t i = 0; i < PCHAT_FILE_NAME_MAX; i++)
		strcat(name, "\xc3\xbc");
	own = pchat_text_file_name(name);
	assert_int_equal(strlen(own), PCHAT_FILE_NAME_MAX - 1); /* no half of a character */
	free(own);
}

static void test_a_message_is_one_line(void **state)
{
	json_t *message = json_pack("{s:s, s:s, s:s, s:s}", "time", "2026-11-21T09:30:00.123456Z",
				    "name", "A\nlice", "text", "x\ny", "importance", "alert");
	char *line = pchat_text_message(message);
	(void)state;
	assert_string_equal(line, "2026-11-21 09:30:00 ALERT <A\\nlice> x\\ny");
	free(line);
	json_decref(message);
}

static void test_a_time_that_is_none_is_a_question_mark(void **state)
{
	char time[PCHAT_TIME];
	(void)state;
	assert_string_equal(pchat_text_time(NULL, false, time), "?");
	assert_string_equal(pchat_text_time("soon", true, time), "?");
	assert_string_equal(pchat_text_time("2026-11-21T09:30:00Z", true, time), "09:30");
}

static void assert_link(const char *text, const char *expected)
{
	size_t length = 0;
	const char *link = pchat_text_link(text, &length);
	if (!expected) {
		assert_null(link);
		return;
	}
	assert_non_null(link);
	assert_int_equal(length, strlen(expected));
	assert_memory_equal(link, expected, length);
}

static void test_a_link_is_found_where_it_stands_and_ends_where_it_ends(void **state)
{
	(void)state;
	assert_link("nothing here: https://example.test/ma-chan", NULL);
	assert_link("ma-chan://x/1", "ma-chan://x/1");
	assert_link("see (ma-chan://x/1), please", "ma-chan://x/1");
	assert_link("is it ma-filelink://x/1/2?!", "ma-filelink://x/1/2");
	assert_link("\"ma-filelink://x/1/2\" and ma-chan://x/1", "ma-filelink://x/1/2");
	assert_link("<ma-chan://x/1>\nma-filelink://x/1/2", "ma-chan://x/1");
	assert_link("ma-chan://...", "ma-chan://");
}

static void assert_size(uint64_t bytes, const char *expected)
{
	char text[PCHAT_SIZE];
	assert_string_equal(pchat_text_size(bytes, text), expected);
}

static void test_sizes_are_for_people(void **state)
{
	(void)state;
	assert_size(0, "0 bytes");
	assert_size(999, "999 bytes");
	assert_size(1000, "1.0 kB");
	assert_size(48213, "48.2 kB");
	assert_size(999949, "999.9 kB");
	assert_size(999951, "1.0 MB");
	assert_size(UINT64_C(5000000000), "5.0 GB");
	assert_size(UINT64_MAX, "18.4 EB");
}

/* The command line. */

static char *no_environment(const char *name)
{
	(void)name;
	return NULL;
}

static char *environment(const char *name)
{
	static char server[] = "ws://there", user[] = "bob";
	return strcmp(name, "PCHAT_SERVER") == 0 ? server : user;
}

static int parse(struct pchat_args *args, const char *line, char *(*get)(const char *name))
{
	static char copy[512];
	char *argv[20] = {(char[]){"pchat"}}, *rest = copy;
	int argc = 1;
	struct err err;
	snprintf(copy, sizeof(copy), "%s", line);
	while (argc < 19 && (argv[argc] = strsep(&rest, " ")))
		argc++;
	argv[argc] = NULL;
	return pchat_args_parse(args, argc, argv, get, &err);
}

static void test_options_may_stand_anywhere(void **state)
{
	struct pchat_args args;
	(void)state;
	assert_int_equal(parse(&args, "-s ws://x tail --since 7 Lobby --json --count=2 -u alice",
			       no_environment),
			 0);
	assert_int_equal(args.command, PCHAT_TAIL);
	assert_string_equal(args.server, "ws://x");
	assert_string_equal(args.user, "alice");
	assert_string_equal(args.room, "Lobby");
	assert_true(args.json && args.has_since);
	assert_int_equal(args.since, 7);
	assert_int_equal(args.count, 2);
}

static void test_the_environment_names_server_and_user(void **state)
{
	struct pchat_args args;
	(void)state;
	assert_int_equal(parse(&args, "rooms", environment), 0);
	assert_string_equal(args.server, "ws://there");
	assert_string_equal(args.user, "bob");
	assert_int_equal(parse(&args, "rooms -s ws://here", environment), 0);
	assert_string_equal(args.server, "ws://here");
	assert_int_equal(parse(&args, "rooms", no_environment), 0);
	assert_string_equal(args.server, "wss://localhost:8010");
}

static void test_a_word_that_is_no_command_is_a_room_to_chat_in(void **state)
{
	struct pchat_args args;
	(void)state;
	assert_int_equal(parse(&args, "Lobby", no_environment), 0);
	assert_int_equal(args.command, PCHAT_CHAT);
	assert_string_equal(args.room, "Lobby");
	assert_int_equal(parse(&args, "post Lobby -", no_environment), 0);
	assert_null(args.text);
	assert_int_equal(parse(&args, "post Lobby hello", no_environment), 0);
	assert_string_equal(args.text, "hello");
}

static void test_files_go_up_and_down(void **state)
{
	struct pchat_args args;
	(void)state;
	assert_int_equal(parse(&args, "upload Lobby --type text/plain a.txt look", no_environment),
			 0);
	assert_int_equal(args.command, PCHAT_UPLOAD);
	assert_string_equal(args.room, "Lobby");
	assert_string_equal(args.file, "a.txt");
	assert_string_equal(args.type, "text/plain");
	assert_string_equal(args.text, "look");
	assert_int_equal(parse(&args, "download ma-filelink://x/1/2", no_environment), 0);
	assert_int_equal(args.command, PCHAT_DOWNLOAD);
	assert_string_equal(args.room, "ma-filelink://x/1/2");
	assert_null(args.file);
	assert_int_equal(parse(&args, "download --json ma-filelink://x/1/2 b", no_environment), 0);
	assert_string_equal(args.file, "b");
}

static void test_a_command_line_that_makes_no_sense_is_refused(void **state)
{
	static const char *const wrong[] = {
		"--frobnicate",
		"post",
		"tail",
		"history",
		"tail a b",
		"rooms a b",
		"post a b c",
		"a b",
		"--since 3 rooms",
		"--since x tail a",
		"--since -1 tail a",
		"--since",
		"--count 0 tail a",
		"--limit 0 history a",
		"--json Lobby",
		"upload",
		"upload a",
		"upload a b c d",
		"download",
		"download a b c",
		"download --json a -",
		"--type x/y download a",
		"--whole tail a",
		"post --whole a b",
		"--password x rooms",
		"--timeout 0 rooms",
		"--insecure --ca x rooms",
		"--since 9007199254740993 tail a",
	};
	struct pchat_args args;
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (parse(&args, wrong[i], no_environment) == 0)
			fail_msg("this was taken: pchat %s", wrong[i]);
}

/* Lines of the interactive client. */

static void assert_command(const char *line, enum pchat_verb verb, const char *rest)
{
	const char *found;
	assert_int_equal(pchat_command_parse(line, &found), verb);
	if (rest)
		assert_string_equal(found, rest);
}

static void test_a_slash_makes_a_command(void **state)
{
	(void)state;
	assert_command("", VERB_NOTHING, NULL);
	assert_command(" \t", VERB_NOTHING, NULL);
	assert_command("hello /join", VERB_SAY, "hello /join");
	assert_command(" hello", VERB_SAY, " hello");
	assert_command("//hello", VERB_SAY, "/hello");
	assert_command("/join  the Lobby", VERB_JOIN, "the Lobby");
	assert_command("/who", VERB_WHO, "");
	assert_command("/history 5", VERB_HISTORY, "5");
	assert_command("/files", VERB_FILES, "");
	assert_command("/joining", VERB_UNKNOWN, NULL);
	assert_command("/jo", VERB_UNKNOWN, NULL);
	assert_command("/", VERB_UNKNOWN, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_letters_of_all_scripts_stay),
		cmocka_unit_test(test_control_characters_are_shown_not_done),
		cmocka_unit_test(test_bytes_that_are_not_utf8_are_shown),
		cmocka_unit_test(test_a_line_break_cannot_forge_a_line),
		cmocka_unit_test(test_a_link_is_found_where_it_stands_and_ends_where_it_ends),
		cmocka_unit_test(test_sizes_are_for_people),
		cmocka_unit_test(test_files_go_up_and_down),
		cmocka_unit_test(test_a_name_of_a_file_leads_nowhere_else),
		cmocka_unit_test(test_a_name_of_a_file_holds_nothing_that_misleads),
		cmocka_unit_test(test_a_message_is_one_line),
		cmocka_unit_test(test_a_time_that_is_none_is_a_question_mark),
		cmocka_unit_test(test_options_may_stand_anywhere),
		cmocka_unit_test(test_the_environment_names_server_and_user),
		cmocka_unit_test(test_a_word_that_is_no_command_is_a_room_to_chat_in),
		cmocka_unit_test(test_a_command_line_that_makes_no_sense_is_refused),
		cmocka_unit_test(test_a_slash_makes_a_command),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
