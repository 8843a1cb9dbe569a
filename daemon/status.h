#ifndef PCHAT_DAEMON_STATUS_H
#define PCHAT_DAEMON_STATUS_H

#include <assert.h>
#include <stdint.h>

#include "conf/conf.h"
#include "shm/layout.h"

/*
 * What pchatctl asks the master on run_directory/control.sock, a SOCK_SEQPACKET socket: one
 * request and one reply (shm/fdpass.h), then the master closes. Whoever may not ask gets nothing
 * but the end. Because the master answers and everything behind the descriptors is read-only,
 * this works while any other process hangs.
 */
#define STATUS_REQUEST "status 1" /* 8 bytes, without the terminator */
#define STATUS_REPLY "pages 1"	  /* 8 bytes with the terminator */

struct status_reply {
	char word[8];	/* STATUS_REPLY */
	uint32_t count; /* of the descriptors beside it: STATUS_DESCRIPTORS */
};
static_assert(sizeof(struct status_reply) == 12, "status reply");

/*
 * The same socket takes a request to run adapters at once. The reply is struct status_reply with
 * STATUS_RUN as its word; count is 1, or 0 where there is no pchat-adapter to be told.
 */
#define STATUS_RUN "run 1\0\0" /* 8 bytes with the terminator */

struct status_run {
	char word[8];			  /* STATUS_RUN */
	char adapter[CONF_ADAPTER_NAME]; /* terminated; "": all */
};
static_assert(sizeof(struct status_run) == 40, "request to run adapters");

/* The descriptors, in this order; all but the configuration are the master's own, read-only. */
enum status_descriptor {
	STATUS_PAGE = 0, /* + slot: struct proc_page of every slot */
	STATUS_CACHE = SLOTS,
	STATUS_JOURNAL,
	STATUS_CONF, /* conf_snapshot without secrets */
	STATUS_DESCRIPTORS,
};

#endif
