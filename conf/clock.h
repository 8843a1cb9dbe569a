#ifndef PCHAT_CONF_CLOCK_H
#define PCHAT_CONF_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Microseconds since 1970-01-01 UTC. May go back when an administrator sets the clock. */
uint64_t clock_utc(void);

/* Microseconds of CLOCK_MONOTONIC: the same clock in every process of this host, never going back. */
uint64_t clock_mono(void);

enum { CLOCK_TEXT = 28 };

/* "2026-11-21T09:30:00.123456Z" (ISO 8601, UTC). Returns text. */
const char *clock_format(uint64_t utc, char text[CLOCK_TEXT]);

/* Takes such a text; the fraction may have 0 to 6 digits, and a date alone is its beginning. False: it
 * is none, or is before 1970. */
bool clock_parse(const char *text, size_t length, uint64_t *utc_r);

#endif
