#include "conf/clock.h"

#include <inttypes.h>
#include <stdio.h>
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
