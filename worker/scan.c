#include "worker/scan.h"

#include "conf/clock.h"

enum {
	TRIES = 32, /* to read a row that is being changed */
	SLICE_US = 1000,
	SLICE_ROWS = 16, /* between two looks at the clock */
};

static int look_at_one(struct scan *scan)
{
	const uint32_t position = scan->position;
	int code = CODE_BUSY;

	for (unsigned i = 0; i < TRIES && code == CODE_BUSY; i++) {
		scan->position = position;
		code = scan->look(scan);
	}
	return code;
}

static int look_at_some(struct scan *scan)
{
	const uint64_t end = clock_mono() + SLICE_US;
	int code = CODE_OK;

	for (unsigned i = 0; code == CODE_OK; i++) {
		if (i % SLICE_ROWS == SLICE_ROWS - 1 && clock_mono() >= end)
			break;
		code = look_at_one(scan);
	}
	return code;
}

void scan_run(struct scan *scan)
{
	struct pending *pending = &scan->base.base;
	const int code = look_at_some(scan);

	if (code == CODE_OK)
		pending_until(&pending->session->chat->pending, pending, clock_mono());
	else if (code == SCAN_END)
		scan->answer(scan);
	else
		request_refuse(&scan->base, code);
}

static void settle(struct pending *pending, const struct outcome *outcome)
{
	if (outcome->kind == OUTCOME_TIME)
		scan_run((struct scan *)pending);
}

struct scan *scan_begin(struct session *session, const struct chat_id *id, size_t size,
			int (*look)(struct scan *), void (*answer)(struct scan *),
			void (*free)(struct pending *))
{
	struct scan *scan = (struct scan *)request_begin(session, id, size, settle);

	if (scan == NULL)
		return NULL;
	scan->look = look;
	scan->answer = answer;
	scan->base.base.free = free;
	return scan;
}

int scan_code(int code)
{
	return code == CODE_OK || code == CODE_BUSY ? code : SCAN_END;
}
