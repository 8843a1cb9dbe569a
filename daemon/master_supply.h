#ifndef PCHAT_DAEMON_MASTER_SUPPLY_H
#define PCHAT_DAEMON_MASTER_SUPPLY_H

#include "conf/conf.h"
#include "conf/err.h"
#include "daemon/master_account.h"
#include "shm/layout.h"

/*
 * The descriptors that the master makes once, before any process, and hands out at every start.
 * So a process that is replaced finds what its predecessor left: commands, answers, counters, the
 * cache. All are owned, close-on-exec, and -1 where the configuration has no process for them.
 */
struct twin { /* two descriptors of one file: who may write, who may not */
	int rw, ro;
};

struct channel { /* the two ends of a pair of SOCK_SEQPACKET sockets */
	int ask, take;
};

struct supply {
	struct twin page[SLOTS];
	struct twin mail[SLOTS]; /* struct mailbox_sender */
	struct twin back[SLOTS]; /* struct mailbox_sequencer */
	struct twin cache, journal;
	int event[SLOTS];
	struct channel questions, auth, file;
	struct channel answers[SLOTS]; /* workers': take is the worker's end */
};

/* journal_wait: see storage_journal. On failure what was made remains for supply_fini. */
int supply_init(struct supply *supply, const struct conf *conf, uint64_t journal_wait,
		struct err *err);
void supply_fini(struct supply *supply);

#endif
