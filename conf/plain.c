#include "conf/plain.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Eight bytes are looked at in one step. */
#define BYTES(byte) (UINT64_C(0x0101010101010101) * (byte))
#define HIGHEST BYTES(0x80)

static bool is_plain(char c)
{
	return (uint8_t)c >= 0x20 && c != '"' && c != '\\';
}

/* In each byte the highest bit, where the byte is 0. Only the lowest of several is sure. */
static uint64_t zeros(uint64_t bytes)
{
	return (bytes - BYTES(0x01)) & ~bytes & HIGHEST;
}

static bool all_plain(uint64_t bytes)
{
	return (zeros(bytes ^ BYTES('"')) | zeros(bytes ^ BYTES('\\')) |
		((bytes - BYTES(0x20)) & ~bytes & HIGHEST)) == 0;
}

/* other: bits that no byte may have. */
static inline size_t plain_length(const char *text, size_t length, uint64_t other)
{
	size_t at = 0;

	for (uint64_t bytes; length - at >= sizeof(bytes); at += sizeof(bytes)) {
		memcpy(&bytes, text + at, sizeof(bytes));
		if ((bytes & other) != 0 || !all_plain(bytes))
			break;
	}
	while (at < length && is_plain(text[at]) && ((uint8_t)text[at] & other) == 0)
		at++;
	return at;
}

size_t plain_text(const char *text, size_t length)
{
	return plain_length(text, length, 0);
}

size_t plain_ascii(const char *text, size_t length)
{
	return plain_length(text, length, HIGHEST);
}
