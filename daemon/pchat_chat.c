#include "config.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/code.h"
#include "daemon/pchat_command.h"
#include "daemon/pchat_run.h"
#include "daemon/pchat_screen.h"
#include "daemon/pchat_text.h"

/* The interactive client: several rooms, one of them the current one. */
struct chat {
	struct pchat *pchat;	     /* borrowed */
	struct pchat_screen *screen; /* owned */
	struct client_room *current; /* borrowed; NULL: none */
	unsigned calls;		     /* whose answers have not come */
	bool was_lost, leaving;
	struct line *first, **last; /* owned: lines that wait */
};

struct line {
	struct line *next;
	char text[];
};

enum { HISTORY_JOIN = 20, HISTORY_MAX = 500, LINKS_MAX = 3 /* of a message */,
       CALLS_MAX = 32 /* more are not made for links */ };

static volatile sig_atomic_t stop, resized;

static void on_signal(int number)
{
	if (number == SIGWINCH)
		resized = 1;
	else
		stop = 1;
}

/* A line of the program itself. */
static void __attribute__((format(printf, 2, 3))) say(struct chat *chat, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	char *clean = text ? pchat_text_escape(text, NULL) : NULL;
	char *line = NULL;
	if (clean && asprintf(&line, "-- %s", clean) >= 0)
		pchat_screen_print(chat->screen, line);
	free(line);
	free(clean);
	free(text);
}

static void set_prompt(struct chat *chat)
{
	char *name = chat->current ? pchat_text_escape(chat->current->name, NULL) : NULL;
	char *prompt = NULL;
	if (asprintf(&prompt, "%s> ", name ? name : "") >= 0)
		pchat_screen_prompt(chat->screen, prompt);
	free(prompt);
	free(name);
}

static void set_current(struct chat *chat, struct client_room *room)
{
	chat->current = room;
	set_prompt(chat);
}

/* "09:30 Lobby <Alice> text"; the lines of a text are set in. */
static void show(struct chat *chat, struct client_room *room, const json_t *message)
{
	char time[PCHAT_TIME], *line = NULL;
	const char *utc = json_string_value(json_object_get(message, "time"));
	const char *name = json_string_value(json_object_get(message, "name"));
	const char *text = json_string_value(json_object_get(message, "text"));
	const char *title = json_string_value(json_object_get(message, "title"));
	const char *alert = json_object_get(message, "importance") ? "ALERT " : "";
	char *clean_room = pchat_text_escape(room->name, NULL);
	char *clean_name = pchat_text_escape(name ? name : "", NULL);
	char *clean_text = pchat_text_escape(text ? text : "", "      | ");
	char *clean_title = pchat_text_escape(title ? title : "", NULL);
	if (clean_room && clean_name && clean_text && clean_title &&
	    asprintf(&line, "%s %s %s<%s> %s%s%s", pchat_text_time(utc, true, time), clean_room,
		     alert, clean_name, clean_title, title ? "\n      | " : "", clean_text) >= 0)
		pchat_screen_print(chat->screen, line);
	free(line);
	free(clean_room);
	free(clean_name);
	free(clean_text);
	free(clean_title);
}

/* Rooms. */

static void join_uri(struct chat *chat, const char *uri)
{
	struct err err;
	struct client_room *room = client_join(chat->pchat->client, uri, NULL, HISTORY_JOIN, &err);
	if (!room)
		say(chat, "%s", err.text);
	else if (room->state == ROOM_JOINED)
		set_current(chat, room);
}

static void on_found(void *ctx, const char *uri, int code, const char *why)
{
	struct chat *chat = ctx;
	(void)code;
	chat->calls--;
	if (uri)
		join_uri(chat, uri);
	else
		say(chat, "%s", why);
}

static void join(struct chat *chat, const char *name)
{
	chat->calls++;
	pchat_find_room(chat->pchat, name, on_found, chat);
}

static void on_joined(void *ctx, struct client_room *room, const json_t *answer, bool again)
{
	struct chat *chat = ctx;
	if (again)
		return;
	say(chat, "you are in %s, with %" JSON_INTEGER_FORMAT " participants", room->name,
	    json_integer_value(json_object_get(answer, "participant_count")));
	set_current(chat, room);
}

static struct client_room *any_joined(const struct chat *chat)
{
	struct client_room *room = client_rooms(chat->pchat->client);
	while (room && room->state == ROOM_LEFT)
		room = room->next;
	return room;
}

static void on_refused(void *ctx, struct client_room *room, int code, const char *text)
{
	struct chat *chat = ctx;
	(void)code;
	say(chat, "could not join %s: %s", room->name, text);
	if (chat->current == room)
		set_current(chat, any_joined(chat));
}

/* Links. What they lead to is told to whoever may see it; of others there is nothing to say. */

static void call(struct chat *chat, const char *method, json_t *params, client_reply_fn *reply,
		 void *ctx);

static void say_file(struct chat *chat, const json_t *file, const char *before, const char *after)
{
	const char *name = json_string_value(json_object_get(file, "name"));
	const char *from = json_string_value(json_object_get(file, "from_name"));
	const char *uri = json_string_value(json_object_get(file, "file"));
	json_int_t size = json_integer_value(json_object_get(file, "size"));
	char text[PCHAT_SIZE];
	say(chat, "%s%s, %s, from %s%s: %s", before, name ? name : "",
	    pchat_text_size(size > 0 ? (uint64_t)size : 0, text), from && *from ? from : "somebody",
	    after, uri ? uri : "");
}

static void on_linked_file(void *ctx, const json_t *result, int code, const char *text)
{
	struct chat *chat = ctx;
	(void)code, (void)text;
	chat->calls--;
	if (result)
		say_file(chat, result, "file ", "");
}

static void on_linked_room(void *ctx, const json_t *result, int code, const char *text)
{
	struct chat *chat = ctx;
	const char *name = json_string_value(json_object_get(result, "name"));
	const char *uri = json_string_value(json_object_get(result, "room"));
	(void)code, (void)text;
	chat->calls--;
	if (name && uri)
		say(chat, "room %s: /join %s", name, uri);
}

static void look_up_links(struct chat *chat, const char *text)
{
	size_t length;
	for (int i = 0; i < LINKS_MAX && chat->calls < CALLS_MAX &&
			(text = pchat_text_link(text, &length)); i++) {
		bool file = strncmp(text, "ma-file", 7) == 0;
		json_t *params = json_pack("{s:s%}", file ? "file" : "room", text, length);
		if (params)
			call(chat, file ? "file.get" : "room.get", params,
			     file ? on_linked_file : on_linked_room, chat);
		text += length;
	}
}

static void on_message(void *ctx, struct client_room *room, const json_t *message)
{
	const char *text = json_string_value(json_object_get(message, "text"));
	show(ctx, room, message);
	if (text)
		look_up_links(ctx, text);
}

static void on_file(void *ctx, struct client_room *room, const json_t *file, bool removed)
{
	const char *uri = json_string_value(json_object_get(file, "file"));
	struct chat *chat = ctx;
	char *after = NULL;
	if (removed)
		say(chat, "%s: a file was removed: %s", room->name, uri ? uri : "");
	else if (asprintf(&after, ", is now in %s", room->name) >= 0)
		say_file(chat, file, "", after);
	free(after);
}

static void on_presence(void *ctx, struct client_room *room, const json_t *user, bool came)
{
	struct chat *chat = ctx;
	const char *name = json_string_value(json_object_get(user, "name"));
	say(chat, "%s %s %s", name ? name : "somebody", came ? "came into" : "left", room->name);
}

static void on_removal(void *ctx, struct client_room *room, const json_t *removal)
{
	const json_t *through = json_object_get(removal, "through");
	const char *text = json_string_value(json_object_get(removal, "text"));
	struct chat *chat = ctx;
	if (through)
		say(chat, "%s: messages up to %" JSON_INTEGER_FORMAT " were deleted", room->name,
		    json_integer_value(through));
	else
		say(chat, "%s: message %" JSON_INTEGER_FORMAT " was %s%s", room->name,
		    json_integer_value(json_object_get(removal, "seq")),
		    text ? "replaced: " : "deleted", text ? text : "");
}

static void on_rejected(void *ctx, struct client_room *room, int code, const char *text)
{
	struct chat *chat = ctx;
	(void)code;
	say(chat, "could not post to %s: %s", room->name, text);
}

/* The connection. */

static void on_ready(void *ctx)
{
	struct chat *chat = ctx;
	const char *room = chat->pchat->args->room;
	if (chat->was_lost)
		say(chat, "connected again");
	else
		say(chat, "signed in as %s; /help lists the commands",
		    client_session_user(client_session(chat->pchat->client)));
	if (!chat->was_lost && room)
		join(chat, room);
	chat->was_lost = false;
}

static void on_lost(void *ctx, const char *why, uint64_t wait)
{
	struct chat *chat = ctx;
	(void)wait;
	if (!chat->was_lost)
		say(chat, "%s; trying to connect again", why);
	chat->was_lost = true;
}

/* Commands. */

static void call(struct chat *chat, const char *method, json_t *params, client_reply_fn *reply,
		 void *ctx)
{
	chat->calls++;
	client_session_call(client_session(chat->pchat->client), method, params, reply, ctx);
}

static void on_rooms(void *ctx, const json_t *result, int code, const char *text)
{
	size_t i;
	const json_t *room;
	struct chat *chat = ctx;
	(void)code;
	chat->calls--;
	if (!result)
		say(chat, "could not list the rooms: %s", text);
	json_array_foreach(json_object_get(result, "rooms"), i, room)
	{
		const char *name = json_string_value(json_object_get(room, "name"));
		const char *description = json_string_value(json_object_get(room, "description"));
		say(chat, "%s (%" JSON_INTEGER_FORMAT ") %s", name ? name : "",
		    json_integer_value(json_object_get(room, "participants")),
		    description ? description : "");
	}
	if (json_is_true(json_object_get(result, "more")))
		say(chat, "and more");
}

static void on_who(void *ctx, const json_t *result, int code, const char *text)
{
	size_t i;
	const json_t *user;
	struct chat *chat = ctx;
	(void)code;
	chat->calls--;
	if (!result)
		say(chat, "could not list the participants: %s", text);
	json_array_foreach(json_object_get(result, "participants"), i, user)
	{
		const char *name = json_string_value(json_object_get(user, "name"));
		const char *uri = json_string_value(json_object_get(user, "uri"));
		say(chat, "%s (%s)", name ? name : "", uri ? uri : "");
	}
}

struct page {
	struct chat *chat;
	struct client_room *room;
};

static void on_history(void *ctx, const json_t *result, int code, const char *text)
{
	struct page *page = ctx;
	struct chat *chat = page->chat;
	size_t i;
	const json_t *message;
	(void)code;
	chat->calls--;
	if (!result)
		say(chat, "could not get the history: %s", text);
	json_array_foreach(json_object_get(result, "messages"), i, message)
		show(chat, page->room, message);
	free(page);
}

static void ask_history(struct chat *chat, const char *rest)
{
	int limit = *rest ? atoi(rest) : HISTORY_JOIN;
	struct page *page = calloc(1, sizeof(*page));
	if (limit < 1 || limit > HISTORY_MAX || !page) {
		say(chat, "a number from 1 to %d, please", HISTORY_MAX);
		free(page);
		return;
	}
	*page = (struct page){chat, chat->current};
	call(chat, "message.history",
	     json_pack("{s:s, s:i}", "room", chat->current->uri, "limit", limit), on_history, page);
}

static void on_files(void *ctx, const json_t *result, int code, const char *text)
{
	struct chat *chat = ctx;
	size_t i;
	const json_t *file;
	(void)code;
	chat->calls--;
	if (!result)
		say(chat, "could not list the files: %s", text);
	json_array_foreach(json_object_get(result, "files"), i, file)
		say_file(chat, file, "", "");
	if (json_is_true(json_object_get(result, "more")))
		say(chat, "and more");
}

static void ask_files(struct chat *chat, const char *rest)
{
	int limit = *rest ? atoi(rest) : HISTORY_JOIN;
	if (limit < 1 || limit > HISTORY_MAX)
		say(chat, "a number from 1 to %d, please", HISTORY_MAX);
	else
		call(chat, "file.list",
		     json_pack("{s:s, s:i}", "room", chat->current->uri, "limit", limit), on_files,
		     chat);
}

static void post(struct chat *chat, const char *text, bool alert)
{
	struct err err;
	if (client_post(chat->current, text, alert, &err) != 0)
		say(chat, "%s", err.text);
}

static void leave(struct chat *chat)
{
	say(chat, "you left %s", chat->current->name);
	client_leave(chat->current);
	set_current(chat, any_joined(chat));
}

/* What needs a current room. */
static void do_in_room(struct chat *chat, enum pchat_verb verb, const char *rest)
{
	if (!chat->current) {
		say(chat, "join a room first: /join ROOM, and /rooms lists them");
		return;
	}
	if (verb == VERB_SAY)
		post(chat, rest, false);
	else if (verb == VERB_ALERT && *rest)
		post(chat, rest, true);
	else if (verb == VERB_LEAVE)
		leave(chat);
	else if (verb == VERB_HISTORY)
		ask_history(chat, rest);
	else if (verb == VERB_FILES)
		ask_files(chat, rest);
	else if (verb == VERB_WHO)
		call(chat, "room.participants", json_pack("{s:s}", "room", chat->current->uri),
		     on_who, chat);
}

static void help(struct chat *chat)
{
	for (size_t i = 0; pchat_command_help[i]; i++)
		pchat_screen_print(chat->screen, pchat_command_help[i]);
}

static void do_line(struct chat *chat, const char *line)
{
	const char *rest = "";
	enum pchat_verb verb = pchat_command_parse(line, &rest);
	switch (verb) {
	case VERB_NOTHING:
		break;
	case VERB_JOIN:
		join(chat, rest);
		break;
	case VERB_ROOMS:
		call(chat, "room.search", json_pack("{s:s}", "text", rest), on_rooms, chat);
		break;
	case VERB_HELP:
		help(chat);
		break;
	case VERB_QUIT:
		chat->leaving = true;
		break;
	case VERB_UNKNOWN:
		say(chat, "there is no such command; /help lists them");
		break;
	default:
		do_in_room(chat, verb, rest);
	}
}

/* Nothing is under way that the next line of a script could depend on. */
static bool settled(const struct chat *chat)
{
	const struct client_room *room = client_rooms(chat->pchat->client);
	if (!client_session_ready(client_session(chat->pchat->client)) || chat->calls > 0 ||
	    client_posts_open(chat->pchat->client) > 0)
		return false;
	while (room && (room->state == ROOM_JOINED || room->state == ROOM_LEFT))
		room = room->next;
	return !room;
}

/* A person's line is done at once; one of a file waits until those before it are done. */
static void on_line(void *ctx, const char *text)
{
	struct chat *chat = ctx;
	if (!text)
		text = "/quit";
	if (pchat_screen_is_terminal(chat->screen)) {
		do_line(chat, text);
		return;
	}
	struct line *line = malloc(sizeof(*line) + strlen(text) + 1);
	if (!line)
		return;
	line->next = NULL;
	strcpy(line->text, text);
	*chat->last = line;
	chat->last = &line->next;
}

static void drop_line(struct chat *chat)
{
	struct line *line = chat->first;
	chat->first = line->next;
	if (!chat->first)
		chat->last = &chat->first;
	free(line);
}

static bool wanted(void *ctx)
{
	const struct chat *chat = ctx;
	return !chat->leaving && !chat->first;
}

static void readable(void *ctx)
{
	struct chat *chat = ctx;
	pchat_screen_read(chat->screen);
}

static void on_turn(void *ctx)
{
	struct chat *chat = ctx;
	if (resized) {
		resized = 0;
		pchat_screen_resized(chat->screen);
	}
	while (chat->first && !chat->leaving && settled(chat)) {
		do_line(chat, chat->first->text);
		drop_line(chat);
	}
	if (stop || (chat->leaving && client_posts_open(chat->pchat->client) == 0))
		pchat_finish(chat->pchat, EX_OK);
}

static void catch_signals(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH};
	struct sigaction action = {.sa_handler = on_signal};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		sigaction(numbers[i], &action, NULL);
}

int pchat_chat(struct pchat *pchat, const struct client_options *options)
{
	static const struct client_handlers handlers = {.removal = on_removal,
							.file = on_file,
							.ready = on_ready,
							.lost = on_lost,
							.joined = on_joined,
							.refused = on_refused,
							.message = on_message,
							.presence = on_presence,
							.rejected = on_rejected};
	struct err err;
	struct chat chat = {.pchat = pchat};
	const struct pchat_input input = {.fd = STDIN_FILENO,
					  .wanted = wanted,
					  .readable = readable,
					  .turn = on_turn,
					  .ctx = &chat};
	chat.last = &chat.first;
	if (pchat_open(pchat, options, &handlers, &chat) != 0)
		return pchat->status;
	catch_signals();
	chat.screen = pchat_screen_new(on_line, &chat, &err);
	if (!chat.screen) {
		pchat_complain("%s", err.text);
		return EX_OSERR;
	}
	int status = pchat_loop(pchat, &input);
	pchat_screen_free(&chat.screen);
	while (chat.first)
		drop_line(&chat);
	return status;
}
