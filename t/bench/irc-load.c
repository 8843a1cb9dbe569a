/*
 * irc-load: the load of pchat-load for IRC servers, so that they can be measured beside ours: users
 * in channels, some of whom post, each the next message when the server has answered a PING behind
 * the one before (closed loop), or at a rate (open loop). Prints one line of JSON.
 */
#include "config.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/clock.h"
#include "t/bench/load.h"

enum {
	LINE = 1024,
	HELD = 65536,
	OPENING = 4, /* of a process; ngircd lets ten wait for being accepted */
	EVENTS = 512,
	DRAIN_US = 10000000,
	READY_US = 120000000,
};

struct irc_client {
	int fd; /* -1: not connected yet */
	uint32_t index, joined;
	bool registered;
	char in[LINE]; /* the beginning of a line */
	size_t length;
};

struct irc_post {
	struct irc_client *client;
	uint32_t room;
};

struct irc {
	const struct load_options *options; /* borrowed, as the next three */
	struct load_shared *shared;
	struct load_stats *stats;
	const struct load_plan *plan;
	struct irc_client *client; /* owned */
	struct irc_post *post;	   /* owned: those who post */
	uint32_t clients, posts, next, opening, ready;
	uint64_t now, begin, end, slot;
	bool running, begun;
	int epoll;
};

/* The text goes out at once: these sockets are never full of what one user writes. */
static void send_text(const struct irc_client *c, const char *text, size_t size)
{
	if (send(c->fd, text, size, MSG_NOSIGNAL) != (ssize_t)size)
		errx(EX_TEMPFAIL, "the server does not take what user %u writes", c->index);
}

static void post(struct irc *w, struct irc_post *p, uint64_t intended)
{
	char text[LINE];
	int begin = snprintf(text, sizeof(text), "PRIVMSG #r%u :", p->room);
	int length = begin + snprintf(text + begin, sizeof(text) - (size_t)begin,
				      "load %" PRIu64 " ", intended);

	while (length - begin < (int)w->options->size && length < LINE / 2)
		text[length++] = 'x';
	length += snprintf(text + length, sizeof(text) - (size_t)length, "\r\nPING p%u\r\n",
			   (unsigned)(p - w->post));
	send_text(p->client, text, (size_t)length);
	atomic_fetch_add_explicit(&w->stats->acked, 1, memory_order_relaxed);
	if (intended >= w->begin && w->now < w->end)
		atomic_fetch_add_explicit(&w->stats->posts, 1, memory_order_relaxed);
}

static void answered(struct irc *w, unsigned number)
{
	if (number >= w->posts)
		return;
	if (w->running && w->options->rate == 0)
		post(w, &w->post[number], w->now);
}

static void received(struct irc *w, const char *text)
{
	uint64_t intended = strtoull(text, NULL, 10);

	w->stats->repeated++; /* here: all that came, whenever */
	if (intended < w->begin || w->now >= w->end)
		return;
	atomic_fetch_add_explicit(&w->stats->deliveries, 1, memory_order_relaxed);
	load_histogram_add(&w->stats->delivery, w->now - intended);
}

static void join(struct irc *w, struct irc_client *c)
{
	char text[64];

	c->registered = true;
	for (uint32_t i = w->plan->first[c->index]; i < w->plan->first[c->index + 1]; i++)
		send_text(c, text,
			  (size_t)snprintf(text, sizeof(text), "JOIN #r%u\r\n",
					   w->plan->seat[i].room));
}

static void joined(struct irc *w, struct irc_client *c)
{
	if (++c->joined < w->plan->first[c->index + 1] - w->plan->first[c->index])
		return;
	w->opening--;
	atomic_store(&w->stats->ready, ++w->ready);
}

static bool is_number(const char *line, const char *number)
{
	const char *space = strchr(line, ' ');

	return line[0] == ':' && space && strncmp(space + 1, number, 3) == 0 && space[4] == ' ';
}

static void take_line(struct irc *w, struct irc_client *c, char *line)
{
	char *mark = strstr(line, " :load ");

	if (mark && strstr(line, " PRIVMSG "))
		received(w, mark + 7);
	else if ((mark = strstr(line, "PONG ")) && (mark = strrchr(line, 'p')))
		answered(w, (unsigned)strtoul(mark + 1, NULL, 10));
	else if (strncmp(line, "PING ", 5) == 0) {
		line[1] = 'O';
		send_text(c, line, strlen(line));
		send_text(c, "\r\n", 2);
	} else if (!c->registered && (is_number(line, "376") || is_number(line, "422")))
		join(w, c);
	else if (is_number(line, "366"))
		joined(w, c);
	else if (strncmp(line, "ERROR", 5) == 0)
		errx(EX_TEMPFAIL, "the server says %s", line);
}

static void take_lines(struct irc *w, struct irc_client *c, char *data, size_t size)
{
	char *line = data, *end;

	while ((end = memchr(line, '\n', size - (size_t)(line - data)))) {
		char *last = end > line && end[-1] == '\r' ? end - 1 : end;

		*last = '\0';
		take_line(w, c, line);
		line = end + 1;
	}
	c->length = size - (size_t)(line - data);
	if (c->length >= LINE)
		errx(EX_DATAERR, "a line of the server is too long");
	memcpy(c->in, line, c->length);
}

static void take_input(struct irc *w, struct irc_client *c)
{
	static char data[LINE + HELD + 1];
	ssize_t count;

	do {
		memcpy(data, c->in, c->length);
		count = recv(c->fd, data + c->length, HELD, 0);
		if (count == 0)
			errx(EX_TEMPFAIL, "the server closed the connection of user %u", c->index);
		if (count > 0)
			take_lines(w, c, data, c->length + (size_t)count);
	} while (count == HELD);
	if (count < 0 && errno != EAGAIN)
		err(EX_TEMPFAIL, "could not read");
}

static void open_client(struct irc *w, struct irc_client *c)
{
	struct sockaddr_in own = {.sin_family = AF_INET};
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
	const int one = 1;
	char text[128];

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
	send_text(c, text,
		  (size_t)snprintf(text, sizeof(text), "NICK u%u\r\nUSER u%u 0 * :User\r\n",
				   c->index, c->index));
}

static void make_clients(struct irc *w, unsigned process)
{
	unsigned step = w->options->processes;

	w->clients = (w->options->connections - process + step - 1) / step;
	w->client = calloc(w->clients + 1, sizeof(*w->client));
	w->post = calloc(w->plan->senders + 1, sizeof(*w->post));
	if (!w->client || !w->post)
		errx(EX_OSERR, "out of memory");
	for (uint32_t i = 0; i < w->clients; i++) {
		struct irc_client *c = &w->client[i];

		c->fd = -1;
		c->index = process + i * step;
		for (uint32_t k = w->plan->first[c->index]; k < w->plan->first[c->index + 1]; k++)
			if (w->plan->seat[k].sender)
				w->post[w->posts++] = (struct irc_post){c, w->plan->seat[k].room};
	}
}

static uint64_t cpu_used(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void post_due(struct irc *w)
{
	double own = w->options->rate * w->posts / (double)w->plan->senders;

	while (w->running && w->posts > 0 && w->options->rate > 0) {
		uint64_t due = w->begin - (uint64_t)(w->options->warmup * 1e6) +
			       (uint64_t)((double)w->slot * 1e6 / own);

		if (due > w->now)
			return;
		post(w, &w->post[w->slot++ % w->posts], due);
	}
}

/* Follows the parent's phases. */
static void follow(struct irc *w)
{
	if (atomic_load(&w->shared->phase) == LOAD_STOP)
		_exit(0);
	if (atomic_load(&w->shared->phase) != LOAD_RUN)
		return;
	w->begin = atomic_load(&w->shared->begin);
	w->end = atomic_load(&w->shared->end);
	w->running = w->now < w->end;
	if (!w->begun) {
		w->begun = true;
		w->stats->cpu = cpu_used();
		for (uint32_t i = 0; w->options->rate == 0 && i < w->posts; i++)
			post(w, &w->post[i], w->now);
	}
	if (!w->running && !atomic_load(&w->stats->drained)) {
		w->stats->cpu = cpu_used() - w->stats->cpu;
		atomic_store(&w->stats->drained, 1);
	}
	post_due(w);
}

static _Noreturn void work(struct irc *w, unsigned process)
{
	static struct epoll_event events[EVENTS];

	w->stats = &w->shared->stats[process];
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	make_clients(w, process);
	for (;;) {
		int count = epoll_wait(w->epoll, events, EVENTS, 1);

		for (int i = 0; i < count; i++) {
			w->now = clock_mono();
			take_input(w, events[i].data.ptr);
		}
		w->now = clock_mono();
		while (w->opening < OPENING && w->next < w->clients)
			open_client(w, &w->client[w->next++]);
		follow(w);
	}
}

static void check_children(void)
{
	if (waitpid(-1, NULL, WNOHANG) > 0)
		errx(EX_SOFTWARE, "a process of the load generator ended");
}

static void lead(const struct load_options *o, struct load_shared *shared)
{
	uint64_t start = clock_mono(), begin;
	unsigned done;

	do {
		done = 0;
		for (unsigned i = 0; i < o->processes; i++)
			done += atomic_load(&shared->stats[i].ready);
		check_children();
		usleep(1000);
		if (clock_mono() - start > READY_US)
			errx(EX_TEMPFAIL, "only %u of %u users could join", done, o->connections);
	} while (done < o->connections);
	begin = clock_mono() + (uint64_t)(o->warmup * 1e6);
	atomic_store(&shared->begin, begin);
	atomic_store(&shared->end, begin + (uint64_t)(o->seconds * 1e6));
	atomic_store(&shared->phase, LOAD_RUN);
	while (clock_mono() < begin + (uint64_t)(o->seconds * 1e6)) {
		check_children();
		usleep(10000);
	}
}

/* What all receivers together were to get and have got, whenever it was sent. */
static bool all_came(const struct load_options *o, const struct load_shared *shared,
		     int64_t *missing_r)
{
	uint64_t posts = 0, came = 0;

	for (unsigned i = 0; i < o->processes; i++) {
		posts += atomic_load(&shared->stats[i].acked);
		came += *(const volatile uint64_t *)&shared->stats[i].repeated;
	}
	*missing_r = (int64_t)(posts * (o->group[0].size - 1)) - (int64_t)came;
	return *missing_r == 0;
}

static void report(const struct load_options *o, const struct load_shared *shared, int64_t missing)
{
	static struct load_histogram delivery;
	uint64_t posts = 0, deliveries = 0, cpu = 0;

	for (unsigned i = 0; i < o->processes; i++) {
		posts += shared->stats[i].posts;
		deliveries += shared->stats[i].deliveries;
		cpu += shared->stats[i].cpu;
		load_histogram_merge(&delivery, &shared->stats[i].delivery);
	}
	printf("{\"posts_per_second\":%.1f,\"deliveries_per_second\":%.1f,\"delivery_us\":{"
	       "\"p50\":%" PRIu64 ",\"p99\":%" PRIu64 ",\"max\":%" PRIu64 "},\"lost\":%" PRId64
	       ",\"generator_cpu\":%.2f}\n",
	       (double)posts / o->seconds, (double)deliveries / o->seconds,
	       load_histogram_quantile(&delivery, 0.5), load_histogram_quantile(&delivery, 0.99),
	       delivery.highest, missing,
	       (double)cpu / ((o->seconds + o->warmup) * 1e6 * o->processes));
}

static void usage(void)
{
	errx(EX_USAGE, "usage: irc-load ADDRESS PORT CHANNELS SIZE SENDERS PROCESSES RATE SECONDS");
}

int main(int argc, char **argv)
{
	struct load_options o = {.sources = 100, .size = 100, .warmup = 1, .groups = 1};
	struct irc w = {.options = &o};
	int64_t missing;

	if (argc != 9)
		usage();
	o.server.sin_family = AF_INET;
	o.server.sin_port = htons((uint16_t)atoi(argv[2]));
	if (strncmp(argv[1], "127.", 4) != 0 ||
	    inet_pton(AF_INET, argv[1], &o.server.sin_addr) != 1)
		errx(EX_USAGE, "loads are put on this host only");
	o.group[0].rooms = (unsigned)atoi(argv[3]);
	o.group[0].size = (unsigned)atoi(argv[4]);
	o.senders = (unsigned)atoi(argv[5]);
	o.processes = (unsigned)atoi(argv[6]);
	o.rate = atof(argv[7]);
	o.seconds = atof(argv[8]);
	o.connections = o.group[0].rooms * o.group[0].size;
	if (o.connections == 0 || o.processes == 0 || o.processes > LOAD_PROCESSES)
		usage();
	w.shared = mmap(NULL, sizeof(*w.shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	w.plan = load_plan_new(&o);
	if (w.shared == MAP_FAILED || !w.plan)
		err(EX_OSERR, "could not get memory");
	for (unsigned i = 0; i < o.processes; i++) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			work(&w, i);
		}
	}
	lead(&o, w.shared);
	for (uint64_t end = clock_mono() + DRAIN_US;
	     !all_came(&o, w.shared, &missing) && clock_mono() < end;)
		usleep(10000);
	report(&o, w.shared, missing);
	atomic_store(&w.shared->phase, LOAD_STOP);
	while (wait(NULL) > 0)
		;
	return 0;
}
