#ifndef PCHAT_SHM_SEGMENT_H
#define PCHAT_SHM_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/err.h"

/*
 * A piece of memory behind a descriptor. The master makes it and opens it a second time read-only;
 * who gets which descriptor decides who can write. The files belong to the master's user with mode
 * 0600, so a child that runs as another user cannot open its read-only descriptor again for
 * writing.
 */
struct segment {
	void *base;
	size_t size;
};

/* Makes a memory file of size bytes (rounded up to a page). Two descriptors, both close-on-exec,
 * owned by the caller; -1 and err on failure. */
int segment_create(const char *name, uint64_t size, int *rw_r, int *ro_r, struct err *err);

/* Maps all of the file behind fd, shared. 0 or -1. The descriptor stays the caller's. */
int segment_map(struct segment *segment, int fd, bool writable, struct err *err);

void segment_unmap(struct segment *segment);

#endif
