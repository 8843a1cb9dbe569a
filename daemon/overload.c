#include "daemon/overload.h"

#include "conf/clock.h"
#include "conf/log.h"

enum {
	HUNG_US = 3000000,
	CALM_US = 5000000,
	MARKS_PER_LIMIT = 32,
	PACE_NS = 1000, /* of a worker that had nothing to do yet */
};

void overload_accept(struct overload *overload, uint32_t receivers)
{
	overload->accepted += receivers;
}

bool overload_refuse(struct overload *overload)
{
	overload->refused += overload->on;
	return overload->on;
}

static struct overload_mark *mark_at(struct overload *overload, unsigned i)
{
	return &overload->mark[(overload->first + i) % OVERLOAD_MARKS];
}

/* So many within the time limit, and where there is no place the last one moves on: then more seems
 * to be under way than there is, until the workers have passed it. */
void overload_mark(struct overload *overload, uint64_t lsn)
{
	uint64_t now = clock_mono();
	struct overload_mark *last =
		overload->count == 0 ? NULL : mark_at(overload, overload->count - 1);

	if (overload->accepted == (last == NULL ? overload->passed : last->accepted))
		return;
	if (last == NULL || (overload->count < OVERLOAD_MARKS &&
			     now - last->time >= overload->limit / MARKS_PER_LIMIT)) {
		last = mark_at(overload, overload->count++);
		last->time = now;
	}
	last->lsn = lsn;
	last->accepted = overload->accepted;
}

/* A worker that hangs says nothing new, and is the master's business: nobody waits for it. */
static bool counts(const struct proc_page *page, uint64_t now)
{
	uint32_t state;

	if (page == NULL)
		return false;
	state = atomic_load_explicit(&page->state, memory_order_relaxed);
	return (state == PROC_ACTIVE || state == PROC_DRAINING) &&
	       now <= atomic_load_explicit(&page->heartbeat, memory_order_relaxed) + HUNG_US;
}

/* Deliveries that a reader of the journal at this place has handed out. */
static uint64_t handed_out(struct overload *overload, uint64_t cursor)
{
	uint64_t accepted = overload->passed;

	for (unsigned i = 0; i < overload->count && mark_at(overload, i)->lsn <= cursor; i++)
		accepted = mark_at(overload, i)->accepted;
	return accepted;
}

static void forget_passed(struct overload *overload, uint64_t passed)
{
	while (overload->count > 0 && mark_at(overload, 0)->accepted <= passed) {
		overload->first = (overload->first + 1) % OVERLOAD_MARKS;
		overload->count--;
	}
	overload->passed = passed;
}

/* Microseconds from now until the worker has handed out what was accepted, if it has its share of
 * the receivers, or that it was late with what it handed out last. */
static uint64_t delay_of(const struct proc_page *page, uint64_t deliveries)
{
	uint64_t late = atomic_load_explicit(&page->delay, memory_order_relaxed);
	uint64_t pace = atomic_load_explicit(&page->pace, memory_order_relaxed);
	uint64_t ahead = deliveries * (pace == 0 ? PACE_NS : pace) / 1000;

	return late > ahead ? late : ahead;
}

static uint64_t longest_delay(struct overload *overload, const struct proc *proc, uint64_t now)
{
	uint64_t longest = 0, passed = overload->accepted;
	const struct proc_page *worker[WORKER_SLOTS];
	unsigned count = 0;

	for (unsigned i = 0; i < WORKER_SLOTS; i++)
		if (counts(proc->page[SLOT_WORKER + i], now))
			worker[count++] = proc->page[SLOT_WORKER + i];
	for (unsigned i = 0; i < count; i++) {
		uint64_t done = handed_out(
			overload, atomic_load_explicit(&worker[i]->cursor, memory_order_relaxed));
		uint64_t delay = delay_of(worker[i], (overload->accepted - done) / count);

		passed = done < passed ? done : passed;
		longest = delay > longest ? delay : longest;
	}
	forget_passed(overload, passed);
	return longest;
}

/* A line when it begins, and one when it has been over for a while: it comes and goes by the
 * millisecond. */
static void tell(struct overload *overload, uint64_t now)
{
	if (overload->refused != overload->known) {
		if (overload->said == 0)
			log_warning("refusing posts: workers need %llu ms to hand out what was "
				    "accepted",
				    (unsigned long long)overload->delay / 1000);
		overload->known = overload->refused;
		overload->said = now;
	} else if (overload->said != 0 && now - overload->said > CALM_US) {
		log_info("%llu posts were refused because workers were late; none is any more",
			 (unsigned long long)overload->refused);
		overload->said = overload->refused = overload->known = 0;
	}
}

void overload_look(struct overload *overload, const struct proc *proc)
{
	uint64_t now = clock_mono();

	tell(overload, now); /* of what was refused since the last look, by what was seen then */
	overload->delay = longest_delay(overload, proc, now);
	overload->on = overload->delay > overload->limit;
}
