#ifndef PCHAT_SHM_SCHEDULE_H
#define PCHAT_SHM_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * How soon a process gets a processor that others want, too. Where the kernel does not know of it, or
 * forbids it, nothing changes.
 */

/* This process works in bursts this short, and may interrupt those whose bursts are longer. */
void schedule_short(unsigned microseconds);

/* This process has time: it interrupts nobody. */
void schedule_batch(void);

/*
 * Everybody waits for this process, which needs little: less nice by 10 than it was started, it need
 * not wait because it just had a turn. (A disk wakes it three times for each sync. By 5 it waited for
 * more than 1.6 ms after each hundredth wake-up, by 10 for half of that, by 19 no less.) To be called
 * before it gives up being dumpable, and allowed by the master: schedule_allow(-SCHEDULE_FIRST).
 */
enum { SCHEDULE_FIRST = 10 };
void schedule_first(void);

/* In the child, before it gives up its privileges: it may become as nice as this plus what it is. */
void schedule_allow(int more);

/*
 * Who drains the journal leaves the processor to those for whom users wait, as far as the ring has
 * room: with nothing to do it is nicer by 10 than it was started (a tenth of what another gets), which
 * falls to 0 as the lag grows to an eighth of the ring. Somewhere between it gets what it needs, and
 * where the ring could become full it is as the others.
 *
 * Each process under the master is a session of its own, and the kernel may divide a processor between
 * sessions first (autogroups): there the niceness of a session counts, which its processes may change
 * as they like, but not below 0. Elsewhere it is the process's, and to take that back needs
 * RLIMIT_NICE, which the master grants (schedule_allow); who could not come back does not yield.
 */
struct yielding {
	int base;	  /* niceness at the start */
	int more;	  /* by which the process is nicer now, */
	int session_more; /* and its session */
	bool allowed;
	uint64_t paused; /* clock_mono: the last pause */
	int session; /* owned: the file with the session's niceness, or -1 */
};

/* Before the process gives up being dumpable: after that it may not open the file. */
void yielding_init(struct yielding *yielding);
void yielding_fini(struct yielding *yielding);

/* The lag and the size of the ring in bytes. */
void yielding_set(struct yielding *yielding, uint64_t lag, uint64_t size);

/* Somebody waits for this process. */
void yielding_end(struct yielding *yielding);

/*
 * Between two pieces of work: whoever wants the processor gets it now. A process that is never done
 * has it until the next tick of the kernel's clock, 4 ms at 250 Hz, however nice it is, and a message
 * waits as long. Nothing where the process does not yield.
 */
void yielding_pause(struct yielding *yielding);

#endif
