#include "conf/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { USEC = 1000000 };

static uint64_t clock_read(clockid_t id)
{
	struct timespec now;

	/* Cannot fail for the two clocks that every Linux has. */
	clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * USEC + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_utc(void) { return clock_read(CLOCK_REALTIME); }

uint64_t clock_mono(void) { return clock_read(CLOCK_MONOTONIC); }

const char *clock_format(uint64_t utc, char text[CLOCK_TEXT])
{
	/* The last second that four digits of a year can name: a damaged time still fits text. */
	const uint64_t last = UINT64_C(253402300799);
	time_t seconds = (time_t)(utc / USEC < last ? utc / USEC : last);
	struct tm tm;
	size_t used;

	gmtime_r(&seconds, &tm);
	used = strftime(text, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + used, CLOCK_TEXT - used, ".%06uZ", (unsigned)(utc % USEC));
	return text;
}

/* Up to six digits behind a point, as microseconds; behind them in text. */
static const char *parse_fraction(const char *text, uint64_t *us_r)
{
	uint64_t unit = 100000;

	*us_r = 0;
	if (*text != '.')
		return text;
	for (text++; *text >= '0' && *text <= '9' && unit > 0; text++, unit /= 10)
		*us_r += unit * (uint64_t)(*text - '0');
	return text;
}

bool clock_parse(const char *text, size_t length, uint64_t *utc_r)
{
	char copy[CLOCK_TEXT] = "";
	struct tm tm = {0};
	uint64_t us = 0;
	const char *rest;
	time_t seconds;

	if (length >= sizeof(copy) || memchr(text, '\0', length))
		return false;
	memcpy(copy, text, length);
	rest = strptime(copy, "%Y-%m-%d", &tm);
	if (rest && *rest == 'T') {
		rest = strptime(rest, "T%H:%M:%S", &tm);
		rest = rest ? parse_fraction(rest, &us) : NULL;
		rest = rest && *rest == 'Z' ? rest + 1 : NULL;
	}
	if (!rest || *rest)
		return false;
	seconds = timegm(&tm);
	if (seconds < 0)
		return false;
	*utc_r = (uint64_t)seconds * 1000000 + us;
	return true;
}
