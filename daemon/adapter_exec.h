#ifndef PCHAT_DAEMON_ADAPTER_EXEC_H
#define PCHAT_DAEMON_ADAPTER_EXEC_H

#include "daemon/adapter.h"

/*
 * The form exec: each file of a batch is handed to a program, which has it when it exits with 0.
 * Then an empty file FILE.done stands in the place of the file until there is a later batch, so
 * that a batch that is repeated does not hand over again what was taken. (Where the server dies
 * between the exit and the mark, it does: a program has to bear being given the same file twice.)
 */

/* Of struct adapter.is_done. */
bool adapter_exec_is_done(const struct adapter *adapter, const char *name);

/* Removes the marks of batches other than the one whose files begin with prefix. */
int adapter_exec_sweep(const struct conf_adapter *adapter, const char *prefix, struct err *err);

/*
 * Hands over all files that begin with prefix, by their names, until one is not taken: -1 and err.
 * The program gets the file as its standard input and its path for each argument "{}", an
 * environment of three variables, no other descriptors, and the directory as its own. It stays in
 * this process's group.
 */
int adapter_exec_files(const struct conf_adapter *adapter, const char *prefix, struct err *err);

#endif
