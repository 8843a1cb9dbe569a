#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "conf/code.h"
#include "daemon/pchat_run.h"
#include "daemon/pchat_text.h"

/* pchat tail: what is posted in a room, from now on or from a number on. */
struct tail {
	struct pchat *pchat;	  /* borrowed */
	struct client_room *room; /* borrowed; NULL until it is found */
	uint64_t printed;
};

static void found(void *ctx, const char *uri, int code, const char *why)
{
	struct tail *tail = ctx;
	const struct pchat_args *args = tail->pchat->args;
	struct err err;
	if (!uri) {
		pchat_not_found(tail->pchat, code, why);
		return;
	}
	tail->room = client_join(tail->pchat->client, uri, args->has_since ? &args->since : NULL, 0,
				 &err);
	if (!tail->room) {
		pchat_complain("%s", err.text);
		pchat_finish(tail->pchat, EX_OSERR);
	}
}

static void on_ready(void *ctx)
{
	struct tail *tail = ctx;
	if (!tail->room)
		pchat_find_room(tail->pchat, tail->pchat->args->room, found, tail);
}

static void on_message(void *ctx, struct client_room *room, const json_t *message)
{
	struct tail *tail = ctx;
	uint64_t count = tail->pchat->args->count;
	(void)room;
	if (tail->pchat->finishing)
		return;
	pchat_print_message(tail->pchat, tail->room, message);
	if (fflush(stdout) != 0 || ++tail->printed == count)
		pchat_done(tail->pchat);
}

static void on_refused(void *ctx, struct client_room *room, int code, const char *text)
{
	struct tail *tail = ctx;
	(void)room;
	pchat_refused(tail->pchat, "join the room", code, text);
}

int pchat_tail(struct pchat *pchat, const struct client_options *options)
{
	static const struct client_handlers handlers = {
		.ready = on_ready, .message = on_message, .refused = on_refused};
	struct tail tail = {.pchat = pchat};
	if (pchat_open(pchat, options, &handlers, &tail) != 0)
		return pchat->status;
	return pchat_loop(pchat, NULL);
}
