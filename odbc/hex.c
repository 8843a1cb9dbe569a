#include "odbc/hex.h"

#include <string.h>

static const char digits[] = "0123456789abcdef";

void hex_encode(const void *data, size_t size, char *out)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
}

static int value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool hex_decode(const char *text, size_t length, uint8_t *out, size_t size)
{
	if (length != 2 * size)
		return false;
	for (size_t i = 0; i < size; i++) {
		const int high = value(text[2 * i]), low = value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* Where the dashes stand in the text. */
static bool is_dash(size_t place)
{
	return place == 8 || place == 13 || place == 18 || place == 23;
}

void hex_uuid_encode(const uint8_t uuid[16], char out[HEX_UUID])
{
	char plain[33];
	const char *from = plain;

	hex_encode(uuid, 16, plain);
	for (size_t i = 0; i < HEX_UUID - 1; i++)
		out[i] = is_dash(i) ? '-' : *from++;
	out[HEX_UUID - 1] = '\0';
}

bool hex_uuid_decode(const char *text, size_t length, uint8_t uuid_r[16])
{
	char plain[32], *to = plain;

	if (length != HEX_UUID - 1)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (is_dash(i) != (text[i] == '-'))
			return false;
		if (!is_dash(i))
			*to++ = text[i];
	}
	return hex_decode(plain, sizeof(plain), uuid_r, 16);
}
