#include "config.h"

#include <stdlib.h>

#include "t/bench/load.h"

unsigned load_group_of(const struct load_options *options, uint32_t room)
{
	unsigned group = 0;
	while (group + 1 < options->groups && room >= options->group[group].rooms)
		room -= options->group[group++].rooms;
	return group;
}

static bool have_common_factor(uint64_t a, uint64_t b)
{
	while (b != 0) {
		const uint64_t rest = a % b;
		a = b;
		b = rest;
	}
	return a > 1;
}

uint64_t load_turn(const struct load_options *options, unsigned process, uint64_t senders,
		   uint64_t slot)
{
	const uint64_t begin = senders * process / options->processes;
	uint64_t step = senders * 618 / 1000 + 1; /* the golden ratio */
	if (!options->mixed)
		return slot % senders;
	while (have_common_factor(step, senders))
		step++;
	return (begin + slot % senders * step) % senders;
}

/* Calls seat for each (connection, room), in the order in which the rooms are filled. */
static void walk(const struct load_options *options, struct load_plan *plan,
		 void (*seat)(struct load_plan *plan, uint32_t *next, uint32_t connection,
			      uint32_t room, bool sender),
		 uint32_t *next)
{
	uint32_t room = 0;
	uint64_t turn = 0;
	for (unsigned group = 0; group < options->groups; group++)
		for (unsigned i = 0; i < options->group[group].rooms; i++, room++)
			for (unsigned k = 0; k < options->group[group].size; k++, turn++)
				seat(plan, next, (uint32_t)(turn % options->connections), room,
				     options->senders == 0 || k < options->senders);
}

static void count(struct load_plan *plan, uint32_t *next, uint32_t connection, uint32_t room,
		  bool sender)
{
	(void)next, (void)room;
	plan->first[connection + 1]++;
	plan->seats++;
	plan->senders += sender;
}

static void place(struct load_plan *plan, uint32_t *next, uint32_t connection, uint32_t room,
		  bool sender)
{
	plan->seat[next[connection]++] = (struct load_seat){room, sender};
}

struct load_plan *load_plan_new(const struct load_options *options)
{
	struct load_plan *plan = calloc(1, sizeof(*plan));
	uint32_t *next = calloc(options->connections + 1, sizeof(*next));
	if (plan)
		plan->first = calloc(options->connections + 1, sizeof(*plan->first));
	if (!plan || !next || !plan->first)
		goto fail;
	walk(options, plan, count, next);
	for (unsigned i = 0; i < options->connections; i++) {
		plan->first[i + 1] += plan->first[i];
		next[i + 1] = plan->first[i + 1];
	}
	plan->seat = calloc(plan->seats + 1, sizeof(*plan->seat));
	if (!plan->seat)
		goto fail;
	walk(options, plan, place, next);
	free(next);
	return plan;
fail:
	free(next);
	load_plan_free(&plan);
	return NULL;
}

void load_plan_free(struct load_plan **plan)
{
	if (*plan) {
		free((*plan)->first);
		free((*plan)->seat);
	}
	free(*plan);
	*plan = NULL;
}
