#ifndef PCHAT_BENCH_LOAD_CHECK_H
#define PCHAT_BENCH_LOAD_CHECK_H

#include "t/bench/load.h"

/* What a process has seen of each room: who posted which number, the same for every receiver. */
struct load_check;

struct load_check *load_check_new(unsigned rooms);
void load_check_free(struct load_check **check);

/* Whether post `number` of `seat` under `seq` agrees with what other receivers got there. */
bool load_check_agrees(struct load_check *check, uint32_t room, uint64_t seq, uint32_t seat,
		       uint32_t number);

/* A set of numbers from 0. */
struct load_set {
	uint64_t *word; /* owned */
	size_t words;
};

/* False: it was in the set already. */
bool load_set_add(struct load_set *set, uint32_t number);
bool load_set_has(const struct load_set *set, uint32_t number);

#endif
