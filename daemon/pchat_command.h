#ifndef PCHAT_DAEMON_PCHAT_COMMAND_H
#define PCHAT_DAEMON_PCHAT_COMMAND_H

#include <stdbool.h>

/* A line of the interactive client, taken apart. */
enum pchat_verb {
	VERB_NOTHING, /* an empty line */
	VERB_SAY,     /* no command: a message */
	VERB_JOIN,
	VERB_LEAVE,
	VERB_ROOMS,
	VERB_WHO,
	VERB_HISTORY,
	VERB_FILES,
	VERB_ALERT,
	VERB_HELP,
	VERB_QUIT,
	VERB_UNKNOWN,
};

/*
 * What a line asks for. *rest_r: what follows the command's name, without the blanks between; of
 * a message all of it. "//..." is a message that begins with a slash.
 */
enum pchat_verb pchat_command_parse(const char *line, const char **rest_r);

extern const char *const pchat_command_help[]; /* lines; the last is NULL */

#endif
