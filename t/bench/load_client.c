#include "config.h"

#include "t/bench/load_client.h"

#include <gsasl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/clock.h"

enum {
	RETRY_US = 20000,
	ROOMS_A_CALL = 128,
	COMERS_STEP = 7919, /* a prime: neighbours are in the same rooms */
};

static unsigned user_of(const struct load_worker *w, const struct load_client *c)
{
	return c->index % w->options->users;
}

void load_client_send(struct load_worker *w, struct load_client *c, const char *text, size_t size)
{
	load_connection_send(&c->connection, FRAME_TEXT, text, size);
	if (!c->dirty) {
		c->dirty = true;
		c->next_dirty = w->dirty;
		w->dirty = c;
	}
}

static void send_json(struct load_worker *w, struct load_client *c, int id, const char *method,
		      json_t *take_params)
{
	json_t *request = json_pack("{s:s, s:i, s:s, s:o}", "jsonrpc", "2.0", "id", id, "method",
				    method, "params", take_params);
	char *text = json_dumps(request, JSON_COMPACT);
	if (text)
		load_client_send(w, c, text, strlen(text));
	free(text);
	json_decref(request);
}

static void disconnect(struct load_worker *w, struct load_client *c)
{
	if (c->state == CLIENT_READY)
		w->unready++;
	if (c->state == CLIENT_OPENING || c->state == CLIENT_SIGNING || c->state == CLIENT_JOINING)
		w->opening--;
	load_connection_stop(&c->connection);
	client_sasl_free(&c->sasl);
	c->retry_at = w->now + (c->state == CLIENT_READY ? 0 : RETRY_US);
	c->state = CLIENT_IDLE;
}

static void lost(struct load_worker *w, struct load_client *c)
{
	w->stats->disconnects += c->state == CLIENT_READY;
	disconnect(w, c);
}

void load_client_storm(struct load_worker *w)
{
	w->stormed = true;
	for (uint32_t i = 0; i < w->clients; i++)
		if (w->client[i].state == CLIENT_READY)
			lost(w, &w->client[i]);
}

/* A server need not keep the places of one who says that he leaves. */
static int say_goodbye(struct load_worker *w, struct load_client *c)
{
	static const unsigned char normal[] = {1000 >> 8, 1000 & 255};

	load_connection_send(&c->connection, FRAME_CLOSE, normal, sizeof(normal));
	return load_connection_flush(&c->connection, &w->network, c);
}

void load_client_end(struct load_worker *w)
{
	for (uint32_t i = 0; i < w->clients; i++)
		if (w->client[i].state == CLIENT_READY && say_goodbye(w, &w->client[i]) != 0)
			lost(w, &w->client[i]);
}

void load_client_start(struct load_worker *w, struct load_client *c)
{
	c->state = CLIENT_OPENING;
	w->opening++;
	if (load_connection_start(&c->connection, &w->network, c->index % w->options->sources, c) !=
	    0)
		lost(w, c);
}

/* Each time another one, until all have been. */
void load_client_come(struct load_worker *w)
{
	double own = w->options->sign_ins / w->options->processes;
	while (w->running && own > 0) {
		uint64_t due = w->begin + (uint64_t)((double)w->comers * 1e6 / own);
		if (due > w->now)
			return;
		struct load_client *c = &w->client[w->comers++ * COMERS_STEP % w->clients];
		if (c->state != CLIENT_READY)
			continue;
		c->came = due;
		(void)say_goodbye(w, c);
		disconnect(w, c);
		load_client_start(w, c);
	}
}

/* Signing in. */

static void sign_in_plain(struct load_worker *w, struct load_client *c, const char *user)
{
	struct err err;
	char *data = NULL;
	struct client_sasl *sasl = client_sasl_new("PLAIN", user, w->options->password, &err);
	if (sasl && client_sasl_step(sasl, NULL, &data, &err) == 1)
		send_json(w, c, ID_SIGN_IN, "auth.start",
			  json_pack("{s:s, s:s}", "mechanism", "PLAIN", "data", data));
	free(data);
	client_sasl_free(&sasl);
}

static void sign_in_scram(struct load_worker *w, struct load_client *c, const char *user)
{
	struct err err;
	char *data = NULL;
	c->sasl = client_sasl_new("SCRAM-SHA-256", user, w->options->password, &err);
	if (c->sasl && client_sasl_step(c->sasl, NULL, &data, &err) == 0)
		send_json(w, c, ID_SIGN_IN, "auth.start",
			  json_pack("{s:s, s:s}", "mechanism", "SCRAM-SHA-256", "data", data));
	free(data);
}

static json_t *wish(const struct load_worker *w, const struct load_client *c,
		    const struct load_member *member)
{
	const char *uri = w->shared->room[member->room].uri;
	if (c->was_ready)
		return json_pack("{s:s, s:I}", "room", uri, "since", (json_int_t)member->seen);
	return json_pack("{s:s, s:i}", "room", uri, "history", 0);
}

/* The rooms from this one on, as many as one call takes. */
static json_t *wishes(const struct load_worker *w, struct load_client *c, uint32_t from)
{
	json_t *rooms = json_array();
	for (uint32_t i = from; i < c->members && i < from + ROOMS_A_CALL; i++) {
		c->member[i].catching = true;
		c->member[i].live = 0;
		json_array_append_new(rooms, wish(w, c, &c->member[i]));
	}
	return rooms;
}

/* The answer to the last call makes the client ready. */
static void join(struct load_worker *w, struct load_client *c, uint32_t from)
{
	c->state = CLIENT_JOINING;
	c->behind = c->members;
	for (uint32_t i = from; i < c->members; i += ROOMS_A_CALL)
		send_json(w, c, ID_JOIN, "room.join", json_pack("{s:o}", "rooms", wishes(w, c, i)));
	if (c->members == 0)
		load_message_joined(w, c, NULL);
}

/* All in one call, as far as one call takes it. */
static void resume(struct load_worker *w, struct load_client *c, const char *token)
{
	json_t *params = json_pack("{s:s}", "token", token);
	if (c->members > 0)
		json_object_set_new(params, "rooms", wishes(w, c, 0));
	send_json(w, c, ID_RESUME, "auth.resume", params);
}

static void sign_in(struct load_worker *w, struct load_client *c)
{
	char user[64];
	const char *token = w->token[user_of(w, c)];
	snprintf(user, sizeof(user), "%s%u", w->options->user_prefix, user_of(w, c));
	c->state = CLIENT_SIGNING;
	if (c->came)
		sign_in_plain(w, c, user);
	else if (token && (c->was_ready || w->options->auth == LOAD_TOKEN))
		resume(w, c, token);
	else if (w->options->auth == LOAD_SCRAM)
		sign_in_scram(w, c, user);
	else
		sign_in_plain(w, c, user);
}

static void scram_step(struct load_worker *w, struct load_client *c, const json_t *result)
{
	struct err err;
	char *data = NULL;
	const char *challenge = json_string_value(json_object_get(result, "data"));
	if (c->sasl && client_sasl_step(c->sasl, challenge ? challenge : "", &data, &err) == 0)
		send_json(w, c, ID_SIGN_IN, "auth.step", json_pack("{s:s}", "data", data));
	free(data);
}

static void signed_in(struct load_worker *w, struct load_client *c, const json_t *result,
		      bool resumed)
{
	const char *token = json_string_value(json_object_get(result, "token"));
	unsigned user = user_of(w, c);
	if (token && !w->token[user])
		w->token[user] = strdup(token);
	client_sasl_free(&c->sasl);
	join(w, c, resumed ? ROOMS_A_CALL : 0);
	if (resumed && c->members > 0)
		load_message_joined(w, c, result);
}

/* Lists of participants are most of a join's answer, and taking them apart was most of the
 * generator's work. Nothing here reads them, and no name in them has a bracket. */
static size_t without_lists(const char *text, size_t size, char *text_r)
{
	static const char list[] = "\"participants\":[";
	const char *end = text + size, *begin, *close;
	char *to = text_r;
	while ((begin = memmem(text, (size_t)(end - text), list, sizeof(list) - 1)) != NULL) {
		begin += sizeof(list) - 1;
		close = memchr(begin, ']', (size_t)(end - begin));
		if (!close)
			break;
		to = mempcpy(to, text, (size_t)(begin - text));
		text = close;
	}
	to = mempcpy(to, text, (size_t)(end - text));
	return (size_t)(to - text_r);
}

static json_t *parse(const char *text, size_t size)
{
	char *copy = malloc(size + 1);
	json_t *answer = copy ? json_loadb(copy, without_lists(text, size, copy), 0, NULL) : NULL;
	free(copy);
	return answer;
}

static void take_json(struct load_worker *w, struct load_client *c, const char *text, size_t size)
{
	json_t *answer = parse(text, size);
	const json_t *result = json_object_get(answer, "result");
	json_int_t id = json_integer_value(json_object_get(answer, "id"));
	if (answer && !result) {
		/* Busy, or a void token: from the start again, after a pause. */
		unsigned user = user_of(w, c);
		free(w->token[user]);
		w->token[user] = NULL;
		w->stats->malformed += id == 0;
		c->retry_at = 1;
	} else if (id == ID_SIGN_IN && json_is_true(json_object_get(result, "done"))) {
		signed_in(w, c, result, false);
	} else if (id == ID_RESUME) {
		signed_in(w, c, result, true);
	} else if (id == ID_SIGN_IN) {
		scram_step(w, c, result);
	} else if (id == ID_JOIN) {
		load_message_joined(w, c, result);
	} else if (id >= ID_HISTORY && id < ID_HISTORY + c->members) {
		load_message_page(w, c, &c->member[id - ID_HISTORY], result);
	}
	json_decref(answer);
}

struct context {
	struct load_worker *w;
	struct load_client *c;
};

static int on_frame(void *ctx, const struct load_frame *frame)
{
	struct context *context = ctx;
	struct load_worker *w = context->w;
	struct load_client *c = context->c;
	switch (frame->opcode) {
	case FRAME_TEXT:
		if (!load_message_take(w, c, frame->payload, frame->size))
			take_json(w, c, frame->payload, frame->size);
		return c->retry_at == 1 ? -1 : 0;
	case FRAME_PING:
		load_connection_send(&c->connection, FRAME_PONG, frame->payload, frame->size);
		load_client_send(w, c, NULL, 0);
		return 0;
	case FRAME_CLOSE:
		return -1;
	default:
		return 0;
	}
}

void load_client_event(struct load_worker *w, struct load_client *c)
{
	struct context context = {w, c};
	int result = 1;
	if (c->state == CLIENT_IDLE)
		return;
	if (c->state == CLIENT_OPENING) {
		result = load_connection_turn(&c->connection, &w->network, c);
		if (result == 1) {
			if (c->was_ready && w->stats->first_back == 0)
				w->stats->first_back = clock_mono();
			sign_in(w, c);
		}
	}
	if (result == 1)
		result = load_connection_read(&c->connection, on_frame, &context) == 0 ? 0 : -1;
	if (result < 0 || load_connection_flush(&c->connection, &w->network, c) != 0)
		lost(w, c);
}
