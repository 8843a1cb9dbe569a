#ifndef PCHAT_DAEMON_OVERLOAD_H
#define PCHAT_DAEMON_OVERLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/proc.h"

/*
 * More can be accepted than handed out: the sequencer takes tens of thousands of posts a second,
 * and a thousand receivers take some hundreds of them; the journal would hold minutes of the rest.
 * So it counts the deliveries that accepted posts will make, sees by the workers' cursors which of
 * them are still to come, and knows from the workers how long one takes them. While that is longer
 * than the limit new posts are refused, and what was accepted comes in time.
 */
enum { OVERLOAD_MARKS = 128 };

struct overload {
	bool on;	   /* refuse posts */
	uint64_t refused;  /* posts, counted by overload_refuse */
	uint64_t said;	   /* clock_mono of the last log line; 0: none since it was over */
	uint64_t known;	   /* of refused, those that were logged */
	uint64_t accepted; /* deliveries, of all posts so far */
	uint64_t passed;   /* of them, those that all workers have handed out */
	uint64_t limit;	   /* microseconds */
	uint64_t delay;	   /* the same, as last looked at */

	/* Below lsn are all posts that make up accepted; oldest first. */
	struct overload_mark {
		uint64_t lsn, accepted, time;
	} mark[OVERLOAD_MARKS];
	unsigned first, count;
};

/* A post was accepted that has so many receivers. */
void overload_accept(struct overload *overload, uint32_t receivers);

/* Whether a post is to be refused, which is counted. */
bool overload_refuse(struct overload *overload);

/* What was accepted so far is in the journal, below lsn. */
void overload_mark(struct overload *overload, uint64_t lsn);

/* Looks at the workers' pages. */
void overload_look(struct overload *overload, const struct proc *proc);

#endif
