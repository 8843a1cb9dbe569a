#ifndef PCHAT_DAEMON_MASTER_CONTROL_H
#define PCHAT_DAEMON_MASTER_CONTROL_H

#include "daemon/master.h"
#include "shm/child.h"

/* The control sockets: what the master and a process say to each other (shm/child.h). */

/* Begins to listen to process->control. */
void control_open(struct process *process);

/* Reads what has come. */
void control_read(struct process *process);

/* Sends a message with descriptors beside it. -1 where it could not be sent; that was logged. */
int control_send(const struct process *process, const struct control *control, const int *fds,
		 unsigned count);

void control_close(struct process *process);

#endif
