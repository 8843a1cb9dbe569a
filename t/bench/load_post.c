#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/clock.h"
#include "conf/code.h"
#include "t/bench/load_client.h"

enum { PAUSE_US = 5000 };

/* A page is asked for in the place of a post. The number that comes first in the answer is then
 * taken for that of the post. */
static void send_page(struct load_worker *w, struct load_client *c, uint32_t index, uint32_t number)
{
	char text[512], before[40] = "";
	if (w->options->before > 0)
		snprintf(before, sizeof(before), ",\"before\":%u", w->options->before);
	int length = snprintf(text, sizeof(text),
			      "{\"jsonrpc\":\"2.0\",\"id\":%" PRIu64
			      ",\"method\":\"message.history\",\"params\":{\"room\":\"%s\""
			      ",\"limit\":%u%s}}",
			      ((uint64_t)index + 1) << ID_POST_SHIFT | number,
			      w->shared->room[c->member[index].room].uri, w->options->page, before);
	load_client_send(w, c, text, (size_t)length);
}

static void send_post(struct load_worker *w, struct load_client *c, uint32_t index, uint32_t number)
{
	char text[16384];
	const struct load_member *member = &c->member[index];
	uint64_t intended = member->sender->intended[number % LOAD_WINDOW_MAX];
	if (w->options->page > 0) {
		send_page(w, c, index, number);
		return;
	}
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
	if (w->now >= w->begin && w->now < w->end) {
		atomic_fetch_add_explicit(&w->stats->posts, 1, memory_order_relaxed);
		if (*place >= w->begin)
			load_histogram_add(&w->stats->ack, w->now - *place);
	}
	*place = 0;
	sender->unacked--;
	sender->acked++;
	atomic_fetch_add_explicit(&w->stats->acked, 1, memory_order_relaxed);
	if (w->running && w->lanes == 0)
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
	if (w->lanes > 0)
		return;
	for (uint32_t i = 0; i < w->senders; i++)
		for (unsigned k = 0; k < w->options->window; k++)
			post_new(w, w->sender[i].client, w->sender[i].member, w->now);
}

static unsigned lane_of(const struct load_worker *w, uint32_t room)
{
	return w->options->rates ? load_group_of(w->options, room) : 0;
}

static bool is_own(const struct load_worker *w, uint32_t own, uint64_t seat)
{
	return own < w->senders &&
	       w->sender[own].client->member[w->sender[own].member].seat == seat;
}

/* Own senders are in the order of their seats, as all are. */
static void give_turns(struct load_worker *w)
{
	uint32_t own = 0;
	for (uint64_t seat = 0; seat < w->plan->seats; seat++) {
		if (!w->plan->seat[seat].sender)
			continue;
		struct load_lane *lane = &w->lane[lane_of(w, w->plan->seat[seat].room)];
		if (is_own(w, own, seat))
			lane->turn[lane->turns++] = (struct load_poster){own++, lane->places};
		lane->places++;
	}
}

/* Each process posts its share by a clock of its own, as those of peer-load do. */
static void keep_own_time(struct load_lane *lane)
{
	lane->rate *= (double)lane->turns / (double)lane->places;
	lane->places = lane->turns;
	for (uint32_t i = 0; i < lane->turns; i++)
		lane->turn[i].place = i;
}

/*
 * The open loop. The posts of a group with a rate come at even times, whichever process makes them:
 * by clocks of their own all processes would post to the largest rooms in the same moment.
 */
bool load_post_init(struct load_worker *w)
{
	const struct load_options *o = w->options;
	w->lanes = o->rates ? o->groups : o->rate > 0 ? 1 : 0;
	if (w->lanes == 0)
		return true;
	for (unsigned i = 0; i < w->lanes; i++) {
		w->lane[i].rate = o->rates ? o->group[i].rate : o->rate;
		w->lane[i].turn = calloc(w->senders + 1, sizeof(*w->lane[i].turn));
		if (!w->lane[i].turn)
			return false;
	}
	give_turns(w);
	if (!o->rates)
		keep_own_time(&w->lane[0]);
	return true;
}

/* When the next post is intended. */
static uint64_t next_due(const struct load_worker *w, const struct load_lane *lane)
{
	uint64_t start = w->begin - (uint64_t)(w->options->warmup * 1e6);
	if (lane->rate <= 0 || lane->turns == 0 || !w->running)
		return UINT64_MAX;
	uint64_t slot = lane->slot / lane->turns * lane->places +
			lane->turn[lane->slot % lane->turns].place;
	return start + (uint64_t)((double)slot * 1e6 / lane->rate);
}

uint64_t load_post_due(const struct load_worker *w)
{
	uint64_t due = UINT64_MAX;
	for (unsigned i = 0; i < w->lanes; i++)
		if (next_due(w, &w->lane[i]) < due)
			due = next_due(w, &w->lane[i]);
	if (w->retry_count > 0 && w->retry[w->retry_first].due < due)
		due = w->retry[w->retry_first].due;
	return due;
}

static uint64_t next_turn(const struct load_worker *w, const struct load_lane *lane)
{
	if (w->options->rates)
		return lane->slot % lane->turns;
	return load_turn(w->options, (unsigned)(w->stats - w->shared->stats), lane->turns,
			 lane->slot);
}

/* A post is intended at its time, be it possible then or not. */
static void post_due(struct load_worker *w, struct load_lane *lane)
{
	uint64_t due;
	while ((due = next_due(w, lane)) <= w->now) {
		uint32_t i = lane->turn[next_turn(w, lane)].sender;
		lane->slot++;
		post_new(w, w->sender[i].client, w->sender[i].member, due);
	}
}

void load_post_turn(struct load_worker *w)
{
	send_retries(w);
	for (unsigned i = 0; i < w->lanes; i++)
		post_due(w, &w->lane[i]);
}
