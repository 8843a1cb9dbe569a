#include "worker/file_token.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void file_token_text(const uint8_t token[FILE_HASH], char text_r[FILE_TOKEN_TEXT + 1])
{
	uint32_t bits = 0;
	unsigned count = 0, at = 0;

	for (unsigned i = 0; i < FILE_HASH; i++) {
		bits = bits << 8 | token[i];
		for (count += 8; count >= 6; count -= 6)
			text_r[at++] = digits[bits >> (count - 6) & 63];
	}
	text_r[at++] = digits[bits << (6 - count) & 63];
	text_r[at] = '\0';
}

bool file_token_parse(const char *text, size_t length, uint8_t token_r[FILE_HASH])
{
	uint32_t bits = 0;
	unsigned count = 0, at = 0;

	if (length != FILE_TOKEN_TEXT)
		return false;
	for (size_t i = 0; i < length; i++) {
		const char *digit = text[i] == '\0' ? NULL : strchr(digits, text[i]);

		if (digit == NULL)
			return false;
		bits = bits << 6 | (uint32_t)(digit - digits);
		count += 6;
		if (count >= 8) {
			count -= 8;
			token_r[at++] = (uint8_t)(bits >> count);
		}
	}
	return (bits & ((1U << count) - 1)) == 0;
}
