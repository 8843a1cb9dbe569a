#ifndef PCHAT_BENCH_LOAD_CLIENT_H
#define PCHAT_BENCH_LOAD_CLIENT_H

#include <jansson.h>

#include "daemon/client_sasl.h"
#include "t/bench/load_check.h"
#include "t/bench/load_connection.h"

/* One client's place in one room. */
struct load_member {
	uint32_t room, seat; /* seat: its number in the whole plan */
	uint64_t tail;	     /* the last bytes of the room's URI */
	bool catching;	     /* joined again after a lost connection, and not yet up to date */
	uint64_t seen;	     /* number of the last message */
	uint64_t known;	     /* up to here notifications may still come for what the join gave */
	uint64_t live;	     /* highest that was notified while catching up */
	struct load_sender *sender; /* owned; NULL: it only reads */
};

struct load_sender {
	uint32_t next;	  /* number of the next post */
	uint32_t unacked; /* posts under way */
	uint64_t acked;
	struct load_set seen;		    /* its posts that came back as messages */
	uint64_t intended[LOAD_WINDOW_MAX]; /* of post number modulo this; 0: none under way */
};

struct load_client {
	struct load_connection connection;
	uint32_t index; /* among all connections */
	enum { CLIENT_IDLE, CLIENT_OPENING, CLIENT_SIGNING, CLIENT_JOINING, CLIENT_READY } state;
	bool was_ready, dirty; /* dirty: its output is to be flushed */
	uint64_t retry_at;
	uint64_t came; /* when it was to sign in again, and has not done so yet; 0: not asked to */
	struct client_sasl *sasl;   /* owned */
	struct load_member *member; /* owned */
	uint32_t members;
	uint32_t behind; /* members that are catching up */
	struct load_client *next_dirty;
};

/* A post to be sent again. */
struct load_retry {
	uint64_t due;
	struct load_client *client;
	uint32_t member, number;
};

struct load_worker {
	const struct load_options *options; /* borrowed, as all of these */
	struct load_shared *shared;
	struct load_stats *stats;
	const struct load_plan *plan;
	struct load_network network;
	struct load_client *client; /* owned; this process's share */
	uint32_t clients, unready, opening;
	uint32_t next_start;
	struct load_check *check; /* owned */
	char **token;		  /* owned; by user */
	struct load_client *dirty;
	uint64_t now, begin, end;
	bool running; /* posts are made */
	struct {
		struct load_client *client;
		uint32_t member;
	} * sender; /* owned: all of this process */
	uint32_t senders;
	struct load_lane { /* open loop: those who post at one rate, in turn */
		struct load_poster {
			uint32_t sender; /* index in sender */
			uint64_t place;	 /* among all whose turns these are */
		} * turn;		 /* owned: of this process's senders */
		uint32_t turns;
		uint64_t places;
		double rate;   /* posts/s of all places */
		uint64_t slot; /* posts of this process so far */
	} lane[LOAD_GROUPS];
	unsigned lanes;		  /* 0: closed loop */
	uint64_t comers;	  /* who were to sign in again so far */
	bool stormed;		  /* its connections were cut */
	struct load_retry *retry; /* owned ring */
	size_t retry_first, retry_count, retry_size;
	unsigned run; /* makes the ids of this run its own */
};

/* load_client.c: the protocol of one client. */
void load_client_start(struct load_worker *w, struct load_client *c);
void load_client_event(struct load_worker *w, struct load_client *c);
void load_client_send(struct load_worker *w, struct load_client *c, const char *text, size_t size);

/* load_message.c: what comes once a client is in its rooms. */
uint64_t load_message_tail(const char *uri, size_t size);
int load_message_take(struct load_worker *w, struct load_client *c, const char *text, size_t size);
void load_message_joined(struct load_worker *w, struct load_client *c, const json_t *result);
void load_message_page(struct load_worker *w, struct load_client *c, struct load_member *member,
		       const json_t *page);

/* Cuts all connections, to come back at once. */
void load_client_storm(struct load_worker *w);

/* All say that they leave. */
void load_client_end(struct load_worker *w);

/* Those who are to sign in again by now do so. */
void load_client_come(struct load_worker *w);

/* load_post.c: posting, and the answers. False: out of memory. */
bool load_post_init(struct load_worker *w);
void load_post_begin(struct load_worker *w);
void load_post_turn(struct load_worker *w);
uint64_t load_post_due(const struct load_worker *w); /* when the next turn has something to do */
void load_post_answer(struct load_worker *w, struct load_client *c, uint64_t id, uint64_t seq,
		      int code);
void load_post_again(struct load_worker *w, struct load_client *c, uint32_t member);

enum { ID_SIGN_IN = 1, ID_JOIN = 2, ID_RESUME = 3, ID_HISTORY = 1000, ID_POST_SHIFT = 32 };

#endif
