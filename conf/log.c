#include "conf/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "conf/clock.h"

enum { TEXT_MAX = 2048, LIMIT_US = 1000000 };

/* Process-wide by nature: set by log_open before the process does anything else. */
static struct {
	char role[64]; /* syslog keeps a pointer to it */
	bool syslog;
	int level;
	unsigned lost; /* lines that could not be written */
} state = { .role = "pchat", .level = LOG_INFO };

void log_open(const char *role, const struct conf_log *conf)
{
	snprintf(state.role, sizeof(state.role), "%s", role);
	state.level = conf->level;
	if (state.syslog)
		closelog();
	state.syslog = conf->syslog;
	if (state.syslog)
		openlog(state.role, LOG_NDELAY, conf->facility);
}

/* Of a pipe or a terminal there are others who write to it as they like, so it is opened once more. */
void log_never_wait(void)
{
	struct stat what;
	int fd;

	if (fstat(STDERR_FILENO, &what) == -1 || !(S_ISFIFO(what.st_mode) || isatty(STDERR_FILENO)))
		return;
	fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1)
		return;
	dup2(fd, STDERR_FILENO);
	close(fd);
}

void log_level(int level) { state.level = level; }

static bool continues(uint8_t byte) { return (byte & 0xc0) == 0x80; }

/*
 * Bytes of the printable UTF-8 character at text (RFC 3629, table 3-7 of the Unicode standard); 0
 * for control characters (C0, DEL and C1) and for what is not UTF-8.
 */
static size_t printable(const uint8_t *text, size_t length)
{
	uint8_t first = text[0];
	uint8_t second = length > 1 ? text[1] : 0;

	if (first < 0x80)
		return first >= 0x20 && first != 0x7f;
	if (!continues(second))
		return 0;
	if (first >= 0xc2 && first <= 0xdf)
		return first > 0xc2 || second >= 0xa0 ? 2 : 0;
	if (length < 3 || !continues(text[2]))
		return 0;
	if (first >= 0xe0 && first <= 0xef)
		return (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ? 0 : 3;
	if (length < 4 || !continues(text[3]))
		return 0;
	if (first >= 0xf0 && first <= 0xf4)
		return (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f) ? 0 : 4;
	return 0;
}

/*
 * Writes text to out with every byte that is not printable as \xNN and the characters of special
 * behind a backslash. Stops where the next character does not fit; *used_r is what was written.
 * Returns whether all of it fitted.
 */
static bool escape(const char *text, size_t length, const char *special, char *out, size_t size,
		   size_t *used_r)
{
	size_t used = 0, at = 0;

	while (at < length) {
		size_t step = printable((const uint8_t *)text + at, length - at);
		bool marked = step == 1 && strchr(special, text[at]);

		if (used + (step ? step + marked : 4) >= size)
			break;
		if (step == 0) {
			snprintf(out + used, size - used, "\\x%02x", (uint8_t)text[at]);
			used += 4;
			at++;
			continue;
		}
		if (marked)
			out[used++] = '\\';
		memcpy(out + used, text + at, step);
		used += step;
		at += step;
	}
	out[used] = '\0';
	*used_r = used;
	return at == length;
}

const char *log_quote(const char *text, size_t length, char out[LOG_QUOTED])
{
	const size_t tail = sizeof("...\"") - 1;
	size_t used;
	bool whole;

	out[0] = '"';
	whole = escape(text, length, "\"\\", out + 1, LOG_QUOTED - 1 - tail, &used);
	strcpy(out + 1 + used, whole ? "\"" : "...\"");
	return out;
}

static const char *level_name(int level)
{
	switch (level) {
	case LOG_ERR:
		return "error";
	case LOG_WARNING:
		return "warning";
	case LOG_NOTICE:
		return "notice";
	case LOG_INFO:
		return "info";
	default:
		return "debug";
	}
}

/* One write for a line: lines of several processes on one descriptor do not mix. */
static bool write_line(int level, const char *text)
{
	char line[TEXT_MAX + 256], time[CLOCK_TEXT];
	int length = snprintf(line, sizeof(line), "%s %s %s: %s\n",
			      clock_format(clock_utc(), time), level_name(level), state.role, text);

	return write(STDERR_FILENO, line, (size_t)length) >= 0;
}

/* That it fails can be said when it does not any more. */
static void write_stderr(int level, const char *text)
{
	char lost[64];

	snprintf(lost, sizeof(lost), "%u lines of the log could not be written", state.lost);
	if (state.lost > 0 && write_line(LOG_WARNING, lost))
		state.lost = 0;
	if (state.lost > 0 || !write_line(level, text))
		state.lost++;
}

__attribute__((format(printf, 2, 0))) static void log_line(int level, const char *fmt, va_list ap)
{
	char raw[TEXT_MAX], text[TEXT_MAX];
	int saved = errno;
	size_t used;

	if (level > state.level)
		return;
	vsnprintf(raw, sizeof(raw), fmt, ap);
	if (!escape(raw, strlen(raw), "", text, sizeof(text) - 3, &used))
		strcpy(text + used, "...");
	if (state.syslog)
		syslog(level, "%s", text);
	else
		write_stderr(level, text);
	errno = saved;
}

#define DEFINE_LOG(name, level)                                                                    \
	void log_##name(const char *fmt, ...)                                                      \
	{                                                                                          \
		va_list ap;                                                                        \
                                                                                                   \
		va_start(ap, fmt);                                                                 \
		log_line(level, fmt, ap);                                                          \
		va_end(ap);                                                                        \
	}

DEFINE_LOG(error, LOG_ERR)
DEFINE_LOG(warning, LOG_WARNING)
DEFINE_LOG(notice, LOG_NOTICE)
DEFINE_LOG(info, LOG_INFO)
DEFINE_LOG(debug, LOG_DEBUG)

bool log_within(struct log_limit *limit, const char *what)
{
	const uint64_t now = clock_mono();

	if (now - limit->since >= LIMIT_US) {
		if (limit->lines > LOG_LIMIT)
			log_notice("%u more %s", limit->lines - LOG_LIMIT, what);
		*limit = (struct log_limit){.since = now};
	}
	return ++limit->lines <= LOG_LIMIT;
}
