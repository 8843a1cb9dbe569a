#ifndef PCHAT_CONF_LOG_H
#define PCHAT_CONF_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"

/*
 * Log lines go to syslog or to stderr, each behind the role ("pchat-worker[8]"). Before log_open
 * they go to stderr. A line is one line: control characters in it are written as \xNN.
 * On stderr a line starts with the time and the level: "2026-11-21T09:30:00.123456Z warning pchat-store: ...".
 */
void log_open(const char *role, const struct conf_log *conf);

/* From now on, and in processes that are started from here, stderr holds up nobody, where it is a pipe
 * or a terminal: when it takes no more, lines are lost, and it says later how many. */
void log_never_wait(void);

/* Changes the level of what is logged (LOG_ERR .. LOG_DEBUG of syslog.h), on reload. */
void log_level(int level);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_notice(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Of lines that others can cause as often as they like so many are written a second. Begins as zero. */
struct log_limit {
	uint64_t since; /* clock_mono() */
	unsigned lines; /* asked for since then */
};

enum { LOG_LIMIT = 20 };

/* Whether one more may be written. The first one of a later second is told how many were not:
 * "7 more sign-ins were refused", where the end is what. */
bool log_within(struct log_limit *limit, const char *what);

enum { LOG_QUOTED = 256 };

/*
 * Text of a user or a peer, made fit for a log line: in double quotes, with quotes, backslashes,
 * control characters and invalid UTF-8 escaped, cut with "..." where it is long. Returns out.
 */
const char *log_quote(const char *text, size_t length, char out[LOG_QUOTED]);

#endif
