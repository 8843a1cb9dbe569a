/*
 * fan-out: what is left of a chat server when everything but handing messages on is taken away, as
 * a limit to measure ours by. It speaks as much IRC as peer-load needs, keeps and checks nothing,
 * and takes all that a turn of its loop finds before each receiver gets one write of it. Messages
 * go out with so many bytes each, filled up with blanks.
 */
#include "config.h"

#include <arpa/inet.h>
#include <err.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sysexits.h>
#include <unistd.h>

enum { CLIENTS = 32768, ROOMS = 4096, EVENTS = 1024, PIECES = 1024, HELD = 4096, LINE = 4096 };

struct piece { /* bytes for many, made once */
	unsigned refs, size;
	char data[];
};

struct client {
	int fd;
	struct piece **piece; /* owned: what waits to go out, count of them */
	unsigned count, size, offset;
	bool dirty;
	char name[16];
	char in[HELD];
	size_t length;
};

struct room {
	struct client **member;
	unsigned count, size;
};

struct fan_out {
	struct room room[ROOMS];
	struct client *dirty[CLIENTS];
	unsigned dirty_count, frame;
	int epoll, listener;
};

static void *more(void *array, unsigned count, unsigned *size, size_t each)
{
	if (count == *size) {
		*size = *size == 0 ? 8 : *size * 2;
		array = realloc(array, *size * each);
		if (array == NULL)
			err(EX_OSERR, "could not get memory");
	}
	return array;
}

static struct piece *piece_new(const char *text, size_t length, size_t size)
{
	struct piece *piece = malloc(sizeof(*piece) + size);

	if (piece == NULL)
		err(EX_OSERR, "could not get memory");
	*piece = (struct piece){.refs = 1, .size = (unsigned)size};
	memcpy(piece->data, text, length);
	if (size > length) { /* blanks before the end of the line */
		memset(piece->data + length - 2, ' ', size - length);
		memcpy(piece->data + size - 2, "\r\n", 2);
	}
	return piece;
}

static void piece_unref(struct piece *piece)
{
	if (--piece->refs == 0)
		free(piece);
}

static void give(struct fan_out *f, struct client *c, struct piece *piece)
{
	c->piece = more(c->piece, c->count, &c->size, sizeof(struct piece *));
	c->piece[c->count++] = piece;
	piece->refs++;
	if (!c->dirty)
		f->dirty[f->dirty_count++] = c;
	c->dirty = true;
}

static void answer(struct fan_out *f, struct client *c, const char *text)
{
	struct piece *piece = piece_new(text, strlen(text), strlen(text));

	give(f, c, piece);
	piece_unref(piece);
}

static struct room *room_named(struct fan_out *f, const char *name)
{
	unsigned number = name[0] == '#' ? (unsigned)strtoul(name + 2, NULL, 10) : ROOMS;

	return number < ROOMS ? &f->room[number] : NULL;
}

static void join(struct fan_out *f, struct client *c, const char *name)
{
	struct room *room = room_named(f, name);
	char text[LINE];

	if (room == NULL)
		return;
	room->member = more(room->member, room->count, &room->size, sizeof(struct client *));
	room->member[room->count++] = c;
	snprintf(text, sizeof(text), ":bare 366 %s %.64s :End\r\n", c->name, name);
	answer(f, c, text);
}

static void hand_on(struct fan_out *f, struct client *c, char *name)
{
	char *words = strchr(name, ' ');
	const struct room *room = room_named(f, name);
	struct piece *piece;
	char text[LINE];
	int length;

	if (room == NULL || words == NULL)
		return;
	length = snprintf(text, sizeof(text), ":%s!u@h PRIVMSG %s\r\n", c->name, name);
	if (length >= (int)sizeof(text))
		return;
	piece = piece_new(text, (size_t)length,
			  f->frame > (unsigned)length ? f->frame : (size_t)length);
	for (unsigned i = 0; i < room->count; i++)
		if (room->member[i] != c)
			give(f, room->member[i], piece);
	piece_unref(piece);
}

static void take_line(struct fan_out *f, struct client *c, char *line)
{
	char text[LINE];

	if (strncmp(line, "NICK ", 5) == 0) {
		snprintf(c->name, sizeof(c->name), "%.15s", line + 5);
	} else if (strncmp(line, "USER ", 5) == 0) {
		snprintf(text, sizeof(text), ":bare 376 %s :End\r\n", c->name);
		answer(f, c, text);
	} else if (strncmp(line, "JOIN ", 5) == 0) {
		join(f, c, line + 5);
	} else if (strncmp(line, "PRIVMSG ", 8) == 0) {
		hand_on(f, c, line + 8);
	} else if (strncmp(line, "PING ", 5) == 0) {
		snprintf(text, sizeof(text), ":bare PONG bare %.64s\r\n", line + 5);
		answer(f, c, text);
	}
}

static void take_input(struct fan_out *f, struct client *c)
{
	ssize_t count = recv(c->fd, c->in + c->length, HELD - c->length, MSG_DONTWAIT);
	char *line = c->in, *end;

	if (count < 0)
		return;
	if (count == 0) { /* a run is over, and all of its users go */
		epoll_ctl(f->epoll, EPOLL_CTL_DEL, c->fd, NULL);
		close(c->fd);
		c->fd = -1;
		for (unsigned i = 0; i < ROOMS; i++)
			f->room[i].count = 0;
		return;
	}
	c->length += (size_t)count;
	while ((end = memchr(line, '\n', c->length - (size_t)(line - c->in)))) {
		*(end > line && end[-1] == '\r' ? end - 1 : end) = '\0';
		take_line(f, c, line);
		line = end + 1;
	}
	c->length -= (size_t)(line - c->in);
	memmove(c->in, line, c->length);
}

static void sent(struct client *c, size_t size)
{
	unsigned gone = 0;

	while (gone < c->count && size >= c->piece[gone]->size - c->offset) {
		size -= c->piece[gone]->size - c->offset;
		c->offset = 0;
		piece_unref(c->piece[gone++]);
	}
	c->offset += (unsigned)size;
	c->count -= gone;
	memmove(c->piece, c->piece + gone, c->count * sizeof(struct piece *));
}

static void watch(const struct fan_out *f, struct client *c, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = c};

	epoll_ctl(f->epoll, EPOLL_CTL_MOD, c->fd, &event);
}

/* One write of all that there is. */
static void flush(struct fan_out *f, struct client *c)
{
	struct iovec iov[PIECES];
	struct msghdr message = {.msg_iov = iov};
	ssize_t count;

	c->dirty = false;
	if (c->fd < 0)
		return;
	for (unsigned i = 0; i < c->count && i < PIECES; i++) {
		iov[i].iov_base = c->piece[i]->data + (i == 0 ? c->offset : 0);
		iov[i].iov_len = c->piece[i]->size - (i == 0 ? c->offset : 0);
		message.msg_iovlen = i + 1;
	}
	count = sendmsg(c->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (count > 0)
		sent(c, (size_t)count);
	if (c->count > 0)
		watch(f, c, EPOLLIN | EPOLLOUT);
}

static void accept_one(struct fan_out *f)
{
	struct client *c = calloc(1, sizeof(*c));
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
	const int one = 1;

	if (c == NULL || (c->fd = accept(f->listener, NULL, NULL)) < 0 || c->fd >= CLIENTS ||
	    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0 ||
	    epoll_ctl(f->epoll, EPOLL_CTL_ADD, c->fd, &event) < 0)
		err(EX_OSERR, "could not accept a connection");
}

static void turn(struct fan_out *f)
{
	static struct epoll_event events[EVENTS];
	int count = epoll_wait(f->epoll, events, EVENTS, -1);

	for (int i = 0; i < count; i++) {
		struct client *c = events[i].data.ptr;

		if (c == NULL) {
			accept_one(f);
			continue;
		}
		if (events[i].events & EPOLLOUT) {
			watch(f, c, EPOLLIN);
			flush(f, c);
		}
		if (c->fd >= 0 && (events[i].events & ~(uint32_t)EPOLLOUT))
			take_input(f, c);
	}
	for (unsigned i = 0; i < f->dirty_count; i++)
		flush(f, f->dirty[i]);
	f->dirty_count = 0;
}

int main(int argc, char **argv)
{
	static struct fan_out f;
	struct sockaddr_in address = {.sin_family = AF_INET};
	struct epoll_event event = {.events = EPOLLIN};
	const int one = 1;

	if (argc != 4 || strncmp(argv[1], "127.", 4) != 0 ||
	    inet_pton(AF_INET, argv[1], &address.sin_addr) != 1)
		errx(EX_USAGE, "usage: fan-out ADDRESS PORT FRAME");
	address.sin_port = htons((uint16_t)atoi(argv[2]));
	f.frame = (unsigned)atoi(argv[3]);
	f.epoll = epoll_create1(EPOLL_CLOEXEC);
	f.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (f.epoll < 0 || f.listener < 0 ||
	    setsockopt(f.listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(f.listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(f.listener, 1024) < 0 ||
	    epoll_ctl(f.epoll, EPOLL_CTL_ADD, f.listener, &event) < 0)
		err(EX_OSERR, "could not listen");
	for (;;)
		turn(&f);
}
