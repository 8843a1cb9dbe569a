#include "config.h"

#include "t/bench/load_frame.h"

#include <string.h>

#include "conf/clock.h"

/* A mask needs no secrecy here, only to differ. */
static uint32_t next_mask(void)
{
	static uint64_t state;
	if (!state)
		state = clock_mono() | 1;
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)state;
}

static size_t put_head(uint8_t *out, unsigned opcode, size_t size)
{
	out[0] = (uint8_t)(0x80 | opcode);
	if (size < 126) {
		out[1] = (uint8_t)(0x80 | size);
		return 2;
	}
	if (size < 65536) {
		out[1] = 0x80 | 126;
		out[2] = (uint8_t)(size >> 8);
		out[3] = (uint8_t)size;
		return 4;
	}
	out[1] = 0x80 | 127;
	for (unsigned i = 0; i < 8; i++)
		out[2 + i] = (uint8_t)((uint64_t)size >> (56 - 8 * i));
	return 10;
}

size_t load_frame_write(uint8_t *out, unsigned opcode, const void *payload, size_t size)
{
	uint32_t mask = next_mask();
	const uint8_t *from = payload;
	uint8_t key[4];
	size_t head = put_head(out, opcode, size);
	memcpy(key, &mask, 4);
	memcpy(out + head, key, 4);
	head += 4;
	for (size_t i = 0; i < size; i++)
		out[head + i] = from[i] ^ key[i & 3];
	return head + size;
}

long load_frame_read(const uint8_t *data, size_t size, struct load_frame *frame_r)
{
	uint64_t length;
	size_t head = 2;
	if (size < 2)
		return 0;
	if (!(data[0] & 0x80) || (data[0] & 0x70) || (data[1] & 0x80))
		return -1;
	length = data[1];
	if (length >= 126) {
		unsigned bytes = length == 126 ? 2 : 8;
		head += bytes;
		if (size < head)
			return 0;
		length = 0;
		for (unsigned i = 0; i < bytes; i++)
			length = length << 8 | data[2 + i];
	}
	if (length > 1 << 28)
		return -1;
	if (size < head + length)
		return 0;
	*frame_r = (struct load_frame){data[0] & 15, (const char *)data + head, length};
	return (long)(head + length);
}
