#include "conf/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* By way of a copy, because the old text may be among the arguments. */
__attribute__((format(printf, 2, 0))) static void format(struct err *err, const char *fmt,
							 va_list ap, const char *reason)
{
	struct err copy;
	size_t used;

	vsnprintf(copy.text, sizeof(copy.text), fmt, ap);
	used = strlen(copy.text);
	if (reason)
		snprintf(copy.text + used, sizeof(copy.text) - used, ": %s", reason);
	*err = copy;
}

int err_set(struct err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	format(err, fmt, ap, NULL);
	va_end(ap);
	return -1;
}

int err_errno(struct err *err, const char *fmt, ...)
{
	const char *reason = strerror(errno);
	va_list ap;

	va_start(ap, fmt);
	format(err, fmt, ap, reason);
	va_end(ap);
	return -1;
}
