#include "conf/clock.h"

#include <inttypes.h>
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

uint64_t clock_utc(void)
{
	return clock_read(CLOCK_REALTIME);
}

uint64_t clock_mono(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

/* Day 0 is 1 March of year 0: so counted a leap day is the last of its year. */
enum {
	DAY = 86400,
	DAYS_TO_1970 = 719468,
	DAYS_OF_400_YEARS = 146097,
	DAYS_OF_100_YEARS = 36524,
	DAYS_OF_4_YEARS = 1461,
};

static void find_date(uint32_t days, unsigned *year_r, unsigned *month_r, unsigned *day_r)
{
	uint32_t era = days / DAYS_OF_400_YEARS, rest = days % DAYS_OF_400_YEARS;
	/* Days behind the leap days that were left out or put in count as if all years had 365. */
	uint32_t year = (rest - rest / (DAYS_OF_4_YEARS - 1) + rest / DAYS_OF_100_YEARS -
			 rest / (DAYS_OF_400_YEARS - 1)) /
			365;
	uint32_t day = rest - (365 * year + year / 4 - year / 100);
	uint32_t month = (5 * day + 2) / 153; /* from March; five months have 153 days */

	*day_r = day - (153 * month + 2) / 5 + 1;
	*month_r = month < 10 ? month + 3 : month - 9;
	*year_r = 400 * era + year + (month >= 10);
}

static char *put_two(char *to, unsigned number, char behind)
{
	to[0] = (char)('0' + number / 10);
	to[1] = (char)('0' + number % 10);
	to[2] = behind;
	return to + 3;
}

/* By hand, because each message that goes out has a time, and strftime takes as long as all else
 * in it. */
const char *clock_format(uint64_t utc, char text[CLOCK_TEXT])
{
	/* The last second that four digits of a year can name: a damaged time still fits text. */
	const uint64_t last = UINT64_C(253402300799);
	uint64_t seconds = utc / USEC < last ? utc / USEC : last;
	unsigned rest = (unsigned)(seconds % DAY), part = (unsigned)(utc % USEC), year, month, day;
	char *p = text;

	find_date((uint32_t)(seconds / DAY) + DAYS_TO_1970, &year, &month, &day);
	/* Two digits at a time; what stands behind the first ones is overwritten. */
	p = put_two(p, year / 100, '0') - 1;
	p = put_two(p, year % 100, '-');
	p = put_two(p, month, '-');
	p = put_two(p, day, 'T');
	p = put_two(p, rest / 3600, ':');
	p = put_two(p, rest / 60 % 60, ':');
	p = put_two(p, rest % 60, '.');
	p = put_two(p, part / 10000, '0') - 1;
	p = put_two(p, part / 100 % 100, '0') - 1;
	p = put_two(p, part % 100, 'Z');
	*p = '\0';
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
