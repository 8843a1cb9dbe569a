#include <poll.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/log.h"
#include "daemon/adapter_task.h"
#include "daemon/adapter_writer.h"
#include "daemon/complaint.h"
#include "odbc/backoff.h"
#include "shm/child.h"
#include "shm/sandbox.h"
#include "shm/schedule.h"

/*
 * Brings compliance records into the files of the adapters. It decides which records are a batch
 * and notes what became of it; the files are made by a process for each batch
 * (adapter_writer.h), so that none of the adapters waits for another.
 */
struct adapters {
	struct child child;
	struct db *db; /* owned */
	struct adapter_shared shared;
	struct backoff backoff;
	struct complaint database;
	bool attached; /* connected to a database that has our schema */
	bool stop;
	uint64_t deadline; /* clock_mono() at which an orderly stop must be over */
	unsigned count;
	unsigned first; /* whose turn comes first: nobody's failures keep others waiting */
	struct adapter_task task[CONF_ADAPTERS_MAX];
};

enum {
	IDLE_US = 1000000,
	/* At a stop the writers get so long, unless the master says less. What they do not get done
	 * is done again. */
	STOP_US = 5000000,
	LEAVE_US = 200000
};

/* --- The master's word. --- */

static void note_stop(struct adapters *adapters, uint64_t milliseconds)
{
	const uint64_t bound = milliseconds * 1000 < STOP_US ? milliseconds * 1000 : STOP_US;

	if (adapters->stop)
		return;
	adapters->stop = true;
	adapters->deadline = clock_mono() + (bound > LEAVE_US ? bound - LEAVE_US : 0);
}

/* name: of one adapter, or "" for all. */
static void hurry(struct adapters *adapters, const char *name)
{
	char quoted[LOG_QUOTED];
	bool found = false;

	for (unsigned i = 0; i < adapters->count; i++) {
		struct adapter_task *task = &adapters->task[i];

		if (*name != '\0' && strcmp(task->conf->name, name) != 0)
			continue;
		log_info("adapter \"%s\" runs now: an administrator asked for it",
			 task->conf->name);
		adapter_task_hurry(task);
		found = true;
	}
	if (!found)
		log_warning("could not run the adapter %s: there is none",
			    log_quote(name, strlen(name), quoted));
}

static void note_control(struct adapters *adapters)
{
	char name[sizeof((struct control){0}.kinds) + 1] = "";
	struct control control;
	int got;

	while ((got = child_control(&adapters->child, &control, NULL, NULL)) > 0) {
		if (control.type == CONTROL_STOP)
			note_stop(adapters, control.arg);
		if (control.type != CONTROL_RUN)
			continue;
		memcpy(name, control.kinds, sizeof(control.kinds));
		hurry(adapters, name);
	}
	if (got < 0)
		note_stop(adapters, 0);
}

/* Waits for the master, the end of a writer, or a moment. */
static void wait_until(struct adapters *adapters, uint64_t moment)
{
	struct pollfd fds[CONF_ADAPTERS_MAX + 1];
	const uint64_t now = clock_mono();
	const uint64_t wait = moment > now ? moment - now : 0;
	nfds_t count = 0;

	for (unsigned i = 0; i < adapters->count; i++)
		if (adapters->task[i].run.pid != 0)
			fds[count++] = (struct pollfd){.fd = adapters->task[i].run.pidfd,
						       .events = POLLIN};
	if (!adapters->stop) /* a closed one would always be readable */
		fds[count++] = (struct pollfd){.fd = FD_CONTROL, .events = POLLIN};
	poll(fds, count, (int)((wait < IDLE_US ? wait : IDLE_US) + 999) / 1000);
	if (!adapters->stop)
		note_control(adapters);
	proc_heartbeat(&adapters->child.proc);
}

/* --- The database. --- */

static void database_failed(struct adapters *adapters, enum db_result result, const struct err *err)
{
	struct err what;

	proc_count(&adapters->child.proc, COUNTER_DATABASE_ERRORS, 1);
	err_set(&what, "the compliance database failed (%s): %.400s", db_result_name(result),
		err->text);
	complaint_tell(&adapters->database, &what);
	db_disconnect(adapters->db);
	adapters->attached = false;
	backoff_failed(&adapters->backoff, clock_mono());
}

static void try_attach(struct adapters *adapters)
{
	struct err err;
	enum db_result result;

	if (!backoff_due(&adapters->backoff, clock_mono()))
		return;
	result = db_connect(adapters->db, &err);
	if (result == DB_OK)
		result = record_check(adapters->db, &err);
	if (result != DB_OK) {
		database_failed(adapters, result, &err);
		return;
	}
	adapters->attached = true;
	for (unsigned i = 0; i < adapters->count; i++)
		adapter_task_attached(&adapters->task[i]);
}

/* All that was to be done with it was: that it can be connected does not say so, its disk may be full. */
static void database_worked(struct adapters *adapters)
{
	backoff_worked(&adapters->backoff);
	if (complaint_end(&adapters->database))
		log_notice("the compliance database is back");
}

/* --- The loop. --- */

static bool is_any_due(const struct adapters *adapters)
{
	const uint64_t now = clock_mono();

	for (unsigned i = 0; i < adapters->count; i++)
		if (adapter_task_due(&adapters->task[i], now))
			return true;
	return false;
}

/* A connection is kept no longer than it is used: runs may be days apart. */
static void turn(struct adapters *adapters)
{
	enum db_result result = DB_OK;
	struct err err;

	for (unsigned i = 0; i < adapters->count; i++)
		adapter_task_watch(&adapters->task[i], &adapters->shared);
	if (!is_any_due(adapters)) {
		db_disconnect(adapters->db);
		adapters->attached = false;
		return;
	}
	if (!adapters->attached)
		try_attach(adapters);
	for (unsigned i = 0; adapters->attached && i < adapters->count; i++) {
		struct adapter_task *task = &adapters->task[adapters->first++ % adapters->count];

		result = adapter_task_step(task, &adapters->shared, !adapters->stop, &err);
		if (result != DB_OK)
			database_failed(adapters, result, &err);
		proc_heartbeat(&adapters->child.proc);
	}
	if (adapters->attached)
		database_worked(adapters);
}

static uint64_t next_turn(const struct adapters *adapters)
{
	uint64_t next = adapters->stop ? adapters->deadline : UINT64_MAX;

	for (unsigned i = 0; i < adapters->count; i++) {
		uint64_t moment = adapter_task_next(&adapters->task[i]);

		if (!adapters->attached && adapters->task[i].run.pid == 0 &&
		    moment < adapters->backoff.next)
			moment = adapters->backoff.next;
		if (adapters->stop && adapters->task[i].run.pid == 0)
			continue;
		if (moment < next)
			next = moment;
	}
	return next;
}

static bool is_over(const struct adapters *adapters)
{
	if (!adapters->stop)
		return false;
	if (clock_mono() >= adapters->deadline)
		return true;
	for (unsigned i = 0; i < adapters->count; i++)
		if (adapters->task[i].run.pid != 0)
			return false;
	return true;
}

static void run(struct adapters *adapters)
{
	while (!is_over(adapters)) {
		turn(adapters);
		wait_until(adapters, next_turn(adapters));
	}
	/* The last results are not to be lost: they would be made again. */
	turn(adapters);
	for (unsigned i = 0; i < adapters->count; i++)
		if (adapters->task[i].run.pid != 0)
			adapter_run_kill(&adapters->task[i].run);
}

/* Writers inherit the filter, and the programs that some of them start: nobody knows what these need. */
static void give_up_calls(const struct conf *conf)
{
	for (unsigned i = 0; i < conf->adapters.count; i++)
		if (conf->adapters.item[i].form == ADAPTER_EXEC)
			return;
	sandbox_try(SANDBOX_DATABASE | SANDBOX_PROGRAMS);
}

/* What the last process in this slot said of now is not true any more. */
static void reset_gauge(struct proc *proc)
{
	const uint64_t old = atomic_load(&proc->own->counters[COUNTER_ADAPTERS_FAILING]);

	proc_count(proc, COUNTER_ADAPTERS_FAILING, -old);
}

static int open_all(struct adapters *adapters, struct err *err)
{
	const struct conf *conf = adapters->child.conf;

	adapters->db = db_new(&conf->compliance.dsn, err);
	if (adapters->db == NULL)
		return -1;
	adapters->shared = (struct adapter_shared){
		.db = adapters->db,
		.proc = &adapters->child.proc,
		.conf = conf_snapshot_adapters(conf, err),
	};
	adapters->count = conf->adapters.count;
	for (unsigned i = 0; i < adapters->count; i++)
		adapter_task_init(&adapters->task[i], &conf->adapters.item[i]);
	reset_gauge(&adapters->child.proc);
	if (adapters->shared.conf == -1)
		return -1;
	give_up_calls(conf);
	return 0;
}

static void close_all(struct adapters *adapters)
{
	db_free(&adapters->db);
	close(adapters->shared.conf);
	conf_free(&adapters->child.conf);
}

int main(int argc, char **argv)
{
	static struct adapters adapters;
	struct err err;
	int status;

	if (argc == 3 && strcmp(argv[1], "-w") == 0)
		return adapter_writer_main(argv[2]);
	status = child_start(&adapters.child, argc, argv);
	if (status != 0)
		return status;
	if (open_all(&adapters, &err) == -1 ||
	    child_ready(&adapters.child, PROC_READY, &err) == -1) {
		log_error("%s", err.text);
		return EX_OSERR;
	}
	schedule_batch();
	run(&adapters);
	close_all(&adapters);
	return EX_OK;
}
