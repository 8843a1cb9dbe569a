#include "config.h"

#include "daemon/pchat_command.h"

#include <string.h>

const char *const pchat_command_help[] = {
	"/join ROOM      join a room, or make it the current one; ROOM is a name or a URI",
	"/leave          leave the current room",
	"/rooms [TEXT]   list the rooms whose name or description contains TEXT",
	"/who            who is in the current room",
	"/history [N]    the last N messages of the current room (20)",
	"/files [N]      the last N files of the current room (20); pchat download gets one",
	"/alert TEXT     post an important message",
	"/help           this list",
	"/quit           leave",
	"//TEXT          post a message that begins with a slash",
	"Everything else is posted to the current room.",
	NULL,
};

static const struct {
	const char *name;
	enum pchat_verb verb;
} verbs[] = {
	{"join", VERB_JOIN}, {"leave", VERB_LEAVE},	{"rooms", VERB_ROOMS},
	{"who", VERB_WHO},   {"history", VERB_HISTORY}, {"alert", VERB_ALERT},
	{"files", VERB_FILES},
	{"help", VERB_HELP}, {"quit", VERB_QUIT},
};

enum pchat_verb pchat_command_parse(const char *line, const char **rest_r)
{
	*rest_r = line;
	if (line[strspn(line, " \t\r")] == '\0')
		return VERB_NOTHING;
	if (line[0] != '/')
		return VERB_SAY;
	if (line[1] == '/') {
		*rest_r = line + 1;
		return VERB_SAY;
	}
	size_t length = strcspn(++line, " \t");
	*rest_r = line + length + strspn(line + length, " \t");
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (strlen(verbs[i].name) == length && strncmp(verbs[i].name, line, length) == 0)
			return verbs[i].verb;
	return VERB_UNKNOWN;
}
