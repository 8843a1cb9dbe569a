#ifndef PCHAT_WORKER_HTTP_HEAD_H
#define PCHAT_WORKER_HTTP_HEAD_H

#include <http_parser.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The head of a client's first request (RFC 9112): what of it means anything here. */
enum {
	HTTP_HEAD_MAX = 8192, /* bytes of a head */
	HTTP_KEY = 24,	      /* characters of a Sec-WebSocket-Key */
	HTTP_PATH_MAX = 256,
	HTTP_RANGE_MAX = 64,
	HTTP_TAG_MAX = 80,
};

#define HTTP_NO_LENGTH UINT64_MAX

struct http_head {
	enum http_method method;
	bool newer; /* HTTP/1.1, not 1.0 */
	char path[HTTP_PATH_MAX + 1]; /* with what stands behind a '?'; what is longer is cut off */
	uint64_t length;	      /* Content-Length or HTTP_NO_LENGTH */
	bool expects;		      /* to be told that the body may come */
	char range[HTTP_RANGE_MAX + 1], if_range[HTTP_TAG_MAX + 1]; /* as they came, or empty */

	/* What asks for a WebSocket (RFC 6455 section 4.2.1). */
	bool upgrade, connection, version, protocol;
	bool too_long; /* one of its lines was */
	char key[HTTP_KEY + 1];
};

struct http_parse;

struct http_parse *http_parse_new(void);
void http_parse_free(struct http_parse **parse);

enum http_progress { HTTP_MORE, HTTP_COMPLETE, HTTP_BAD };

/* Takes bytes; *used_r says how many of them belonged to the head. */
enum http_progress http_parse_input(struct http_parse *parse, const uint8_t *data, size_t size,
				    size_t *used_r);

/* What was parsed, once it is complete; borrowed. */
const struct http_head *http_parse_head(const struct http_parse *parse);

#endif
