#ifndef PCHAT_DAEMON_CTL_LINK_H
#define PCHAT_DAEMON_CTL_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/ctl.h"

/* A connection to the server: by admin.sock on this host, or with a certificate to the
 * administration port of another. Functions return exit codes and have said what is wrong. */
struct ctl_link;

/* EX_OK: the caller frees *link_r. */
int ctl_link_open(const struct ctl *ctl, struct ctl_link **link_r);
void ctl_link_free(struct ctl_link **link);

/* Sends all of it. until: clock_mono(). */
int ctl_link_write(const struct ctl *ctl, struct ctl_link *link, const void *data, size_t size,
		   uint64_t until);

/* Waits for some bytes; *count_r is how many came. */
int ctl_link_read(const struct ctl *ctl, struct ctl_link *link, void *data, size_t size,
		  uint64_t until, size_t *count_r);

#endif
