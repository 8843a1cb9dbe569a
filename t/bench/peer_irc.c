#include "config.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "t/bench/peer.h"

/* IRC. A sender gets no copy of what he says: that the server has taken it he knows by the answer
 * to the PING behind it. */

enum { REGISTERED = 1 };

static void greet(struct peer *w, struct peer_client *c)
{
	(void)w;
	peer_say(c, "NICK u%u\r\nUSER u%u 0 * :User\r\n", c->index, c->index);
}

static size_t post(const struct peer *w, unsigned number, const char *text, char *out, size_t size)
{
	return (size_t)snprintf(out, size, "PRIVMSG #r%u :%s\r\nPING p%u\r\n", w->post[number].room,
				text, number);
}

static void join(struct peer *w, struct peer_client *c)
{
	c->stage = REGISTERED;
	for (uint32_t i = w->plan->first[c->index]; i < w->plan->first[c->index + 1]; i++)
		peer_say(c, "JOIN #r%u\r\n", w->plan->seat[i].room);
}

static bool is_number(const char *line, const char *number)
{
	const char *space = strchr(line, ' ');

	return line[0] == ':' && space && strncmp(space + 1, number, 3) == 0 && space[4] == ' ';
}

static void take_line(struct peer *w, struct peer_client *c, char *line)
{
	char *mark = strstr(line, " :load ");

	if (mark && strstr(line, " PRIVMSG "))
		peer_received(w, mark + 7);
	else if ((mark = strstr(line, "PONG ")) && (mark = strrchr(line, 'p')))
		peer_answered(w, (unsigned)strtoul(mark + 1, NULL, 10));
	else if (strncmp(line, "PING ", 5) == 0)
		peer_say(c, "PONG %s\r\n", line + 5);
	else if (c->stage != REGISTERED && (is_number(line, "376") || is_number(line, "422")))
		join(w, c);
	else if (is_number(line, "366"))
		peer_joined(w, c);
	else if (strncmp(line, "ERROR", 5) == 0)
		errx(EX_TEMPFAIL, "the server says %s", line);
}

static size_t take(struct peer *w, struct peer_client *c, char *data, size_t size)
{
	char *line = data, *end;

	while ((end = memchr(line, '\n', size - (size_t)(line - data)))) {
		char *last = end > line && end[-1] == '\r' ? end - 1 : end;

		*last = '\0';
		take_line(w, c, line);
		line = end + 1;
	}
	return (size_t)(line - data);
}

const struct peer_protocol peer_irc = {
	.name = "irc",
	.greet = greet,
	.take = take,
	.post = post,
};
