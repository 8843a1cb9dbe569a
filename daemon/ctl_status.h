#ifndef PCHAT_DAEMON_CTL_STATUS_H
#define PCHAT_DAEMON_CTL_STATUS_H

#include <jansson.h>

#include "daemon/ctl.h"
#include "daemon/status.h"
#include "shm/cache.h"
#include "shm/journal.h"

/* What the master passed, mapped. Pages that were no pages are NULL. */
struct ctl_view {
	const struct proc_page *page[SLOTS];
	struct cache *cache;	/* NULL: not laid out yet */
	struct journal journal; /* journal.header NULL: there is none yet */
	struct conf *conf;	/* NULL: it could not be read */
};

/* Connects to the master; an exit code. *sock_r is the caller's. */
int ctl_control_open(const struct ctl *ctl, int *sock_r);

/* Gets and maps it all; an exit code, and what went wrong was said. The caller closes, also then. */
int ctl_view_open(const struct ctl *ctl, struct ctl_view *view);
void ctl_view_close(struct ctl_view *view);

/* All of it as one document; *serves_r: whether a worker has listening sockets. NULL: no memory. */
json_t *ctl_status_document(const struct ctl_view *view, uint64_t mono, uint64_t utc,
			    bool *serves_r);

/* The document for a person. 0 or -1. */
int ctl_status_print(json_t *document);

/* The document as metrics; it is changed. 0 or -1. */
int ctl_status_metrics(json_t *document, bool serves);

#endif
