#ifndef PCHAT_CONF_BUG_H
#define PCHAT_CONF_BUG_H

#include <stdbool.h>

/*
 * For what only a mistake of ours can cause: logs the place and aborts, in production too. Nothing
 * that arrives from outside (peers, files, databases, other processes' memory) may get here.
 */
#define bug_on(condition)                                                                          \
	do {                                                                                       \
		if (__builtin_expect(!!(condition), 0))                                            \
			bug_abort(__FILE__, __LINE__, #condition);                                 \
	} while (0)

_Noreturn void bug_abort(const char *file, int line, const char *condition);

#endif
