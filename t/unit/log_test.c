#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "conf/log.h"

enum { PACKET_MAX = 8192 };

/*
 * While a test logs, stderr is a socket that keeps the bounds of writes: what comes out of it at
 * once was written at once.
 */
struct capture {
	int saved, out;
};

static struct capture capture_begin(void)
{
	struct capture capture;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	capture.saved = dup(STDERR_FILENO);
	capture.out = pair[0];
	assert_int_equal(dup2(pair[1], STDERR_FILENO), STDERR_FILENO);
	close(pair[1]);
	return capture;
}

static void capture_end(struct capture *capture)
{
	dup2(capture->saved, STDERR_FILENO);
	close(capture->saved);
}

/* The next write, terminated; "" if there was none. */
static const char *capture_next(const struct capture *capture, char text[PACKET_MAX])
{
	ssize_t n = recv(capture->out, text, PACKET_MAX - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void open_stderr(int level)
{
	log_open("pchat-worker[8]", &(struct conf_log){ .syslog = false, .level = level });
}

static void test_a_line_has_time_level_and_role_and_is_one_write(void **state)
{
	struct capture capture;
	char text[PACKET_MAX];

	(void)state;
	open_stderr(LOG_INFO);
	capture = capture_begin();
	log_warning("could not %s: %d", "bind", 7);
	capture_end(&capture);
	capture_next(&capture, text);
	assert_string_equal(text + strlen("2026-11-21T09:30:00.123456Z"),
			    " warning pchat-worker[8]: could not bind: 7\n");
	assert_string_equal(capture_next(&capture, text), "");
	close(capture.out);
}

static void test_lines_below_the_level_are_left_out(void **state)
{
	struct capture capture;
	char text[PACKET_MAX];

	(void)state;
	open_stderr(LOG_NOTICE);
	capture = capture_begin();
	log_info("no");
	log_notice("yes");
	log_level(LOG_DEBUG);
	log_debug("now");
	capture_end(&capture);
	assert_non_null(strstr(capture_next(&capture, text), "yes"));
	assert_non_null(strstr(capture_next(&capture, text), "debug pchat-worker[8]: now"));
	assert_string_equal(capture_next(&capture, text), "");
	close(capture.out);
}

static void test_a_line_stays_one_line(void **state)
{
	struct capture capture;
	char text[PACKET_MAX];

	(void)state;
	open_stderr(LOG_INFO);
	capture = capture_begin();
	log_info("a\nb\033[1m\x7f \xff \xc2\x9b caf\xc3\xa9 \"\\");
	capture_end(&capture);
	assert_non_null(strstr(capture_next(&capture, text),
			       ": a\\x0ab\\x1b[1m\\x7f \\xff \\xc2\\x9b caf\xc3\xa9 \"\\\n"));
	close(capture.out);
}

static void test_a_long_line_is_cut(void **state)
{
	struct capture capture;
	char text[PACKET_MAX], longer[5000];
	size_t length;

	(void)state;
	memset(longer, '\n', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	open_stderr(LOG_INFO);
	capture = capture_begin();
	log_info("%s", longer);
	memset(longer, 'x', sizeof(longer) - 1);
	log_info("%s", longer);
	capture_end(&capture);
	for (int i = 0; i < 2; i++) {
		length = strlen(capture_next(&capture, text));
		assert_in_range(length, 2000, 2200);
		assert_string_equal(text + length - 4, "...\n");
	}
	close(capture.out);
}

static void test_logging_keeps_errno(void **state)
{
	struct capture capture = capture_begin();

	(void)state;
	close(capture.out);
	open_stderr(LOG_INFO);
	errno = EXDEV;
	log_info("to nobody");
	capture_end(&capture);
	assert_int_equal(errno, EXDEV);
}

static void test_lines_that_could_not_be_written_are_counted(void **state)
{
	struct capture capture = capture_begin();
	char text[PACKET_MAX];

	(void)state;
	close(capture.out);
	open_stderr(LOG_INFO);
	log_info("to nobody");
	capture_end(&capture);
	capture = capture_begin();
	log_info("to somebody");
	capture_end(&capture);
	assert_non_null(strstr(capture_next(&capture, text), " lines of the log could not be written\n"));
	assert_non_null(strstr(capture_next(&capture, text), ": to somebody\n"));
	close(capture.out);
}

static void expect_quoted(const char *text, size_t length, const char *quoted)
{
	char out[LOG_QUOTED];

	assert_string_equal(log_quote(text, length, out), quoted);
}
#define EXPECT_QUOTED(text, quoted) expect_quoted(text, sizeof(text) - 1, quoted)

static void test_foreign_text_is_quoted_and_escaped(void **state)
{
	(void)state;
	EXPECT_QUOTED("", "\"\"");
	EXPECT_QUOTED("alice", "\"alice\"");
	EXPECT_QUOTED("a\"b\\c", "\"a\\\"b\\\\c\"");
	EXPECT_QUOTED("a\0b\r\n", "\"a\\x00b\\x0d\\x0a\"");
	EXPECT_QUOTED("\xe2\x82\xac \xf0\x9f\x98\x80", "\"\xe2\x82\xac \xf0\x9f\x98\x80\"");
}

static void test_what_is_not_utf8_is_escaped(void **state)
{
	(void)state;
	EXPECT_QUOTED("\xc0\xaf", "\"\\xc0\\xaf\"");		     /* overlong */
	EXPECT_QUOTED("\xe0\x9f\xbf", "\"\\xe0\\x9f\\xbf\"");	     /* overlong */
	EXPECT_QUOTED("\xed\xa0\x80", "\"\\xed\\xa0\\x80\"");	     /* surrogate */
	EXPECT_QUOTED("\xf4\x90\x80\x80", "\"\\xf4\\x90\\x80\\x80\""); /* above U+10FFFF */
	EXPECT_QUOTED("\xf0\x8f\xbf\xbf", "\"\\xf0\\x8f\\xbf\\xbf\""); /* overlong */
	EXPECT_QUOTED("\xe2\x82", "\"\\xe2\\x82\"");		     /* cut off */
	EXPECT_QUOTED("\xc3", "\"\\xc3\"");
	EXPECT_QUOTED("\x80", "\"\\x80\"");
}

static void test_a_long_quotation_is_cut_between_characters(void **state)
{
	char text[400], out[LOG_QUOTED];
	size_t length;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	length = strlen(log_quote(text, sizeof(text), out));
	assert_in_range(length, LOG_QUOTED - 8, LOG_QUOTED - 1);
	assert_string_equal(out + length - 6, "\xc3\xa9...\"");
}

static void test_lines_that_others_cause_are_bounded_and_the_rest_is_counted(void **state)
{
	struct log_limit limit = {0};
	struct capture capture;
	char text[PACKET_MAX];
	unsigned written = 0;

	(void)state;
	open_stderr(LOG_INFO);
	capture = capture_begin();
	for (unsigned i = 0; i < LOG_LIMIT + 7; i++)
		written += log_within(&limit, "doors were knocked at");
	assert_int_equal(written, LOG_LIMIT);
	limit.since -= 1000000; /* a second later */
	assert_true(log_within(&limit, "doors were knocked at"));
	limit.since -= 1000000;
	assert_true(log_within(&limit, "doors were knocked at"));
	capture_end(&capture);
	assert_non_null(strstr(capture_next(&capture, text),
			       " notice pchat-worker[8]: 7 more doors were knocked at\n"));
	assert_string_equal(capture_next(&capture, text), "");
	close(capture.out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_line_has_time_level_and_role_and_is_one_write),
		cmocka_unit_test(test_lines_below_the_level_are_left_out),
		cmocka_unit_test(test_a_line_stays_one_line),
		cmocka_unit_test(test_a_long_line_is_cut),
		cmocka_unit_test(test_logging_keeps_errno),
		cmocka_unit_test(test_lines_that_could_not_be_written_are_counted),
		cmocka_unit_test(test_foreign_text_is_quoted_and_escaped),
		cmocka_unit_test(test_what_is_not_utf8_is_escaped),
		cmocka_unit_test(test_a_long_quotation_is_cut_between_characters),
		cmocka_unit_test(test_lines_that_others_cause_are_bounded_and_the_rest_is_counted),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
