#ifndef PCHAT_SHM_EVENT_WIRE_H
#define PCHAT_SHM_EVENT_WIRE_H

#include "shm/event.h"

/*
 * For event_*.c only. The fixed parts as they stand in the journal are their struct wire_*: host
 * byte order, no holes, and what is reserved is zero, so that the same event always gives the same
 * bytes. They are copied in and out, because a payload that stands inside a command need not be
 * aligned.
 */

/* What is left of a payload behind its fixed part. */
struct wire_source {
	const uint8_t *at;
	uint32_t left;
};

/* Copies the fixed part. False: the payload is too short, or too long to be one. */
bool wire_open(struct wire_source *source, const void *payload, uint32_t size, void *fixed_r,
	       uint32_t fixed);

/* Takes the next text. False: it is longer than max or what is left, or holds a NUL byte. */
bool wire_text(struct wire_source *source, uint32_t length, uint32_t max, struct text *text_r);

/* The payload's size, read from the record once. */
uint32_t wire_payload(const struct record *record);

/* Whether the other side would take it. */
bool wire_fits(const struct text *text, uint32_t max);

/* The fixed part and texts, which fit, behind each other; their size, 0: more than size. */
uint32_t wire_put_texts(const void *fixed, uint32_t fixed_size, const struct text *const *texts,
			unsigned count, void *out, uint32_t size);
uint32_t wire_put(const void *fixed, uint32_t fixed_size, const struct text *first,
		  const struct text *second, void *out, uint32_t size);

#endif
