#include "config.h"

#include "daemon/client_upgrade.h"

#include <http_parser.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SUBPROTOCOL "pchat.v1"
/* RFC 6455, section 1.3. */
#define ACCEPT_SUFFIX "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

enum { NAME_MAX_LENGTH = 64, VALUE_MAX_LENGTH = 256, HEAD_MAX = 16384 };

struct client_upgrade {
	char request[UPGRADE_REQUEST_MAX];
	char accept[32]; /* what the server has to answer */
	http_parser parser;
	size_t taken;					     /* bytes of the answer so far */
	char name[NAME_MAX_LENGTH], value[VALUE_MAX_LENGTH]; /* the header line at hand */
	bool in_value, complete;
	bool upgrade, connection, accepted, protocol, extension; /* what its lines said */
};

static bool digest_accept(const char *key, char accept[32])
{
	char text[128];
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned size;
	snprintf(text, sizeof(text), "%s" ACCEPT_SUFFIX, key);
	if (EVP_Digest(text, strlen(text), digest, &size, EVP_sha1(), NULL) != 1)
		return false;
	EVP_EncodeBlock((unsigned char *)accept, digest, (int)size);
	return true;
}

struct client_upgrade *client_upgrade_new(const struct client_url *url,
					  const unsigned char key[UPGRADE_KEY], struct err *err)
{
	char key64[32], authority[272];
	struct client_upgrade *upgrade = calloc(1, sizeof(*upgrade));
	if (!upgrade) {
		err_errno(err, "could not prepare the WebSocket");
		return NULL;
	}
	EVP_EncodeBlock((unsigned char *)key64, key, UPGRADE_KEY);
	snprintf(upgrade->request, sizeof(upgrade->request),
		 "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		 "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n"
		 "Sec-WebSocket-Protocol: " SUBPROTOCOL "\r\nUser-Agent: pchat/" PACKAGE_VERSION
		 "\r\n\r\n",
		 url->path, client_url_authority(url, authority), key64);
	if (!digest_accept(key64, upgrade->accept)) {
		err_set(err, "could not prepare the WebSocket: SHA-1 is not available");
		client_upgrade_free(&upgrade);
		return NULL;
	}
	http_parser_init(&upgrade->parser, HTTP_RESPONSE);
	upgrade->parser.data = upgrade;
	return upgrade;
}

void client_upgrade_free(struct client_upgrade **upgrade)
{
	free(*upgrade);
	*upgrade = NULL;
}

const char *client_upgrade_request(const struct client_upgrade *upgrade)
{
	return upgrade->request;
}

/* Whether a comma-separated list names a word, in any case. */
static bool list_has(const char *list, const char *word)
{
	size_t length = strlen(word);
	while (*list) {
		list += strspn(list, ", \t");
		size_t item = strcspn(list, ",");
		size_t trimmed = item;
		while (trimmed > 0 && strchr(" \t", list[trimmed - 1]))
			trimmed--;
		if (trimmed == length && strncasecmp(list, word, length) == 0)
			return true;
		list += item;
	}
	return false;
}

static void line_end(struct client_upgrade *u)
{
	if (strcasecmp(u->name, "Upgrade") == 0)
		u->upgrade = list_has(u->value, "websocket");
	else if (strcasecmp(u->name, "Connection") == 0)
		u->connection = u->connection || list_has(u->value, "upgrade");
	else if (strcasecmp(u->name, "Sec-WebSocket-Accept") == 0)
		u->accepted = strcmp(u->value, u->accept) == 0;
	else if (strcasecmp(u->name, "Sec-WebSocket-Protocol") == 0)
		u->protocol = strcmp(u->value, SUBPROTOCOL) == 0;
	else if (strcasecmp(u->name, "Sec-WebSocket-Extensions") == 0)
		u->extension = true;
	u->name[0] = u->value[0] = '\0';
	u->in_value = false;
}

/* Too long a line is cut: none that matters here is long. */
static void append(char *to, size_t size, const char *data, size_t length)
{
	size_t old = strlen(to);
	if (length > size - 1 - old)
		length = size - 1 - old;
	memcpy(to + old, data, length);
	to[old + length] = '\0';
}

static int on_name(http_parser *parser, const char *data, size_t length)
{
	struct client_upgrade *u = parser->data;
	if (u->in_value)
		line_end(u);
	append(u->name, sizeof(u->name), data, length);
	return 0;
}

static int on_value(http_parser *parser, const char *data, size_t length)
{
	struct client_upgrade *u = parser->data;
	u->in_value = true;
	append(u->value, sizeof(u->value), data, length);
	return 0;
}

static int on_head_end(http_parser *parser)
{
	struct client_upgrade *u = parser->data;
	if (u->in_value)
		line_end(u);
	u->complete = true;
	return 2; /* no body follows: what comes next are frames, or nothing that matters */
}

static const char *refusal(const struct client_upgrade *u)
{
	if (!u->upgrade || !u->connection)
		return "its answer is no upgrade";
	if (!u->accepted)
		return "its answer belongs to another request";
	if (!u->protocol)
		return "it does not speak " SUBPROTOCOL;
	return u->extension ? "it wants an extension" : NULL;
}

int client_upgrade_take(struct client_upgrade *upgrade, const char *data, size_t size,
			size_t *used_r, struct err *err)
{
	static const http_parser_settings settings = {.on_header_field = on_name,
						      .on_header_value = on_value,
						      .on_headers_complete = on_head_end};
	*used_r = http_parser_execute(&upgrade->parser, &settings, data, size);
	upgrade->taken += *used_r;
	if (!upgrade->complete) {
		if (HTTP_PARSER_ERRNO(&upgrade->parser) != HPE_OK)
			return err_set(err, "the server does not speak HTTP here: %s",
				       http_errno_description(HTTP_PARSER_ERRNO(&upgrade->parser)));
		if (upgrade->taken > HEAD_MAX)
			return err_set(err, "the server's HTTP answer is too long");
		return 0;
	}
	if (upgrade->parser.status_code != 101)
		return err_set(err, "the server refused the WebSocket with HTTP status %u",
			       upgrade->parser.status_code);
	const char *reason = refusal(upgrade);
	if (reason)
		return err_set(err, "the server did not open the WebSocket: %s", reason);
	return 1;
}
