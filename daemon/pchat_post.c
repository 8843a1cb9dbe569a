#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/code.h"
#include "daemon/pchat_run.h"
#include "daemon/pchat_text.h"

/* pchat post: one message from the command line, or what comes on standard input. */
struct poster {
	struct pchat *pchat;	  /* borrowed */
	struct client_room *room; /* borrowed; NULL until it is found */
	char *input;		  /* owned: read and not yet posted */
	size_t length, size;
	bool at_end; /* of standard input, or the text was on the command line */
};

enum { OPEN_MAX_POSTS = 64, READ_SIZE = 65536, INPUT_MAX = 16 << 20 };

static void give_up(struct poster *poster, int status, const char *why)
{
	pchat_complain("%s", why);
	pchat_finish(poster->pchat, status);
}

static void post_text(struct poster *poster, const char *text)
{
	struct err err;
	if (client_post(poster->room, text, poster->pchat->args->alert, &err) != 0)
		give_up(poster, EX_OSERR, err.text);
}

/* The bytes up to length as a message, without line breaks at the end. Empty lines are left out. */
static void post_bytes(struct poster *poster, char *bytes, size_t length)
{
	while (length > 0 && (bytes[length - 1] == '\n' || bytes[length - 1] == '\r'))
		length--;
	if (length == 0)
		return;
	char *text = strndup(bytes, length);
	if (!text)
		give_up(poster, EX_OSERR, "out of memory");
	else if (strlen(text) != length)
		give_up(poster, EX_DATAERR, "a message must not have a zero byte in it");
	else
		post_text(poster, text);
	free(text);
}

/* Posts the whole lines of the input, and all of it at its end. */
static void post_lines(struct poster *poster)
{
	size_t begin = 0;
	while (begin < poster->length && !poster->pchat->args->whole && !poster->pchat->finishing) {
		char *line = poster->input + begin;
		char *end = memchr(line, '\n', poster->length - begin);
		if (!end)
			break;
		post_bytes(poster, line, (size_t)(end - line));
		begin += (size_t)(end - line) + 1;
	}
	if (poster->at_end && begin < poster->length) {
		post_bytes(poster, poster->input + begin, poster->length - begin);
		begin = poster->length;
	}
	if (begin > 0)
		memmove(poster->input, poster->input + begin, poster->length - begin);
	poster->length -= begin;
}

static void finish_if_done(struct poster *poster)
{
	if (poster->at_end && poster->room && client_posts_open(poster->pchat->client) == 0)
		pchat_done(poster->pchat);
}

static bool wanted(void *ctx)
{
	struct poster *poster = ctx;
	return poster->room && !poster->at_end &&
	       client_posts_open(poster->pchat->client) < OPEN_MAX_POSTS;
}

static void readable(void *ctx)
{
	struct poster *poster = ctx;
	if (poster->size - poster->length < READ_SIZE) {
		size_t size = poster->size + 4 * READ_SIZE;
		char *input = size <= INPUT_MAX ? realloc(poster->input, size) : NULL;
		if (!input) {
			give_up(poster, EX_DATAERR, "the message on standard input is too long");
			return;
		}
		poster->input = input;
		poster->size = size;
	}
	ssize_t count = read(STDIN_FILENO, poster->input + poster->length, READ_SIZE);
	if (count < 0 && errno != EINTR && errno != EAGAIN)
		give_up(poster, EX_IOERR, strerror(errno));
	if (count > 0)
		poster->length += (size_t)count;
	poster->at_end = count == 0;
	if (count >= 0)
		post_lines(poster);
	finish_if_done(poster);
}

static void found(void *ctx, const char *uri, int code, const char *why)
{
	struct poster *poster = ctx;
	struct err err;
	if (!uri) {
		pchat_not_found(poster->pchat, code, why);
		return;
	}
	poster->room = client_join(poster->pchat->client, uri, NULL, 0, &err);
	if (!poster->room)
		give_up(poster, EX_OSERR, err.text);
	else if (poster->pchat->args->text)
		post_text(poster, poster->pchat->args->text);
}

static void on_ready(void *ctx)
{
	struct poster *poster = ctx;
	if (!poster->room)
		pchat_find_room(poster->pchat, poster->pchat->args->room, found, poster);
}

static void on_posted(void *ctx, struct client_room *room, uint64_t seq, const char *time)
{
	struct poster *poster = ctx;
	(void)room;
	if (poster->pchat->args->json) {
		json_t *line = json_pack("{s:I, s:s}", "seq", (json_int_t)seq, "time", time);
		pchat_text_json(line);
		json_decref(line);
	} else {
		printf("%" PRIu64 "\n", seq);
	}
	fflush(stdout);
	finish_if_done(poster);
}

static void on_rejected(void *ctx, struct client_room *room, int code, const char *text)
{
	struct poster *poster = ctx;
	(void)room;
	pchat_refused(poster->pchat, "post", code, text);
}

static void on_refused(void *ctx, struct client_room *room, int code, const char *text)
{
	struct poster *poster = ctx;
	(void)room;
	pchat_refused(poster->pchat, "join the room", code, text);
}

int pchat_post(struct pchat *pchat, const struct client_options *options)
{
	static const struct client_handlers handlers = {.ready = on_ready,
							.posted = on_posted,
							.rejected = on_rejected,
							.refused = on_refused};
	struct poster poster = {.pchat = pchat, .at_end = pchat->args->text != NULL};
	const struct pchat_input input = {
		.fd = STDIN_FILENO, .wanted = wanted, .readable = readable, .ctx = &poster};
	if (pchat_open(pchat, options, &handlers, &poster) != 0)
		return pchat->status;
	int status = pchat_loop(pchat, &input);
	free(poster.input);
	return status;
}
