#include "daemon/fragment.h"

#include <stdio.h>
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

/* One character that is not plain: escaped, multi-byte or none at all. Returns its length. */
static size_t put_special(struct fragment *out, const uint8_t *text, size_t length)
{
	char escape[8];
	ucs4_t character;
	int n;

	if (*text >= 0x80) {
		n = u8_mbtoucr(&character, text, length);
		if (n <= 0) {
			fragment_text(out, "\xef\xbf\xbd");
			return 1;
		}
		fragment_raw(out, (const char *)text, (size_t)n);
		return (size_t)n;
	}
	if (*text == '"' || *text == '\\')
		snprintf(escape, sizeof(escape), "\\%c", *text);
	else
		snprintf(escape, sizeof(escape), "\\u%04x", *text);
	fragment_text(out, escape);
	return 1;
}

void fragment_string(struct fragment *out, const char *text, size_t length)
{
	const uint8_t *bytes = (const uint8_t *)text;
	size_t at = 0;

	fragment_text(out, "\"");
	while (at < length) {
		const size_t plain = plain_ascii(text + at, length - at);

		fragment_raw(out, text + at, plain);
		at += plain;
		if (at < length)
			at += put_special(out, bytes + at, length - at);
	}
	fragment_text(out, "\"");
}

void fragment_number(struct fragment *out, uint64_t number)
{
	char digits[20]; /* of the largest one */
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	fragment_raw(out, digits + at, sizeof(digits) - at);
}

void fragment_time(struct fragment *out, uint64_t utc)
{
	char text[CLOCK_TEXT];

	clock_format(utc, text);
	fragment_string(out, text, strlen(text));
}
