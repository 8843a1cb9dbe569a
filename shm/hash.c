#include "shm/hash.h"

#include <endian.h>
#include <string.h>

struct state {
	uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void mix(struct state *s)
{
	s->v0 += s->v1;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v2 = rotate(s->v2, 32);
}

static void absorb(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	mix(s);
	s->v0 ^= word;
}

/* Fewer than 8 bytes, little-endian. Most keys are numbers of 4 and end with 4, or with none. */
static uint64_t rest_of(const uint8_t *p, size_t left)
{
	uint64_t word = 0;
	uint32_t four;
	size_t i = 0;

	if (left >= sizeof(four)) {
		memcpy(&four, p, sizeof(four));
		word = le32toh(four);
		i = sizeof(four);
	}
	for (; i < left; i++)
		word |= (uint64_t)p[i] << (8 * i);
	return word;
}

uint64_t hash_bytes(const uint8_t key[16], const void *data, size_t size)
{
	const uint8_t *p = data;
	uint64_t k0, k1, word;
	size_t left;

	memcpy(&k0, key, 8);
	memcpy(&k1, key + 8, 8);
	struct state s = {k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
			  k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573)};
	for (left = size; left >= 8; left -= 8, p += 8) {
		memcpy(&word, p, 8);
		absorb(&s, word);
	}
	word = rest_of(p, left) | (uint64_t)size << 56;
	absorb(&s, word);
	s.v2 ^= 0xff;
	mix(&s);
	mix(&s);
	mix(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
