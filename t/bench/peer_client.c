#include "config.h"

#include "t/bench/peer.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/clock.h"

enum {
	READ_SIZE = 65536,
	OPEN_TURN = 16,
	EVENTS = 512,
};

void peer_send(const struct peer_client *c, const char *text, size_t size)
{
	if (send(c->fd, text, size, MSG_NOSIGNAL) != (ssize_t)size)
		errx(EX_TEMPFAIL, "the server does not take what user %u writes", c->index);
}

void peer_say(const struct peer_client *c, const char *format, ...)
{
	char text[PEER_TEXT];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (length < 0 || length >= (int)sizeof(text))
		errx(EX_SOFTWARE, "what user %u was to say is too long", c->index);
	peer_send(c, text, (size_t)length);
}

static size_t write_post(const struct peer *w, unsigned number, uint64_t intended, char *out,
			 size_t size)
{
	char text[PEER_TEXT / 2];
	int length = snprintf(text, sizeof(text), "load %" PRIu64 " ", intended);

	while (length < (int)w->options->size && length + 1 < (int)sizeof(text))
		text[length++] = 'x';
	text[length] = '\0';
	return w->protocol->post(w, number, text, out, size);
}

static void post(struct peer *w, unsigned number, uint64_t intended)
{
	struct peer_client *c = w->post[number].client;
	char out[PEER_TEXT];

	c->asked = number;
	peer_send(c, out,
		  w->options->page > 0 ? w->protocol->page(w, number, out, sizeof(out))
				       : write_post(w, number, intended, out, sizeof(out)));
	atomic_fetch_add_explicit(&w->stats->acked, 1, memory_order_relaxed);
	if (intended >= w->begin && w->now < w->end)
		atomic_fetch_add_explicit(&w->stats->posts, 1, memory_order_relaxed);
}

void peer_answered(struct peer *w, unsigned number)
{
	if (number < w->posts && w->running && w->rate == 0)
		post(w, number, w->now);
}

void peer_received(struct peer *w, const char *text)
{
	uint64_t intended = strtoull(text, NULL, 10);

	w->stats->repeated++;  /* here: all that came, whenever */
	if (intended > w->now) /* made by another process in the meantime */
		w->now = clock_mono();
	if (w->now < w->begin || w->now >= w->end)
		return;
	atomic_fetch_add_explicit(&w->stats->deliveries, 1, memory_order_relaxed);
	if (intended >= w->begin)
		load_histogram_add(&w->stats->delivery, w->now - intended);
}

void peer_joined(struct peer *w, struct peer_client *c)
{
	if (++c->joined != w->plan->first[c->index + 1] - w->plan->first[c->index])
		return;
	w->opening--;
	atomic_store(&w->stats->ready, ++w->ready);
}

static void take_input(struct peer *w, struct peer_client *c)
{
	static char data[PEER_HELD + READ_SIZE + 1];
	ssize_t count;

	do {
		size_t size, used;

		memcpy(data, c->in, c->length);
		count = recv(c->fd, data + c->length, READ_SIZE, 0);
		if (count == 0)
			errx(EX_TEMPFAIL, "the server closed the connection of user %u", c->index);
		if (count < 0)
			break;
		size = c->length + (size_t)count;
		data[size] = '\0';
		used = w->protocol->take(w, c, data, size);
		c->length = size - used;
		if (c->length >= PEER_HELD)
			errx(EX_DATAERR, "the server says too much at once");
		memcpy(c->in, data + used, c->length);
	} while (count == READ_SIZE);
	if (count < 0 && errno != EAGAIN)
		err(EX_TEMPFAIL, "could not read");
}

static void open_client(struct peer *w, struct peer_client *c)
{
	struct sockaddr_in own = {.sin_family = AF_INET};
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
	const int one = 1;

	own.sin_addr.s_addr = htonl(0x7f640000u + c->index % w->options->sources + 1);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0 ||
	    bind(c->fd, (struct sockaddr *)&own, sizeof(own)) < 0 ||
	    connect(c->fd, (const struct sockaddr *)&w->options->server,
		    sizeof(w->options->server)) < 0 ||
	    fcntl(c->fd, F_SETFL, O_NONBLOCK) < 0 ||
	    epoll_ctl(w->epoll, EPOLL_CTL_ADD, c->fd, &event) < 0)
		err(EX_TEMPFAIL, "could not connect");
	w->opening++;
	w->protocol->greet(w, c);
}

static void make_clients(struct peer *w, unsigned process)
{
	unsigned step = w->options->processes;

	w->clients = (w->options->connections - process + step - 1) / step;
	w->client = calloc(w->clients + 1, sizeof(*w->client));
	w->post = calloc(w->plan->senders + 1, sizeof(*w->post));
	if (!w->client || !w->post)
		errx(EX_OSERR, "out of memory");
	for (uint32_t i = 0; i < w->clients; i++) {
		struct peer_client *c = &w->client[i];

		c->fd = -1;
		c->index = process + i * step;
		for (uint32_t k = w->plan->first[c->index]; k < w->plan->first[c->index + 1]; k++)
			if (w->plan->seat[k].sender)
				w->post[w->posts++] = (struct peer_post){c, w->plan->seat[k].room};
	}
}

static void post_due(struct peer *w)
{
	double own = w->rate * w->posts / (double)w->plan->senders;

	while (w->running && w->posts > 0 && w->rate > 0) {
		uint64_t due = w->begin - (uint64_t)(w->options->warmup * 1e6) +
			       (uint64_t)((double)w->slot * 1e6 / own);

		if (due > w->now)
			return;
		post(w,
		     (unsigned)load_turn(w->options, (unsigned)(w->stats - w->shared->stats),
					 w->posts, w->slot),
		     due);
		w->slot++;
	}
}

static void post_first(struct peer *w)
{
	for (unsigned k = 0; k < w->options->window; k++)
		for (uint32_t i = 0; i < w->posts; i++)
			post(w, i, w->now);
}

static void begin_phase(struct peer *w, uint64_t begin)
{
	w->begin = begin;
	w->end = atomic_load(&w->shared->end);
	w->rate = w->shared->rate;
	w->slot = 0;
	w->measured = false;
	w->running = true;
	w->stats->cpu = load_cpu_used();
	if (w->rate == 0)
		post_first(w);
}

/* Follows the parent's phases: each has a beginning of its own. */
static void follow(struct peer *w)
{
	uint64_t begin;

	if (atomic_load(&w->shared->phase) == LOAD_STOP)
		_exit(0);
	if (atomic_load(&w->shared->phase) != LOAD_RUN)
		return;
	begin = atomic_load(&w->shared->begin);
	if (w->begin != begin)
		begin_phase(w, begin);
	w->running = w->now < w->end;
	if (!w->running && !w->measured) {
		w->measured = true;
		w->stats->cpu = load_cpu_used() - w->stats->cpu;
		atomic_store(&w->stats->drained, 1);
	}
	post_due(w);
}

/* Between two phases others are measured, who want the processor. */
static uint64_t patience(const struct peer *w)
{
	if (w->measured)
		return 20000;
	return w->options->spin ? 0 : 1000;
}

static unsigned nap(const struct peer *w)
{
	return w->begin > 0 && !w->measured ? w->options->nap : 0;
}

_Noreturn void peer_work(struct peer *w, unsigned process)
{
	static struct epoll_event events[EVENTS];

	w->stats = &w->shared->stats[process];
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	make_clients(w, process);
	for (;;) {
		int count = load_wait(w->epoll, events, EVENTS, patience(w), nap(w));

		for (int i = 0; i < count; i++) {
			w->now = clock_mono();
			take_input(w, events[i].data.ptr);
		}
		w->now = clock_mono();
		for (unsigned i = 0;
		     i < OPEN_TURN && w->opening < w->options->handshakes && w->next < w->clients;
		     i++)
			open_client(w, &w->client[w->next++]);
		follow(w);
	}
}
