#include "worker/upgrade.h"

#include <http_parser.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define UPGRADE_PATH "/pchat"
#define UPGRADE_PROTOCOL "pchat.v1"
#define UPGRADE_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455 section 1.3 */

enum { KEY_LENGTH = 24, ACCEPT_SIZE = 32, NAME_MAX_LENGTH = 32, VALUE_MAX = 1024, URL_MAX = 256 };

struct upgrade {
	http_parser parser;
	size_t fed;
	uint16_t name_length, value_length, url_length;
	bool in_value, too_long, complete;
	bool upgrade, connection, version, protocol;
	char key[KEY_LENGTH + 1];
	char name[NAME_MAX_LENGTH], value[VALUE_MAX + 1], url[URL_MAX];
};

/* Whether a header's value, a list with commas, has the token (without regard to case). */
static bool has_token(const char *list, const char *token)
{
	size_t length = strlen(token);

	while (*list != '\0') {
		size_t item;

		list += strspn(list, " \t,");
		item = strcspn(list, " \t,");
		if (item == length && strncasecmp(list, token, length) == 0)
			return true;
		list += item;
	}
	return false;
}

static bool is_key(const char *key)
{
	uint8_t plain[KEY_LENGTH];

	return strlen(key) == KEY_LENGTH && key[KEY_LENGTH - 3] != '=' &&
	       strcmp(key + KEY_LENGTH - 2, "==") == 0 &&
	       EVP_DecodeBlock(plain, (const unsigned char *)key, KEY_LENGTH) == 18;
}

static void header_done(struct upgrade *u)
{
	if (!u->in_value)
		return;
	u->value[u->value_length] = '\0';
	u->name[u->name_length < NAME_MAX_LENGTH ? u->name_length : NAME_MAX_LENGTH - 1] = '\0';
	if (strcasecmp(u->name, "Upgrade") == 0)
		u->upgrade |= has_token(u->value, "websocket");
	else if (strcasecmp(u->name, "Connection") == 0)
		u->connection |= has_token(u->value, "upgrade");
	else if (strcasecmp(u->name, "Sec-WebSocket-Version") == 0)
		u->version |= strcmp(u->value, "13") == 0;
	else if (strcasecmp(u->name, "Sec-WebSocket-Protocol") == 0)
		u->protocol |= has_token(u->value, UPGRADE_PROTOCOL);
	else if (strcasecmp(u->name, "Sec-WebSocket-Key") == 0 && is_key(u->value))
		memcpy(u->key, u->value, sizeof(u->key));
	u->in_value = false;
	u->name_length = u->value_length = 0;
}

/* Appends what fits and says whether all did. */
static bool collect(char *text, uint16_t *length, size_t size, const char *data, size_t more)
{
	bool fits = more <= size - *length;

	if (!fits)
		more = size - *length;
	memcpy(text + *length, data, more);
	*length = (uint16_t)(*length + more);
	return fits;
}

static int on_url(http_parser *parser, const char *data, size_t size)
{
	struct upgrade *u = parser->data;

	collect(u->url, &u->url_length, sizeof(u->url), data, size);
	return 0;
}

static int on_field(http_parser *parser, const char *data, size_t size)
{
	struct upgrade *u = parser->data;

	header_done(u);
	collect(u->name, &u->name_length, sizeof(u->name), data, size);
	return 0;
}

static int on_value(http_parser *parser, const char *data, size_t size)
{
	struct upgrade *u = parser->data;

	u->in_value = true;
	/* Long values of headers that mean nothing here are nobody's fault. */
	if (!collect(u->value, &u->value_length, VALUE_MAX, data, size) &&
	    strncasecmp(u->name, "Sec-WebSocket", strlen("Sec-WebSocket")) == 0)
		u->too_long = true;
	return 0;
}

static int on_complete(http_parser *parser)
{
	struct upgrade *u = parser->data;

	header_done(u);
	u->complete = true;
	return 2; /* there is no body: what follows is no business of the parser's */
}

struct upgrade *upgrade_new(void)
{
	struct upgrade *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return NULL;
	http_parser_init(&u->parser, HTTP_REQUEST);
	u->parser.data = u;
	return u;
}

void upgrade_free(struct upgrade **upgrade)
{
	free(*upgrade);
	*upgrade = NULL;
}

static int judge(const struct upgrade *u)
{
	size_t path = strlen(UPGRADE_PATH);

	if (u->too_long)
		return 400;
	if (u->url_length < path || memcmp(u->url, UPGRADE_PATH, path) != 0 ||
	    (u->url_length > path && u->url[path] != '?'))
		return 404;
	if (!u->upgrade || !u->connection || !u->version)
		return 426;
	if (u->parser.method != HTTP_GET || u->key[0] == '\0' || !u->protocol ||
	    u->parser.http_major != 1 || u->parser.http_minor < 1)
		return 400;
	return UPGRADE_DONE;
}

int upgrade_input(struct upgrade *u, const uint8_t *data, size_t size, size_t *used_r)
{
	static const http_parser_settings settings = {
		.on_url = on_url,
		.on_header_field = on_field,
		.on_header_value = on_value,
		.on_headers_complete = on_complete,
	};
	size_t left = UPGRADE_HEAD_MAX - u->fed, part = size < left ? size : left;

	*used_r = http_parser_execute(&u->parser, &settings, (const char *)data, part);
	u->fed += *used_r;
	if (u->complete)
		return judge(u);
	if (HTTP_PARSER_ERRNO(&u->parser) != HPE_OK || u->fed >= UPGRADE_HEAD_MAX)
		return 400;
	return UPGRADE_MORE;
}

static void answer_accept(const struct upgrade *u, struct buf *out)
{
	char text[KEY_LENGTH + sizeof(UPGRADE_GUID)];
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned char accept[ACCEPT_SIZE];
	unsigned length;

	memcpy(text, u->key, KEY_LENGTH);
	memcpy(text + KEY_LENGTH, UPGRADE_GUID, sizeof(UPGRADE_GUID));
	if (EVP_Digest(text, strlen(text), digest, &length, EVP_sha1(), NULL) != 1) {
		out->failed = true;
		return;
	}
	EVP_EncodeBlock(accept, digest, (int)length);
	buf_string(out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
			"Connection: Upgrade\r\nSec-WebSocket-Protocol: " UPGRADE_PROTOCOL
			"\r\nSec-WebSocket-Accept: ");
	buf_string(out, (const char *)accept);
	buf_string(out, "\r\n\r\n");
}

void upgrade_answer(const struct upgrade *u, int status, struct buf *out)
{
	if (status == UPGRADE_DONE) {
		answer_accept(u, out);
		return;
	}
	switch (status) {
	case 404:
		buf_string(out, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n");
		break;
	case 426:
		buf_string(out, "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\n"
				"Sec-WebSocket-Version: 13\r\nContent-Length: 0\r\n");
		break;
	default:
		buf_string(out, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n");
	}
	buf_string(out, "Connection: close\r\n\r\n");
}
