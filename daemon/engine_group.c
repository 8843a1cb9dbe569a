#include <string.h>

#include "daemon/engine_ask.h"
#include "shm/find.h"

/* Who is in which group: administrators only. */

enum {
	FIXED = 32, /* a payload */
	EDITS_MAX = 1500,
	CHANGES_MAX = 20000, /* that one command makes: a batch has to hold them */
};

struct change {
	struct command_change head; /* not used: groups have no revision */
	struct command_members members;
	struct command_member list[EDITS_MAX];
	uint32_t group; /* row */
};

static const struct principal_row *principal_at(const struct engine *engine, uint32_t row)
{
	return table_row(&engine->cache, TABLE_PRINCIPAL, row);
}

static bool parse(const struct ask_for *ask, struct change *change)
{
	const size_t fixed = sizeof(change->head) + sizeof(change->members);
	const uint8_t *at = ask->payload;

	if (ask->command->payload < fixed)
		return false;
	memcpy(&change->members, at + sizeof(change->head), sizeof(change->members));
	if (change->members.count > EDITS_MAX || change->members.replace > 1 ||
	    ask->command->payload != fixed + change->members.count * sizeof(change->list[0]))
		return false;
	memcpy(change->list, at + fixed, change->members.count * sizeof(change->list[0]));
	for (unsigned i = 0; i < change->members.count; i++)
		if (change->list[i].present > 1 ||
		    (change->members.replace && !change->list[i].present))
			return false;
	return true;
}

/* Whether one principal may become a member, or cease to be. */
static int check_one(const struct engine *engine, const struct change *change,
		     const struct command_member *one)
{
	const uint32_t row = find_principal(&engine->cache, one->member);

	if (one->member == change->members.group)
		return CODE_INVALID_ARGUMENT;
	if (row == 0 || (one->present && principal_at(engine, row)->state == PRINCIPAL_DELETED))
		return CODE_NO_SUCH_PRINCIPAL;
	return CODE_OK;
}

static uint32_t count_members(const struct engine *engine, uint32_t group)
{
	uint32_t row = principal_at(engine, group)->first_member, count = 0;

	while (row != 0) {
		const struct affiliation_row *a = table_row(&engine->cache, TABLE_AFFILIATION, row);

		count++;
		row = a->member_next;
	}
	return count;
}

/* CODE_OK, and how many events it will be at most. */
static int check(struct engine *engine, struct change *change, uint32_t *events_r)
{
	const struct principal_row *group;
	uint32_t more = 0;

	change->group = find_principal(&engine->cache, change->members.group);
	if (change->group == 0)
		return CODE_NO_SUCH_PRINCIPAL;
	group = principal_at(engine, change->group);
	for (unsigned i = 0; i < change->members.count; i++) {
		const int code = check_one(engine, change, &change->list[i]);

		if (code != CODE_OK)
			return code;
		more += change->list[i].present;
	}
	if (group->kind == PRINCIPAL_USER)
		return CODE_INVALID_ARGUMENT;
	if (more > 0 && group->state == PRINCIPAL_DELETED)
		return CODE_NO_SUCH_PRINCIPAL;
	*events_r = change->members.count;
	if (change->members.replace)
		*events_r += count_members(engine, change->group);
	if (*events_r > CHANGES_MAX || !rows_fit(engine, TABLE_AFFILIATION, more))
		return CODE_LIMIT_EXCEEDED;
	return CODE_OK;
}

/* Events are held back by one, because the last of them answers the command. No two are of the same
 * member: of a list the last word on each counts. */
struct writer {
	const struct ask_for *ask;
	bool held;
	struct event_affiliation event;
};

static void put(struct engine *engine, struct writer *writer, bool last)
{
	struct record head = head_of(writer->ask, EVENT_AFFILIATION);
	uint8_t payload[FIXED];

	if (!writer->held)
		return;
	if (!last)
		head = (struct record){.type = EVENT_AFFILIATION,
				       .origin = origin_of_part(writer->ask)};
	head.actor = session_at(engine, writer->ask->session)->principal;
	writer->held = false;
	emit(engine, &head, payload,
	     event_affiliation_put(&writer->event, payload, sizeof(payload)));
}

static void change_one(struct engine *engine, struct writer *writer, uint32_t member,
		       uint32_t group, bool present)
{
	if ((find_affiliation(&engine->cache, find_principal(&engine->cache, member),
			      find_principal(&engine->cache, group)) != 0) == present)
		return;
	put(engine, writer, false);
	writer->event =
		(struct event_affiliation){.member = member, .group = group, .present = present};
	writer->held = true;
}

/* Whether a principal is in the list from a place on. */
static bool is_listed(const struct change *change, unsigned from, uint32_t member)
{
	for (unsigned i = from; i < change->members.count; i++)
		if (change->list[i].member == member)
			return true;
	return false;
}

/* What the held event takes away is taken away behind the walk. */
static void remove_others(struct engine *engine, struct writer *writer, const struct change *change)
{
	uint32_t row = principal_at(engine, change->group)->first_member;

	while (row != 0 && !engine->broken) {
		const struct affiliation_row *a = table_row(&engine->cache, TABLE_AFFILIATION, row);
		const uint32_t member = principal_at(engine, a->member)->id;

		row = a->member_next;
		if (!is_listed(change, 0, member))
			change_one(engine, writer, member, change->members.group, false);
	}
}

static bool changes_any(const struct engine *engine, const struct change *change)
{
	for (unsigned i = 0; i < change->members.count; i++) {
		const uint32_t row = find_principal(&engine->cache, change->list[i].member);

		if ((find_affiliation(&engine->cache, row, change->group) != 0) !=
		    (change->list[i].present != 0))
			return true;
	}
	return false;
}

/* only_check: what an import would do. */
static enum decision change_members(struct engine *engine, const struct ask_for *ask,
				    struct change *change, bool only_check)
{
	struct writer writer = {.ask = ask};
	enum decision decision;
	uint32_t events = 0;
	const int code = check(engine, change, &events);

	if (code != CODE_OK)
		return refuse(ask, code);
	if (only_check)
		return changes_any(engine, change) ? import_checked(ask) : refuse(ask, CODE_OK);
	if (no_room(engine, ask, (uint64_t)events * FIXED, events + 1, &decision))
		return decision;
	if (change->members.replace)
		remove_others(engine, &writer, change);
	for (unsigned i = 0; i < change->members.count; i++)
		if (!is_listed(change, i + 1, change->list[i].member))
			change_one(engine, &writer, change->list[i].member, change->members.group,
				   change->list[i].present != 0);
	if (!writer.held)
		return refuse(ask, CODE_OK);
	recheck(engine, 0);
	put(engine, &writer, true);
	return DECIDED;
}

enum decision change_affiliation(struct engine *engine, const struct ask_for *ask,
				 const struct event_affiliation *event, bool only_check)
{
	struct change change = {.members = {.group = event->group, .count = 1}};

	change.list[0] = (struct command_member){event->member, event->present};
	return change_members(engine, ask, &change, only_check);
}

enum decision decide_members(struct engine *engine, const struct ask_for *ask)
{
	struct change change;

	if (!admin_asks(engine, ask, DUTY_ALL))
		return refuse(ask, CODE_ERROR_PERMISSION);
	if (!parse(ask, &change))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	return change_members(engine, ask, &change, false);
}
