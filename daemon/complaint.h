#ifndef PCHAT_DAEMON_COMPLAINT_H
#define PCHAT_DAEMON_COMPLAINT_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/err.h"

/*
 * A failure that lasts is logged when it begins, when it changes and then once a minute, not each
 * time that something is tried.
 */
struct complaint {
	uint64_t told; /* clock_mono() of the last line; 0: there is no failure */
	struct err what;
};

/* Logs the failure as an error if that is due. */
void complaint_tell(struct complaint *complaint, const struct err *what);

/* It works again. True if there had been a failure. */
bool complaint_end(struct complaint *complaint);

#endif
