#include "daemon/reader_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#include "conf/clock.h"

void json_free(struct json *json)
{
	free(json->data);
	memset(json, 0, sizeof(*json));
}

static bool grow(struct json *json, size_t more)
{
	size_t size = json->size ? json->size : 4096;
	char *data;

	if (json->failed)
		return false;
	if (json->data && more <= json->size - json->used)
		return true;
	while (size - json->used < more)
		if (__builtin_mul_overflow(size, 2, &size))
			goto fail;
	data = realloc(json->data, size);
	if (!data)
		goto fail;
	json->data = data;
	json->size = size;
	return true;
fail:
	json->failed = true;
	return false;
}

void json_raw(struct json *json, const char *text, size_t length)
{
	if (length == 0 || !grow(json, length))
		return;
	memcpy(json->data + json->used, text, length);
	json->used += length;
}

void json_text(struct json *json, const char *text)
{
	json_raw(json, text, strlen(text));
}

/* Bytes that stand in a string as they are. */
static bool is_plain(uint8_t byte)
{
	return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/* One character that is not plain: escaped, multi-byte or none at all. Returns its length. */
static size_t put_special(struct json *json, const uint8_t *text, size_t length)
{
	char escape[8];
	ucs4_t character;
	int n;

	if (*text >= 0x80) {
		n = u8_mbtoucr(&character, text, length);
		if (n <= 0) {
			json_text(json, "\xef\xbf\xbd");
			return 1;
		}
		json_raw(json, (const char *)text, (size_t)n);
		return (size_t)n;
	}
	if (*text == '"' || *text == '\\')
		snprintf(escape, sizeof(escape), "\\%c", *text);
	else
		snprintf(escape, sizeof(escape), "\\u%04x", *text);
	json_text(json, escape);
	return 1;
}

void json_string(struct json *json, const char *text, size_t length)
{
	const uint8_t *bytes = (const uint8_t *)text;
	size_t at = 0;

	json_text(json, "\"");
	while (at < length) {
		size_t end = at;

		while (end < length && is_plain(bytes[end]))
			end++;
		json_raw(json, text + at, end - at);
		at = end;
		if (at < length)
			at += put_special(json, bytes + at, length - at);
	}
	json_text(json, "\"");
}

void json_number(struct json *json, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	json_text(json, text);
}

void json_time(struct json *json, uint64_t utc)
{
	char text[CLOCK_TEXT];

	clock_format(utc, text);
	json_string(json, text, strlen(text));
}
