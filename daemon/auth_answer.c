#include <poll.h>

#include "conf/clock.h"
#include "conf/log.h"
#include "daemon/auth.h"

enum { FAILURE_DELAY_US = 1000000, BLOCKED_US = 2000000 };

/*
 * A worker that hangs must not hold up the others' sign-ins for the whole time that ask_reply
 * waits, answer after answer: after the first that it did not take, the next ones are not waited
 * for.
 */
static bool is_blocked(const struct auth *auth, uint16_t slot)
{
	struct pollfd reply = {.fd = FD_REPLY + slot, .events = POLLOUT};

	return auth->blocked[slot - SLOT_WORKER] > clock_mono() && poll(&reply, 1, 0) != 1;
}

void auth_answer(struct auth *auth, const struct ask *question, int code, uint32_t flags,
		 const void *body, uint32_t size)
{
	struct err err;

	if (code != CODE_OK)
		proc_count(&auth->child.proc, counter_of_code(code), 1);
	if (is_blocked(auth, question->slot))
		return;
	if (ask_reply(FD_REPLY + question->slot, question, code, flags, body, size, &err) == 0)
		return;
	auth->blocked[question->slot - SLOT_WORKER] = clock_mono() + BLOCKED_US;
	log_warning("%s", err.text);
}

void auth_answer_later(struct auth *auth, const struct ask *question, int code)
{
	const uint64_t due = clock_mono() + FAILURE_DELAY_US;
	struct ask oldest;
	int oldest_code;

	if (auth_delay_put(auth->delay, question, code, due))
		return;
	/* Under a flood the oldest refusal leaves early: nobody is kept from signing in by it. */
	if (auth_delay_take(auth->delay, UINT64_MAX, &oldest, &oldest_code))
		auth_answer(auth, &oldest, oldest_code, 0, NULL, 0);
	auth_delay_put(auth->delay, question, code, due);
}

void auth_answer_due(struct auth *auth)
{
	struct ask question;
	int code;

	while (auth_delay_take(auth->delay, clock_mono(), &question, &code))
		auth_answer(auth, &question, code, 0, NULL, 0);
}
