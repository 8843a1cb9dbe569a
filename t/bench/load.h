#ifndef PCHAT_BENCH_LOAD_H
#define PCHAT_BENCH_LOAD_H

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * pchat-load: many clients in a few processes, to measure a server and to check what it delivers.
 * The parent makes the plan and the shared memory, forks the processes, leads them through the
 * phases and prints the sum. Each process serves its share of the connections with one epoll.
 */

enum {
	LOAD_PROCESSES = 16,
	LOAD_GROUPS = 8,
	LOAD_CODES = 8,	       /* refusals that are counted apart */
	LOAD_WINDOW_MAX = 256, /* posts under way of one poster */
	LOAD_URI = 128,
	LOAD_BUCKETS = 64 * 32,
};

/* Latencies in microseconds; 32 steps for each power of two, so within 3 %. */
struct load_histogram {
	uint64_t count, highest;
	uint64_t bucket[LOAD_BUCKETS];
};

void load_histogram_add(struct load_histogram *histogram, uint64_t value);
void load_histogram_merge(struct load_histogram *to, const struct load_histogram *from);

/* The value below which this share (0.99) of all lies; 0 if there are none. */
uint64_t load_histogram_quantile(const struct load_histogram *histogram, double share);

enum load_auth { LOAD_PLAIN, LOAD_SCRAM, LOAD_TOKEN };

/* What the command line says. */
struct load_options {
	struct sockaddr_in server;
	bool tls;
	unsigned connections, processes, users, sources;
	const char *user_prefix, *password, *rooms_file, *label;
	enum load_auth auth; /* LOAD_TOKEN: PLAIN once for a user, then the token */
	struct {
		unsigned rooms, size;
		double rate;  /* open loop: posts/s in all of them together */
	} group[LOAD_GROUPS]; /* so many rooms of so many connections */
	unsigned groups;
	unsigned senders; /* of each room; 0: all in it */
	unsigned window;  /* closed loop: posts under way of a poster */
	double rate;	  /* open loop: posts/s of all posters; 0: closed loop */
	bool rates;	  /* open loop with a rate for each group */
	double sign_ins;  /* a second: connections that end and come back by PLAIN */
	unsigned page;	  /* not posts, but pages of so many messages are asked for; 0: posts */
	unsigned before;  /* pages: below this number; 0: the newest */
	unsigned size;	  /* bytes of a text */
	double seconds, warmup;
	unsigned handshakes; /* under way at a time, of one process */
	unsigned kill_pid;   /* killed in the middle of the run; 0: nobody */
	bool storm;	     /* all connections are cut then, and come back */
	bool forget;	     /* a refused post that is repeated is a new one */
	bool spin;	     /* never sleep: nobody has to wake it */
	unsigned nap;	     /* us: asleep for so long, then looks; 0: is woken by what comes */
	bool mixed;	     /* open loop: who follows each other is not in the same room */
	bool idle; /* after joining, print a line and wait for the end of standard input */
};

enum load_phase { LOAD_CONNECT, LOAD_RUN, LOAD_STOP };

/* One process's figures: written by it alone, read by the parent. */
struct load_stats {
	_Atomic unsigned ready;		    /* connections that have joined their rooms */
	_Atomic unsigned drained;	    /* 1: all was received, or the wait is over */
	_Atomic unsigned failed;	    /* 1: it has given up */
	_Atomic uint64_t posts, deliveries; /* within the measured time */
	_Atomic uint64_t acked;		    /* of all times */
	uint64_t repeated, disordered, lost, unsent, malformed;
	uint64_t refused[LOAD_CODES];
	int refused_code[LOAD_CODES];
	uint64_t disconnects;
	uint64_t first_back, last_back; /* after a kill: when a connection stood again, and the last
					   had joined */
	uint64_t cpu;			/* us, within the measured time */
	struct load_histogram delivery, ack;
	struct load_histogram sign_in; /* from the time intended until it is in all of its rooms */
	struct load_histogram group[LOAD_GROUPS]; /* deliveries in its rooms */
};

struct load_room {
	char uri[LOAD_URI];
	_Atomic uint64_t highest; /* number that was acknowledged; any process raises it */
};

/* Shared by all processes. */
struct load_shared {
	_Atomic unsigned phase;
	_Atomic uint64_t begin, end; /* of the measured time, clock_mono() */
	double rate;		     /* peer-load: of this phase; 0: closed loop */
	_Atomic uint64_t killed;     /* when */
	uint64_t drained_us;	     /* the parent's: from the end until all had all */
	struct load_stats stats[LOAD_PROCESSES];
	unsigned rooms;
	struct load_room room[];
};

/* Who is in which room, computed alike in every process. */
struct load_seat {
	uint32_t room;
	bool sender;
};

struct epoll_event;

struct load_plan {
	uint32_t *first;	/* by connection: its first seat; one more at the end */
	struct load_seat *seat; /* by connection */
	uint64_t seats, senders;
};

/* NULL: out of memory. Rooms are filled one after the other, connections in turn. */
struct load_plan *load_plan_new(const struct load_options *options);
void load_plan_free(struct load_plan **plan);

/*
 * Open loop with one rate: which of a process's so many senders posts next. They stand in the order
 * of their rooms. Mixed: all have their turn once in a round, in an order by which neighbours are
 * far apart, and no two processes are at the same place.
 */
uint64_t load_turn(const struct load_options *options, unsigned process, uint64_t senders,
		   uint64_t slot);

/*
 * load_wait.c: what the environment says of every load (spin, nap, mixed), and how to wait for
 * events: for at most limit microseconds, less than a second of them. With a nap it sleeps for the
 * shorter of the two, and then looks.
 */
void load_environment(struct load_options *options);
int load_wait(int epoll, struct epoll_event *events, int most, uint64_t limit, unsigned nap);

/* The group that a room belongs to. */
unsigned load_group_of(const struct load_options *options, uint32_t room);

/* load_parent.c: what the parent of any load does. These end the program where they fail. */

/* Zeroed memory that the processes share. */
void *load_memory(size_t size);

/* Each of the processes works until the parent stops it, or with it. */
void load_start(unsigned processes, void (*work)(void *ctx, unsigned process), void *ctx);
void load_stop(struct load_shared *shared);
void load_check_processes(void);

void load_wait_ready(const struct load_options *options, const struct load_shared *shared);

/* The measured time begins after the warm-up. */
void load_begin(const struct load_options *options, struct load_shared *shared);

bool load_drained(const struct load_options *options, const struct load_shared *shared);

/* Microseconds of processor time of this process so far. */
uint64_t load_cpu_used(void);

/* Serves a share of the connections until the parent says stop; does not return. */
_Noreturn void load_process(const struct load_options *options, struct load_shared *shared,
			    const struct load_plan *plan, unsigned process);

#endif
