#ifndef PCHAT_SHM_PROC_H
#define PCHAT_SHM_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "conf/err.h"
#include "shm/layout.h"

/* The process table as one process sees it: its own page to write, the others' to read. */
struct proc {
	unsigned slot;
	uint32_t generation;
	struct proc_page *own;
	const struct proc_page *page[SLOTS]; /* NULL where no descriptor was given */
	int event[SLOTS];		     /* eventfds, -1 where none was given */
	bool titled;			     /* proc_state shows the state in the process title */
};

/* Maps the pages behind the descriptors of shm/child.h and takes the own one into use (generation,
 * pid, state PROC_STARTING, heartbeat). Absent descriptors are left out. */
int proc_open(struct proc *proc, unsigned slot, uint32_t generation, struct err *err);

/* The same with other descriptors (-1: absent), for the master. */
int proc_attach(struct proc *proc, unsigned slot, uint32_t generation, int own,
		const int page[SLOTS], const int event[SLOTS], struct err *err);

/* Unmaps the pages, also after a failure. The own one keeps what stands in it. */
void proc_close(struct proc *proc);

void proc_state(struct proc *proc, enum proc_state state);
const char *proc_state_name(enum proc_state state);
void proc_heartbeat(struct proc *proc);
void proc_count(struct proc *proc, enum counter counter, uint64_t n);

/*
 * Sleeping without losing a wake-up. A reader that found nothing calls proc_arm, looks once more,
 * and only then waits for its eventfd (proc->event[proc->slot]); when it has been woken it calls
 * proc_woken. A writer publishes and then calls proc_wake, which writes the other's eventfd only if
 * that one is armed. Full fences on both sides: one of the two sees the other.
 */
void proc_arm(struct proc *proc);
void proc_woken(struct proc *proc);
void proc_wake(const struct proc *proc, unsigned slot);

/* Whether that process is the worker of this slot and generation, by the master's word. A worker may ask
 * for itself only: one that was taken over could otherwise have an answer sent to another. */
bool proc_is_worker(const struct proc *proc, unsigned slot, uint32_t generation, pid_t pid);

/* "worker", "sequencer", ... of a slot; the program is "pchat-" and this. */
const char *proc_role(unsigned slot);

#endif
