#include "daemon/adapter_task.h"

#include <string.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/fault.h"
#include "conf/log.h"

void adapter_task_init(struct adapter_task *task, const struct conf_adapter *conf)
{
	*task = (struct adapter_task){.conf = conf, .run = {.pidfd = -1, .result = -1}};
}

bool adapter_task_due(const struct adapter_task *task, uint64_t now)
{
	if (task->run.pid != 0)
		return false;
	return !task->known || task->dirty || task->plan.due <= now;
}

uint64_t adapter_task_next(const struct adapter_task *task)
{
	if (task->run.pid != 0)
		return task->run.killed ? UINT64_MAX : task->run.deadline;
	return task->known && !task->dirty ? task->plan.due : 0;
}

void adapter_task_hurry(struct adapter_task *task)
{
	task->plan.due = 0;
	task->target = 0; /* with what came since the run that may be under way began */
	task->hurry = !task->known;
}

/* --- What became of a batch. --- */

/* The text goes into a database, a log line and to terminals; what it quotes is whatever it is. */
static void take_error(struct record_adapter *row, const char *text)
{
	size_t i;

	for (i = 0; text[i] && i < sizeof(row->error) - 1; i++)
		row->error[i] = (char)(text[i] < ' ' || text[i] > '~' ? '?' : text[i]);
	row->error[i] = '\0';
}

static void tell(const struct adapter_task *task)
{
	const struct record_adapter *row = &task->row;
	char since[CLOCK_TEXT];

	log_error("adapter \"%s\" failed at the records from %llu on and will be tried again; this is "
		  "failure %llu since %s: %s",
		  row->name, (unsigned long long)row->done + 1, (unsigned long long)row->failures,
		  clock_format(row->failing, since), row->error);
}

static void failed(struct adapter_task *task, const struct adapter_shared *shared,
		   const char *error)
{
	proc_count(shared->proc, COUNTER_ADAPTER_FAILURES, 1);
	if (task->plan.delay == 0)
		proc_count(shared->proc, COUNTER_ADAPTERS_FAILING, 1);
	task->row.failures++;
	if (task->row.failing == 0)
		task->row.failing = clock_utc();
	take_error(&task->row, error);
	task->dirty = true;
	task->target =
		0; /* the next attempt is a run of its own, and goes on with what came since */
	if (adapter_plan_failed(&task->plan, clock_mono()))
		tell(task);
	else
		log_info("adapter \"%s\" failed again: %s", task->row.name, task->row.error);
}

/* Everything up to a record is in the files. */
static void advance(struct adapter_task *task, const struct adapter_shared *shared, uint64_t done)
{
	struct record_adapter *row = &task->row;

	if (task->plan.delay != 0)
		proc_count(shared->proc, COUNTER_ADAPTERS_FAILING, UINT64_MAX);
	if (row->failing != 0)
		log_notice("adapter \"%s\" works again", row->name);
	row->done = done;
	row->batch = row->failures = row->failing = 0;
	row->error[0] = '\0';
	task->dirty = true;
	task->plan.delay = 0;
	task->plan.due = 0;
}

static void worked(struct adapter_task *task, const struct adapter_shared *shared, uint32_t files)
{
	struct record_adapter *row = &task->row;

	proc_count(shared->proc, COUNTER_ADAPTER_BATCHES, 1);
	proc_count(shared->proc, COUNTER_ADAPTER_RECORDS, task->records);
	proc_count(shared->proc, COUNTER_ADAPTER_FILES, files);
	log_info("adapter \"%s\" has the records %llu to %llu (files: %u)", row->name,
		 (unsigned long long)row->done + 1, (unsigned long long)row->batch, files);
	advance(task, shared, row->batch);
}

void adapter_task_watch(struct adapter_task *task, const struct adapter_shared *shared)
{
	struct writer_result result;

	if (task->run.pid == 0 || !adapter_run_ended(&task->run, task->conf, clock_mono(), &result))
		return;
	if (result.failed)
		failed(task, shared, result.error);
	else
		worked(task, shared, result.files);
}

/* --- A batch. --- */

/* Whether the batch takes more. One that has been noted is what it was, however large. */
static bool is_full(const struct adapter_task *task, const struct adapter_pack *pack)
{
	if (task->row.batch != 0 || pack->count == 0)
		return false;
	return pack->count >= task->conf->batch_records || pack->bytes >= task->conf->batch_size;
}

/* One page; *more_r: there may be another one that is wanted. */
static enum db_result fill_page(const struct adapter_task *task,
				const struct adapter_shared *shared, struct adapter_pack *pack,
				uint64_t above, bool *more_r, struct err *err)
{
	const uint64_t last = task->row.batch != 0 ? task->row.batch : task->target;
	enum db_result result = record_list(shared->db, above, err);
	struct record_row row;
	unsigned count = 0;

	*more_r = true;
	while (result == DB_OK && (result = record_list_next(shared->db, &row, err)) == DB_OK) {
		*more_r = row.number <= last && !is_full(task, pack);
		if (!*more_r)
			return DB_OK; /* the next execution ends this one */
		adapter_pack_add(pack, &row);
		count++;
	}
	if (result != DB_END)
		return result;
	*more_r = count == RECORD_PAGE;
	return DB_OK;
}

static enum db_result fill(const struct adapter_task *task, const struct adapter_shared *shared,
			   struct adapter_pack *pack, struct err *err)
{
	enum db_result result = DB_OK;
	bool more = true;

	while (result == DB_OK && more) {
		const uint64_t above = pack->count > 0 ? pack->last : task->row.done;

		result = fill_page(task, shared, pack, above, &more, err);
		proc_heartbeat(shared->proc);
	}
	return result;
}

static enum db_result put(struct adapter_task *task, const struct adapter_shared *shared,
			  struct err *err)
{
	const enum db_result result = record_adapter_put(shared->db, &task->row, err);

	task->dirty = result != DB_OK;
	if (result == DB_OK)
		task->stored = task->row.done;
	return result;
}

static void write_pack(struct adapter_task *task, const struct adapter_shared *shared,
		       struct adapter_pack *pack)
{
	struct err err;
	int fd;

	task->records = pack->count;
	fd = adapter_pack_end(pack, &err);
	if (fd == -1 ||
	    adapter_run_start(&task->run, task->conf, shared->conf, fd, clock_mono(), &err) == -1)
		failed(task, shared, err.text);
	if (fd != -1)
		close(fd);
}

/* Nothing may be written before the database knows where the batch ends. */
static enum db_result begin_batch(struct adapter_task *task, const struct adapter_shared *shared,
				  struct adapter_pack *pack, struct err *err)
{
	enum db_result result = fill(task, shared, pack, err);

	if (result != DB_OK)
		return result;
	if (pack->count == 0) {
		/* They were purged: nothing is left of them to be written. */
		advance(task, shared, task->row.batch != 0 ? task->row.batch : task->target);
		return put(task, shared, err);
	}
	if (task->row.batch == 0) {
		task->row.batch = pack->last;
		result = put(task, shared, err);
		fault_point("adapter.noted");
	}
	if (result == DB_OK)
		write_pack(task, shared, pack);
	return result;
}

/* --- A run. --- */

static enum db_result begin_run(struct adapter_task *task, const struct adapter_shared *shared,
				struct err *err)
{
	struct record_cursor cursor;
	const enum db_result result = record_cursor_get(shared->db, &cursor, err);

	if (result == DB_OK)
		task->target = cursor.number > task->row.done ? cursor.number : task->row.done;
	return result;
}

static enum db_result end_run(struct adapter_task *task, const struct adapter_shared *shared,
			      struct err *err)
{
	task->target = 0;
	task->row.ran = clock_utc();
	adapter_plan_worked(&task->plan, task->conf->run_interval, clock_mono());
	return put(task, shared, err);
}

static void take_first_row(struct adapter_task *task, const struct record_adapter *row)
{
	task->row = *row;
	task->known = true;
	adapter_plan_begin(&task->plan, task->conf->run_interval, clock_mono(), clock_utc(),
			   row->batch == 0 && !task->hurry ? row->ran : 0);
}

static void take_row_again(struct adapter_task *task, const struct record_adapter *row)
{
	const bool lost = row->done < task->stored;

	if (lost)
		log_warning(
			"adapter \"%s\" had everything up to record %llu, but only up to %llu by "
			"the compliance database that is in use now: it goes on from there",
			row->name, (unsigned long long)task->row.done,
			(unsigned long long)row->done);
	if (!lost && task->dirty)
		return;
	task->row = *row;
	task->dirty = false;
	task->target = 0;
}

static enum db_result read_row(struct adapter_task *task, const struct adapter_shared *shared,
			       struct err *err)
{
	struct record_adapter row;
	const enum db_result result = record_adapter_get(shared->db, task->conf->name, &row, err);

	if (result != DB_OK && result != DB_END)
		return result;
	if (task->known)
		take_row_again(task, &row);
	else
		take_first_row(task, &row);
	task->stored = row.done;
	task->stale = false;
	return DB_OK;
}

void adapter_task_attached(struct adapter_task *task)
{
	task->stale = true;
}

enum db_result adapter_task_step(struct adapter_task *task, const struct adapter_shared *shared,
				 bool may_begin, struct err *err)
{
	enum db_result result = DB_OK;
	struct adapter_pack pack;

	if (task->run.pid != 0)
		return DB_OK;
	if (!task->known || task->stale)
		result = read_row(task, shared, err);
	if (result == DB_OK && task->dirty)
		result = put(task, shared, err);
	if (result != DB_OK || !may_begin || task->plan.due > clock_mono())
		return result;
	if (task->target == 0 || task->target < task->row.batch)
		result = begin_run(task, shared, err);
	if (result != DB_OK)
		return result;
	if (task->row.batch == 0 && task->row.done >= task->target)
		return end_run(task, shared, err);
	if (adapter_pack_init(&pack, err) == -1) {
		failed(task, shared, err->text);
		return DB_OK;
	}
	result = begin_batch(task, shared, &pack, err);
	adapter_pack_fini(&pack);
	/* Something is wrong with these records, and not with the connection. */
	if (result == DB_BAD_DATA) {
		failed(task, shared, err->text);
		return DB_OK;
	}
	return result;
}
