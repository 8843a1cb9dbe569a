#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "conf/code.h"
#include "daemon/pchat_run.h"
#include "daemon/pchat_text.h"

/* pchat history: the newest messages of a room, or the newest before a number; oldest first. */
struct history {
	struct pchat *pchat;	  /* borrowed */
	struct client_room *room; /* borrowed; NULL until it is found */
	json_t *pages;		  /* owned: arrays of messages, the newest page first */
	uint64_t left, before;
};

enum { PAGE = 500, LIMIT_DEFAULT = 50 };

static void print_all(struct history *history)
{
	for (size_t page = json_array_size(history->pages); page > 0; page--) {
		size_t i;
		const json_t *message;
		json_array_foreach(json_array_get(history->pages, page - 1), i, message)
			pchat_print_message(history->pchat, history->room, message);
	}
	pchat_done(history->pchat);
}

static void ask(struct history *history);

static void on_page(void *ctx, const json_t *result, int code, const char *text)
{
	struct history *history = ctx;
	json_t *messages = json_object_get(result, "messages");
	size_t count = json_array_size(messages);
	if (code == CLIENT_LOST)
		return; /* asked again when the room has been joined again */
	if (!result) {
		pchat_refused(history->pchat, "get the history", code, text);
		return;
	}
	json_array_append(history->pages, messages);
	history->left -= count < history->left ? count : history->left;
	history->before = (uint64_t)json_integer_value(json_object_get(result, "first"));
	/* A page without messages is the last one, whatever it says. */
	if (count == 0 || history->left == 0 || history->before == 0 ||
	    !json_is_true(json_object_get(result, "more")))
		print_all(history);
	else
		ask(history);
}

static void ask(struct history *history)
{
	int limit = history->left < PAGE ? (int)history->left : PAGE;
	json_t *params = json_pack("{s:s, s:i}", "room", history->room->uri, "limit", limit);
	if (history->before)
		json_object_set_new(params, "before", json_integer((json_int_t)history->before));
	client_session_call(client_session(history->pchat->client), "message.history", params,
			    on_page, history);
}

static void found(void *ctx, const char *uri, int code, const char *why)
{
	struct history *history = ctx;
	struct err err;
	if (!uri) {
		pchat_not_found(history->pchat, code, why);
		return;
	}
	history->room = client_join(history->pchat->client, uri, NULL, 0, &err);
	if (!history->room) {
		pchat_complain("%s", err.text);
		pchat_finish(history->pchat, EX_OSERR);
	}
}

static void on_ready(void *ctx)
{
	struct history *history = ctx;
	if (!history->room)
		pchat_find_room(history->pchat, history->pchat->args->room, found, history);
}

/* Also when it was joined again because the connection was lost: then the page at hand is, too. */
static void on_joined(void *ctx, struct client_room *room, const json_t *answer, bool again)
{
	struct history *history = ctx;
	(void)answer, (void)again;
	history->room = room;
	ask(history);
}

static void on_refused(void *ctx, struct client_room *room, int code, const char *text)
{
	struct history *history = ctx;
	(void)room;
	pchat_refused(history->pchat, "join the room", code, text);
}

int pchat_history(struct pchat *pchat, const struct client_options *options)
{
	static const struct client_handlers handlers = {
		.ready = on_ready, .joined = on_joined, .refused = on_refused};
	const struct pchat_args *args = pchat->args;
	struct history history = {.pchat = pchat,
				  .pages = json_array(),
				  .left = args->limit ? args->limit : LIMIT_DEFAULT,
				  .before = args->has_before ? args->before : 0};
	int status = EX_CONFIG;
	if (pchat_open(pchat, options, &handlers, &history) == 0)
		status = pchat_loop(pchat, NULL);
	json_decref(history.pages);
	return status;
}
