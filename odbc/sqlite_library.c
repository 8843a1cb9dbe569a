#include "odbc/sqlite_library.h"

#include <dlfcn.h>
#include <stddef.h>

/* Of sqlite3.h; they never change, nor does the struct. */
enum { CONFIG_MALLOC = 4, CONFIG_GETMALLOC = 5, CONFIG_MEMSTATUS = 9 };

struct memory { /* sqlite3_mem_methods */
	void *(*allocate)(int size);
	void (*release)(void *piece);
	void *(*resize)(void *piece, int size);
	int (*size_of)(void *piece);
	int (*round_up)(int size);
	int (*start)(void *arg);
	void (*stop)(void *arg);
	void *arg;
};

typedef int config_fn(int what, ...);

/* The functions that the library calls get no context, so that this has to stand alone. */
static struct memory usual;

/* malloc itself needs 8 bytes of each piece, and hands on those of up to 1032 bytes soonest. */
enum { SMALL = 72, ROW = 512 - 8, LONG_ROW = 1024 - 8 };

static int round_up(int size)
{
	if (size > SMALL && size <= ROW)
		return ROW;
	if (size > ROW && size <= LONG_ROW)
		return LONG_ROW;
	return usual.round_up(size);
}

static void *allocate(int size)
{
	return usual.allocate(round_up(size));
}

static void have_larger_pieces(config_fn *config)
{
	struct memory changed;

	if (config(CONFIG_GETMALLOC, &usual) != 0)
		return;
	changed = usual;
	changed.allocate = allocate;
	changed.round_up = round_up;
	config(CONFIG_MALLOC, &changed);
}

/*
 * The driver has no option for it, and it is too late once the library has opened a database. That
 * it refuses then, or that the driver has another library, does no harm.
 */
void sqlite_library_settle(void)
{
	static void *library; /* for good: the driver manager unloads drivers */
	config_fn *config;

	if (library)
		return;
	library = dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return;
	*(void **)&config = dlsym(library, "sqlite3_config");
	if (!config)
		return;
	config(CONFIG_MEMSTATUS, 0);
	have_larger_pieces(config);
}
