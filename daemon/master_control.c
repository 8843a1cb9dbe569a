#include "daemon/master_control.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <unistd.h>

#include "conf/bug.h"
#include "conf/clock.h"
#include "conf/log.h"
#include "shm/fdpass.h"

enum { MESSAGES_A_TURN = 64 };

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	control_read(arg);
}

void control_open(struct process *process)
{
	process->readable = event_new(process->master->base, process->control,
				      EV_READ | EV_PERSIST, on_readable, process);
	bug_on(process->readable == NULL || event_add(process->readable, NULL) == -1);
}

static void became_ready(struct process *process)
{
	if (process->ready)
		return;
	process->ready = process->ever_ready = true;
	process->failures = 0;
	process->ready_since = clock_mono();
	if (process->slot == SLOT_SEQUENCER)
		process->master->recover = false;
	log_info("pchat-%s[%u] is ready", proc_role(process->slot), process->slot);
}

/* Whatever else a process sends is not for us: it is read and forgotten. */
static ssize_t receive(struct process *process)
{
	int fds[FDPASS_MAX];
	struct control control;
	unsigned count = 0;
	ssize_t size;

	size = fdpass_receive(process->control, &control, sizeof(control), fds, &count);
	for (unsigned i = 0; size > 0 && i < count; i++)
		close(fds[i]);
	if (size == (ssize_t)sizeof(control) && control.type == CONTROL_READY)
		became_ready(process);
	return size;
}

void control_read(struct process *process)
{
	ssize_t size = 1;

	if (process->control == -1 || process->readable == NULL)
		return;
	/* One that never stops sending must not keep us from the others. */
	for (unsigned i = 0; size > 0 && i < MESSAGES_A_TURN; i++)
		size = receive(process);
	if (size > 0)
		return;
	/* The other end is closed: SIGCHLD follows, or the heartbeat stops. */
	if (size == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EMSGSIZE))
		event_del(process->readable);
}

int control_send(const struct process *process, const struct control *control, const int *fds,
		 unsigned count)
{
	if (process->control != -1 &&
	    fdpass_send(process->control, control, sizeof(*control), fds, count) != -1)
		return 0;
	log_warning("could not send a message to pchat-%s[%u]: %s", proc_role(process->slot),
		    process->slot, strerror(errno));
	return -1;
}

void control_close(struct process *process)
{
	if (process->readable != NULL)
		event_free(process->readable);
	process->readable = NULL;
	if (process->control != -1)
		close(process->control);
	process->control = -1;
}
