#ifndef PCHAT_DAEMON_PCHAT_ARGS_H
#define PCHAT_DAEMON_PCHAT_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/err.h"

enum pchat_command {
	PCHAT_CHAT,
	PCHAT_POST,
	PCHAT_TAIL,
	PCHAT_HISTORY,
	PCHAT_ROOMS,
	PCHAT_MINE,
	PCHAT_UPLOAD,
	PCHAT_DOWNLOAD,
	PCHAT_HELP,
	PCHAT_VERSION
};

/* The command line; all strings are borrowed from it or from the environment. */
struct pchat_args {
	enum pchat_command command;
	const char *server, *user, *password_file, *ca;
	bool insecure, json;
	uint64_t timeout; /* us */
	const char *room; /* NULL: none; download: the URI of the file */
	const char *text; /* post: NULL for standard input; rooms: NULL for all; upload: may be NULL */
	const char *file; /* upload; download: NULL: as it is called there */
	const char *type; /* upload: media type; NULL: none */
	bool whole, alert;
	bool has_since, has_before;
	uint64_t since, before;
	uint64_t count; /* tail: 0 for no end */
	uint64_t limit;
};

/* environment: getenv, or a test's own. -1: err says what is wrong with the command line. */
int pchat_args_parse(struct pchat_args *args_r, int argc, char **argv,
		     char *(*environment)(const char *name), struct err *err)
	__attribute__((warn_unused_result));

extern const char pchat_args_usage[];

#endif
