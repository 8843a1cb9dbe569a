#ifndef PCHAT_DAEMON_MASTER_ACCOUNT_H
#define PCHAT_DAEMON_MASTER_ACCOUNT_H

#include <stdbool.h>
#include <sys/types.h>

#include "conf/err.h"

/*
 * The user as whom a process runs. It is looked up once, before anything is forked: a directory
 * service that hangs later cannot keep a process from being restarted.
 */
enum { ACCOUNT_GROUPS = 64 };

struct account {
	bool change; /* false: stay who we are */
	uid_t uid;
	gid_t gid;
	int count;
	gid_t groups[ACCOUNT_GROUPS];
};

/* An empty name, or a master that is not root, makes an account that changes nothing. */
int account_find(struct account *account_r, const char *name, struct err *err);

/* Becomes that user for good, with its groups and no others. For the child, before it executes. */
int account_take(const struct account *account, struct err *err);

#endif
