#include <string.h>

#include "conf/clock.h"
#include "daemon/ctl_lag.h"
#include "daemon/ctl_status.h"
#include "shm/proc.h"

/*
 * Every word is read by itself while its process writes on: the numbers of one document belong to
 * instants that lie a little apart, and differences between them are clamped.
 */
struct gathering {
	const struct ctl_view *view;
	uint64_t mono, utc, durable;
	uint64_t connections;
	bool serves;
};

static uint64_t get(const _Atomic uint64_t *word)
{
	return atomic_load_explicit(word, memory_order_acquire);
}

static uint64_t behind(uint64_t newer, uint64_t older)
{
	return newer > older ? newer - older : 0;
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *seconds(uint64_t us)
{
	return json_real((double)us / 1e6);
}

static json_t *time_of(uint64_t utc)
{
	char text[CLOCK_TEXT];

	return json_string(clock_format(utc, text));
}

static bool has_cursor(unsigned slot)
{
	return slot == SLOT_STORE || slot == SLOT_COMPLIANCE || slot >= SLOT_WORKER;
}

/* Only what a process has counted: most counters are of one role. */
static json_t *counters(const struct proc_page *page)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < COUNTERS; i++) {
		const uint64_t value = get(&page->counters[i]);

		if (value)
			json_object_set_new(object, counter_name(i), number(value));
	}
	return object;
}

/* What the process itself wrote; only if it is of the generation that the master started. */
static void add_own(struct gathering *g, json_t *row, const struct proc_page *page, unsigned slot)
{
	const uint32_t state = atomic_load(&page->state);

	json_object_set_new(row, "state", json_string(proc_state_name(state)));
	json_object_set_new(row, "started", time_of(get(&page->started)));
	json_object_set_new(row, "uptime", seconds(behind(g->utc, get(&page->started))));
	json_object_set_new(row, "heartbeat_age", seconds(behind(g->mono, get(&page->heartbeat))));
	if (has_cursor(slot) && slot < SLOT_READER && get(&page->cursor)) {
		json_object_set_new(row, "cursor", number(get(&page->cursor)));
		json_object_set_new(row, "lag", number(behind(g->durable, get(&page->cursor))));
	}
	if (slot >= SLOT_WORKER && slot < SLOT_READER)
		json_object_set_new(row, "delay", seconds(get(&page->delay)));
	json_object_set_new(row, "counters", counters(page));
	if (slot >= SLOT_WORKER && slot < SLOT_READER)
		g->connections += get(&page->counters[COUNTER_CONNECTIONS_OPEN]);
	if (slot >= SLOT_WORKER && slot < SLOT_READER && state == PROC_ACTIVE)
		g->serves = true;
}

static json_t *process(struct gathering *g, const struct master_slot *said, unsigned slot)
{
	const struct proc_page *page = g->view->page[slot];
	const uint32_t generation = atomic_load_explicit(&said->generation, memory_order_acquire);
	const uint32_t listener = atomic_load(&said->listener);
	const int32_t pid = atomic_load(&said->pid);
	json_t *row = json_pack("{s:s, s:i, s:i, s:I, s:I}", "role", proc_role(slot), "slot",
				(int)slot, "pid", (int)pid, "generation", (json_int_t)generation,
				"restarts", (json_int_t)atomic_load(&said->restarts));

	if (listener)
		json_object_set_new(row, "place", number(listener - 1));
	if (pid == 0)
		json_object_set_new(row, "state", json_string("none"));
	else if (page && page->magic == PAGE_MAGIC && atomic_load(&page->generation) == generation)
		add_own(g, row, page, slot);
	else
		json_object_set_new(row, "state", json_string("starting"));
	return row;
}

/* A slot in which there is nothing and never was anything is not shown. */
static json_t *processes(struct gathering *g)
{
	const struct proc_page *master = g->view->page[SLOT_MASTER];
	json_t *rows = json_array();

	for (unsigned slot = 0; master && slot < SLOTS; slot++) {
		const struct master_slot *said = &master->slots[slot];
		struct master_slot own = {0};

		if (slot == SLOT_MASTER) {
			own.pid = atomic_load(&master->pid);
			own.generation = atomic_load(&master->generation);
			said = &own;
		}
		if (atomic_load(&said->pid) || atomic_load(&said->restarts))
			json_array_append_new(rows, process(g, said, slot));
	}
	return rows;
}

/* The ring is freed behind the slower of the durable readers. 0: none has said where it is. */
static uint64_t slowest_cursor(const struct ctl_view *view)
{
	static const unsigned readers[] = {SLOT_STORE, SLOT_COMPLIANCE};
	uint64_t slowest = 0;

	for (unsigned i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
		const struct proc_page *page = view->page[readers[i]];
		const uint64_t cursor = page ? get(&page->cursor) : 0;

		if (cursor && (!slowest || cursor < slowest))
			slowest = cursor;
	}
	return slowest;
}

static void add_fill(json_t *object, const struct gathering *g, uint64_t size)
{
	const uint64_t cursor = slowest_cursor(g->view);
	const uint64_t used = behind(g->durable, cursor);

	if (!cursor)
		return;
	json_object_set_new(object, "used", number(used));
	json_object_set_new(object, "free", number(behind(size, used)));
	json_object_set_new(object, "fill", json_real(100.0 * (double)used / (double)size));
}

static json_t *journal(const struct gathering *g)
{
	const struct proc_page *sequencer = g->view->page[SLOT_SEQUENCER];
	const struct journal_header *header = g->view->journal.header;
	json_t *object = json_object();

	json_object_set_new(object, "durable", number(g->durable));
	json_object_set_new(object, "tail", number(sequencer ? get(&sequencer->tail) : 0));
	if (!header)
		return object;
	json_object_set_new(object, "size", number(header->size));
	json_object_set_new(object, "created", time_of(header->created));
	if (header->size)
		add_fill(object, g, header->size);
	return object;
}

static json_t *cache(const struct cache *cache, uint64_t *sessions_r)
{
	struct cache_use use[TABLE_COUNT];
	json_t *tables = json_array();

	cache_use(cache, use);
	for (unsigned i = 0; i < TABLE_COUNT; i++) {
		json_t *table = json_pack("{s:s, s:I, s:I}", "name", use[i].name, "used",
					  (json_int_t)use[i].used, "size", (json_int_t)use[i].size);

		json_array_append_new(tables, table);
		if (strcmp(use[i].name, "sessions") == 0)
			*sessions_r = use[i].used;
	}
	return json_pack("{s:I, s:o}", "applied", (json_int_t)cache_applied(cache), "tables",
			 tables);
}

/* In events and in seconds; not told where the journal has overwritten what the database lacks. */
static void add_lag(json_t *object, const struct gathering *g, uint64_t cursor)
{
	struct ctl_lag lag;

	if (!ctl_lag(g->view, cursor, g->durable, &lag))
		return;
	json_object_set_new(object, "lag_events", number(lag.events));
	json_object_set_new(object, "lag_time",
			    seconds(lag.events > 0 ? behind(g->utc, lag.oldest) : 0));
}

/* How the store, or pchat-compliance, keeps up, over its lives since the master started. */
static json_t *database(const struct gathering *g, unsigned slot)
{
	const struct proc_page *page = g->view->page[slot];
	const struct proc_page *sequencer = g->view->page[SLOT_SEQUENCER];
	const uint64_t rows = get(&page->counters[COUNTER_ROWS_STORED]);
	const uint64_t count = get(&page->counters[COUNTER_TRANSACTIONS]);
	const uint64_t busy = get(&page->counters[COUNTER_STORING_US]);
	const uint64_t commits = get(&page->counters[COUNTER_COMMIT_US]);
	const uint64_t lag = behind(g->durable, get(&page->cursor));
	json_t *object = json_object();

	json_object_set_new(object, "rows", number(rows));
	json_object_set_new(object, "transactions", number(count));
	if (slot == SLOT_STORE)
		json_object_set_new(object, "dead_letters",
				    number(get(&page->counters[COUNTER_DEAD_LETTERS])));
	json_object_set_new(object, "errors",
			    number(get(&page->counters[COUNTER_DATABASE_ERRORS])));
	if (count > 0 && busy > 0) {
		json_object_set_new(object, "batch", json_real((double)rows / (double)count));
		json_object_set_new(object, "rows_per_second",
				    json_real((double)rows * 1e6 / (double)busy));
		json_object_set_new(object, "commit",
				    json_real((double)commits / 1e6 / (double)count));
	}
	json_object_set_new(object, "lag", number(lag));
	if (sequencer && get(&page->cursor))
		add_lag(object, g, get(&page->cursor));
	return object;
}

struct member {
	const char *name;
	enum counter counter;
};

static json_t *members(const struct proc_page *page, const struct member *list, size_t count)
{
	json_t *object = json_object();

	for (size_t i = 0; i < count; i++)
		json_object_set_new(object, list[i].name,
				    number(get(&page->counters[list[i].counter])));
	return object;
}

/* What the adapters have made since the master started, and how many of them fail now. */
static json_t *adapters(const struct proc_page *page)
{
	static const struct member list[] = {
		{"records", COUNTER_ADAPTER_RECORDS},	{"files", COUNTER_ADAPTER_FILES},
		{"batches", COUNTER_ADAPTER_BATCHES},	{"failures", COUNTER_ADAPTER_FAILURES},
		{"failing", COUNTER_ADAPTERS_FAILING},
	};

	return members(page, list, sizeof(list) / sizeof(list[0]));
}

/* What pchat-file keeps now, and has done since the master started. */
static json_t *files(const struct proc_page *page)
{
	static const struct member list[] = {
		{"files", COUNTER_FILES_KEPT},	    {"bytes", COUNTER_FILE_BYTES_KEPT},
		{"tokens", COUNTER_FILE_GRANTS},    {"uploading", COUNTER_FILE_TRANSFERS},
		{"uploaded", COUNTER_FILES_STORED}, {"opened", COUNTER_FILES_OPENED},
		{"removed", COUNTER_FILES_REMOVED}, {"bytes_in", COUNTER_FILE_BYTES_IN},
		{"bytes_out", COUNTER_FILE_BYTES_OUT}, {"failures", COUNTER_FILE_FAILURES},
	};

	return members(page, list, sizeof(list) / sizeof(list[0]));
}

json_t *ctl_status_document(const struct ctl_view *view, uint64_t mono, uint64_t utc,
			    bool *serves_r)
{
	const struct proc_page *sequencer = view->page[SLOT_SEQUENCER];
	struct gathering g = {.view = view, .mono = mono, .utc = utc};
	json_t *document = json_object();
	uint64_t sessions = 0;

	g.durable = sequencer ? get(&sequencer->durable) : 0;
	json_object_set_new(document, "time", time_of(utc));
	json_object_set_new(document, "version", json_string(PACKAGE_VERSION));
	if (view->conf)
		json_object_set_new(document, "domain", json_string(view->conf->domain));
	json_object_set_new(document, "processes", processes(&g));
	json_object_set_new(document, "journal", journal(&g));
	if (view->page[SLOT_STORE])
		json_object_set_new(document, "content", database(&g, SLOT_STORE));
	if (view->page[SLOT_COMPLIANCE] && get(&view->page[SLOT_COMPLIANCE]->started))
		json_object_set_new(document, "compliance", database(&g, SLOT_COMPLIANCE));
	if (view->page[SLOT_ADAPTER] && get(&view->page[SLOT_ADAPTER]->started))
		json_object_set_new(document, "adapters", adapters(view->page[SLOT_ADAPTER]));
	if (view->page[SLOT_FILE] && get(&view->page[SLOT_FILE]->started))
		json_object_set_new(document, "files", files(view->page[SLOT_FILE]));
	if (view->cache)
		json_object_set_new(document, "cache", cache(view->cache, &sessions));
	json_object_set_new(document, "sessions", number(sessions));
	json_object_set_new(document, "sessions_lost",
			    number(view->cache ? cache_lost(view->cache) : 0));
	json_object_set_new(document, "connections", number(g.connections));
	*serves_r = g.serves;
	return document;
}
