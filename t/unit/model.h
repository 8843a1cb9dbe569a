#ifndef PCHAT_T_UNIT_MODEL_H
#define PCHAT_T_UNIT_MODEL_H

#include "t/unit/engine_bench.h"
#include "t/unit/naive.h"

/* What the files of model_test share. */
struct trial {
	struct bench *b;
	struct naive n;
	uint64_t seed, random;
	unsigned step;
	char what[128]; /* the step */
	uint8_t *copy;	/* owned: all events so far */
	size_t copied;
};

/* A number below `below`. */
unsigned any(struct trial *t, unsigned below);

/* Everybody, or one that there is, or (mostly for its refusal) one that there is not. */
unsigned any_person(struct trial *t);
unsigned any_room(struct trial *t);

/* Mostly the administrator, whose session is 1. */
unsigned any_session(struct trial *t);

uint32_t id_of(unsigned person);

/* Fails, with the seed and the step, where it is not right. */
void check(struct trial *t, bool right, const char *what);

/* got: as engine_bench.h has it. */
void compare_answer(struct trial *t, int got, const struct naive_answer *wanted);

/* model_own.c: what belongs to one user, settings and policies. */
void step_setting(struct trial *t);
void step_grant(struct trial *t);
void step_marker(struct trial *t);
void step_invitation_read(struct trial *t);
void step_feed(struct trial *t);
void step_request(struct trial *t);
void step_request_answer(struct trial *t);
void step_quit(struct trial *t);
void compare_own(struct trial *t);
void compare_settings(struct trial *t);

#endif
