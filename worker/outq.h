#ifndef PCHAT_WORKER_OUTQ_H
#define PCHAT_WORKER_OUTQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "worker/frame.h"

/* A connection's output: references to frames, oldest first. Holds no memory while it is empty. */
struct outq {
	struct frame **ring; /* owned, as are the references in it; size is a power of two */
	uint32_t first, count, size;
	uint32_t offset; /* bytes of the first frame that are sent */
	uint64_t bytes;	 /* not yet sent */
};

/* Takes the reference. False: no memory (the reference is given back). */
bool outq_push(struct outq *outq, struct frame *take_frame);

/* Fills at most max places; returns how many. */
unsigned outq_iov(const struct outq *outq, struct iovec *iov, unsigned max);

/* Copies the oldest bytes, at most size; returns how many. */
size_t outq_gather(const struct outq *outq, uint8_t *out, size_t size);

/* So many bytes were sent. */
void outq_sent(struct outq *outq, size_t size);

/* Drops the newest frames that nothing was sent of and that lie wholly behind the next keep bytes.
 */
void outq_trim(struct outq *outq, uint64_t keep);

void outq_fini(struct outq *outq);

#endif
