#include "worker/json_text.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "conf/clock.h"
#include "conf/hex.h"
#include "conf/plain.h"

#define ROOM_SCHEME "ma-chan://"
#define CATEGORY_SCHEME "ma-cat://"
#define FILE_SCHEME "ma-filelink://"

enum { UUID_TEXT = HEX_UUID - 1 };

static void escape(struct buf *buf, char c)
{
	static const char known[] = "\"\\\n\r\t\b\f", letter[] = "\"\\nrtbf";
	const char *at = c == '\0' ? NULL : strchr(known, c);
	char text[8];

	if (at != NULL)
		snprintf(text, sizeof(text), "\\%c", letter[at - known]);
	else
		snprintf(text, sizeof(text), "\\u%04x", (unsigned)(uint8_t)c);
	buf_string(buf, text);
}

void json_put_string(struct buf *buf, const char *data, size_t size)
{
	buf_char(buf, '"');
	for (;;) {
		size_t length = plain_text(data, size);

		buf_add(buf, data, length);
		if (length == size)
			break;
		escape(buf, data[length]);
		data += length + 1;
		size -= length + 1;
	}
	buf_char(buf, '"');
}

void json_put_time(struct buf *buf, uint64_t utc)
{
	char text[CLOCK_TEXT];

	buf_char(buf, '"');
	buf_string(buf, clock_format(utc, text));
	buf_char(buf, '"');
}

static void put_uuid(struct buf *buf, const uint8_t uuid[16])
{
	char text[HEX_UUID];

	hex_uuid_encode(uuid, text);
	buf_add(buf, text, UUID_TEXT);
}

static void put_uri(struct buf *buf, const struct chat *chat, const char *scheme,
		    const uint8_t uuid[16])
{
	buf_char(buf, '"');
	buf_string(buf, scheme);
	buf_string(buf, chat_conf(chat)->domain);
	buf_char(buf, '/');
	put_uuid(buf, uuid);
	buf_char(buf, '"');
}

void json_put_room(struct buf *buf, const struct chat *chat, const uint8_t uuid[16])
{
	put_uri(buf, chat, ROOM_SCHEME, uuid);
}

void json_put_category(struct buf *buf, const struct chat *chat, const uint8_t uuid[16])
{
	put_uri(buf, chat, CATEGORY_SCHEME, uuid);
}

void json_put_file(struct buf *buf, const struct chat *chat, const uint8_t room[16],
		   const uint8_t file[16])
{
	buf_string(buf, "\"" FILE_SCHEME);
	buf_string(buf, chat_conf(chat)->domain);
	buf_char(buf, '/');
	put_uuid(buf, room);
	buf_char(buf, '/');
	put_uuid(buf, file);
	buf_char(buf, '"');
}

void json_put_hash(struct buf *buf, const uint8_t hash[32])
{
	char text[2 * 32 + 1];

	hex_encode(hash, 32, text);
	buf_string(buf, text);
}

void json_put_base64(struct buf *buf, const void *data, size_t size)
{
	uint8_t *room = buf_room(buf, size * 4 / 3 + 8);

	if (room == NULL)
		return;
	room[0] = '"';
	size = (size_t)EVP_EncodeBlock(room + 1, data, (int)size);
	room[size + 1] = '"';
	buf_grown(buf, size + 2);
}

static int parse_uri(const struct chat *chat, const char *scheme_text, struct text uri,
		     uint8_t uuid_r[16])
{
	const char *domain = chat_conf(chat)->domain;
	size_t scheme = strlen(scheme_text), length;

	if (uri.length < scheme + 1 + UUID_TEXT || memcmp(uri.data, scheme_text, scheme) != 0)
		return CODE_INVALID_ARGUMENT;
	length = uri.length - scheme - 1 - UUID_TEXT;
	if (uri.data[scheme + length] != '/' ||
	    !hex_uuid_decode(uri.data + scheme + length + 1, UUID_TEXT, uuid_r))
		return CODE_INVALID_ARGUMENT;
	if (length != strlen(domain) || strncasecmp(uri.data + scheme, domain, length) != 0)
		return CODE_NO_SUCH_NODE;
	return CODE_OK;
}

int json_room_parse(const struct chat *chat, struct text uri, uint8_t uuid_r[16])
{
	return parse_uri(chat, ROOM_SCHEME, uri, uuid_r);
}

int json_category_parse(const struct chat *chat, struct text uri, uint8_t uuid_r[16])
{
	return parse_uri(chat, CATEGORY_SCHEME, uri, uuid_r);
}

int json_file_parse(const struct chat *chat, struct text uri, uint8_t room_r[16],
		    uint8_t file_r[16])
{
	const uint32_t behind = 1 + UUID_TEXT; /* the file's own part */

	if (uri.length < behind || uri.data[uri.length - behind] != '/' ||
	    !hex_uuid_decode(uri.data + uri.length - UUID_TEXT, UUID_TEXT, file_r))
		return CODE_INVALID_ARGUMENT;
	uri.length -= behind;
	return parse_uri(chat, FILE_SCHEME, uri, room_r);
}

bool json_depth_ok(const char *text, size_t size, unsigned max)
{
	bool in_string = false;
	unsigned depth = 0;

	for (size_t i = 0; i < size; i++) {
		const size_t plain = in_string ? plain_text(text + i, size - i) : 0;
		const char c = plain < size - i ? text[i + plain] : '\0';

		i += plain;
		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
			continue;
		}
		if (c == '"')
			in_string = true;
		else if ((c == '{' || c == '[') && ++depth > max)
			return false;
		else if ((c == '}' || c == ']') && depth > 0)
			depth--;
	}
	return true;
}
