#include "daemon/adapter_plan.h"

#define SECOND UINT64_C(1000000)
#define LONGEST (300 * SECOND)
#define TELL_AGAIN (3600 * SECOND)

/* A clock that was set back must not delay a run beyond one interval. */
void adapter_plan_begin(struct adapter_plan *plan, uint64_t interval, uint64_t now, uint64_t utc,
			uint64_t ran)
{
	const uint64_t passed = utc > ran ? utc - ran : 0;

	*plan = (struct adapter_plan){.due = now};
	if (ran != 0 && passed < interval)
		plan->due = now + interval - passed;
}

bool adapter_plan_worked(struct adapter_plan *plan, uint64_t interval, uint64_t now)
{
	const bool failed = plan->delay != 0;

	*plan = (struct adapter_plan){.due = now + interval};
	return failed;
}

bool adapter_plan_failed(struct adapter_plan *plan, uint64_t now)
{
	const bool tell = plan->delay == 0 || now - plan->told >= TELL_AGAIN;

	plan->delay = plan->delay == 0 ? SECOND : 2 * plan->delay;
	if (plan->delay > LONGEST)
		plan->delay = LONGEST;
	plan->due = now + plan->delay;
	if (tell)
		plan->told = now;
	return tell;
}
