#ifndef PCHAT_WORKER_JSON_PARSE_H
#define PCHAT_WORKER_JSON_PARSE_H

#include <jansson.h>

/* The value that a text is (RFC 8259), a new reference. NULL: it is no JSON, an object has two members
 * of one name, or something is nested deeper than JSON_DEPTH. NUL is a character as any other. */
json_t *json_parse(const char *text, size_t size);

#endif
