/*
 * peer-load: the load of pchat-load for other chat servers, so that they can be measured beside
 * ours: users in rooms, some of whom post, each the next message when the server has taken the one
 * before (closed loop), or at a rate (open loop). Each line of its input, "RATE SECONDS" (rate 0:
 * closed loop), is a phase of which it prints one line of JSON; the users stay until the end of the
 * input, for on some servers it takes them longer to join than to be measured.
 */
#include "config.h"

#include <arpa/inet.h>
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/clock.h"
#include "t/bench/peer.h"

enum { DRAIN_US = 10000000 };

/* All processes rest, so that the parent may write what is theirs. */
static void begin_phase(const struct load_options *o, struct load_shared *shared)
{
	for (unsigned i = 0; i < o->processes; i++) {
		struct load_stats *stats = &shared->stats[i];

		atomic_store(&stats->posts, 0);
		atomic_store(&stats->deliveries, 0);
		atomic_store(&stats->drained, 0);
		memset(&stats->delivery, 0, sizeof(stats->delivery));
	}
	shared->rate = o->rate;
	load_begin(o, shared);
}

/* What all receivers together were to get and have got, whenever it was sent. */
static bool all_came(const struct load_options *o, const struct load_shared *shared,
		     unsigned copies, int64_t *missing_r)
{
	uint64_t posts = 0, came = 0;

	for (unsigned i = 0; i < o->processes; i++) {
		posts += atomic_load(&shared->stats[i].acked);
		came += *(const volatile uint64_t *)&shared->stats[i].repeated;
	}
	*missing_r = (int64_t)(posts * copies) - (int64_t)came;
	return *missing_r == 0;
}

static void report(const struct load_options *o, const struct load_shared *shared, int64_t missing)
{
	static struct load_histogram delivery;
	uint64_t posts = 0, deliveries = 0, cpu = 0;

	memset(&delivery, 0, sizeof(delivery));
	for (unsigned i = 0; i < o->processes; i++) {
		posts += shared->stats[i].posts;
		deliveries += shared->stats[i].deliveries;
		cpu += shared->stats[i].cpu;
		load_histogram_merge(&delivery, &shared->stats[i].delivery);
	}
	printf("{\"posts_per_second\":%.1f,\"deliveries_per_second\":%.1f,\"delivery_us\":{"
	       "\"p50\":%" PRIu64 ",\"p90\":%" PRIu64 ",\"p99\":%" PRIu64 ",\"max\":%" PRIu64
	       "},\"lost\":%" PRId64 ",\"generator_cpu\":%.2f}\n",
	       (double)posts / o->seconds, (double)deliveries / o->seconds,
	       load_histogram_quantile(&delivery, 0.5), load_histogram_quantile(&delivery, 0.9),
	       load_histogram_quantile(&delivery, 0.99), delivery.highest, missing,
	       (double)cpu / ((o->seconds + o->warmup) * 1e6 * o->processes));
	fflush(stdout);
}

/* The phase is over when everything has come, or nothing more will. */
static void run_phase(const struct load_options *o, struct load_shared *shared, unsigned copies)
{
	int64_t missing;
	uint64_t end;

	begin_phase(o, shared);
	while (!load_drained(o, shared)) {
		load_check_processes();
		usleep(10000);
	}
	end = clock_mono() + DRAIN_US;
	while (!all_came(o, shared, copies, &missing) && clock_mono() < end)
		usleep(10000);
	report(o, shared, missing);
}

static void usage(void)
{
	errx(EX_USAGE, "usage: peer-load irc|xmpp ADDRESS PORT ROOMS SIZE SENDERS WINDOW PROCESSES "
		       "HANDSHAKES [PAGE]");
}

static const struct peer_protocol *protocol_of(const char *name)
{
	const struct peer_protocol *all[] = {&peer_irc, &peer_xmpp};

	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(name, all[i]->name) == 0)
			return all[i];
	usage();
	return NULL;
}

static void take_options(struct load_options *o, char **argument)
{
	o->server.sin_family = AF_INET;
	o->server.sin_port = htons((uint16_t)atoi(argument[3]));
	if (strncmp(argument[2], "127.", 4) != 0 ||
	    inet_pton(AF_INET, argument[2], &o->server.sin_addr) != 1)
		errx(EX_USAGE, "loads are put on this host only");
	o->group[0].rooms = (unsigned)atoi(argument[4]);
	o->group[0].size = (unsigned)atoi(argument[5]);
	o->senders = (unsigned)atoi(argument[6]);
	o->window = (unsigned)atoi(argument[7]);
	o->processes = (unsigned)atoi(argument[8]);
	o->handshakes = (unsigned)atoi(argument[9]);
	o->page = argument[10] ? (unsigned)atoi(argument[10]) : 0;
	o->connections = o->group[0].rooms * o->group[0].size;
	load_environment(o);
	if (o->connections == 0 || o->window == 0 || o->processes == 0 || o->handshakes == 0 ||
	    o->processes > LOAD_PROCESSES)
		usage();
}

static void work(void *ctx, unsigned process)
{
	peer_work(ctx, process);
}

int main(int argc, char **argv)
{
	struct load_options o = {.sources = 100, .size = 100, .warmup = 1, .groups = 1};
	struct peer w = {.options = &o};
	unsigned copies;
	char line[80];

	if (argc != 10 && argc != 11)
		usage();
	w.protocol = protocol_of(argv[1]);
	take_options(&o, argv);
	if (o.page > 0 && w.protocol->page == NULL)
		usage();
	copies = o.page > 0 ? 0 : o.group[0].size - (w.protocol->echoes ? 0 : 1);
	w.shared = load_memory(sizeof(*w.shared));
	w.plan = load_plan_new(&o);
	if (!w.plan)
		errx(EX_OSERR, "out of memory");
	load_start(o.processes, work, &w);
	load_wait_ready(&o, w.shared);
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "%lf %lf", &o.rate, &o.seconds) != 2 || o.rate < 0 ||
		    o.seconds <= 0)
			errx(EX_DATAERR, "a line of input is RATE SECONDS");
		run_phase(&o, w.shared, copies);
	}
	load_stop(w.shared);
	return 0;
}
