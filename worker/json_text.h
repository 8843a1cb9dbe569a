#ifndef PCHAT_WORKER_JSON_TEXT_H
#define PCHAT_WORKER_JSON_TEXT_H

#include "worker/chat.h"

/* Writing JSON (RFC 8259) into a buf. */

/* A string with quotes; what must be escaped is. */
void json_put_string(struct buf *buf, const char *data, size_t size);

/* "2026-11-21T09:30:00.123456Z", with quotes. */
void json_put_time(struct buf *buf, uint64_t utc);

/* The URI of a room or of a category, with quotes. */
void json_put_room(struct buf *buf, const struct chat *chat, const uint8_t uuid[16]);
void json_put_category(struct buf *buf, const struct chat *chat, const uint8_t uuid[16]);

/* The URI of a file of a room, with quotes. */
void json_put_file(struct buf *buf, const struct chat *chat, const uint8_t room[16],
		   const uint8_t file[16]);

/* The digits of a SHA-256, without quotes. */
void json_put_hash(struct buf *buf, const uint8_t hash[32]);

/* Bytes as base64, with quotes. */
void json_put_base64(struct buf *buf, const void *data, size_t size);

/* Takes a room's or a category's URI apart: CODE_OK, CODE_NO_SUCH_NODE (of another domain) or
 * CODE_INVALID_ARGUMENT. */
int json_room_parse(const struct chat *chat, struct text uri, uint8_t uuid_r[16]);
int json_category_parse(const struct chat *chat, struct text uri, uint8_t uuid_r[16]);

/* The same with a file's. */
int json_file_parse(const struct chat *chat, struct text uri, uint8_t room_r[16],
		    uint8_t file_r[16]);

/* Whether no value in the text (valid JSON or not) is nested deeper than this. */
bool json_depth_ok(const char *text, size_t size, unsigned max);

#endif
