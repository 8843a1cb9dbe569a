#ifndef PCHAT_DAEMON_ADAPTER_RUN_H
#define PCHAT_DAEMON_ADAPTER_RUN_H

#include <stdbool.h>
#include <sys/types.h>

#include "conf/conf.h"
#include "daemon/adapter_writer.h"

/* A writer (adapter_writer.h) under way, seen by pchat-adapter. */
struct adapter_run {
	pid_t pid;	   /* 0: none is under way */
	int pidfd;	   /* owned; readable when it has ended */
	int result;	   /* owned; what it says at its end */
	uint64_t deadline; /* clock_mono() */
	bool killed;	   /* it was too late */
};

/* conf: a descriptor of conf_snapshot_adapters. batch: of adapter_pack_end. Both stay the caller's.
 */
int adapter_run_start(struct adapter_run *run, const struct conf_adapter *adapter, int conf,
		      int batch, uint64_t now, struct err *err);

/*
 * Whether it has ended; then what it did is in *result_r and no process of it is left. One that is
 * too late is killed, and ends as soon as the kernel lets it.
 */
bool adapter_run_ended(struct adapter_run *run, const struct conf_adapter *adapter, uint64_t now,
		       struct writer_result *result_r);

/* With all that it started. It ends as after its time limit. */
void adapter_run_kill(struct adapter_run *run);

#endif
