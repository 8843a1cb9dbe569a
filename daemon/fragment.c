#include "daemon/fragment.h"

#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#include "conf/clock.h"
#include "conf/plain.h"

void fragment_free(struct fragment *out)
{
	free(out->data);
	memset(out, 0, sizeof(*out));
}

void fragment_clear(struct fragment *out)
{
	if (out->size > FRAGMENT_KEPT)
		fragment_free(out);
	out->used = 0;
	out->failed = false;
}

enum { FIRST = 16384 }; /* most pages need no more */

static bool grow(struct fragment *out, size_t more)
{
	size_t size = out->size ? out->size : FIRST;
	char *data;

	if (out->failed)
		return false;
	if (out->data && more <= out->size - out->used)
		return true;
	while (size - out->used < more)
		if (__builtin_mul_overflow(size, 2, &size))
			goto fail;
	data = realloc(out->data, size);
	if (!data)
		goto fail;
	out->data = data;
	out->size = size;
	return true;
fail:
	out->failed = true;
	return false;
}

void fragment_raw(struct fragment *out, const void *bytes, size_t length)
{
	if (length == 0 || !grow(out, length))
		return;
	memcpy(out->data + out->used, bytes, length);
	out->used += length;
}

char *fragment_room(struct fragment *out, size_t most)
{
	return grow(out, most) ? out->data + out->used : NULL;
}

void fragment_end(struct fragment *out, const char *end)
{
	out->used = (size_t)(end - out->data);
}

/* A character that is escaped. */
static char *quote_escaped(char *to, uint8_t character)
{
	static const char digits[] = "0123456789abcdef";

	*to++ = '\\';
	if (character == '"' || character == '\\') {
		*to++ = (char)character;
		return to;
	}
	to = mempcpy(to, "u00", 3);
	*to++ = digits[character >> 4];
	*to++ = digits[character & 15];
	return to;
}

/* One that has several bytes, or none at all; *taken_r of the text. */
static char *quote_wide(char *to, const char *text, size_t length, size_t *taken_r)
{
	ucs4_t character;
	const int n = u8_mbtoucr(&character, (const uint8_t *)text, length);

	*taken_r = n > 0 ? (size_t)n : 1;
	return n > 0 ? mempcpy(to, text, (size_t)n) : mempcpy(to, "\xef\xbf\xbd", 3);
}

char *fragment_quote(char *to, const char *text, size_t length)
{
	*to++ = '"';
	for (size_t taken; length > 0; text += taken, length -= taken) {
		taken = plain_ascii(text, length);
		if (taken > 0)
			to = mempcpy(to, text, taken);
		else if ((uint8_t)*text >= 0x80)
			to = quote_wide(to, text, length, &taken);
		else
			to = quote_escaped(to, (uint8_t)text[taken++]);
	}
	*to++ = '"';
	return to;
}

void fragment_string(struct fragment *out, const char *text, size_t length)
{
	char *to = fragment_room(out, FRAGMENT_QUOTED(length));

	if (to)
		fragment_end(out, fragment_quote(to, text, length));
}

char *fragment_digits(char *to, uint64_t number)
{
	char digits[FRAGMENT_DIGITS];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	return mempcpy(to, digits + at, sizeof(digits) - at);
}

void fragment_number(struct fragment *out, uint64_t number)
{
	char *to = fragment_room(out, FRAGMENT_DIGITS);

	if (to)
		fragment_end(out, fragment_digits(to, number));
}

void fragment_time(struct fragment *out, uint64_t utc)
{
	char text[CLOCK_TEXT];

	clock_format(utc, text);
	fragment_string(out, text, strlen(text));
}
