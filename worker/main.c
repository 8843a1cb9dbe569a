#include <errno.h>
#include <event2/event.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/log.h"
#include "shm/child.h"
#include "shm/sandbox.h"
#include "worker/accept.h"
#include "worker/core.h"
#include "worker/json_memory.h"

/*
 * pchat-worker: holds connections and sessions. One loop; a turn takes what has come (from sockets,
 * the journal, the sequencer, readers and pchat-auth) and then writes a part of what goes out.
 */
enum { STOP_US = 2000000, STALL_PAUSE_US = 1000, PACE_DELIVERIES = 16384 };

struct worker {
	struct child child;
	struct event_base *base;
	struct cache *cache;
	struct journal journal;
	struct mailbox mailbox;
	struct net net;
	struct chat chat;
	struct accept accept;
	struct event *control, *answers, *woken, *second, *tick, *limit;
	uint64_t busy_since; /* clock_mono: there was always more to do since then; 0: not */
	uint64_t delivered;  /* since then */
	uint64_t stop_at;    /* clock_mono: the latest moment to end; 0: not stopping */
	uint64_t drained_at; /* clock_mono: by then the clients are to be gone; 0: not draining */
};

/* --- Control. --- */

static void begin_stop(struct worker *w)
{
	if (w->stop_at != 0)
		return;
	log_info("stopping with %u connections", w->net.count);
	w->stop_at = clock_mono() + STOP_US;
	accept_fini(&w->accept);
	session_drop_all(&w->chat, w->drained_at != 0 ? CHAT_RESTART : CHAT_STOPPING);
	net_stop(&w->net);
}

/* Its place is given up: nobody comes in any more, and who is in goes elsewhere, a part each second so
 * that not all of them come back in the same moment. */
static void begin_drain(struct worker *w, uint64_t limit)
{
	if (w->stop_at != 0 || w->drained_at != 0)
		return;
	log_info("giving up the place with %u connections", w->net.count);
	w->drained_at = clock_mono() + limit;
	accept_drain(&w->accept);
	proc_state(&w->child.proc, PROC_DRAINING);
}

static void drain(struct worker *w)
{
	const uint64_t now = clock_mono(), second = 1000000;
	uint64_t turns;

	if (w->stop_at != 0)
		return;
	if (now >= w->drained_at || w->net.count == 0) {
		proc_state(&w->child.proc, PROC_STOPPING);
		begin_stop(w);
		return;
	}
	turns = (w->drained_at - now + second - 1) / second;
	session_drop_some(&w->chat, CHAT_RESTART,
			  (uint32_t)((w->net.count + turns - 1) / turns));
}

static void begin_listening(struct worker *w, const struct control *control, const int *fds,
			    unsigned count)
{
	log_info("serving place %u with %u listening sockets", control->arg, count);
	accept_add(&w->accept, fds, count, control->kinds);
	proc_state(&w->child.proc, PROC_ACTIVE);
}

static void on_control(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	struct control control;
	int fds[FDPASS_MAX], result;
	unsigned count;

	(void)fd;
	(void)what;
	while ((result = child_control(&w->child, &control, fds, &count)) == 1) {
		if (control.type == CONTROL_STOP)
			begin_stop(w);
		else if (control.type == CONTROL_DRAIN)
			begin_drain(w, (uint64_t)control.arg * 1000);
		else if (control.type == CONTROL_LISTEN && w->stop_at == 0)
			begin_listening(w, &control, fds, count);
	}
	if (result == -1) {
		event_del(w->control);
		begin_stop(w);
	}
}

/* --- The loop. --- */

static void on_answers(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;

	(void)what;
	chat_answers(&w->chat, fd);
}

static void on_woken(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;

	(void)fd;
	(void)what;
	proc_woken(&w->child.proc); /* the turn looks at what there is */
}

static void on_second(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;

	(void)fd;
	(void)what;
	proc_heartbeat(&w->child.proc);
	accept_second(&w->accept);
	if (w->drained_at != 0)
		drain(w);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;

	(void)fd;
	(void)what;
	net_tick(&w->net);
}

/* How late deliveries are, and, from turns that follow each other without a rest, what each takes
 * with all that belongs to it. By that the sequencer knows how much may be accepted. */
static void say_delay(struct worker *w, bool busy)
{
	struct proc_page *own = w->child.proc.own;
	uint64_t now = clock_mono();

	atomic_store_explicit(&own->delay, w->net.delay + tail_delay(&w->chat.tail),
			      memory_order_relaxed);
	if (w->busy_since != 0)
		w->delivered += w->chat.tail.delivered;
	if (w->delivered >= PACE_DELIVERIES)
		atomic_store_explicit(&own->pace, (now - w->busy_since) * 1000 / w->delivered,
				      memory_order_relaxed);
	if (!busy)
		w->busy_since = 0;
	else if (w->busy_since == 0 || w->delivered >= PACE_DELIVERIES)
		w->busy_since = now;
	else
		return;
	w->delivered = 0;
}

/*
 * What every turn does once events have been taken from the sockets. True: there is more to do.
 * The sequencer is woken before anything is written: its disk works while this process writes.
 */
static bool turn(struct worker *w, uint64_t *next_r)
{
	bool more;

	chat_turn(&w->chat);
	more = tail_turn(&w->chat.tail);
	chat_refusals(&w->chat);
	*next_r = pending_expire(&w->chat.pending, clock_mono());
	more |= net_turn(&w->net);
	say_delay(w, more);
	chat_turn(&w->chat);
	if (w->stop_at == 0 && w->drained_at == 0)
		accept_turn(&w->accept);
	return more;
}

/*
 * Waits for events: not at all if there is more to do, else until something comes or the next
 * request's time is over. Before it sleeps it has looked once more, see shm/proc.h.
 */
static void wait_for_events(struct worker *w, bool more, uint64_t next)
{
	uint64_t now = clock_mono(), left;
	struct timeval limit;

	if (w->chat.tail.stalled != 0 && (next == 0 || next > now + STALL_PAUSE_US))
		next = now + STALL_PAUSE_US;
	if (w->stop_at != 0 && (next == 0 || next > w->stop_at))
		next = w->stop_at;
	if (next != 0) {
		left = next > now ? next - now : 1;
		limit.tv_sec = (time_t)(left / 1000000);
		limit.tv_usec = (suseconds_t)(left % 1000000);
		evtimer_add(w->limit, &limit);
	} else {
		evtimer_del(w->limit);
	}
	if (event_base_loop(w->base, EVLOOP_ONCE | (more ? EVLOOP_NONBLOCK : 0)) == -1) {
		log_error("could not wait for events: %s", strerror(errno));
		exit(EX_OSERR);
	}
	/* Awake: nobody need write our eventfd until we sleep again. */
	atomic_store_explicit(&w->child.proc.own->sleeping, 0, memory_order_relaxed);
}

static void run(struct worker *w)
{
	uint64_t next;
	bool more;

	for (;;) {
		more = turn(w, &next);
		if (w->stop_at != 0 && (w->net.count == 0 || clock_mono() >= w->stop_at))
			return;
		if (!more) {
			proc_arm(&w->child.proc);
			more = turn(w, &next);
		}
		wait_for_events(w, more, next);
	}
}

/* --- Start and end. --- */

static void on_limit(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg; /* that the loop returns is all that is wanted */
}

static struct event *watch(struct worker *w, int fd, event_callback_fn call)
{
	struct event *event = event_new(w->base, fd, EV_READ | EV_PERSIST, call, w);

	if (event != NULL && event_add(event, NULL) == -1) {
		event_free(event);
		event = NULL;
	}
	return event;
}

static int open_loop(struct worker *w, struct err *err)
{
	const struct timeval second = {.tv_sec = 1};

	w->base = event_base_new();
	if (w->base == NULL)
		return err_set(err, "could not set up the event loop");
	w->control = watch(w, FD_CONTROL, on_control);
	w->answers = watch(w, FD_ANSWERS, on_answers);
	w->woken = watch(w, w->child.proc.event[w->child.slot], on_woken);
	w->second = event_new(w->base, -1, EV_PERSIST, on_second, w);
	w->limit = evtimer_new(w->base, on_limit, w);
	if (w->control == NULL || w->answers == NULL || w->woken == NULL || w->second == NULL ||
	    w->limit == NULL || event_add(w->second, &second) == -1)
		return err_set(err, "could not set up the events of the loop");
	return 0;
}

static int open_memory(struct worker *w, struct err *err)
{
	unsigned slot = w->child.slot;

	w->cache = cache_map(FD_CACHE, err);
	if (w->cache == NULL)
		return -1;
	if (journal_map(&w->journal, FD_JOURNAL, NULL, err) == -1)
		return -1;
	return mailbox_open(&w->mailbox, (int)(FD_MAIL + slot), (int)(FD_MAIL_BACK + slot),
			    w->child.conf->workers.mailbox, err);
}

static int open_chat(struct worker *w, struct err *err)
{
	const struct chat_parts parts = {
		.conf = w->child.conf,
		.proc = &w->child.proc,
		.cache = w->cache,
		.mailbox = &w->mailbox,
		.journal = &w->journal,
		.questions = FD_QUESTIONS,
		.auth = FD_AUTH,
		.files = *w->child.conf->files.directory ? FD_FILE : -1,
	};

	struct timeval tick;

	if (net_init(&w->net, w->base, w->child.conf, &w->child.proc, err) == -1)
		return -1;
	tick.tv_sec = (time_t)(w->net.tick / 1000000);
	tick.tv_usec = (suseconds_t)(w->net.tick % 1000000);
	w->tick = event_new(w->base, -1, EV_PERSIST, on_tick, w);
	if (w->tick == NULL || event_add(w->tick, &tick) == -1)
		return err_set(err, "could not set up the events of the loop");
	/* Without TLS these numbers are not the master's, and are anybody's by now. */
	if (w->child.conf->json.tls) {
		if (net_load_tls(&w->net, FD_CERTIFICATE, FD_KEY, err) == -1)
			return -1;
		close(FD_CERTIFICATE);
		close(FD_KEY);
	}
	accept_init(&w->accept, &w->net, &w->chat);
	return chat_init(&w->chat, &parts, err);
}

/* What the slot's last process had open is gone with it. */
static void reset_gauges(struct proc *proc)
{
	static const enum counter gauges[] = {COUNTER_CONNECTIONS_OPEN, COUNTER_SESSIONS_OPEN};

	for (unsigned i = 0; i < sizeof(gauges) / sizeof(gauges[0]); i++)
		atomic_store_explicit(&proc->own->counters[gauges[i]], 0, memory_order_relaxed);
}

static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1 || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
		log_warning("could not raise the limit of descriptors: %s", strerror(errno));
}

static int open_all(struct worker *w, struct err *err)
{
	reset_gauges(&w->child.proc);
	raise_descriptor_limit();
	json_memory_install();
	json_object_seed(0); /* reads random bytes */
	if (open_loop(w, err) == -1 || open_memory(w, err) == -1 || open_chat(w, err) == -1)
		return -1;
	sandbox_try(SANDBOX_ALL);
	return child_ready(&w->child, PROC_READY, err);
}

int main(int argc, char **argv)
{
	static struct worker w;
	struct err err;
	int result = child_start(&w.child, argc, argv);

	if (result != 0)
		return result;
	if (open_all(&w, &err) == -1) {
		log_error("%s", err.text);
		return EX_OSERR;
	}
	run(&w);
	log_info("stopped with %u connections left", w.net.count);
	return 0;
}
