#include "conf/hex.h"

static char *put_byte(char *out, uint8_t byte)
{
	static const char digits[] = "0123456789abcdef";

	*out++ = digits[byte >> 4];
	*out++ = digits[byte & 15];
	return out;
}

void hex_encode(const void *data, size_t size, char *out)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++)
		out = put_byte(out, bytes[i]);
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

static bool get_byte(const char *text, uint8_t *byte_r)
{
	const int high = value(text[0]), low = value(text[1]);

	*byte_r = (uint8_t)((unsigned)high << 4 | (unsigned)low);
	return high >= 0 && low >= 0;
}

bool hex_decode(const char *text, size_t length, uint8_t *out, size_t size)
{
	if (length != 2 * size)
		return false;
	for (size_t i = 0; i < size; i++)
		if (!get_byte(text + 2 * i, &out[i]))
			return false;
	return true;
}

/* Before which of its bytes a dash stands in the text. */
static bool is_dashed(unsigned byte)
{
	return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void hex_uuid_encode(const uint8_t uuid[16], char out[HEX_UUID])
{
	for (unsigned i = 0; i < 16; i++) {
		if (is_dashed(i))
			*out++ = '-';
		out = put_byte(out, uuid[i]);
	}
	*out = '\0';
}

bool hex_uuid_decode(const char *text, size_t length, uint8_t uuid_r[16])
{
	if (length != HEX_UUID - 1)
		return false;
	for (unsigned i = 0; i < 16; i++) {
		if (is_dashed(i) && *text++ != '-')
			return false;
		if (!get_byte(text, &uuid_r[i]))
			return false;
		text += 2;
	}
	return true;
}
