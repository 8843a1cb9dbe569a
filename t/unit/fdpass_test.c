/* Descriptors beside a message: they arrive, or nothing of them stays open. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/fdpass.h"

static unsigned open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void pair_new(int type, int pair[2])
{
	assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair), 0);
}

static void pair_close(const int pair[2])
{
	close(pair[0]);
	close(pair[1]);
}

static void descriptors_arrive_beside_their_message(void **state)
{
	int pair[2], pipes[2], fds[FDPASS_MAX];
	char text[16] = "";
	unsigned count;

	(void)state;
	pair_new(SOCK_SEQPACKET, pair);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(fdpass_send(pair[0], "hello", 6, pipes, 2), 6);
	assert_int_equal(fdpass_send(pair[0], "bare", 5, NULL, 0), 5);
	assert_int_equal(fdpass_receive(pair[1], text, sizeof(text), fds, &count), 6);
	assert_string_equal(text, "hello");
	assert_int_equal(count, 2);
	assert_int_equal(fcntl(fds[0], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(read(fds[0], text, 1), 1);
	pair_close(fds);
	assert_int_equal(fdpass_receive(pair[1], text, sizeof(text), fds, &count), 5);
	assert_int_equal(count, 0);
	pair_close(pipes);
	pair_close(pair);
}

static void as_many_as_there_may_be_arrive_and_one_more_is_not_sent(void **state)
{
	int pair[2], fds[FDPASS_MAX + 1], got[FDPASS_MAX];
	unsigned before = open_descriptors(), count;
	char byte;

	(void)state;
	pair_new(SOCK_STREAM, pair);
	for (unsigned i = 0; i <= FDPASS_MAX; i++)
		fds[i] = pair[0];
	assert_int_equal(fdpass_send(pair[0], "x", 1, fds, FDPASS_MAX + 1), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(fdpass_send(pair[0], "x", 1, fds, FDPASS_MAX), 1);
	assert_int_equal(fdpass_receive(pair[1], &byte, 1, got, &count), 1);
	assert_int_equal(count, FDPASS_MAX);
	for (unsigned i = 0; i < count; i++)
		close(got[i]);
	pair_close(pair);
	assert_int_equal(open_descriptors(), before);
}

static void a_message_that_is_cut_off_is_refused_and_its_descriptors_closed(void **state)
{
	int pair[2], fds[FDPASS_MAX];
	unsigned before = open_descriptors(), count;
	char text[4];

	(void)state;
	pair_new(SOCK_SEQPACKET, pair);
	assert_int_equal(fdpass_send(pair[0], "too long", 9, pair, 2), 9);
	assert_int_equal(fdpass_receive(pair[1], text, sizeof(text), fds, &count), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(count, 0);
	pair_close(pair);
	assert_int_equal(open_descriptors(), before);
}

/* The kernel takes up to 253 descriptors in a message, so a peer may send more than we take. */
static void more_descriptors_than_fit_are_refused_and_closed(void **state)
{
	enum { MANY = 100 };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(MANY * sizeof(int))];
	} control = {0};
	char byte = 'x';
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.bytes,
			     .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
	int pair[2], fds[FDPASS_MAX];
	unsigned before = open_descriptors(), count;

	(void)state;
	pair_new(SOCK_SEQPACKET, pair);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(MANY * sizeof(int));
	for (unsigned i = 0; i < MANY; i++)
		memcpy(CMSG_DATA(head) + i * sizeof(int), &pair[0], sizeof(int));
	assert_int_equal(sendmsg(pair[0], &msg, 0), 1);
	assert_int_equal(fdpass_receive(pair[1], &byte, 1, fds, &count), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(count, 0);
	pair_close(pair);
	assert_int_equal(open_descriptors(), before);
}

static void a_peer_that_is_gone_is_an_end_or_an_error_but_no_signal(void **state)
{
	int pair[2], fds[FDPASS_MAX];
	unsigned count = 9;
	char byte;

	(void)state;
	pair_new(SOCK_SEQPACKET, pair);
	close(pair[0]);
	assert_int_equal(fdpass_receive(pair[1], &byte, 1, fds, &count), 0);
	assert_int_equal(count, 0);
	assert_int_equal(fdpass_send(pair[1], "x", 1, NULL, 0), -1);
	assert_int_equal(errno, EPIPE);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors_arrive_beside_their_message),
		cmocka_unit_test(as_many_as_there_may_be_arrive_and_one_more_is_not_sent),
		cmocka_unit_test(a_message_that_is_cut_off_is_refused_and_its_descriptors_closed),
		cmocka_unit_test(more_descriptors_than_fit_are_refused_and_closed),
		cmocka_unit_test(a_peer_that_is_gone_is_an_end_or_an_error_but_no_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
