#include "config.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "t/bench/peer.h"

/*
 * XMPP: anonymous users in rooms of XEP-0045, without what the rooms remember. Who posts gets his
 * own message back, and posts the next one then. Of the server's XML only tags and the texts behind
 * them are looked at: it is a known server's, and reading it must cost less than writing it.
 */
enum { CONNECTED, SIGNED_IN, BINDING, JOINING };

static void open_stream(const struct peer_client *c)
{
	peer_say(c, "<?xml version='1.0'?><stream:stream to='example.test' version='1.0' "
		    "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>");
}

static void greet(struct peer *w, struct peer_client *c)
{
	(void)w;
	open_stream(c);
}

/* The number of who posts stands behind the time: by it he knows his own. */
static size_t post(const struct peer *w, unsigned number, const char *text, char *out, size_t size)
{
	return (size_t)snprintf(
		out, size,
		"<message type='groupchat' to='r%u@conference.example.test' id='p%u'><body>%s"
		" %u %u</body></message>",
		w->post[number].room, number, text, w->post[number].client->index, number);
}

/* XEP-0313. */
static size_t page(const struct peer *w, unsigned number, char *out, size_t size)
{
	return (size_t)snprintf(
		out, size,
		"<iq type='set' to='r%u@conference.example.test' id='q%u'><query xmlns='urn:xmpp:"
		"mam:2'><set xmlns='http://jabber.org/protocol/rsm'><max>%u</max><before/></set>"
		"</query></iq>",
		w->post[number].room, number, w->options->page);
}

static void join(struct peer *w, struct peer_client *c)
{
	for (uint32_t i = w->plan->first[c->index]; i < w->plan->first[c->index + 1]; i++)
		peer_say(c,
			 "<presence to='r%u@conference.example.test/u%u'><x "
			 "xmlns='http://jabber.org/"
			 "protocol/muc'><history maxchars='0' maxstanzas='0'/></x></presence>",
			 w->plan->seat[i].room, c->index);
}

static void features(struct peer_client *c)
{
	if (c->stage == CONNECTED) {
		peer_say(c, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' "
			    "mechanism='ANONYMOUS'/>");
	} else if (c->stage == SIGNED_IN) {
		c->stage = BINDING;
		peer_say(c, "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
			    "</iq>");
	}
}

static bool is_tag(const char *tag, const char *name)
{
	const size_t length = strlen(name);

	return strncmp(tag, name, length) == 0 && strchr(" />", tag[length]) != NULL;
}

static bool is_own_presence(const char *tag)
{
	return is_tag(tag, "status") && (strstr(tag, "'110'") || strstr(tag, "\"110\""));
}

static void take_body(struct peer *w, const struct peer_client *c, char *text)
{
	unsigned number, index;
	char *mark;

	if (strncmp(text, "load ", 5) != 0)
		return;
	peer_received(w, text + 5);
	mark = strrchr(text, ' ');
	number = (unsigned)strtoul(mark + 1, NULL, 10);
	*mark = '\0';
	index = (unsigned)strtoul(strrchr(text, ' ') + 1, NULL, 10);
	if (index == c->index)
		peer_answered(w, number);
}

/* tag: from behind "<" to ">"; text: what follows it. Both end with a zero byte. */
static void take_tag(struct peer *w, struct peer_client *c, const char *tag, char *text)
{
	if (is_tag(tag, "body")) {
		if (w->options->page == 0)
			take_body(w, c, text);
	} else if (is_tag(tag, "fin") && w->options->page > 0) {
		peer_answered(w, c->asked);
	} else if (c->stage == JOINING && is_own_presence(tag)) {
		peer_joined(w, c);
	} else if (is_tag(tag, "/stream:features")) {
		features(c);
	} else if (c->stage == CONNECTED && is_tag(tag, "success")) {
		c->stage = SIGNED_IN;
		open_stream(c);
	} else if (c->stage == BINDING && is_tag(tag, "/jid")) {
		c->stage = JOINING;
		peer_say(c, "<presence/>");
		join(w, c);
	} else if (is_tag(tag, "failure") || is_tag(tag, "error") || is_tag(tag, "stream:error")) {
		errx(EX_TEMPFAIL, "the server says an error to user %u: %s%s", c->index, tag, text);
	}
}

/* A tag counts when the one behind it has begun, because of the text between them; or at the end
 * of what has come, if it is not "body", the only one whose text matters. */
static size_t take(struct peer *w, struct peer_client *c, char *data, size_t size)
{
	char *tag = memchr(data, '<', size), *end, *next;

	while (tag && (end = strchr(tag, '>'))) {
		next = strchr(end, '<');
		if (!next && is_tag(tag + 1, "body"))
			return (size_t)(tag - data);
		if (next)
			*next = '\0';
		*end = '\0';
		end[-1] = end[-1] == '/' ? ' ' : end[-1];
		take_tag(w, c, tag + 1, end + 1);
		if (!next)
			return size;
		*next = '<';
		tag = next;
	}
	return tag ? (size_t)(tag - data) : size;
}

const struct peer_protocol peer_xmpp = {
	.name = "xmpp",
	.echoes = true,
	.greet = greet,
	.take = take,
	.post = post,
	.page = page,
};
