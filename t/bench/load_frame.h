#ifndef PCHAT_BENCH_LOAD_FRAME_H
#define PCHAT_BENCH_LOAD_FRAME_H

#include <stddef.h>
#include <stdint.h>

/* WebSocket frames (RFC 6455), as little of them as a load generator needs. */
enum { FRAME_TEXT = 1, FRAME_CLOSE = 8, FRAME_PING = 9, FRAME_PONG = 10, FRAME_HEAD_MAX = 14 };

/* Writes a masked frame to out, which has room for size + FRAME_HEAD_MAX; returns its length. */
size_t load_frame_write(uint8_t *out, unsigned opcode, const void *payload, size_t size);

struct load_frame {
	unsigned opcode;
	const char *payload;
	size_t size;
};

/* Takes a whole, unmasked frame: its length with the head; 0: not whole yet; -1: malformed. */
long load_frame_read(const uint8_t *data, size_t size, struct load_frame *frame_r);

#endif
