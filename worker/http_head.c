#include "worker/http_head.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PROTOCOL "pchat.v1"

enum { NAME_MAX_LENGTH = 32, VALUE_MAX = 1024 };

struct http_parse {
	http_parser parser;
	struct http_head head;
	size_t fed;
	uint16_t name_length, value_length, path_length;
	bool in_value, complete;
	char name[NAME_MAX_LENGTH], value[VALUE_MAX + 1];
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
	uint8_t plain[HTTP_KEY];

	return strlen(key) == HTTP_KEY && key[HTTP_KEY - 3] != '=' &&
	       strcmp(key + HTTP_KEY - 2, "==") == 0 &&
	       EVP_DecodeBlock(plain, (const unsigned char *)key, HTTP_KEY) == 18;
}

/* A value that is too long is as good as none: these two may be left out of account. */
static void keep(char *to, size_t size, const char *value)
{
	size_t length = strlen(value);

	if (length < size)
		memcpy(to, value, length + 1);
}

static void take_line(struct http_head *head, const char *name, const char *value)
{
	if (strcasecmp(name, "Upgrade") == 0)
		head->upgrade |= has_token(value, "websocket");
	else if (strcasecmp(name, "Connection") == 0)
		head->connection |= has_token(value, "upgrade");
	else if (strcasecmp(name, "Sec-WebSocket-Version") == 0)
		head->version |= strcmp(value, "13") == 0;
	else if (strcasecmp(name, "Sec-WebSocket-Protocol") == 0)
		head->protocol |= has_token(value, PROTOCOL);
	else if (strcasecmp(name, "Sec-WebSocket-Key") == 0 && is_key(value))
		memcpy(head->key, value, sizeof(head->key));
	else if (strcasecmp(name, "Expect") == 0)
		head->expects |= has_token(value, "100-continue");
	else if (strcasecmp(name, "Range") == 0)
		keep(head->range, sizeof(head->range), value);
	else if (strcasecmp(name, "If-Range") == 0)
		keep(head->if_range, sizeof(head->if_range), value);
}

static void line_done(struct http_parse *p)
{
	if (!p->in_value)
		return;
	p->value[p->value_length] = '\0';
	p->name[p->name_length < NAME_MAX_LENGTH ? p->name_length : NAME_MAX_LENGTH - 1] = '\0';
	take_line(&p->head, p->name, p->value);
	p->in_value = false;
	p->name_length = p->value_length = 0;
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

static int on_path(http_parser *parser, const char *data, size_t size)
{
	struct http_parse *p = parser->data;

	collect(p->head.path, &p->path_length, HTTP_PATH_MAX, data, size);
	return 0;
}

static int on_field(http_parser *parser, const char *data, size_t size)
{
	struct http_parse *p = parser->data;

	line_done(p);
	collect(p->name, &p->name_length, sizeof(p->name), data, size);
	return 0;
}

static int on_value(http_parser *parser, const char *data, size_t size)
{
	struct http_parse *p = parser->data;

	p->in_value = true;
	/* Long values of headers that mean nothing here are nobody's fault. */
	if (!collect(p->value, &p->value_length, VALUE_MAX, data, size) &&
	    strncasecmp(p->name, "Sec-WebSocket", strlen("Sec-WebSocket")) == 0)
		p->head.too_long = true;
	return 0;
}

static int on_complete(http_parser *parser)
{
	struct http_parse *p = parser->data;

	line_done(p);
	p->head.method = (enum http_method)parser->method;
	p->head.newer = parser->http_major == 1 && parser->http_minor >= 1;
	p->head.length = parser->flags & F_CONTENTLENGTH ? parser->content_length : HTTP_NO_LENGTH;
	p->complete = true;
	return 2; /* what follows is no business of the parser's */
}

struct http_parse *http_parse_new(void)
{
	struct http_parse *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	http_parser_init(&p->parser, HTTP_REQUEST);
	p->parser.data = p;
	return p;
}

void http_parse_free(struct http_parse **parse)
{
	free(*parse);
	*parse = NULL;
}

enum http_progress http_parse_input(struct http_parse *p, const uint8_t *data, size_t size,
				    size_t *used_r)
{
	static const http_parser_settings settings = {
		.on_url = on_path,
		.on_header_field = on_field,
		.on_header_value = on_value,
		.on_headers_complete = on_complete,
	};
	size_t left = HTTP_HEAD_MAX - p->fed, part = size < left ? size : left;

	*used_r = http_parser_execute(&p->parser, &settings, (const char *)data, part);
	p->fed += *used_r;
	if (p->complete)
		return HTTP_COMPLETE;
	if (HTTP_PARSER_ERRNO(&p->parser) != HPE_OK || p->fed >= HTTP_HEAD_MAX)
		return HTTP_BAD;
	return HTTP_MORE;
}

const struct http_head *http_parse_head(const struct http_parse *parse)
{
	return &parse->head;
}
