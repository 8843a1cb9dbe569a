#include "t/bench/database_file.h"

#include <stdio.h>
#include <unistd.h>

void database_file_remove(const char *file)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	char name[4200];

	for (unsigned i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", file, ends[i]);
		unlink(name);
	}
}
