#ifndef PCHAT_WORKER_NET_H
#define PCHAT_WORKER_NET_H

#include <bsd/sys/queue.h>
#include <event2/event.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "conf/err.h"
#include "shm/proc.h"
#include "worker/wheel.h"

struct conn;

enum { NET_IN = 65536, NET_RECORD = 16384 };

/* What all connections of a worker share. */
struct net {
	struct event_base *base; /* borrowed */
	const struct conf *conf; /* borrowed */
	struct proc *proc;	 /* borrowed: counters */
	SSL_CTX *tls;		 /* owned; NULL without a certificate */
	struct wheel wheel;
	LIST_HEAD(, conn) all;
	/* Connections that have something to be done when the turn ends: those that somebody waits
	   for, and those that have a message for very many. */
	TAILQ_HEAD(net_touched, conn) touched, many;
	uint8_t *in;	  /* owned, NET_IN bytes: what was just read */
	uint8_t *record;  /* owned, NET_RECORD bytes: what is about to be written */
	uint64_t tick;	  /* microseconds */
	uint64_t started; /* clock_mono */
	uint32_t now;	  /* ticks since then; moved by net_tick */
	uint64_t logged;  /* clock_mono of the last of the log lines below */
	uint32_t count;	  /* connections */
	uint32_t reads;	  /* in this turn; */
	uint64_t reading; /* clock_mono when they began */
	uint32_t clock;	  /* milliseconds of clock_mono when this turn's writing ended */
	uint64_t delay;	  /* microseconds that output waits until it is written, as of then */
	uint64_t dropped_slow, dropped_protocol, tls_failed; /* since the last log line */
};

int net_init(struct net *net, struct event_base *base, const struct conf *conf, struct proc *proc,
	     struct err *err);
void net_fini(struct net *net);

/* Reads certificate chain and key (PEM) from the start of two descriptors. */
int net_load_tls(struct net *net, int certificate, int key, struct err *err);

/* Closes all connections in order. */
void net_stop(struct net *net);

/* A time of so many microseconds in ticks, rounded up, at least 1. */
uint32_t net_ticks(const struct net *net, uint64_t microseconds);

/* Once a tick: deadlines, and once a second a log line for what happened too often for one each. */
void net_tick(struct net *net);

/*
 * The end of a turn of the loop: connections that were given output get one write of it all each,
 * those first that wait longest, and what died is freed. A message for very many (conn_send_many)
 * does not hold up the others: of four connections one is of its receivers. Ends after about
 * NET_WRITE_US: true if some are left for the next turn. What comes for them until then goes out in
 * the same write.
 *
 * Writing to a thousand connections takes as long as a hundred posts. In short slices it holds
 * nobody's post up, and the more there is to be read the more is gathered in each write: reading
 * may take the larger part of a turn because of that, but never all of it.
 */
enum { NET_WRITE_US = 500, NET_READ_US = 4000, NET_LATE_US = 20000 };
bool net_turn(struct net *net);

/* A connection is about to be read: ends this turn's reading when it has lasted NET_READ_US. */
void net_read(struct net *net);

#endif
