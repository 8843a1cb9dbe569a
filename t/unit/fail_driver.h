#ifndef PCHAT_UNIT_FAIL_DRIVER_H
#define PCHAT_UNIT_FAIL_DRIVER_H

#include "conf/conf.h"
#include "t/shim/odbc.h"

/* The driver that fails on demand (t/shim/odbc.h), for content.db in a directory of a test. */
struct fail_driver {
	void *handle;		/* owned */
	struct fail_plan *plan; /* in the driver */
	char dsn[4600];
	struct conf_list list; /* dsn alone */
};

void fail_driver_load(struct fail_driver *driver, const char *directory);
void fail_driver_unload(struct fail_driver *driver);

#endif
