#ifndef PCHAT_DAEMON_AUTH_DELAY_H
#define PCHAT_DAEMON_AUTH_DELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/ask.h"

/*
 * Refusals that wait a while before they are sent, so that guessing is slow and the loop is not.
 * All wait equally long, so they leave in the order in which they came. The queue has a bound.
 */
struct auth_delay;

struct auth_delay *auth_delay_new(unsigned max);
void auth_delay_free(struct auth_delay **delay);

/* due: clock_mono(). False: full. */
bool auth_delay_put(struct auth_delay *delay, const struct ask *question, int code, uint64_t due);

/* Takes the oldest one if it is due at now. */
bool auth_delay_take(struct auth_delay *delay, uint64_t now, struct ask *question_r, int *code_r);

/* When the oldest one is due; UINT64_MAX: there is none. */
uint64_t auth_delay_next(const struct auth_delay *delay);

#endif
