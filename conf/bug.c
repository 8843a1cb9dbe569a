#include "conf/bug.h"

#include <stdlib.h>

#include "conf/log.h"

_Noreturn void bug_abort(const char *file, int line, const char *condition)
{
	log_error("bug: %s:%d: %s", file, line, condition);
	abort();
}
