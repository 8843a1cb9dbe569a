#ifndef PCHAT_DAEMON_CTL_LAG_H
#define PCHAT_DAEMON_CTL_LAG_H

#include "daemon/ctl_status.h"

/* What of the journal a reader has not taken yet. */
struct ctl_lag {
	uint64_t events;
	uint64_t oldest; /* time of the first of them, UTC us; 0: there is none */
};

/* Counts from one LSN to another. False: the journal cannot be read there any more. */
bool ctl_lag(const struct ctl_view *view, uint64_t from, uint64_t to, struct ctl_lag *lag_r);

#endif
