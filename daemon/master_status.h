#ifndef PCHAT_DAEMON_MASTER_STATUS_H
#define PCHAT_DAEMON_MASTER_STATUS_H

#include "conf/err.h"

struct event_base;
struct conf;
struct process;
struct supply;

/*
 * Answers on run_directory/control.sock what daemon/status.h describes: to root, to our own user
 * and to admin.users, whose ids are looked up once. Few at a time and not for long, so that
 * strangers cannot tie up the master.
 */
struct status;

/* sock: the listening socket. adapter: pchat-adapter, which is told what to run. All is borrowed and outlives the struct. NULL and err on failure. */
struct status *status_new(struct event_base *base, int sock, const struct conf *conf,
			  const struct supply *supply, const struct process *adapter,
			  struct err *err);
void status_free(struct status **status);

#endif
