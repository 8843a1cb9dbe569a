#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/clock.h"
#include "shm/proc.h"
#include "shm/segment.h"

enum { ROUNDS = 100000 };

struct pages {
	int rw[SLOTS], ro[SLOTS], event[SLOTS];
};

static int make_table(void **state)
{
	struct pages *table = malloc(sizeof(*table));
	struct err err;

	for (unsigned i = 0; table != NULL && i < SLOTS; i++) {
		if (segment_create("page", PAGE_SIZE_SHARED, &table->rw[i], &table->ro[i], &err))
			return -1;
		table->event[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	}
	*state = table;
	return table == NULL ? -1 : 0;
}

static int drop_table(void **state)
{
	struct pages *table = *state;

	for (unsigned i = 0; i < SLOTS; i++) {
		close(table->rw[i]);
		close(table->ro[i]);
		close(table->event[i]);
	}
	free(table);
	return 0;
}

static void attach(struct proc *proc, const struct pages *table, unsigned slot, uint32_t generation)
{
	struct err err;

	assert_int_equal(proc_attach(proc, slot, generation, table->rw[slot], table->ro,
				     table->event, &err),
			 0);
}

static void others_see_who_took_a_page(void **state)
{
	struct proc worker, store;

	attach(&worker, *state, SLOT_WORKER, 7);
	attach(&store, *state, SLOT_STORE, 8);
	assert_int_equal(store.page[SLOT_WORKER]->magic, PAGE_MAGIC);
	assert_int_equal(store.page[SLOT_WORKER]->slot, SLOT_WORKER);
	assert_int_equal(store.page[SLOT_WORKER]->generation, 7);
	assert_int_equal(store.page[SLOT_WORKER]->pid, getpid());
	assert_int_equal(store.page[SLOT_WORKER]->state, PROC_STARTING);
	assert_in_range(store.page[SLOT_WORKER]->heartbeat, 1, clock_mono());
	proc_state(&worker, PROC_ACTIVE);
	assert_int_equal(store.page[SLOT_WORKER]->state, PROC_ACTIVE);
	proc_close(&worker);
	proc_close(&store);
}

static void counters_outlive_the_process_and_its_naps_do_not(void **state)
{
	struct proc proc;

	attach(&proc, *state, SLOT_WORKER, 7);
	proc_count(&proc, COUNTER_EVENTS, 2);
	proc_count(&proc, COUNTER_EVENTS, 3);
	proc_arm(&proc);
	atomic_store(&proc.own->busy_since, 1);
	proc_close(&proc);
	attach(&proc, *state, SLOT_WORKER, 9);
	assert_int_equal(proc.own->counters[COUNTER_EVENTS], 5);
	assert_int_equal(proc.own->sleeping, 0);
	assert_int_equal(proc.own->busy_since, 0);
	assert_int_equal(proc.own->generation, 9);
	proc_close(&proc);
}

static void only_a_sleeper_is_woken(void **state)
{
	struct proc sleeper, waker;
	struct pollfd wait;

	attach(&sleeper, *state, SLOT_SEQUENCER, 1);
	attach(&waker, *state, SLOT_WORKER, 2);
	wait = (struct pollfd){.fd = sleeper.event[SLOT_SEQUENCER], .events = POLLIN};
	proc_wake(&waker, SLOT_SEQUENCER);
	assert_int_equal(poll(&wait, 1, 0), 0);
	proc_arm(&sleeper);
	proc_wake(&waker, SLOT_SEQUENCER);
	assert_int_equal(poll(&wait, 1, 0), 1);
	proc_woken(&sleeper);
	assert_int_equal(poll(&wait, 1, 0), 0);
	proc_wake(&waker, SLOT_SEQUENCER);
	assert_int_equal(poll(&wait, 1, 0), 0);
	proc_wake(&waker, SLOTS);
	proc_close(&sleeper);
	proc_close(&waker);
}

/* One half of a game of catch through two words: each waits until the other has come as far. */
static int play(struct proc *proc, unsigned other)
{
	for (uint64_t round = 1; round <= ROUNDS; round++) {
		atomic_store_explicit(&proc->own->cursor, round, memory_order_release);
		proc_wake(proc, other);
		while (atomic_load_explicit(&proc->page[other]->cursor, memory_order_acquire) <
		       round) {
			struct pollfd wait = {.fd = proc->event[proc->slot], .events = POLLIN};

			proc_arm(proc);
			if (atomic_load(&proc->page[other]->cursor) < round &&
			    poll(&wait, 1, 10000) == 0)
				return 1;
			proc_woken(proc);
		}
	}
	return 0;
}

static void no_wake_up_is_ever_lost(void **state)
{
	struct proc proc;
	int status;
	pid_t pid = fork();

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		attach(&proc, *state, SLOT_WORKER, 1);
		_exit(play(&proc, SLOT_SEQUENCER));
	}
	attach(&proc, *state, SLOT_SEQUENCER, 2);
	assert_int_equal(play(&proc, SLOT_WORKER), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	proc_close(&proc);
}

static void a_page_that_is_too_small_is_refused(void **state)
{
	struct pages *table = *state;
	const int good = table->ro[3], empty = memfd_create("empty", MFD_CLOEXEC);
	struct proc proc;
	struct err err;

	table->ro[3] = empty;
	assert_int_equal(proc_attach(&proc, SLOT_WORKER, 1, table->rw[SLOT_WORKER], table->ro,
				     table->event, &err),
			 -1);
	proc_close(&proc);
	table->ro[3] = good;
	close(empty);
}

static void the_master_says_which_process_is_a_worker(void **state)
{
	struct proc_page *master;
	struct segment segment;
	struct proc reader;
	struct err err;

	attach(&reader, *state, SLOT_READER, 1);
	assert_int_equal(segment_map(&segment, ((struct pages *)*state)->rw[SLOT_MASTER], true, &err),
			 0);
	master = segment.base;
	atomic_store(&master->slots[SLOT_WORKER].generation, 3);
	atomic_store(&master->slots[SLOT_WORKER].pid, 100);
	atomic_store(&master->slots[SLOT_STORE].generation, 3);
	atomic_store(&master->slots[SLOT_STORE].pid, 101);
	assert_true(proc_is_worker(&reader, SLOT_WORKER, 3, 100));
	assert_false(proc_is_worker(&reader, SLOT_WORKER, 2, 100));
	assert_false(proc_is_worker(&reader, SLOT_WORKER, 3, 101));
	assert_false(proc_is_worker(&reader, SLOT_WORKER + 1, 3, 100));
	assert_false(proc_is_worker(&reader, SLOT_STORE, 3, 101));
	assert_false(proc_is_worker(&reader, SLOTS + 1000, 3, 100));
	segment_unmap(&segment);
	proc_close(&reader);
}

static void every_slot_has_a_role(void **state)
{
	(void)state;
	assert_string_equal(proc_role(SLOT_MASTER), "master");
	assert_string_equal(proc_role(SLOT_WORKER), "worker");
	assert_string_equal(proc_role(SLOT_WORKER + WORKER_SLOTS - 1), "worker");
	assert_string_equal(proc_role(SLOT_READER), "reader");
	assert_string_equal(proc_role(SLOTS - 1), "reader");
	assert_string_equal(proc_role(SLOTS), "none");
	assert_string_equal(proc_role(SLOT_WORKER - 1), "file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(others_see_who_took_a_page, make_table, drop_table),
		cmocka_unit_test_setup_teardown(counters_outlive_the_process_and_its_naps_do_not,
						make_table, drop_table),
		cmocka_unit_test_setup_teardown(only_a_sleeper_is_woken, make_table, drop_table),
		cmocka_unit_test_setup_teardown(no_wake_up_is_ever_lost, make_table, drop_table),
		cmocka_unit_test_setup_teardown(a_page_that_is_too_small_is_refused, make_table,
						drop_table),
		cmocka_unit_test_setup_teardown(the_master_says_which_process_is_a_worker,
						make_table, drop_table),
		cmocka_unit_test(every_slot_has_a_role),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
