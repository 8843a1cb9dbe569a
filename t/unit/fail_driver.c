#include "t/unit/fail_driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void fail_driver_load(struct fail_driver *driver, const char *directory)
{
	char path[4096];
	const ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 32);

	/* t/unit/NAME_test stands beside t/shim/odbc.so. */
	assert_true(length > 0);
	path[length] = '\0';
	strcpy(strrchr(path, '/'), "/../shim/odbc.so");
	driver->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!driver->handle)
		fail_msg("%s", dlerror());
	driver->plan = dlsym(driver->handle, "fail_plan");
	assert_non_null(driver->plan);
	snprintf(driver->dsn, sizeof(driver->dsn), "Driver=%s;Database=%s/content.db;Timeout=50",
		 path, directory);
	driver->list.count = 1;
	driver->list.item[0] = driver->dsn;
}

void fail_driver_unload(struct fail_driver *driver)
{
	dlclose(driver->handle);
}
