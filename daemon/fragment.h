#ifndef PCHAT_DAEMON_FRAGMENT_H
#define PCHAT_DAEMON_FRAGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * JSON text that grows as it is written. Commas are the caller's. When memory runs out, failed is
 * set and what follows does nothing. fragment_free clears.
 */
struct fragment {
	char *data; /* owned */
	size_t used, size;
	bool failed;
};

void fragment_free(struct fragment *out);

/* Empties it and keeps its memory, unless that is more than FRAGMENT_KEPT bytes. */
enum { FRAGMENT_KEPT = 1 << 20 };
void fragment_clear(struct fragment *out);

/* Appends bytes as they are. */
void fragment_raw(struct fragment *out, const void *bytes, size_t length);

static inline void fragment_text(struct fragment *out, const char *text) /* terminated */
{
	fragment_raw(out, text, strlen(text));
}

/*
 * What is written often is written at once: room for so many bytes at most, NULL where there is
 * none, what is written into it, each of the functions returning where it ends, and then its end.
 */
char *fragment_room(struct fragment *out, size_t most);
void fragment_end(struct fragment *out, const char *end);

enum { FRAGMENT_DIGITS = 20 }; /* of the largest number */
char *fragment_digits(char *to, uint64_t number);

#define FRAGMENT_QUOTED(length) (6 * (size_t)(length) + 2)
char *fragment_quote(char *to, const char *text, size_t length); /* as fragment_string */

/* A string in quotes; what is no UTF-8 in it becomes U+FFFD. */
void fragment_string(struct fragment *out, const char *text, size_t length);

void fragment_number(struct fragment *out, uint64_t number);
void fragment_time(struct fragment *out, uint64_t utc); /* "2026-11-21T09:30:00.123456Z" */

#endif
