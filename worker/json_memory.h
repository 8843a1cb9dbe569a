#ifndef PCHAT_WORKER_JSON_MEMORY_H
#define PCHAT_WORKER_JSON_MEMORY_H

#include <stddef.h>

/*
 * Memory for the values of JSON, of which a request has some dozens, all gone when it has been
 * dealt with. They are laid one behind the other into a block, which is empty again when the last
 * of them is freed. What does not fit is malloc's. For a process with one thread.
 */
void *json_memory_get(size_t size);
void json_memory_put(void *memory);

/* Has the library take its memory from here. */
void json_memory_install(void);

#endif
