#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/clock.h"
#include "conf/code.h"
#include "t/bench/load_client.h"

enum { PAUSE_US = 5000 };

static void send_post(struct load_worker *w, struct load_client *c, uint32_t index, uint32_t number)
{
	char text[16384];
	const struct load_member *member = &c->member[index];
	uint64_t intended = member->sender->intended[number % LOAD_WINDOW_MAX];
	int length = snprintf(text, sizeof(text),
			      "{\"jsonrpc\":\"2.0\",\"id\":%" PRIu64 ",\"method\":\"message.post\","
			      "\"params\":{\"room\":\"%s\",\"id\":\"%08x-%u-%u\",\"text\":\"",
			      ((uint64_t)index + 1) << ID_POST_SHIFT | number,
			      w->shared->room[member->room].uri, w->run, member->seat, number);
	int begin = length;
	length += snprintf(text + length, sizeof(text) - (size_t)length, "load %u %u %" PRIu64 " ",
			   member->seat, number, intended);
	while (length - begin < (int)w->options->size)
		text[length++] = 'x';
	memcpy(text + length, "\"}}", 3);
	load_client_send(w, c, text, (size_t)length + 3);
}

static void post_new(struct load_worker *w, struct load_client *c, uint32_t index,
		     uint64_t intended)
{
	struct load_sender *sender = c->member[index].sender;
	uint64_t *place = &sender->intended[sender->next % LOAD_WINDOW_MAX];
	if (c->state != CLIENT_READY || *place != 0) {
		w->stats->unsent++;
		return;
	}
	*place = intended;
	sender->unacked++;
	send_post(w, c, index, sender->next++);
}

static void acknowledged(struct load_worker *w, struct load_client *c, uint32_t index,
			 uint32_t number, uint64_t seq)
{
	struct load_sender *sender = c->member[index].sender;
	uint64_t *place = &sender->intended[number % LOAD_WINDOW_MAX];
	_Atomic uint64_t *highest = &w->shared->room[c->member[index].room].highest;
	uint64_t old = atomic_load(highest);
	while (seq > old && !atomic_compare_exchange_weak(highest, &old, seq))
		;
	if (*place >= w->begin && w->now < w->end) {
		atomic_fetch_add_explicit(&w->stats->posts, 1, memory_order_relaxed);
		load_histogram_add(&w->stats->ack, w->now - *place);
	}
	*place = 0;
	sender->unacked--;
	sender->acked++;
	atomic_fetch_add_explicit(&w->stats->acked, 1, memory_order_relaxed);
	if (w->running && w->options->rate == 0)
		post_new(w, c, index, w->now);
}

static void count_refusal(struct load_stats *stats, int code)
{
	for (unsigned i = 0; i < LOAD_CODES; i++) {
		if (stats->refused_code[i] == 0)
			stats->refused_code[i] = code;
		if (stats->refused_code[i] == code) {
			stats->refused[i]++;
			return;
		}
	}
}

static void retry_later(struct load_worker *w, struct load_client *c, uint32_t index,
			uint32_t number)
{
	if (w->retry_count == w->retry_size) {
		size_t size = w->retry_size ? w->retry_size * 2 : 1024;
		struct load_retry *retry = calloc(size, sizeof(*retry));
		if (!retry)
			return;
		for (size_t i = 0; i < w->retry_count; i++)
			retry[i] = w->retry[(w->retry_first + i) % w->retry_size];
		free(w->retry);
		w->retry = retry;
		w->retry_size = size;
		w->retry_first = 0;
	}
	w->retry[(w->retry_first + w->retry_count++) % w->retry_size] =
		(struct load_retry){w->now + PAUSE_US, c, index, number};
}

void load_post_answer(struct load_worker *w, struct load_client *c, uint64_t id, uint64_t seq,
		      int code)
{
	uint32_t index = (uint32_t)(id >> ID_POST_SHIFT) - 1, number = (uint32_t)id;
	struct load_sender *sender = index < c->members ? c->member[index].sender : NULL;
	if (!sender || sender->intended[number % LOAD_WINDOW_MAX] == 0) {
		w->stats->malformed++;
		return;
	}
	if (seq > 0) {
		acknowledged(w, c, index, number, seq);
		return;
	}
	count_refusal(w->stats, code);
	retry_later(w, c, index, number);
}

/* After a lost connection: what came back as a message is done, the rest is posted again. */
void load_post_again(struct load_worker *w, struct load_client *c, uint32_t index)
{
	struct load_member *member = &c->member[index];
	struct load_sender *sender = member->sender;
	uint32_t first;
	if (!sender)
		return;
	first = sender->next > LOAD_WINDOW_MAX ? sender->next - LOAD_WINDOW_MAX : 0;
	for (uint32_t number = first, end = sender->next; number < end; number++) {
		if (sender->intended[number % LOAD_WINDOW_MAX] == 0)
			continue;
		if (load_set_has(&sender->seen, number))
			acknowledged(w, c, index, number, member->seen);
		else
			send_post(w, c, index, number);
	}
}

static void send_retries(struct load_worker *w)
{
	while (w->retry_count > 0 && w->retry[w->retry_first].due <= w->now) {
		struct load_retry retry = w->retry[w->retry_first];
		struct load_sender *sender = retry.client->member[retry.member].sender;
		w->retry_first = (w->retry_first + 1) % w->retry_size;
		w->retry_count--;
		uint64_t *intended = &sender->intended[retry.number % LOAD_WINDOW_MAX];
		if (retry.client->state != CLIENT_READY || *intended == 0)
			continue;
		if (w->options->forget)
			*intended = w->now;
		send_post(w, retry.client, retry.member, retry.number);
	}
}

/* The closed loop: every sender begins with a full window. */
void load_post_begin(struct load_worker *w)
{
	if (w->options->rate > 0)
		return;
	for (uint32_t i = 0; i < w->senders; i++)
		for (unsigned k = 0; k < w->options->window; k++)
			post_new(w, w->sender[i].client, w->sender[i].member, w->now);
}

/* The open loop: when the next post is intended. */
static uint64_t next_due(const struct load_worker *w)
{
	double own = w->options->rate * w->senders / (double)w->plan->senders;
	uint64_t start = w->begin - (uint64_t)(w->options->warmup * 1e6);
	return start + (uint64_t)((double)w->slot * 1e6 / own);
}

static bool loop_is_open(const struct load_worker *w)
{
	return w->running && w->options->rate > 0 && w->senders > 0;
}

uint64_t load_post_due(const struct load_worker *w)
{
	uint64_t due = loop_is_open(w) ? next_due(w) : UINT64_MAX;
	if (w->retry_count > 0 && w->retry[w->retry_first].due < due)
		due = w->retry[w->retry_first].due;
	return due;
}

/* A post is intended at its time, be it possible then or not. */
void load_post_turn(struct load_worker *w)
{
	send_retries(w);
	while (loop_is_open(w)) {
		uint64_t due = next_due(w);
		if (due > w->now)
			return;
		uint32_t i = (uint32_t)(w->slot++ % w->senders);
		post_new(w, w->sender[i].client, w->sender[i].member, due);
	}
}
