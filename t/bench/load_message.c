#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/clock.h"
#include "t/bench/load_client.h"

/*
 * Messages come a million times a second, so they are not parsed but searched. That is enough
 * because all text in them is our own and has no quotes in it.
 */
static const char *find(const char *text, size_t size, const char *what)
{
	size_t length = strlen(what);
	const char *found = memmem(text, size, what, length);
	return found ? found + length : NULL;
}

static uint64_t number_at(const char *p, const char *end)
{
	uint64_t number = 0;
	for (; p && p < end && *p >= '0' && *p <= '9'; p++)
		number = number * 10 + (uint64_t)(*p - '0');
	return number;
}

/* Tells rooms apart without a look at their URIs, which are in no cache after a delivery to
 * thousands. */
uint64_t load_message_tail(const char *uri, size_t size)
{
	uint64_t tail = 0;
	size_t length = size < sizeof(tail) ? size : sizeof(tail);
	memcpy(&tail, uri + size - length, length);
	return tail;
}

static struct load_member *member_of(const struct load_worker *w, const struct load_client *c,
				     const char *uri, size_t length)
{
	uint64_t tail = load_message_tail(uri, length);
	for (uint32_t i = 0; i < c->members; i++) {
		if (c->member[i].tail != tail)
			continue;
		const char *own = w->shared->room[c->member[i].room].uri;
		if (strlen(own) == length && memcmp(uri, own, length) == 0)
			return &c->member[i];
	}
	return NULL;
}

/* What our texts say: seat, number, when the post was intended. */
struct mark {
	unsigned seat, number;
	uint64_t intended;
};

/* The number at *p and the blank behind it; false: there are none. */
static bool take_number(const char **p, const char *end, uint64_t *number_r)
{
	const char *begin = *p;
	*number_r = number_at(begin, end);
	while (*p < end && **p >= '0' && **p <= '9')
		(*p)++;
	return *p > begin && *p < end && *(*p)++ == ' ';
}

static bool read_mark(const char *text, size_t size, struct mark *mark_r)
{
	static const char word[] = "load ";
	const char *p = text + sizeof(word) - 1, *end = text + size;
	uint64_t seat, number;
	if (size < sizeof(word) || memcmp(text, word, sizeof(word) - 1) != 0 ||
	    !take_number(&p, end, &seat) || !take_number(&p, end, &number) ||
	    !take_number(&p, end, &mark_r->intended))
		return false;
	mark_r->seat = (unsigned)seat;
	mark_r->number = (unsigned)number;
	return true;
}

static void own_post(struct load_worker *w, const struct load_member *member,
		     const struct mark *mark)
{
	if (member->sender && member->seat == mark->seat &&
	    !load_set_add(&member->sender->seen, mark->number))
		w->stats->repeated++;
}

/* A message in its place: its number is the next one, or something was lost or repeated. */
static void receive(struct load_worker *w, struct load_member *member, uint64_t seq,
		    const struct mark *mark)
{
	if (seq <= member->seen) {
		w->stats->repeated++;
		return;
	}
	w->stats->lost += seq - member->seen - 1;
	member->seen = seq;
	own_post(w, member, mark);
	if (!load_check_agrees(w->check, member->room, seq, mark->seat, mark->number))
		w->stats->disordered++;
	if (mark->intended > w->now) /* made by another process in the meantime */
		w->now = clock_mono();
	if (w->now < w->begin || w->now >= w->end)
		return;
	atomic_fetch_add_explicit(&w->stats->deliveries, 1, memory_order_relaxed);
	if (mark->intended < w->begin)
		return;
	load_histogram_add(&w->stats->delivery, w->now - mark->intended);
	if (w->options->groups > 1)
		load_histogram_add(&w->stats->group[load_group_of(w->options, member->room)],
				   w->now - mark->intended);
}

static void notified(struct load_worker *w, struct load_client *c, const char *text, size_t size)
{
	struct mark mark;
	const char *end = text + size;
	const char *room = find(text, size, "\"room\":\"");
	const char *body = find(text, size, "\"text\":\"");
	const char *seq = find(text, size, "\"seq\":");
	const char *close = room ? memchr(room, '"', (size_t)(end - room)) : NULL;
	struct load_member *member = close ? member_of(w, c, room, (size_t)(close - room)) : NULL;
	if (!member || !body || !seq || !read_mark(body, (size_t)(end - body), &mark)) {
		w->stats->malformed++;
		return;
	}
	uint64_t number = number_at(seq, end);
	if (member->catching)
		member->live = number > member->live ? number : member->live;
	else if (number > member->known)
		receive(w, member, number, &mark);
}

/* 1: it was a notification or the answer to a post; 0: another answer, for the parser. */
int load_message_take(struct load_worker *w, struct load_client *c, const char *text, size_t size)
{
	const char *end = text + size;
	size_t head = size < 100 ? size : 100;
	if (find(text, head, "\"method\":\"message\"")) {
		notified(w, c, text, size);
		return 1;
	}
	if (find(text, head, "\"method\":\""))
		return 1;
	uint64_t id = number_at(find(text, head, "\"id\":"), end);
	if (id >> ID_POST_SHIFT == 0)
		return 0;
	const char *seq = find(text, size, "\"seq\":");
	const char *code = find(text, size, "\"code\":");
	if (code && *code == '-')
		code++;
	load_post_answer(w, c, id, seq ? number_at(seq, end) : 0, (int)number_at(code, end));
	return 1;
}

/* Joining, and what was missed. */

static void ready(struct load_worker *w, struct load_client *c)
{
	bool again = c->was_ready;
	c->state = CLIENT_READY;
	c->was_ready = true;
	w->unready--;
	w->opening--;
	if (c->came)
		load_histogram_add(&w->stats->sign_in, clock_mono() - c->came);
	c->came = 0;
	if (again) {
		w->stats->last_back = clock_mono();
		for (uint32_t i = 0; i < c->members; i++)
			load_post_again(w, c, i);
	}
}

static void ask_page(struct load_worker *w, struct load_client *c, const struct load_member *member)
{
	char text[300];
	int length = snprintf(text, sizeof(text),
			      "{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"message.history\","
			      "\"params\":{\"room\":\"%s\",\"after\":%" PRIu64 ",\"limit\":500}}",
			      ID_HISTORY + (unsigned)(member - c->member),
			      w->shared->room[member->room].uri, member->seen);
	load_client_send(w, c, text, (size_t)length);
}

void load_message_page(struct load_worker *w, struct load_client *c, struct load_member *member,
		       const json_t *page)
{
	size_t i;
	const json_t *message;
	json_array_foreach(json_object_get(page, "messages"), i, message)
	{
		struct mark mark;
		const char *text = json_string_value(json_object_get(message, "text"));
		json_int_t seq = json_integer_value(json_object_get(message, "seq"));
		if (!text || !read_mark(text, strlen(text), &mark))
			w->stats->malformed++;
		else if ((uint64_t)seq > member->seen)
			receive(w, member, (uint64_t)seq, &mark);
	}
	if (json_is_true(json_object_get(page, "more")) || member->live > member->seen) {
		ask_page(w, c, member);
		return;
	}
	member->catching = false;
	member->known = member->seen;
	if (--c->behind == 0)
		ready(w, c);
}

void load_message_joined(struct load_worker *w, struct load_client *c, const json_t *result)
{
	size_t i;
	const json_t *room;
	json_array_foreach(json_object_get(result, "rooms"), i, room)
	{
		const char *uri = json_string_value(json_object_get(room, "room"));
		struct load_member *member = uri ? member_of(w, c, uri, strlen(uri)) : NULL;
		if (!member || json_object_get(room, "error")) {
			c->retry_at = 1;
			return;
		}
		if (!c->was_ready)
			member->seen =
				(uint64_t)json_integer_value(json_object_get(room, "last_seq"));
		load_message_page(w, c, member, c->was_ready ? room : NULL);
	}
	if (!result)
		ready(w, c);
}
