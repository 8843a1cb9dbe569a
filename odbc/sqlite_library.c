#include "odbc/sqlite_library.h"

#include <dlfcn.h>
#include <stddef.h>

#include "odbc/sqlite_printf.h"

enum { CONFIG_MEMSTATUS = 9 }; /* SQLITE_CONFIG_MEMSTATUS of sqlite3.h; never changes */

/*
 * The driver has no option for it, and it is too late once the library has opened a database. That
 * it refuses then, or that the driver has another library, does no harm.
 */
void sqlite_library_settle(void)
{
	static void *library; /* for good: the driver manager unloads drivers */
	int (*config)(int, ...);

	if (library)
		return;
	library = dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return;
	*(void **)&config = dlsym(library, "sqlite3_config");
	if (config)
		config(CONFIG_MEMSTATUS, 0);
	sqlite_printf_install(library);
}
