#include "worker/upgrade.h"

#include <openssl/evp.h>
#include <string.h>

#define UPGRADE_PATH "/pchat"
#define UPGRADE_PROTOCOL "pchat.v1"
#define UPGRADE_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455 section 1.3 */

enum { ACCEPT_SIZE = 32 };

int upgrade_judge(const struct http_head *head)
{
	size_t path = strlen(UPGRADE_PATH);

	if (head->too_long)
		return 400;
	if (strncmp(head->path, UPGRADE_PATH, path) != 0 ||
	    (head->path[path] != '\0' && head->path[path] != '?'))
		return 404;
	if (!head->upgrade || !head->connection || !head->version)
		return 426;
	if (head->method != HTTP_GET || head->key[0] == '\0' || !head->protocol || !head->newer)
		return 400;
	return UPGRADE_DONE;
}

static void answer_accept(const struct http_head *head, struct buf *out)
{
	char text[HTTP_KEY + sizeof(UPGRADE_GUID)];
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned char accept[ACCEPT_SIZE];
	unsigned length;

	memcpy(text, head->key, HTTP_KEY);
	memcpy(text + HTTP_KEY, UPGRADE_GUID, sizeof(UPGRADE_GUID));
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

void upgrade_answer(const struct http_head *head, int status, struct buf *out)
{
	if (status == UPGRADE_DONE) {
		answer_accept(head, out);
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
