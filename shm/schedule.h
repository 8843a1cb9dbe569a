#ifndef PCHAT_SHM_SCHEDULE_H
#define PCHAT_SHM_SCHEDULE_H

/*
 * How soon a process gets a processor that others want, too. Asks for no privilege and gives nobody
 * a larger share; where the kernel does not know of it nothing changes.
 */

/* This process works in bursts this short, and may interrupt those whose bursts are longer. */
void schedule_short(unsigned microseconds);

/* This process has time: it interrupts nobody. */
void schedule_batch(void);

#endif
