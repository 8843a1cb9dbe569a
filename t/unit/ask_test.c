#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/code.h"
#include "shm/ask.h"

struct ends {
	int ask, answer;
};

static int setup(void **state)
{
	struct ends *ends = calloc(1, sizeof(*ends));
	int pair[2];

	if (!ends || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return -1;
	ends->ask = pair[0];
	ends->answer = pair[1];
	*state = ends;
	return 0;
}

static int teardown(void **state)
{
	struct ends *ends = *state;

	close(ends->ask);
	close(ends->answer);
	free(ends);
	return 0;
}

static const struct ask QUESTION = {
	.kind = ASK_HISTORY, .slot = 9, .generation = 77, .tag = 4711, .session = 5};

static void test_question_arrives_whole(void **state)
{
	const struct ends *ends = *state;
	struct ask got;
	char body[64];
	int fd;

	assert_int_equal(ask_send(ends->ask, &QUESTION, "sip:", 4, "alice", 5, -1), 0);
	assert_int_equal(ask_receive(ends->answer, &got, body, sizeof(body), &fd), 1);
	assert_int_equal(fd, -1);
	assert_int_equal(got.size, 9);
	assert_memory_equal(body, "sip:alice", 9);
	assert_int_equal(got.tag, 4711);
	assert_true(got.asked > 0 && got.asked <= clock_mono());
	assert_int_equal(ask_receive(ends->answer, &got, body, sizeof(body), &fd), 0);
}

static void test_descriptor_travels_beside(void **state)
{
	const struct ends *ends = *state;
	struct ask got;
	int pipes[2], fd;
	char c = 0;

	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(ask_send(ends->ask, &QUESTION, NULL, 0, NULL, 0, pipes[0]), 0);
	assert_int_equal(ask_receive(ends->answer, &got, NULL, 0, &fd), 1);
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(pipes[1], "x", 1), 1);
	assert_int_equal(read(fd, &c, 1), 1);
	assert_int_equal(c, 'x');
	close(fd);
	close(pipes[0]);
	close(pipes[1]);
}

static void test_full_socket_is_busy(void **state)
{
	const struct ends *ends = *state;
	static const char body[ASK_BODY_MAX];
	int code = 0;

	for (int i = 0; i < 10000 && code == 0; i++)
		code = ask_send(ends->ask, &QUESTION, body, sizeof(body), NULL, 0, -1);
	assert_int_equal(code, CODE_BUSY);
	assert_int_equal(ask_send(ends->ask, &QUESTION, body, sizeof(body), body, 1, -1),
			 CODE_TOO_LARGE);
}

static void test_question_without_anybody_is_unavailable(void **state)
{
	struct ends *ends = *state;

	close(ends->answer);
	ends->answer = dup(ends->ask);
	assert_int_equal(ask_send(ends->ask, &QUESTION, "x", 1, NULL, 0, -1), CODE_UNAVAILABLE);
}

static void test_malformed_is_dropped(void **state)
{
	const struct ends *ends = *state;
	struct ask wrong = {.size = 100}, got;
	struct ask no_file = {.size = 70000, .flags = ASK_FILE};
	char body[8];
	int fd;

	assert_int_equal(send(ends->ask, "short", 5, 0), 5);
	assert_int_equal(send(ends->ask, &wrong, sizeof(wrong), 0), sizeof(wrong));
	assert_int_equal(send(ends->ask, &no_file, sizeof(no_file), 0), sizeof(no_file));
	assert_int_equal(ask_send(ends->ask, &QUESTION, "0123456789", 10, NULL, 0, -1), 0);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(ask_receive(ends->answer, &got, body, sizeof(body), &fd), -1);
		assert_int_equal(fd, -1);
	}
	assert_int_equal(ask_receive(ends->answer, &got, body, sizeof(body), &fd), 0);
}

static void test_answer_names_its_question(void **state)
{
	const struct ends *ends = *state;
	struct ask got;
	struct err err;
	char body[64];
	int fd;

	assert_int_equal(ask_reply(ends->answer, &QUESTION, CODE_OK, ASK_MORE, "[]", 2, &err), 0);
	assert_int_equal(ask_receive(ends->ask, &got, body, sizeof(body), &fd), 1);
	assert_int_equal(got.tag, QUESTION.tag);
	assert_int_equal(got.generation, QUESTION.generation);
	assert_int_equal(got.flags, ASK_MORE);
	assert_memory_equal(body, "[]", 2);
}

static void test_large_answer_travels_as_sealed_file(void **state)
{
	const struct ends *ends = *state;
	const uint32_t size = ASK_INLINE_MAX + 12345;
	char *body = malloc(size);
	const void *map;
	struct ask got;
	struct err err;
	int fd;

	memset(body, 'a', size);
	assert_int_equal(ask_reply(ends->answer, &QUESTION, CODE_OK, 0, body, size, &err), 0);
	assert_int_equal(ask_receive(ends->ask, &got, NULL, 0, &fd), 1);
	assert_int_equal(got.flags, ASK_FILE);
	assert_int_equal(got.size, size);
	assert_int_equal(ftruncate(fd, 0), -1);
	map = ask_map(fd, got.size, &err);
	assert_non_null(map);
	assert_memory_equal(map, body, size);
	ask_unmap(map, got.size);
	assert_null(ask_map(fd, size + 1, &err));
	close(fd);
	free(body);
}

static void test_unsealed_file_is_refused(void **state)
{
	const int fd = memfd_create("loose", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct err err;

	(void)state;
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_null(ask_map(fd, 4096, &err));
	close(fd);
}

static void test_answer_is_dropped_when_nobody_takes_it(void **state)
{
	const struct ends *ends = *state;
	static const char body[ASK_INLINE_MAX];
	struct err err;
	int result = 0;

	for (int i = 0; i < 1000 && result == 0; i++)
		result = ask_reply(ends->answer, &QUESTION, CODE_OK, 0, body, sizeof(body), &err);
	assert_int_equal(result, -1);
	assert_non_null(strstr(err.text, "slot 9"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_question_arrives_whole),
		TEST(test_descriptor_travels_beside),
		TEST(test_full_socket_is_busy),
		TEST(test_question_without_anybody_is_unavailable),
		TEST(test_malformed_is_dropped),
		TEST(test_answer_names_its_question),
		TEST(test_large_answer_travels_as_sealed_file),
		TEST(test_unsealed_file_is_refused),
		TEST(test_answer_is_dropped_when_nobody_takes_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
