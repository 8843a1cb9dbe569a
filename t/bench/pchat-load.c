/*
 * pchat-load: puts a load on a server, measures it and checks what it delivers; see t/bench/README.
 * Prints one line of JSON.
 */
#include "config.h"

#include <arpa/inet.h>
#include <err.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/code.h"
#include "t/bench/load.h"

static const char usage[] =
	"usage: pchat-load --server ADDRESS:PORT --rooms FILE --connections N [options]\n"
	"  --rooms FILE          URIs, one a line\n"
	"  --join R:N[:P][,...]  the first R rooms get N connections each, and so on; P: open "
	"loop\n"
	"                        with so many posts/s in these R rooms together\n"
	"  --senders N           connections of each room that post; 0 (default): all; none: "
	"--idle\n"
	"  --window N            closed loop: posts under way of each sender (1)\n"
	"  --rate N              open loop: posts/s of all senders together\n"
	"  --seconds N, --warmup N, --size BYTES, --processes N, --sources N, --handshakes N\n"
	"  --users N --user PREFIX --password TEXT; users are PREFIX0, PREFIX1, ...\n"
	"  --auth plain|scram|token   token: each user signs in once by PLAIN\n"
	"  --tls                 certificates are not checked\n"
	"  --kill PID            kill it in the middle of the run and measure the return\n"
	"  --storm               cut all connections then, and measure the return\n"
	"  --sign-ins N          so many a second end meanwhile, and come back by PLAIN\n"
	"  --page N, --before N  ask for pages of N messages, below a number, and do not post\n"
	"  --forget              latency does not count the time in which a post was refused\n"
	"  --idle                join, print a line, and wait for the end of standard input\n"
	"  --label TEXT          comes back in the output\n";

static unsigned number(const char *text, unsigned least, unsigned most)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);
	if (*end || value < least || value > most)
		errx(EX_USAGE, "%s is not a number from %u to %u", text, least, most);
	return (unsigned)value;
}

static double seconds(const char *text)
{
	char *end;
	double value = strtod(text, &end);
	if (*end || !(value >= 0 && value <= 1e7))
		errx(EX_USAGE, "%s is not a number that makes sense here", text);
	return value;
}

static void take_server(struct load_options *o, char *text)
{
	char *colon = strrchr(text, ':');
	if (!colon)
		errx(EX_USAGE, "the server is ADDRESS:PORT");
	*colon = '\0';
	o->server.sin_family = AF_INET;
	o->server.sin_port = htons((uint16_t)number(colon + 1, 1, 65535));
	if (inet_pton(AF_INET, text, &o->server.sin_addr) != 1)
		errx(EX_USAGE, "%s is not an IPv4 address", text);
	if (text[0] != '1' || strncmp(text, "127.", 4) != 0)
		errx(EX_USAGE, "loads are put on this host only");
}

static void take_groups(struct load_options *o, char *text)
{
	char *item;
	while ((item = strsep(&text, ","))) {
		char *colon = strchr(item, ':');
		if (!colon || o->groups == LOAD_GROUPS)
			errx(EX_USAGE, "--join is ROOMS:SIZE, at most %d of them", LOAD_GROUPS);
		*colon = '\0';
		char *rate = strchr(colon + 1, ':');
		if (rate) {
			*rate = '\0';
			o->group[o->groups].rate = seconds(rate + 1);
			o->rates = true;
		}
		o->group[o->groups].rooms = number(item, 1, 10000000);
		o->group[o->groups++].size = number(colon + 1, 1, 1000000);
	}
}

static void take_auth(struct load_options *o, char *text)
{
	if (strcmp(text, "plain") == 0)
		o->auth = LOAD_PLAIN;
	else if (strcmp(text, "scram") == 0)
		o->auth = LOAD_SCRAM;
	else if (strcmp(text, "token") == 0)
		o->auth = LOAD_TOKEN;
	else
		errx(EX_USAGE, "--auth is plain, scram or token");
}

enum kind { COUNT, AMOUNT, TEXT, FLAG, OWN };

/* What each option sets. */
static const struct choice {
	const char *name;
	enum kind kind;
	size_t offset;	      /* in struct load_options: of an unsigned, a double, a text, a bool */
	unsigned least, most; /* COUNT */
	void (*take)(struct load_options *o, char *text); /* OWN */
} choices[] = {
#define AT(member) .offset = offsetof(struct load_options, member)
#define FROM_TO(from, to) .least = from, .most = to
	{"server", OWN, .take = take_server},
	{"rooms", TEXT, AT(rooms_file)},
	{"connections", COUNT, AT(connections), FROM_TO(1, 1000000)},
	{"join", OWN, .take = take_groups},
	{"senders", COUNT, AT(senders), FROM_TO(0, 1000000)},
	{"window", COUNT, AT(window), FROM_TO(1, LOAD_WINDOW_MAX)},
	{"rate", AMOUNT, AT(rate)},
	{"seconds", AMOUNT, AT(seconds)},
	{"warmup", AMOUNT, AT(warmup)},
	{"size", COUNT, AT(size), FROM_TO(1, 8192)},
	{"processes", COUNT, AT(processes), FROM_TO(1, LOAD_PROCESSES)},
	{"sources", COUNT, AT(sources), FROM_TO(1, 60000)},
	{"handshakes", COUNT, AT(handshakes), FROM_TO(1, 100000)},
	{"users", COUNT, AT(users), FROM_TO(1, 1000000)},
	{"user", TEXT, AT(user_prefix)},
	{"password", TEXT, AT(password)},
	{"auth", OWN, .take = take_auth},
	{"tls", FLAG, AT(tls)},
	{"kill", COUNT, AT(kill_pid), FROM_TO(2, 1 << 22)},
	{"storm", FLAG, AT(storm)},
	{"sign-ins", AMOUNT, AT(sign_ins)},
	{"page", COUNT, AT(page), FROM_TO(1, 500)},
	{"before", COUNT, AT(before), FROM_TO(1, 1000000000)},
	{"forget", FLAG, AT(forget)},
	{"idle", FLAG, AT(idle)},
	{"label", TEXT, AT(label)},
#undef AT
#undef FROM_TO
};
enum { CHOICES = sizeof(choices) / sizeof(choices[0]) };

static void take_option(struct load_options *o, const struct choice *choice, char *text)
{
	void *member = (char *)o + choice->offset;

	switch (choice->kind) {
	case COUNT:
		*(unsigned *)member = number(text, choice->least, choice->most);
		break;
	case AMOUNT:
		*(double *)member = seconds(text);
		break;
	case TEXT:
		*(const char **)member = text;
		break;
	case FLAG:
		*(bool *)member = true;
		break;
	case OWN:
		choice->take(o, text);
		break;
	}
}

static void take_options(struct load_options *o, int argc, char **argv)
{
	struct option names[CHOICES + 1] = {{0}};
	int index, letter;

	for (unsigned i = 0; i < CHOICES; i++) {
		names[i].name = choices[i].name;
		names[i].has_arg = choices[i].kind == FLAG ? no_argument : required_argument;
	}
	while ((letter = getopt_long(argc, argv, "", names, &index)) == 0)
		take_option(o, &choices[index], optarg);
	if (letter != -1 || optind != argc || !o->server.sin_port || !o->rooms_file ||
	    !o->connections) {
		fputs(usage, stderr);
		exit(EX_USAGE);
	}
}

static unsigned rooms_wanted(const struct load_options *o)
{
	unsigned rooms = 0;
	for (unsigned i = 0; i < o->groups; i++) {
		rooms += o->group[i].rooms;
		if (o->group[i].size > o->connections)
			errx(EX_USAGE, "a room of %u needs as many connections", o->group[i].size);
	}
	return rooms;
}

static struct load_shared *make_shared(const struct load_options *o)
{
	char line[LOAD_URI + 2];
	unsigned rooms = rooms_wanted(o);
	size_t size = sizeof(struct load_shared) + rooms * sizeof(struct load_room);
	struct load_shared *shared = load_memory(size);
	shared->rooms = rooms;
	FILE *file = fopen(o->rooms_file, "re");
	if (!file)
		err(EX_NOINPUT, "%s", o->rooms_file);
	for (unsigned i = 0; i < rooms; i++) {
		if (!fgets(line, sizeof(line), file))
			errx(EX_DATAERR, "%s has not as many rooms as are wanted", o->rooms_file);
		line[strcspn(line, "\n")] = '\0';
		snprintf(shared->room[i].uri, LOAD_URI, "%.127s", line);
	}
	fclose(file);
	return shared;
}

static void run(const struct load_options *o, struct load_shared *shared)
{
	load_begin(o, shared);
	uint64_t begin = atomic_load(&shared->begin), end = atomic_load(&shared->end);
	while (!load_drained(o, shared)) {
		usleep(1000);
		load_check_processes();
		if ((o->kill_pid || o->storm) && !atomic_load(&shared->killed) &&
		    clock_mono() > begin + (end - begin) / 2) {
			atomic_store(&shared->killed, clock_mono());
			if (o->kill_pid)
				kill((pid_t)o->kill_pid, SIGKILL);
		}
	}
	shared->drained_us = clock_mono() - end;
}

/* The figures of all processes together. */
static void sum_up(const struct load_options *o, const struct load_shared *shared,
		   struct load_stats *sum)
{
	for (unsigned i = 0; i < o->processes; i++) {
		const struct load_stats *one = &shared->stats[i];
		sum->posts += one->posts;
		sum->deliveries += one->deliveries;
		sum->acked += one->acked;
		sum->repeated += one->repeated;
		sum->disordered += one->disordered;
		sum->lost += one->lost;
		sum->unsent += one->unsent;
		sum->malformed += one->malformed;
		sum->disconnects += one->disconnects;
		sum->cpu += one->cpu;
		if (one->first_back && (!sum->first_back || one->first_back < sum->first_back))
			sum->first_back = one->first_back;
		if (one->last_back > sum->last_back)
			sum->last_back = one->last_back;
		load_histogram_merge(&sum->delivery, &one->delivery);
		load_histogram_merge(&sum->ack, &one->ack);
		load_histogram_merge(&sum->sign_in, &one->sign_in);
		for (unsigned group = 0; group < o->groups; group++)
			load_histogram_merge(&sum->group[group], &one->group[group]);
	}
}

static json_t *latencies(const struct load_histogram *histogram)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "p50",
			 (json_int_t)load_histogram_quantile(histogram, 0.5), "p99",
			 (json_int_t)load_histogram_quantile(histogram, 0.99), "p99.9",
			 (json_int_t)load_histogram_quantile(histogram, 0.999), "max",
			 (json_int_t)histogram->highest);
}

/* Of rooms of different sizes each for itself: the maximum is the last receiver's. */
static json_t *groups(const struct load_options *o, const struct load_stats *sum)
{
	json_t *array = json_array();
	for (unsigned i = 0; i < o->groups; i++)
		json_array_append_new(array,
				      json_pack("{s:i, s:i, s:f, s:I, s:o}", "rooms",
						(int)o->group[i].rooms, "size",
						(int)o->group[i].size, "rate", o->group[i].rate,
						"deliveries", (json_int_t)sum->group[i].count,
						"delivery_us", latencies(&sum->group[i])));
	return array;
}

static json_t *refusals(const struct load_options *o, const struct load_shared *shared)
{
	json_t *object = json_object();
	for (unsigned i = 0; i < o->processes; i++) {
		const struct load_stats *one = &shared->stats[i];
		for (unsigned k = 0; k < LOAD_CODES && one->refused_code[k]; k++) {
			const char *name = code_name(one->refused_code[k]);
			json_int_t old = json_integer_value(json_object_get(object, name));
			json_object_set_new(object, name,
					    json_integer(old + (json_int_t)one->refused[k]));
		}
	}
	return object;
}

static void print(json_t *line)
{
	json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
	putchar('\n');
	fflush(stdout);
	json_decref(line);
}

static json_t *settings(const struct load_options *o, const struct load_shared *shared,
			const struct load_plan *plan, double joined)
{
	return json_pack("{s:s*, s:i, s:i, s:i, s:I, s:I, s:b, s:i, s:i, s:f, s:i, s:f}", "label",
			 o->label, "connections", (int)o->connections, "users", (int)o->users,
			 "rooms", (int)shared->rooms, "seats", (json_int_t)plan->seats, "senders",
			 (json_int_t)plan->senders, "tls", o->tls, "processes", (int)o->processes,
			 "window", o->rate > 0 || o->rates ? 0 : (int)o->window, "rate", o->rate,
			 "size", (int)o->size, "join_seconds", joined);
}

static void report(const struct load_options *o, const struct load_shared *shared, json_t *line)
{
	static struct load_stats sum;
	sum_up(o, shared, &sum);
	json_t *figures =
		json_pack("{s:f, s:f, s:f, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:f, s:i}",
			  "seconds", o->seconds, "posts_per_second", (double)sum.posts / o->seconds,
			  "deliveries_per_second", (double)sum.deliveries / o->seconds,
			  "delivery_us", latencies(&sum.delivery), "ack_us", latencies(&sum.ack),
			  "acked", (json_int_t)sum.acked, "lost", (json_int_t)sum.lost, "repeated",
			  (json_int_t)sum.repeated, "disordered", (json_int_t)sum.disordered,
			  "malformed", (json_int_t)sum.malformed, "unsent", (json_int_t)sum.unsent,
			  "refused", refusals(o, shared), "generator_cpu",
			  (double)sum.cpu / (o->seconds * 1e6 * o->processes), "cores",
			  (int)sysconf(_SC_NPROCESSORS_ONLN));
	uint64_t killed = atomic_load(&shared->killed);
	json_object_update(line, figures);
	json_decref(figures);
	if (o->groups > 1)
		json_object_set_new(line, "groups", groups(o, &sum));
	if (o->sign_ins > 0) {
		json_object_set_new(line, "sign_ins", json_integer((json_int_t)sum.sign_in.count));
		json_object_set_new(line, "sign_in_us", latencies(&sum.sign_in));
	}
	json_object_set_new(line, "drained_ms", json_real((double)shared->drained_us / 1000));
	json_object_set_new(line, "disconnects", json_integer((json_int_t)sum.disconnects));
	if (killed && sum.first_back && sum.last_back) {
		json_object_set_new(line, "first_back_ms",
				    json_real((double)(sum.first_back - killed) / 1000));
		json_object_set_new(line, "all_back_ms",
				    json_real((double)(sum.last_back - killed) / 1000));
	}
	print(line);
}

struct job {
	const struct load_options *options;
	struct load_shared *shared;
	const struct load_plan *plan;
};

static void work(void *ctx, unsigned process)
{
	const struct job *job = ctx;
	load_process(job->options, job->shared, job->plan, process);
}

int main(int argc, char **argv)
{
	struct load_options o = {.processes = 1,
				 .users = 1,
				 .sources = 100,
				 .user_prefix = "user",
				 .password = "secret of bench",
				 .window = 1,
				 .size = 100,
				 .seconds = 5,
				 .warmup = 1,
				 .handshakes = 64,
				 .auth = LOAD_TOKEN};
	char byte;
	take_options(&o, argc, argv);
	load_environment(&o);
	if (o.processes > o.connections)
		o.processes = o.connections;
	signal(SIGPIPE, SIG_IGN);
	struct load_shared *shared = make_shared(&o);
	struct load_plan *plan = load_plan_new(&o);
	if (!plan)
		errx(EX_OSERR, "out of memory");
	uint64_t start = clock_mono();
	load_start(o.processes, work, &(struct job){&o, shared, plan});
	load_wait_ready(&o, shared);
	json_t *line = settings(&o, shared, plan, (double)(clock_mono() - start) / 1e6);
	if (o.idle) {
		print(line);
		while (read(STDIN_FILENO, &byte, 1) > 0)
			;
	} else {
		run(&o, shared);
		report(&o, shared, line);
	}
	load_stop(shared);
	load_plan_free(&plan);
	return 0;
}
