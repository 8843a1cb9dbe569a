#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/conf.h"
#include "daemon/ctl_option.h"
#include "daemon/ctl_table.h"

/* The workers of a server, and which of their places are active. */

enum { POLL_US = 200000, WAIT_S = 600 };

static json_int_t number_of(const json_t *object, const char *member)
{
	return json_integer_value(json_object_get(object, member));
}

static bool is_active(const json_t *place)
{
	return json_is_true(json_object_get(place, "active"));
}

static bool is_served(const json_t *place)
{
	return json_object_get(place, "pid") != NULL;
}

static int get_workers(const struct ctl *ctl, json_t **pool_r)
{
	return ctl_call(ctl, "pool.workers", json_object(), pool_r);
}

/* --- Shown. --- */

/* An active place that nobody serves waits for a process that is free. */
static const char *state_of(const json_t *place)
{
	const char *state = json_string_value(json_object_get(place, "state"));

	if (!is_served(place))
		return is_active(place) ? "waiting" : "standby";
	return state ? state : "";
}

static void add_row(struct ctl_table *table, const json_t *row, bool is_place)
{
	if (is_place)
		ctl_table_add(table, "%d", (int)number_of(row, "place"));
	else
		ctl_table_add(table, "-");
	ctl_table_add(table, "%s", state_of(row));
	if (!is_served(row)) {
		for (unsigned i = 0; i < 4; i++)
			ctl_table_add(table, "-");
		return;
	}
	ctl_table_add(table, "%d", (int)number_of(row, "slot"));
	ctl_table_add(table, "%d", (int)number_of(row, "pid"));
	ctl_table_add(table, "%lld", (long long)number_of(row, "sessions"));
	ctl_table_add(table, "%lld", (long long)number_of(row, "connections"));
}

static int print_workers(const struct ctl *ctl, const json_t *pool)
{
	static const char *const heading[] = {"PLACE", "STATE",	   "SLOT",
					      "PID",   "SESSIONS", "CONNECTIONS"};
	struct ctl_table *table = ctl_table_new("rlrrrr", heading);
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(pool, "places"), i, row)
		add_row(table, row, true);
	json_array_foreach(json_object_get(pool, "others"), i, row)
		add_row(table, row, false);
	return ctl_print_table(ctl, table);
}

int ctl_pool_workers(const struct ctl *ctl)
{
	json_t *pool;
	int code = get_workers(ctl, &pool);

	if (code == EX_OK)
		code = ctl->json ? ctl_print_json(ctl, pool) : print_workers(ctl, pool);
	json_decref(pool);
	return code;
}

/* --- Changed. --- */

enum { PLACES_TEXT = 2 * CONF_PLACES_MAX };

static void write_places(uint32_t places, char text[PLACES_TEXT])
{
	size_t used = 0;

	*text = '\0';
	for (unsigned i = 0; i < CONF_PLACES_MAX; i++)
		if (places >> i & 1)
			used += (size_t)snprintf(text + used, PLACES_TEXT - used, "%s%u",
						 used > 0 ? "," : "", i);
}

static uint32_t active_places(const json_t *pool)
{
	uint32_t places = 0;
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(pool, "places"), i, row)
		if (is_active(row) && i < CONF_PLACES_MAX)
			places |= UINT32_C(1) << i;
	return places;
}

/* The places that were named, a bit each. */
static int get_arguments(const struct ctl *ctl, const json_t *pool, uint32_t *places_r)
{
	const size_t places = json_array_size(json_object_get(pool, "places"));

	*places_r = 0;
	for (int i = 0; i < ctl->count; i++) {
		const char *word = ctl->arguments[i];

		if (strlen(word) != 1 || *word < '0' || (size_t)(*word - '0') >= places)
			return ctl_fail(ctl, EX_DATAERR, "\"%s\" is no place: there are 0 to %zu", word,
					places - 1);
		*places_r |= UINT32_C(1) << (*word - '0');
	}
	return EX_OK;
}

/* Whether all is as it is to be: as many served as there are processes for, and nobody draining. */
static bool has_settled(const json_t *pool)
{
	bool served = true, idle = false, draining = false;
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(pool, "places"), i, row) {
		served = served && (is_served(row) || !is_active(row));
		draining = draining || (is_served(row) && !is_active(row));
	}
	json_array_foreach(json_object_get(pool, "others"), i, row) {
		idle = idle || strcmp(state_of(row), "ready") == 0;
		draining = draining || strcmp(state_of(row), "ready") != 0;
	}
	return !draining && (served || !idle);
}

static int wait_for_it(const struct ctl *ctl)
{
	const uint64_t end = clock_mono() + UINT64_C(1000000) * WAIT_S;
	bool settled = false;
	int code = EX_OK;

	while (code == EX_OK && !settled) {
		json_t *pool;

		if (clock_mono() > end)
			return ctl_fail(ctl, EX_TEMPFAIL,
					"it is not done after %d seconds, and goes on", WAIT_S);
		usleep(POLL_US);
		code = get_workers(ctl, &pool);
		settled = code == EX_OK && has_settled(pool);
		json_decref(pool);
	}
	return code;
}

/* Only if nobody else has changed it since. */
static int set_places(const struct ctl *ctl, const json_t *pool, uint32_t places)
{
	char text[PLACES_TEXT];
	int code;

	if (places == 0)
		return ctl_fail(ctl, EX_DATAERR, "one place must be active");
	if (places == active_places(pool))
		return EX_OK;
	write_places(places, text);
	code = ctl_scoped_call(ctl, json_pack("{s:{s:s}, s:I}", "values", "active", text,
					      "if_revision", number_of(pool, "revision")));
	return code;
}

enum change { ACTIVATE, DRAIN, SWAP };

static int change(const struct ctl *ctl, enum change what)
{
	uint32_t named, places;
	json_t *pool;
	int code = get_workers(ctl, &pool);

	if (code == EX_OK)
		code = get_arguments(ctl, pool, &named);
	if (code == EX_OK) {
		places = active_places(pool);
		if (what == ACTIVATE)
			places |= named;
		else if (what == DRAIN)
			places &= ~named;
		else
			places ^= (UINT32_C(1) << json_array_size(json_object_get(pool, "places"))) - 1;
		code = set_places(ctl, pool, places);
	}
	json_decref(pool);
	if (code == EX_OK && ctl->option[CTL_WAIT] && !ctl->option[CTL_DRY_RUN])
		code = wait_for_it(ctl);
	return code;
}

int ctl_pool_activate(const struct ctl *ctl)
{
	return change(ctl, ACTIVATE);
}

int ctl_pool_drain(const struct ctl *ctl)
{
	return change(ctl, DRAIN);
}

int ctl_pool_swap(const struct ctl *ctl)
{
	return change(ctl, SWAP);
}
