#ifndef PCHAT_T_UNIT_CACHE_BENCH_H
#define PCHAT_T_UNIT_CACHE_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shm/apply.h"
#include "shm/find.h"

/* A small cache, shared and private, and the events that a sequencer would write. */
struct bench {
	struct conf conf;
	int rw, ro;
	struct cache shared, private;
	struct cache *reader;
	uint64_t lsn, command;
	struct {
		struct record record;
		uint8_t payload[8192];
	} next;
};

extern const uint8_t key[16]; /* of both caches' indexes */

int set_up(void **state);
int tear_down(void **state);

struct text text(const char *s);

/* The next event, which the functions below fill in; apply has both caches take it. */
struct record *make(struct bench *b, enum event_type type, uint32_t size);
void apply(struct bench *b);
void make_principal(struct bench *b, uint32_t id, const char *uri, const char *name);
void make_room(struct bench *b, uint32_t id, const char *name);
void make_category(struct bench *b, uint32_t id, const char *name);
void make_addin(struct bench *b, uint32_t id, const char *name);
void make_role(struct bench *b, enum node_kind kind, uint32_t node, uint32_t principal,
	       enum role role, bool present);
void make_affiliation(struct bench *b, uint32_t member, uint32_t group, bool present);
void make_removed(struct bench *b, enum node_kind kind, uint32_t id);
struct record *make_session(struct bench *b, enum event_type type, uint32_t session,
			    uint32_t principal);
/* The first session of a user to join a room, and the last one to leave it, are marked so. */
void make_join(struct bench *b, enum event_type type, uint32_t session, uint32_t principal,
	       uint32_t room);

/* All rooms from the first to the last, in one event. */
void make_joins(struct bench *b, enum event_type type, uint32_t session, uint32_t principal,
		uint32_t first, uint32_t last);
void make_taken(struct bench *b, uint32_t session, uint32_t lost, uint32_t principal, uint32_t room);
void make_message(struct bench *b, uint32_t room, uint32_t author, const char *id,
		  const char *body);

/* step: how far behind the last one; 0: the end of a room's history. */
void make_history(struct bench *b, uint32_t room, unsigned step);

void make_setting(struct bench *b, const char *scope, const char *value);
void make_grant(struct bench *b, uint32_t principal, const char *policy);

/* Two users, three rooms, both users in the first. */
void populate(struct bench *b);

/* Recent messages of a room, all that there are: how many. */
unsigned history(struct bench *b, uint32_t room, struct message_view list[64], char buffer[4096]);

#endif
