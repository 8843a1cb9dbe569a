#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/code.h"
#include "daemon/pchat_run.h"

/* A search for the room of a name, page by page. */
struct search {
	struct pchat *pchat; /* borrowed */
	pchat_found_fn *found;
	void *ctx;
	char *name; /* owned */
	int offset;
	unsigned same,
		alike; /* rooms with this name; without regard to the case of ASCII letters */
	char *same_uri, *alike_uri; /* owned: the first of each */
};

enum { PAGE = 100 };

static void search_free(struct search **search)
{
	if (*search) {
		free((*search)->name);
		free((*search)->same_uri);
		free((*search)->alike_uri);
	}
	free(*search);
	*search = NULL;
}

static void conclude(struct search *search)
{
	char why[400];
	const char *uri = NULL;
	if (search->same == 1)
		uri = search->same_uri;
	else if (search->same == 0 && search->alike == 1)
		uri = search->alike_uri;
	if (search->alike == 0)
		snprintf(why, sizeof(why), "there is no room \"%.256s\"", search->name);
	else
		snprintf(why, sizeof(why), "there are %u rooms \"%.256s\"; use the URI",
			 search->alike, search->name);
	search->found(search->ctx, uri, uri ? CODE_OK : CODE_NO_SUCH_NODE, why);
}

static void look_at(struct search *search, const json_t *room)
{
	const char *name = json_string_value(json_object_get(room, "name"));
	const char *uri = json_string_value(json_object_get(room, "room"));
	if (!name || !uri || strcasecmp(name, search->name) != 0)
		return;
	if (search->alike++ == 0)
		search->alike_uri = strdup(uri);
	if (strcmp(name, search->name) == 0 && search->same++ == 0)
		search->same_uri = strdup(uri);
}

static void ask(struct search *search);

static void on_page(void *ctx, const json_t *result, int code, const char *text)
{
	struct search *search = ctx;
	const json_t *rooms = json_object_get(result, "rooms"), *room;
	size_t i;
	json_array_foreach(rooms, i, room) look_at(search, room);
	search->offset += (int)json_array_size(rooms);
	if (json_is_true(json_object_get(result, "more")) && json_array_size(rooms) > 0) {
		ask(search);
		return;
	}
	if (result)
		conclude(search);
	else
		search->found(search->ctx, NULL, code, text);
	search_free(&search);
}

static void ask(struct search *search)
{
	client_session_call(client_session(search->pchat->client), "room.search",
			    json_pack("{s:s, s:i, s:i}", "text", search->name, "limit", PAGE,
				      "offset", search->offset),
			    on_page, search);
}

void pchat_find_room(struct pchat *pchat, const char *name, pchat_found_fn *found, void *ctx)
{
	if (strncmp(name, "ma-chan://", 10) == 0) {
		found(ctx, name, CODE_OK, "");
		return;
	}
	struct search *search = calloc(1, sizeof(*search));
	char *copy = strdup(name);
	if (!search || !copy) {
		free(search);
		free(copy);
		found(ctx, NULL, CODE_UNKNOWN_SERVER_ERROR, "out of memory");
		return;
	}
	*search = (struct search){.pchat = pchat, .found = found, .ctx = ctx, .name = copy};
	ask(search);
}
