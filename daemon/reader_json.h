#ifndef PCHAT_DAEMON_READER_JSON_H
#define PCHAT_DAEMON_READER_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * JSON text that grows as it is written. Commas are the caller's. When memory runs out, failed is
 * set and what follows does nothing. json_free clears.
 */
struct json {
	char *data; /* owned */
	size_t used, size;
	bool failed;
};

void json_free(struct json *json);

/* Appends bytes as they are. */
void json_raw(struct json *json, const char *text, size_t length);
void json_text(struct json *json, const char *text); /* terminated */

/* A string in quotes; what is no UTF-8 in it becomes U+FFFD. */
void json_string(struct json *json, const char *text, size_t length);

void json_number(struct json *json, uint64_t number);
void json_time(struct json *json, uint64_t utc); /* "2026-11-21T09:30:00.123456Z" */

#endif
