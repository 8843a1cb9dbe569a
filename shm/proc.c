#include "shm/proc.h"

#include <bsd/unistd.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/clock.h"
#include "shm/child.h"
#include "shm/segment.h"

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

static struct proc_page *map_page(int fd, bool writable, struct err *err)
{
	struct segment segment;

	if (segment_map(&segment, fd, writable, err) == -1)
		return NULL;
	if (segment.size < PAGE_SIZE_SHARED) {
		err_set(err, "could not map a page of the process table: it has %zu bytes",
			segment.size);
		segment_unmap(&segment);
		return NULL;
	}
	return segment.base;
}

/* The words of a dead predecessor are overwritten one by one, the generation last: who sees it sees
 * them all. Counters and cursors stay. */
static void take_over(struct proc *proc)
{
	struct proc_page *own = proc->own;

	own->magic = PAGE_MAGIC;
	own->slot = proc->slot;
	atomic_store(&own->sleeping, 0);
	atomic_store(&own->busy_since, 0);
	atomic_store(&own->delay, 0);
	atomic_store(&own->pace, 0);
	atomic_store(&own->pid, getpid());
	atomic_store(&own->started, clock_utc());
	atomic_store(&own->heartbeat, clock_mono());
	atomic_store(&own->state, PROC_STARTING);
	atomic_store_explicit(&own->generation, proc->generation, memory_order_release);
}

int proc_attach(struct proc *proc, unsigned slot, uint32_t generation, int own,
		const int page[SLOTS], const int event[SLOTS], struct err *err)
{
	memset(proc, 0, sizeof(*proc));
	proc->slot = slot;
	proc->generation = generation;
	memcpy(proc->event, event, sizeof(proc->event));
	for (unsigned i = 0; i < SLOTS; i++) {
		if (page[i] == -1)
			continue;
		proc->page[i] = map_page(page[i], false, err);
		if (proc->page[i] == NULL)
			return -1;
	}
	proc->own = map_page(own, true, err);
	if (proc->own == NULL)
		return -1;
	take_over(proc);
	return 0;
}

int proc_open(struct proc *proc, unsigned slot, uint32_t generation, struct err *err)
{
	int page[SLOTS], event[SLOTS];

	if (slot >= SLOTS)
		return err_set(err, "there is no process slot %u", slot);
	for (int i = 0; i < SLOTS; i++) {
		page[i] = is_open(FD_PAGE + i) ? FD_PAGE + i : -1;
		event[i] = is_open(FD_EVENT + i) ? FD_EVENT + i : -1;
	}
	return proc_attach(proc, slot, generation, FD_PAGE_OWN, page, event, err);
}

static void unmap_page(const struct proc_page *page)
{
	struct segment segment = {(void *)page, PAGE_SIZE_SHARED};

	if (page != NULL)
		segment_unmap(&segment);
}

void proc_close(struct proc *proc)
{
	for (unsigned i = 0; i < SLOTS; i++)
		unmap_page(proc->page[i]);
	unmap_page(proc->own);
	memset(proc, 0, sizeof(*proc));
}

const char *proc_state_name(enum proc_state state)
{
	switch (state) {
	case PROC_NONE:
		return "none";
	case PROC_STARTING:
		return "starting";
	case PROC_READY:
		return "ready";
	case PROC_ACTIVE:
		return "active";
	case PROC_LOADING:
		return "loading";
	case PROC_STOPPING:
		return "stopping";
	case PROC_DRAINING:
		return "draining";
	case PROC_UPGRADING:
		return "upgrading";
	}
	return "unknown";
}

void proc_state(struct proc *proc, enum proc_state state)
{
	atomic_store_explicit(&proc->own->state, state, memory_order_release);
	if (proc->titled)
		setproctitle("-pchat-%s[%u]: %s", proc_role(proc->slot), proc->slot,
			     proc_state_name(state));
}

void proc_heartbeat(struct proc *proc)
{
	atomic_store_explicit(&proc->own->heartbeat, clock_mono(), memory_order_relaxed);
}

/* A load and a store, not an atomic addition: nobody else writes here. */
void proc_count(struct proc *proc, enum counter counter, uint64_t n)
{
	_Atomic uint64_t *word = &proc->own->counters[counter];
	uint64_t value = atomic_load_explicit(word, memory_order_relaxed);

	atomic_store_explicit(word, value + n, memory_order_relaxed);
}

void proc_arm(struct proc *proc)
{
	atomic_store_explicit(&proc->own->sleeping, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
}

void proc_woken(struct proc *proc)
{
	uint64_t count;

	atomic_store_explicit(&proc->own->sleeping, 0, memory_order_relaxed);
	/* Nothing there is normal: the descriptor does not block. */
	if (read(proc->event[proc->slot], &count, sizeof(count)) == -1)
		return;
}

void proc_wake(const struct proc *proc, unsigned slot)
{
	const uint64_t one = 1;

	if (slot >= SLOTS || proc->page[slot] == NULL || proc->event[slot] == -1)
		return;
	atomic_thread_fence(memory_order_seq_cst);
	if (!atomic_load_explicit(&proc->page[slot]->sleeping, memory_order_relaxed))
		return;
	/* It fails only when the count is full, and then the other is being woken already. */
	if (write(proc->event[slot], &one, sizeof(one)) == -1)
		return;
}

bool proc_is_worker(const struct proc *proc, unsigned slot, uint32_t generation, pid_t pid)
{
	const struct proc_page *master = proc->page[SLOT_MASTER];

	return slot >= SLOT_WORKER && slot < SLOT_WORKER + WORKER_SLOTS && master &&
	       atomic_load(&master->slots[slot].generation) == generation &&
	       atomic_load(&master->slots[slot].pid) == pid;
}

const char *proc_role(unsigned slot)
{
	switch (slot) {
	case SLOT_MASTER:
		return "master";
	case SLOT_SEQUENCER:
		return "sequencer";
	case SLOT_STORE:
		return "store";
	case SLOT_AUTH:
		return "auth";
	case SLOT_COMPLIANCE:
		return "compliance";
	case SLOT_ADAPTER:
		return "adapter";
	case SLOT_ADMIN:
		return "admin";
	case SLOT_FILE:
		return "file";
	default:
		if (slot >= SLOT_WORKER && slot < SLOT_WORKER + WORKER_SLOTS)
			return "worker";
		if (slot >= SLOT_READER && slot < SLOT_READER + READER_SLOTS)
			return "reader";
		return "none";
	}
}
