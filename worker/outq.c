#include "worker/outq.h"

#include <stdlib.h>
#include <string.h>

#include "conf/bug.h"

enum { OUTQ_FIRST = 4, OUTQ_MAX = 1 << 24 };

static struct frame **place(const struct outq *outq, uint32_t i)
{
	return &outq->ring[(outq->first + i) & (outq->size - 1)];
}

static bool grow(struct outq *outq)
{
	uint32_t size = outq->size == 0 ? OUTQ_FIRST : outq->size * 2;
	struct frame **ring;

	if (size > OUTQ_MAX)
		return false;
	ring = malloc(size * sizeof(*ring));
	if (ring == NULL)
		return false;
	for (uint32_t i = 0; i < outq->count; i++)
		ring[i] = *place(outq, i);
	free(outq->ring);
	outq->ring = ring;
	outq->first = 0;
	outq->size = size;
	return true;
}

bool outq_push(struct outq *outq, struct frame *take_frame)
{
	if (outq->count == outq->size && !grow(outq)) {
		frame_unref(&take_frame);
		return false;
	}
	outq->bytes += frame_size(take_frame);
	*place(outq, outq->count++) = take_frame;
	return true;
}

unsigned outq_iov(const struct outq *outq, struct iovec *iov, unsigned max)
{
	unsigned n = 0;

	for (; n < outq->count && n < max; n++) {
		struct frame *frame = *place(outq, n);
		uint32_t skip = n == 0 ? outq->offset : 0;

		iov[n].iov_base = frame->data + frame->start + skip;
		iov[n].iov_len = frame_size(frame) - skip;
	}
	return n;
}

size_t outq_gather(const struct outq *outq, uint8_t *out, size_t size)
{
	uint32_t skip = outq->offset;
	size_t used = 0;

	for (uint32_t i = 0; i < outq->count && used < size; i++, skip = 0) {
		const struct frame *frame = *place(outq, i);
		size_t n = frame_size(frame) - skip;

		if (n > size - used)
			n = size - used;
		memcpy(out + used, frame_bytes(frame) + skip, n);
		used += n;
	}
	return used;
}

static void release_ring(struct outq *outq)
{
	free(outq->ring);
	memset(outq, 0, sizeof(*outq));
}

void outq_sent(struct outq *outq, size_t size)
{
	bug_on(size > outq->bytes);
	outq->bytes -= size;
	while (outq->count > 0) {
		uint32_t left = frame_size(*place(outq, 0)) - outq->offset;

		if (size < left) {
			outq->offset += (uint32_t)size;
			return;
		}
		size -= left;
		outq->offset = 0;
		frame_unref(place(outq, 0));
		outq->first++;
		outq->count--;
	}
	release_ring(outq);
}

void outq_trim(struct outq *outq, uint64_t keep)
{
	if (outq->offset > 0 && keep == 0)
		keep = 1;
	while (outq->count > 0) {
		struct frame **last = place(outq, outq->count - 1);
		uint32_t size = frame_size(*last);

		if (outq->count == 1 && outq->offset > 0)
			break;
		if (outq->bytes - size < keep)
			break;
		outq->bytes -= size;
		outq->count--;
		frame_unref(last);
	}
	if (outq->count == 0)
		release_ring(outq);
}

void outq_fini(struct outq *outq)
{
	for (uint32_t i = 0; i < outq->count; i++)
		frame_unref(place(outq, i));
	release_ring(outq);
}
