#ifndef PCHAT_SHM_CHILD_H
#define PCHAT_SHM_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "conf/err.h"
#include "shm/proc.h"

/*
 * What every program under the master shares: how it is started, and how it talks to the master.
 *
 * The master starts a child as "pchat-ROLE -s SLOT -g GENERATION" with these descriptors. Which of
 * them a role has is its privilege; all others are closed.
 *
 *   role        journal cache  mail                ask
 *   sequencer   rw      rw     all, both sides     -
 *   worker      ro      ro     its own             asks readers, pchat-auth and pchat-file, ANSWERS
 *   reader      -       -      its own             FD_QUESTIONS, REPLY to every worker
 *   auth        ro      ro     its own             FD_AUTH, REPLY to every worker
 *   file        ro      ro     its own             FD_FILE, REPLY to every worker
 *   store       ro      -      its own             -
 *   compliance  ro      ro     -                   -
 *   adapter     -       -      -                   -
 *   admin       -       -      -                   -; FD_LISTEN, and what TLS needs
 */
enum child_fd {
	FD_CONTROL = 3, /* SOCK_SEQPACKET to the master: struct control */
	FD_PAGE_OWN = 4,
	FD_CONF = 5, /* conf_snapshot */
	FD_JOURNAL = 6,
	FD_CACHE = 7,
	FD_QUESTIONS = 8, /* SOCK_SEQPACKET, shared: workers send, readers take */
	FD_AUTH = 9,	  /* the same for pchat-auth */
	FD_ANSWERS = 10,  /* SOCK_SEQPACKET: a worker's answers arrive here */
	FD_CERTIFICATE = 11, /* workers and pchat-admin, PEM, opened anew for each */
	FD_KEY = 12, /* for compliance: of the checkpoints */
	FD_TOKEN_KEY = 13, /* pchat-auth: 32 secret bytes */
	FD_FILE = 14, /* SOCK_SEQPACKET, shared: workers send, pchat-file takes */
	FD_LISTEN = 20,	   /* + number: pchat-admin: the sockets of admin.listen */
	FD_CA = 28,	   /* pchat-admin, PEM: whom it trusts, and */
	FD_CRL = 29,	   /* whom not any more; not there: without admin.crl */
	FD_PAGE = 32,	   /* + slot: every slot's page, read-only */
	FD_EVENT = 64,	   /* + slot: eventfds: all for the sequencer, else own and sequencer's */
	/* All senders' slots have one, and command rings of workers.mailbox bytes. */
	FD_MAIL = 96,	   /* + slot: struct mailbox_sender; writable for the sender only */
	FD_MAIL_BACK = 128, /* + slot: struct mailbox_sequencer; writable for the sequencer only */
	FD_REPLY = 160,	    /* + slot: where a worker's answers are sent */
	FD_END = 192,
};

enum control_type {
	CONTROL_READY = 1,    /* child: I can serve. Within start_timeout, or I am killed */
	CONTROL_LISTEN = 2,   /* master to worker: serve place arg; descriptors beside it are
				 listening sockets, number i of kind kinds[i] */
	CONTROL_STOP = 3,     /* master: end in order, within arg milliseconds, or be killed; until
				 then the heartbeat goes on */
	CONTROL_DRAIN = 6,    /* master to worker: accept nothing any more, get rid of the connections
				 within arg milliseconds, and end; PROC_DRAINING once the sockets are
				 closed */
	CONTROL_RUN = 5,      /* master to pchat-adapter: the adapter whose name is in kinds ("": all)
				 runs now */
	CONTROL_RELOAD = 4,   /* master: a new FD_CONF beside it; child_control deals with it */
};

enum listen_kind { LISTEN_JSON_TLS = 1, LISTEN_JSON_PLAIN = 2, LISTEN_ADMIN = 3 };

struct control {
	uint32_t type;
	uint32_t arg;
	uint8_t kinds[32];
};

struct child {
	unsigned slot;
	uint32_t generation;
	struct conf *conf; /* owned */
	struct proc proc;
};

/*
 * The first thing in every child's main: reads -s and -g, loads FD_CONF, opens the log, maps the
 * process table, forbids core dumps and tracing by others (not with sanitizers), ignores SIGPIPE,
 * blocks nothing, sets the process title. Failures are logged; the caller then exits with
 * EX_CONFIG, EX_OSERR or EX_USAGE as returned (0: go on). Other options are passed over: a role
 * that has one (-r of the sequencer) calls getopt once more with "s:g:" before its own.
 */
int child_start(struct child *child, int argc, char **argv);

/* Tells the master that this process can serve, and sets the state. */
int child_ready(struct child *child, enum proc_state state, struct err *err);

/*
 * Takes the next message from the master without waiting. 1: *control_r (and fds, count) are
 * filled; 0: none; -1: the master is gone (the child ends in order, as after CONTROL_STOP).
 * fds has room for FDPASS_MAX descriptors, which are then the caller's; it may be NULL where a role
 * expects none. CONTROL_RELOAD never comes out: the log level is taken over inside. After
 * CONTROL_STOP and after -1 the state is PROC_STOPPING.
 */
int child_control(struct child *child, struct control *control_r, int *fds, unsigned *count_r);

#endif
