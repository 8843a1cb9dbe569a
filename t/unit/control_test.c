/* Messages of processes to the master. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "daemon/master_control.h"
#include "shm/child.h"
#include "shm/fdpass.h"

enum { MANY = 100000, A_TURN = 1000 };

static unsigned received;

ssize_t __wrap_fdpass_receive(int sock, void *data, size_t size, int fds[FDPASS_MAX],
			      unsigned *count_r);

/* There is always another one, as good as for ever. */
ssize_t __wrap_fdpass_receive(int sock, void *data, size_t size, int fds[FDPASS_MAX],
			      unsigned *count_r)
{
	const struct control control = {.type = CONTROL_READY};

	(void)sock;
	(void)fds;
	*count_r = 0;
	errno = EAGAIN;
	if (++received > MANY)
		return -1;
	memcpy(data, &control, size < sizeof(control) ? size : sizeof(control));
	return sizeof(control);
}

static void test_a_process_that_never_stops_sending_leaves_time_for_others(void **state)
{
	struct process process = {
		.slot = SLOT_WORKER, .control = 0, .readable = (struct event *)&received};

	(void)state;
	control_read(&process);
	assert_true(process.ready);
	assert_in_range(received, 1, A_TURN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_process_that_never_stops_sending_leaves_time_for_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
