#ifndef PCHAT_CONF_FAULT_H
#define PCHAT_CONF_FAULT_H

/*
 * Places where a test can kill the process, compiled in only by --enable-faults. The file named by
 * the environment variable PCHAT_FAULT_FILE holds one line, "name count": the process that comes
 * through that point for the count-th time removes the file and kills itself with SIGKILL. Whoever
 * removes the file has claimed it, so a restarted process does not die again.
 */
#ifdef PCHAT_FAULTS
void fault_point(const char *name);
#else
static inline void fault_point(const char *name) { (void)name; }
#endif

#endif
