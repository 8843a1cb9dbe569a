#include <inttypes.h>
#include <stdio.h>

#include "daemon/ctl_status.h"
#include "daemon/ctl_table.h"

static json_int_t number_of(json_t *object, const char *member)
{
	return json_integer_value(json_object_get(object, member));
}

static const char *text_of(json_t *object, const char *member, const char *missing)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text ? text : missing;
}

/* "3d 04:05", "4:05:06", "5.2s". */
static void add_duration(struct ctl_table *table, json_t *value)
{
	const double seconds = json_number_value(value);
	const uint64_t whole = (uint64_t)seconds;

	if (!json_is_number(value))
		ctl_table_add(table, "-");
	else if (whole < 60)
		ctl_table_add(table, "%.1fs", seconds);
	else if (whole < 86400)
		ctl_table_add(table, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, whole / 3600,
			      whole / 60 % 60, whole % 60);
	else
		ctl_table_add(table, "%" PRIu64 "d %02" PRIu64 ":%02" PRIu64, whole / 86400,
			      whole / 3600 % 24, whole / 60 % 60);
}

static void add_optional(struct ctl_table *table, json_t *value)
{
	if (json_is_integer(value))
		ctl_table_add(table, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else
		ctl_table_add(table, "-");
}

static void add_process(struct ctl_table *table, json_t *row)
{
	ctl_table_add(table, "%s", text_of(row, "role", "?"));
	ctl_table_add(table, "%" JSON_INTEGER_FORMAT, number_of(row, "slot"));
	ctl_table_add(table, "%s", text_of(row, "state", "?"));
	add_optional(table, json_object_get(row, "place"));
	ctl_table_add(table, "%" JSON_INTEGER_FORMAT, number_of(row, "pid"));
	ctl_table_add(table, "%" JSON_INTEGER_FORMAT, number_of(row, "generation"));
	add_duration(table, json_object_get(row, "uptime"));
	ctl_table_add(table, "%" JSON_INTEGER_FORMAT, number_of(row, "restarts"));
	add_duration(table, json_object_get(row, "heartbeat_age"));
	add_optional(table, json_object_get(row, "cursor"));
	add_optional(table, json_object_get(row, "lag"));
}

static int print_processes(json_t *rows)
{
	static const char *const heads[] = {
		"ROLE",	  "SLOT",     "STATE",	   "PLACE",  "PID", "GENERATION",
		"UPTIME", "RESTARTS", "HEARTBEAT", "CURSOR", "LAG",
	};
	struct ctl_table *table = ctl_table_new("lrlrrrrrrrr", heads);
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) add_process(table, row);
	return ctl_table_print(table);
}

static void print_journal(json_t *journal)
{
	printf("journal: durable %" JSON_INTEGER_FORMAT ", tail %" JSON_INTEGER_FORMAT,
	       number_of(journal, "durable"), number_of(journal, "tail"));
	if (json_object_get(journal, "size"))
		printf(", size %" JSON_INTEGER_FORMAT, number_of(journal, "size"));
	if (json_object_get(journal, "fill"))
		printf(", %.1f %% full, %" JSON_INTEGER_FORMAT " bytes free",
		       json_real_value(json_object_get(journal, "fill")),
		       number_of(journal, "free"));
	else
		fputs(", how full is not known: no database has said where it is", stdout);
	fputs("\n", stdout);
}

static int print_cache(json_t *cache)
{
	static const char *const heads[] = {"CACHE", "USED", "SIZE"};
	struct ctl_table *table = ctl_table_new("lrr", heads);
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(cache, "tables"), i, row)
	{
		ctl_table_add(table, "%s", text_of(row, "name", "?"));
		ctl_table_add(table, "%" JSON_INTEGER_FORMAT, number_of(row, "used"));
		ctl_table_add(table, "%" JSON_INTEGER_FORMAT, number_of(row, "size"));
	}
	return ctl_table_print(table);
}

static void print_database(const char *name, json_t *content)
{
	printf("%s database: %" JSON_INTEGER_FORMAT " rows in %" JSON_INTEGER_FORMAT
	       " transactions",
	       name, number_of(content, "rows"), number_of(content, "transactions"));
	if (json_object_get(content, "batch"))
		printf(" (%.1f each, %.0f rows/s while storing, %.1f ms a commit)",
		       json_real_value(json_object_get(content, "batch")),
		       json_real_value(json_object_get(content, "rows_per_second")),
		       json_real_value(json_object_get(content, "commit")) * 1000);
	if (json_object_get(content, "dead_letters"))
		printf(", %" JSON_INTEGER_FORMAT " dead letters",
		       number_of(content, "dead_letters"));
	printf(", %" JSON_INTEGER_FORMAT " errors", number_of(content, "errors"));
	if (json_object_get(content, "lag_time"))
		printf(", %" JSON_INTEGER_FORMAT " bytes, %" JSON_INTEGER_FORMAT
		       " events and %.1f s behind",
		       number_of(content, "lag"), number_of(content, "lag_events"),
		       json_real_value(json_object_get(content, "lag_time")));
	fputs("\n", stdout);
}

static void print_adapters(json_t *adapters)
{
	const json_int_t failing = number_of(adapters, "failing");

	printf("adapters: %" JSON_INTEGER_FORMAT " records in %" JSON_INTEGER_FORMAT
	       " files, %" JSON_INTEGER_FORMAT " failures",
	       number_of(adapters, "records"), number_of(adapters, "files"),
	       number_of(adapters, "failures"));
	if (failing > 0)
		printf("; %" JSON_INTEGER_FORMAT " FAILING, see pchatctl compliance adapters",
		       failing);
	fputs("\n", stdout);
}

static void print_files(json_t *files)
{
	const json_int_t failures = number_of(files, "failures");

	printf("files: %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
	       " bytes, %" JSON_INTEGER_FORMAT " tokens, %" JSON_INTEGER_FORMAT
	       " uploads under way; %" JSON_INTEGER_FORMAT " uploaded, %" JSON_INTEGER_FORMAT
	       " opened, %" JSON_INTEGER_FORMAT " removed",
	       number_of(files, "files"), number_of(files, "bytes"), number_of(files, "tokens"),
	       number_of(files, "uploading"), number_of(files, "uploaded"),
	       number_of(files, "opened"), number_of(files, "removed"));
	if (failures > 0)
		printf("; the disk FAILED %" JSON_INTEGER_FORMAT " times", failures);
	fputs("\n", stdout);
}

int ctl_status_print(json_t *document)
{
	json_t *adapters = json_object_get(document, "adapters");
	json_t *content = json_object_get(document, "content");
	json_t *files = json_object_get(document, "files");
	json_t *compliance = json_object_get(document, "compliance");
	json_t *cache = json_object_get(document, "cache");

	printf("pchatd %s, %s, %s\n\n", text_of(document, "version", "?"),
	       text_of(document, "domain", "?"), text_of(document, "time", "?"));
	if (print_processes(json_object_get(document, "processes")) == -1)
		return -1;
	fputs("\n", stdout);
	print_journal(json_object_get(document, "journal"));
	if (content)
		print_database("content", content);
	if (compliance)
		print_database("compliance", compliance);
	if (adapters)
		print_adapters(adapters);
	if (files)
		print_files(files);
	printf("sessions: %" JSON_INTEGER_FORMAT ", of which lost: %" JSON_INTEGER_FORMAT
	       ", connections: %" JSON_INTEGER_FORMAT "\n\n",
	       number_of(document, "sessions"), number_of(document, "sessions_lost"),
	       number_of(document, "connections"));
	if (cache)
		return print_cache(cache);
	puts("the cache is not there yet");
	return ferror(stdout) ? -1 : 0;
}
