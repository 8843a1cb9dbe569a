#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "conf/code.h"
#include "daemon/pchat_run.h"
#include "daemon/pchat_text.h"

/* pchat rooms: the directory, page by page; pchat mine: the same of the rooms that the user is a
 * member or a manager of. */
struct rooms {
	struct pchat *pchat; /* borrowed */
	int offset;
};

enum { PAGE = 100 };

/* Columns for people and for cut(1): what is in them has no tabs. */
static void print_columns(const json_t *room, const char *number)
{
	const char *uri = json_string_value(json_object_get(room, "room"));
	const char *name = json_string_value(json_object_get(room, "name"));
	const char *description = json_string_value(json_object_get(room, "description"));
	char *clean_uri = pchat_text_escape(uri ? uri : "", NULL);
	char *clean_name = pchat_text_escape(name ? name : "", NULL);
	char *clean_description = pchat_text_escape(description ? description : "", NULL);
	if (clean_uri && clean_name && clean_description)
		printf("%s\t%s\t%" JSON_INTEGER_FORMAT "\t%" JSON_INTEGER_FORMAT "\t%s\n",
		       clean_uri, clean_name,
		       json_integer_value(json_object_get(room, number)),
		       json_integer_value(json_object_get(room, "last_seq")), clean_description);
	free(clean_uri);
	free(clean_name);
	free(clean_description);
}

static void ask(struct rooms *rooms);

static bool is_mine(const struct rooms *rooms)
{
	return rooms->pchat->args->command == PCHAT_MINE;
}

static void on_page(void *ctx, const json_t *result, int code, const char *text)
{
	struct rooms *rooms = ctx;
	const json_t *page = json_object_get(result, "rooms"), *room;
	size_t i;
	if (code == CLIENT_LOST)
		return; /* goes on when there is a connection again */
	if (!result) {
		pchat_refused(rooms->pchat, "list the rooms", code, text);
		return;
	}
	json_array_foreach(page, i, room)
	{
		if (rooms->pchat->args->json)
			pchat_text_json(room);
		else
			print_columns(room, is_mine(rooms) ? "unread" : "participants");
	}
	rooms->offset += (int)json_array_size(page);
	if (json_is_true(json_object_get(result, "more")) && json_array_size(page) > 0)
		ask(rooms);
	else
		pchat_done(rooms->pchat);
}

static void ask(struct rooms *rooms)
{
	const char *text = rooms->pchat->args->text;
	client_session_call(client_session(rooms->pchat->client),
			    is_mine(rooms) ? "room.mine" : "room.search",
			    json_pack("{s:s, s:i, s:i}", "text", text ? text : "", "limit", PAGE,
				      "offset", rooms->offset),
			    on_page, rooms);
}

static void on_ready(void *ctx)
{
	ask(ctx);
}

int pchat_rooms(struct pchat *pchat, const struct client_options *options)
{
	static const struct client_handlers handlers = {.ready = on_ready};
	struct rooms rooms = {.pchat = pchat};
	if (pchat_open(pchat, options, &handlers, &rooms) != 0)
		return pchat->status;
	return pchat_loop(pchat, NULL);
}
