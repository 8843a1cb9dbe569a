#include "config.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/clock.h"
#include "t/bench/load_client.h"

enum { EVENTS = 1024, DRAIN_US = 15000000, START_TURN = 64 };

static bool make_member(struct load_worker *w, struct load_client *c, uint32_t i, uint32_t seat)
{
	struct load_member *member = &c->member[i];
	member->room = w->plan->seat[seat].room;
	member->seat = seat;
	const char *uri = w->shared->room[member->room].uri;
	member->tail = load_message_tail(uri, strlen(uri));
	if (!w->plan->seat[seat].sender)
		return true;
	member->sender = calloc(1, sizeof(*member->sender));
	w->sender[w->senders].client = c;
	w->sender[w->senders++].member = i;
	return member->sender != NULL;
}

static bool make_client(struct load_worker *w, struct load_client *c, uint32_t index)
{
	uint32_t first = w->plan->first[index];
	c->index = index;
	c->connection.fd = -1;
	c->members = w->plan->first[index + 1] - first;
	c->member = calloc(c->members + 1, sizeof(*c->member));
	if (!c->member)
		return false;
	for (uint32_t i = 0; i < c->members; i++)
		if (!make_member(w, c, i, first + i))
			return false;
	return true;
}

/* The share of a process: every so many-th connection. */
static bool make_clients(struct load_worker *w, unsigned process)
{
	unsigned step = w->options->processes;
	w->clients = (w->options->connections - process + step - 1) / step;
	w->client = calloc(w->clients + 1, sizeof(*w->client));
	w->sender = calloc(w->plan->senders + 1, sizeof(*w->sender));
	w->token = calloc(w->options->users + 1, sizeof(*w->token));
	w->check = load_check_new(w->shared->rooms);
	if (!w->client || !w->sender || !w->token || !w->check)
		return false;
	for (uint32_t i = 0; i < w->clients; i++)
		if (!make_client(w, &w->client[i], process + i * step))
			return false;
	w->unready = w->clients;
	return load_post_init(w);
}

static void make_network(struct load_worker *w)
{
	w->network.options = w->options;
	w->network.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (w->network.epoll < 0)
		err(EX_OSERR, "epoll");
	if (!w->options->tls)
		return;
	w->network.tls = SSL_CTX_new(TLS_client_method());
	if (!w->network.tls)
		errx(EX_SOFTWARE, "could not set up TLS");
	SSL_CTX_set_mode(w->network.tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
						 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
						 SSL_MODE_RELEASE_BUFFERS);
}

/* Connections that are down, so many at a time. Each user signs in once before his others do. */
static void start_clients(struct load_worker *w)
{
	if (w->unready <= w->opening)
		return;
	for (unsigned i = 0; i < w->clients && w->opening < w->options->handshakes; i++) {
		struct load_client *c = &w->client[w->next_start];
		w->next_start = (w->next_start + 1) % w->clients;
		if (c->state == CLIENT_IDLE && c->retry_at <= w->now)
			load_client_start(w, c);
	}
}

static void flush_dirty(struct load_worker *w)
{
	while (w->dirty) {
		struct load_client *c = w->dirty;
		w->dirty = c->next_dirty;
		c->dirty = false;
		if (c->state != CLIENT_IDLE &&
		    load_connection_flush(&c->connection, &w->network, c) != 0)
			load_client_event(w, c); /* reading tells the same, and tidies up */
	}
}

/* Everything that was acknowledged has been received, by all who are in the room. */
static bool drained(const struct load_worker *w)
{
	if (w->unready > 0)
		return false;
	for (uint32_t i = 0; i < w->clients; i++) {
		const struct load_client *c = &w->client[i];
		for (uint32_t k = 0; k < c->members; k++) {
			const struct load_member *member = &c->member[k];
			if (member->sender && member->sender->unacked > 0)
				return false;
			if (member->seen < atomic_load(&w->shared->room[member->room].highest))
				return false;
		}
	}
	return true;
}

/* What never came, after all the waiting. */
static void count_lost(struct load_worker *w)
{
	for (uint32_t i = 0; i < w->clients; i++) {
		const struct load_client *c = &w->client[i];
		for (uint32_t k = 0; k < c->members; k++) {
			const struct load_member *member = &c->member[k];
			uint64_t highest = atomic_load(&w->shared->room[member->room].highest);
			if (member->seen < highest)
				w->stats->lost += highest - member->seen;
		}
	}
}

struct stage {
	bool begun, measured, done;
	uint64_t cpu, looked;
};

/* Follows the parent's phases and the clock. */
static void follow(struct load_worker *w, struct stage *stage)
{
	atomic_store(&w->stats->ready, w->clients - w->unready);
	if (atomic_load(&w->shared->phase) == LOAD_STOP) {
		load_client_end(w);
		_exit(0);
	}
	if (atomic_load(&w->shared->phase) != LOAD_RUN)
		return;
	w->begin = atomic_load(&w->shared->begin);
	w->end = atomic_load(&w->shared->end);
	w->running = w->now < w->end;
	if (w->options->storm && !w->stormed && atomic_load(&w->shared->killed))
		load_client_storm(w);
	if (!stage->begun) {
		stage->begun = true;
		load_post_begin(w);
	}
	if (!stage->measured && w->now >= w->begin) {
		stage->measured = true;
		stage->cpu = load_cpu_used();
	}
	if (w->running || stage->done)
		return;
	if (w->stats->cpu == 0)
		w->stats->cpu = load_cpu_used() - stage->cpu;
	if (w->now - stage->looked < 20000)
		return;
	stage->looked = w->now;
	bool all = drained(w);
	if (all || w->now > w->end + DRAIN_US) {
		if (!all)
			count_lost(w);
		stage->done = true;
		atomic_store(&w->stats->drained, 1);
	}
}

/* Microseconds until there is something to do even if nothing comes. */
static uint64_t wait_of(const struct load_worker *w)
{
	if (w->options->spin)
		return 0;
	if (w->options->idle && w->unready == 0)
		return 200000;
	uint64_t due = load_post_due(w);
	if (due > w->now + 1000)
		return 1000;
	return due > w->now ? due - w->now : 0;
}

_Noreturn void load_process(const struct load_options *options, struct load_shared *shared,
			    const struct load_plan *plan, unsigned process)
{
	static struct epoll_event events[EVENTS];
	struct load_worker w = {.options = options,
				.shared = shared,
				.stats = &shared->stats[process],
				.plan = plan,
				.now = clock_mono()};
	struct stage stage = {0};
	w.run = (unsigned)(w.now ^ (uint64_t)getpid() << 20);
	make_network(&w);
	if (!make_clients(&w, process))
		errx(EX_OSERR, "out of memory");
	for (;;) {
		int count = load_wait(w.network.epoll, events, EVENTS, wait_of(&w),
				      stage.begun ? options->nap : 0);
		w.now = clock_mono();
		for (int i = 0; i < count; i++) {
			/* Not once a turn: a busy generator would leave out its own delay. */
			w.now = clock_mono();
			load_client_event(&w, events[i].data.ptr);
		}
		start_clients(&w);
		follow(&w, &stage);
		load_client_come(&w);
		load_post_turn(&w);
		flush_dirty(&w);
	}
}
