#include <stdio.h>
#include <string.h>

#include "daemon/ctl_status.h"

/*
 * The status as metrics, in the text format of Prometheus. All samples of a metric have to stand
 * together, so they are gathered by its name first.
 */
enum { NAME_MAX_LENGTH = 128, SAMPLE_MAX = 512 };

struct metrics {
	json_t *samples; /* name: list of lines */
	bool failed;
};

/* Members whose unit their metric names. */
static const char *name_of(const char *member)
{
	static const char *const names[][2] = {
		{"uptime", "uptime_seconds"}, {"heartbeat_age", "heartbeat_age_seconds"},
		{"delay", "delay_seconds"},   {"commit", "commit_seconds"},
		{"lag_time", "lag_seconds"},  {"lag", "lag_bytes"},
		{"fill", "fill_percent"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(member, names[i][0]) == 0)
			return names[i][1];
	return member;
}

static void add(struct metrics *metrics, const char *name, const char *labels, double value)
{
	json_t *list = json_object_get(metrics->samples, name);
	char line[SAMPLE_MAX];
	int length;

	if (list == NULL) {
		list = json_array();
		metrics->failed |= json_object_set_new(metrics->samples, name, list) == -1;
	}
	length = snprintf(line, sizeof(line), "%s%s %.17g", name, labels, value);
	metrics->failed |= length >= (int)sizeof(line) ||
			   json_array_append_new(list, json_string(line)) == -1;
}

/* All numbers of an object. */
static void add_members(struct metrics *metrics, const char *prefix, const char *labels,
			json_t *object)
{
	char name[NAME_MAX_LENGTH];
	const char *member;
	json_t *value;

	json_object_foreach(object, member, value) {
		if (!json_is_number(value))
			continue;
		snprintf(name, sizeof(name), "%s_%s", prefix, name_of(member));
		add(metrics, name, labels, json_number_value(value));
	}
}

/* What names a process is no number of it. */
static void add_process(struct metrics *metrics, json_t *row)
{
	static const char *const not_measured[] = {"slot", "pid", "generation", "place"};
	const char *role = json_string_value(json_object_get(row, "role"));
	const char *state = json_string_value(json_object_get(row, "state"));
	const int slot = (int)json_integer_value(json_object_get(row, "slot"));
	char labels[NAME_MAX_LENGTH];

	snprintf(labels, sizeof(labels), "{role=\"%s\",slot=\"%d\",state=\"%s\"}", role, slot,
		 state);
	add(metrics, "pchat_process_state", labels, 1);
	snprintf(labels, sizeof(labels), "{role=\"%s\",slot=\"%d\"}", role, slot);
	add_members(metrics, "pchat", labels, json_object_get(row, "counters"));
	for (size_t i = 0; i < sizeof(not_measured) / sizeof(not_measured[0]); i++)
		json_object_del(row, not_measured[i]);
	add_members(metrics, "pchat_process", labels, row);
}

static void add_table(struct metrics *metrics, json_t *table)
{
	char labels[NAME_MAX_LENGTH];

	snprintf(labels, sizeof(labels), "{table=\"%s\"}",
		 json_string_value(json_object_get(table, "name")));
	add_members(metrics, "pchat_cache_table", labels, table);
}

static void gather(struct metrics *metrics, json_t *document, bool serves)
{
	static const char *const parts[] = {"journal",  "content", "compliance",
					    "adapters", "files",   "cache"};
	char prefix[NAME_MAX_LENGTH];
	json_t *row;
	size_t i;

	add(metrics, "pchat_serves", "", serves);
	add_members(metrics, "pchat", "", document);
	json_array_foreach(json_object_get(document, "processes"), i, row)
		add_process(metrics, row);
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		snprintf(prefix, sizeof(prefix), "pchat_%s", parts[i]);
		add_members(metrics, prefix, "", json_object_get(document, parts[i]));
	}
	json_array_foreach(json_object_get(json_object_get(document, "cache"), "tables"), i, row)
		add_table(metrics, row);
}

static void print(json_t *samples)
{
	const char *name;
	json_t *list, *line;
	size_t i;

	json_object_foreach(samples, name, list) {
		printf("# TYPE %s untyped\n", name);
		json_array_foreach(list, i, line)
			puts(json_string_value(line));
	}
}

int ctl_status_metrics(json_t *document, bool serves)
{
	struct metrics metrics = {.samples = json_object()};

	gather(&metrics, document, serves);
	if (!metrics.failed)
		print(metrics.samples);
	json_decref(metrics.samples);
	return metrics.failed || fflush(stdout) == EOF ? -1 : 0;
}
