#include "conf/plain.h"

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Eight bytes are looked at in one step, the first one lowest: of each its highest bit tells. */
#define BYTES(byte) (UINT64_C(0x0101010101010101) * (byte))
#define HIGHEST BYTES(0x80)

static bool is_plain(char c)
{
	return (uint8_t)c >= 0x20 && c != '"' && c != '\\';
}

static uint64_t load(const char *text)
{
	uint64_t bytes;

	memcpy(&bytes, text, sizeof(bytes));
	return le64toh(bytes);
}

/* Of bytes below 0x80 the bit is set where they are below the number. The lowest that is set is
 * right, those above it need not be. */
static uint64_t below(uint64_t bytes, uint8_t number)
{
	return bytes - BYTES(number);
}

static uint64_t not_plain(uint64_t bytes)
{
	return below(bytes, 0x20) | below(bytes ^ BYTES('"'), 1) | below(bytes ^ BYTES('\\'), 1);
}

static size_t place_of(uint64_t found)
{
	return (size_t)__builtin_ctzll(found) / 8;
}

size_t plain_text(const char *text, size_t length)
{
	size_t at = 0;

	for (; length - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
		const uint64_t bytes = load(text + at), found = not_plain(bytes) & ~bytes & HIGHEST;

		if (found != 0)
			return at + place_of(found);
	}
	while (at < length && is_plain(text[at]))
		at++;
	return at;
}

size_t plain_ascii(const char *text, size_t length)
{
	size_t at = 0;

	for (; length - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
		const uint64_t bytes = load(text + at),
			       found = (not_plain(bytes) | bytes) & HIGHEST;

		if (found != 0)
			return at + place_of(found);
	}
	while (at < length && is_plain(text[at]) && (uint8_t)text[at] < 0x80)
		at++;
	return at;
}

size_t plain_low(const char *text, size_t length)
{
	size_t at = 0;

	for (; length - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
		const uint64_t found = load(text + at) & HIGHEST;

		if (found != 0)
			return at + place_of(found);
	}
	while (at < length && (uint8_t)text[at] < 0x80)
		at++;
	return at;
}
