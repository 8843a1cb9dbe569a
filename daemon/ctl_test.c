#include <bsd/readpassphrase.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/code.h"
#include "conf/conf.h"
#include "daemon/client.h"
#include "daemon/ctl_check.h"
#include "daemon/ctl_option.h"
#include "daemon/ctl_table.h"

/*
 * The synthetic transaction: two users sign in, join a room, and each posts a message that the
 * other has to receive. What a user would wait for is measured, step by step.
 */
enum {
	PATIENCE_US = 10000000, /* for one step */
	STEPS_MAX = 16,
	SIDES = 2,
};

static const char ROOM[] = "pchatctl test";

struct step {
	const char *what; /* "sign in" */
	const char *user; /* borrowed */
	uint64_t us;
};

struct trial;

struct side {
	struct trial *trial; /* borrowed */
	const char *user;    /* borrowed */
	char password[CTL_PASSWORD_MAX + 1];
	struct client *client;	  /* owned */
	struct client_room *room; /* borrowed */
	bool is_in, has_left, over;
};

struct trial {
	const struct ctl *ctl;
	struct client_options options;
	struct side side[SIDES]; /* sender, receiver */
	const char *room_name;	 /* borrowed; or its URI */
	char *room;		 /* owned: the URI */
	char text[2][96];	 /* what each posts */
	unsigned writer;	 /* which of them posts now */
	uint64_t began;		 /* the step, clock_mono() */
	bool acknowledged, received, joined[SIDES];
	const char *now; /* the step */
	struct step step[STEPS_MAX];
	unsigned steps;
	char error[256], diagnosis[256]; /* empty: it has not failed */
};

/* --- Steps. --- */

static void begin(struct trial *t, const char *what)
{
	t->now = what;
	t->began = clock_mono();
}

static void measured(struct trial *t, const char *what, const char *user)
{
	if (t->steps < STEPS_MAX)
		t->step[t->steps++] = (struct step){what, user, clock_mono() - t->began};
}

__attribute__((format(printf, 3, 4))) static void failed(struct trial *t, const char *error,
							 const char *fmt, ...)
{
	va_list ap;

	if (*t->error)
		return;
	snprintf(t->error, sizeof(t->error), "%s", error);
	va_start(ap, fmt);
	vsnprintf(t->diagnosis, sizeof(t->diagnosis), fmt, ap);
	va_end(ap);
}

static void post(struct trial *t, unsigned writer)
{
	struct err err;

	t->writer = writer;
	t->acknowledged = t->received = false;
	begin(t, "post");
	if (client_post(t->side[writer].room, t->text[writer], false, &err) != 0)
		failed(t, "SystemError", "could not post: %s", err.text);
}

/* Both have it: the other one's turn, or all is done. */
static void posted_and_received(struct trial *t)
{
	if (!t->acknowledged || !t->received)
		return;
	if (t->writer == 0) {
		post(t, 1);
		return;
	}
	begin(t, "sign out");
	for (unsigned i = 0; i < SIDES; i++) {
		client_leave(t->side[i].room);
		client_session_logout(client_session(t->side[i].client));
	}
}

/* --- What the clients say. --- */

static void join_both(struct trial *t)
{
	struct err err;

	begin(t, "join");
	for (unsigned i = 0; i < SIDES; i++) {
		t->side[i].room = client_join(t->side[i].client, t->room, NULL, 0, &err);
		if (!t->side[i].room)
			failed(t, "SystemError", "could not join: %s", err.text);
	}
}

static void on_found(void *ctx, const json_t *result, int code, const char *text)
{
	struct trial *t = ctx;
	const char *name;
	json_t *room;
	size_t i;

	if (!result) {
		failed(t, code == CLIENT_LOST ? "lost" : code_name(code),
		       "could not find the room: %s", text);
		return;
	}
	measured(t, "find the room", t->side[0].user);
	json_array_foreach(json_object_get(result, "rooms"), i, room)
	{
		name = json_string_value(json_object_get(room, "name"));
		if (!t->room && name && strcasecmp(name, t->room_name) == 0)
			t->room = strdup(json_string_value(json_object_get(room, "room")));
	}
	if (t->room)
		join_both(t);
	else
		failed(t, code_name(CODE_NO_SUCH_NODE),
		       "%s sees no room \"%s\": \"pchatctl test setup\" makes one", t->side[0].user,
		       t->room_name);
}

static void find_room(struct trial *t)
{
	if (strncmp(t->room_name, "ma-chan://", 10) == 0) {
		t->room = strdup(t->room_name);
		join_both(t);
		return;
	}
	begin(t, "find the room");
	client_session_call(client_session(t->side[0].client), "room.search",
			    json_pack("{s:s}", "text", t->room_name), on_found, t);
}

static void on_ready(void *ctx)
{
	struct side *side = ctx;
	struct trial *t = side->trial;

	if (side->is_in)
		return;
	side->is_in = true;
	measured(t, "sign in", side->user);
	if (t->side[0].is_in && t->side[1].is_in)
		find_room(t);
}

static void on_lost(void *ctx, const char *why, uint64_t wait)
{
	struct side *side = ctx;

	(void)wait;
	if (side->is_in && strcmp(side->trial->now, "sign out") != 0)
		failed(side->trial, "lost", "the connection of %s was lost: %s", side->user, why);
}

static void on_joined(void *ctx, struct client_room *room, const json_t *answer, bool again)
{
	struct side *side = ctx;
	struct trial *t = side->trial;

	(void)room, (void)answer, (void)again;
	measured(t, "join", side->user);
	t->joined[side - t->side] = true;
	if (t->joined[0] && t->joined[1])
		post(t, 0);
}

static void on_refused(void *ctx, struct client_room *room, int code, const char *text)
{
	struct side *side = ctx;

	(void)room;
	failed(side->trial, code_name(code), "%s could not join the room: %s", side->user, text);
}

static void on_message(void *ctx, struct client_room *room, const json_t *message)
{
	const char *text = json_string_value(json_object_get(message, "text"));
	struct side *side = ctx;
	struct trial *t = side->trial;

	(void)room;
	if (!text || t->received || side == &t->side[t->writer] ||
	    strcmp(text, t->text[t->writer]) != 0)
		return;
	t->received = true;
	measured(t, "receive", side->user);
	posted_and_received(t);
}

static void on_posted(void *ctx, struct client_room *room, uint64_t seq, const char *time)
{
	struct side *side = ctx;
	struct trial *t = side->trial;

	(void)room, (void)seq, (void)time;
	t->acknowledged = true;
	measured(t, "post", side->user);
	posted_and_received(t);
}

static void on_rejected(void *ctx, struct client_room *room, int code, const char *text)
{
	struct side *side = ctx;

	(void)room;
	if (strcmp(side->trial->now, "post") == 0)
		failed(side->trial, code_name(code), "%s could not post: %s", side->user, text);
}

/* --- Running. --- */

static void look_at_end(struct side *side)
{
	const struct client_session *session = client_session(side->client);
	const enum client_end end = client_session_end(session);
	struct trial *t = side->trial;

	if (end == CLIENT_RUNS || side->over)
		return;
	side->over = true;
	if (end == CLIENT_SIGNED_OUT)
		measured(t, "sign out", side->user);
	else
		failed(t,
		       end == CLIENT_DENIED	   ? code_name(CODE_AUTHENTICATION_FAILED)
		       : end == CLIENT_UNREACHABLE ? "unreachable"
						   : "refused",
		       "%s could not sign in: %s", side->user, client_session_why(session));
}

static void run(struct trial *t)
{
	struct pollfd wait[SIDES];
	int timeout, other;

	begin(t, "sign in");
	while (!*t->error && !(t->side[0].over && t->side[1].over)) {
		for (unsigned i = 0; i < SIDES; i++) {
			client_turn(t->side[i].client);
			look_at_end(&t->side[i]);
		}
		if (*t->error || (t->side[0].over && t->side[1].over))
			break;
		if (clock_mono() - t->began > PATIENCE_US)
			failed(t, code_name(CODE_TIMEOUT), "\"%s\" took longer than %d s", t->now,
			       PATIENCE_US / 1000000);
		timeout = client_poll(t->side[0].client, &wait[0]);
		other = client_poll(t->side[1].client, &wait[1]);
		poll(wait, SIDES, timeout < other ? timeout : other);
	}
}

/* --- Who, where and by which passwords. --- */

/* The first two lines of a file; one line alone counts for both. */
static int read_passwords(const struct ctl *ctl, struct trial *t)
{
	const char *name = ctl->option[CTL_PASSWORD_FILE];
	FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
	char *line = NULL;
	size_t size = 0;
	unsigned count = 0;

	if (!file)
		return ctl_fail(ctl, EX_NOINPUT, "could not open %s: %s", name, strerror(errno));
	while (count < SIDES && getline(&line, &size, file) > 0) {
		line[strcspn(line, "\r\n")] = '\0';
		snprintf(t->side[count++].password, sizeof(t->side[0].password), "%s", line);
	}
	if (line)
		explicit_bzero(line, size);
	free(line);
	if (file != stdin)
		fclose(file);
	if (count == 1)
		memcpy(t->side[1].password, t->side[0].password, sizeof(t->side[1].password));
	return count > 0 ? EX_OK : ctl_fail(ctl, EX_DATAERR, "%s is empty", name);
}

static int ask_passwords(const struct ctl *ctl, struct trial *t)
{
	char prompt[600];

	for (unsigned i = 0; i < SIDES; i++) {
		snprintf(prompt, sizeof(prompt), "Password of %s: ", t->side[i].user);
		if (!readpassphrase(prompt, t->side[i].password, sizeof(t->side[i].password),
				    RPP_REQUIRE_TTY))
			return ctl_fail(ctl, EX_USAGE,
					"there is no terminal to ask for the passwords, and no "
					"--password-file");
	}
	return EX_OK;
}

/* Without --url the server on this host, as the configuration says; its certificate need not be for
 * the address by which it is asked. */
static int take_target(struct trial *t, char *text, size_t size)
{
	const struct ctl *ctl = t->ctl;
	const char *trust = ctl->option[CTL_TRUST], *listen;
	struct err err;

	t->options.insecure = !ctl->option[CTL_URL] && !trust;
	if (trust && strcmp(trust, "any") == 0)
		t->options.insecure = true;
	else
		t->options.ca = trust;
	if (ctl->option[CTL_URL]) {
		snprintf(text, size, "%s", ctl->option[CTL_URL]);
	} else if (!ctl->conf || ctl->conf->json.listen.count == 0) {
		return ctl_fail(ctl, EX_USAGE, "--url says which server to test, or --config");
	} else {
		listen = ctl->conf->json.listen.item[0];
		if (strncmp(listen, "0.0.0.0:", 8) == 0)
			snprintf(text, size, "%s://127.0.0.1%s", ctl->conf->json.tls ? "wss" : "ws",
				 listen + 7);
		else if (strncmp(listen, "[::]:", 5) == 0)
			snprintf(text, size, "%s://[::1]%s", ctl->conf->json.tls ? "wss" : "ws",
				 listen + 4);
		else
			snprintf(text, size, "%s://%s", ctl->conf->json.tls ? "wss" : "ws", listen);
	}
	if (client_url_parse(&t->options.url, text, &err) < 0)
		return ctl_fail(ctl, EX_USAGE, "%s", err.text);
	return EX_OK;
}

static int open_sides(struct trial *t)
{
	static const struct client_handlers handlers = {.ready = on_ready,
							.lost = on_lost,
							.joined = on_joined,
							.refused = on_refused,
							.message = on_message,
							.posted = on_posted,
							.rejected = on_rejected};
	uint64_t random;
	struct err err;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return ctl_fail(t->ctl, EX_OSERR, "could not get random bytes");
	for (unsigned i = 0; i < SIDES; i++) {
		struct client_options options = t->options;

		snprintf(t->text[i], sizeof(t->text[i]), "pchatctl test %016" PRIx64 " %u", random,
			 i + 1);
		options.user = t->side[i].user;
		options.password = t->side[i].password;
		options.patience = PATIENCE_US;
		t->side[i].client = client_new(&options, &handlers, &t->side[i], &err);
		if (!t->side[i].client)
			return ctl_fail(t->ctl, EX_OSERR, "%s", err.text);
	}
	return EX_OK;
}

/* --- The result. --- */

/* From a post to its receipt, the longer of both. */
static uint64_t latency(const struct trial *t)
{
	uint64_t longest = 0;

	for (unsigned i = 0; i < t->steps; i++)
		if (strcmp(t->step[i].what, "receive") == 0 && t->step[i].us > longest)
			longest = t->step[i].us;
	return longest;
}

static json_t *document_of(const struct trial *t, const char *target)
{
	json_t *steps = json_array();

	for (unsigned i = 0; i < t->steps; i++)
		json_array_append_new(steps, json_pack("{s:s, s:s, s:f}", "step", t->step[i].what,
						       "user", t->step[i].user, "ms",
						       (double)t->step[i].us / 1000));
	return json_pack("{s:s, s:s, s:f, s:s, s:s, s:o}", "target", target, "result",
			 *t->error ? "failure" : "success", "latency_ms", (double)latency(t) / 1000,
			 "error", t->error, "diagnosis", t->diagnosis, "steps", steps);
}

static int print_table(const struct trial *t, const char *target)
{
	static const char *const heads[] = {"STEP", "USER", "MS"};
	struct ctl_table *table = ctl_table_new("llr", heads);
	int code;

	for (unsigned i = 0; i < t->steps; i++) {
		ctl_table_add(table, "%s", t->step[i].what);
		ctl_table_add(table, "%s", t->step[i].user);
		ctl_table_add(table, "%.1f", (double)t->step[i].us / 1000);
	}
	code = ctl_print_table(t->ctl, table);
	if (code == EX_OK)
		printf("\n%s: %s\n", target, *t->error ? "failure" : "success");
	return code;
}

static int report(const struct trial *t, const char *target)
{
	int code = EX_OK;

	if (t->ctl->json) {
		json_t *document = document_of(t, target);

		code = ctl_print_json(t->ctl, document);
		json_decref(document);
	} else {
		code = print_table(t, target);
	}
	if (code == EX_OK && *t->error)
		code = ctl_fail(t->ctl, EX_UNAVAILABLE, "%s: %s", t->error, t->diagnosis);
	return code;
}

int ctl_test_message(const struct ctl *ctl)
{
	struct trial t = {.ctl = ctl, .room_name = ctl->count > 2 ? ctl->arguments[2] : ROOM};
	char target[600];
	int code;

	for (unsigned i = 0; i < SIDES; i++) {
		t.side[i].trial = &t;
		t.side[i].user = ctl->arguments[i];
	}
	if (strcmp(ctl->arguments[0], ctl->arguments[1]) == 0)
		return ctl_fail(ctl, EX_USAGE, "it takes two users");
	signal(SIGPIPE, SIG_IGN);
	code = take_target(&t, target, sizeof(target));
	if (code == EX_OK)
		code = ctl->option[CTL_PASSWORD_FILE] ? read_passwords(ctl, &t)
						      : ask_passwords(ctl, &t);
	if (code == EX_OK)
		code = open_sides(&t);
	if (code == EX_OK) {
		run(&t);
		code = report(&t, target);
	}
	for (unsigned i = 0; i < SIDES; i++) {
		client_free(&t.side[i].client);
		explicit_bzero(t.side[i].password, sizeof(t.side[i].password));
	}
	free(t.room);
	return code;
}

/* --- The room for it. --- */

static int dry_setup(const struct ctl *ctl, const char *name, json_t *take_room)
{
	struct ctl_verb make = *ctl->verb;
	struct ctl making = *ctl;
	int code = ctl_check_room(ctl, name, ctl->arguments, 2);

	if (code != EX_OK) {
		json_decref(take_room);
		return code;
	}
	make.method = "room.create";
	making.verb = &make;
	code = ctl_object_call(&making, take_room);
	if (code != EX_OK || ctl->json)
		return code;
	return ctl_object_call(ctl, json_pack("{s:s, s:{s:[s, s]}}", "room", name, "members",
					      "add", ctl->arguments[0], ctl->arguments[1]));
}

int ctl_test_setup(const struct ctl *ctl)
{
	const char *name = ctl->count > 2 ? ctl->arguments[2] : ROOM;
	json_t *params = json_pack("{s:s, s:s, s:s}", "name", name, "privacy", "closed",
				   "description", "for pchatctl test"),
	       *result = NULL;
	int code;

	if (!params)
		return ctl_fail(ctl, EX_DATAERR, "a value is not UTF-8");
	if (ctl->option[CTL_CATEGORY])
		json_object_set_new(params, "category", json_string(ctl->option[CTL_CATEGORY]));
	if (ctl->option[CTL_DRY_RUN])
		return dry_setup(ctl, name, params);
	code = ctl_call(ctl, "room.create", params, &result);
	if (code != EX_OK)
		return code;
	params = json_pack("{s:O, s:{s:[s, s]}}", "room", json_object_get(result, "room"),
			   "members", "add", ctl->arguments[0], ctl->arguments[1]);
	json_decref(result);
	if (!params)
		return ctl_fail(ctl, EX_DATAERR, "a value is not UTF-8");
	return ctl_object_call(ctl, params);
}
