#include "worker/json_memory.h"

#include <jansson.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "conf/bug.h"

enum { BLOCK = 64 << 10, ALIGN = alignof(max_align_t) };

static struct {
	alignas(ALIGN) uint8_t block[BLOCK];
	size_t used;
	size_t live; /* pieces that are not freed yet */
} memory;

static bool is_ours(const void *piece)
{
	uintptr_t at = (uintptr_t)piece, begin = (uintptr_t)memory.block;

	return at >= begin && at < begin + BLOCK;
}

void *json_memory_get(size_t size)
{
	size_t rounded = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	void *piece = memory.block + memory.used;

	if (size == 0 || rounded < size || rounded > BLOCK - memory.used)
		return malloc(size);
	memory.used += rounded;
	memory.live++;
	return piece;
}

void json_memory_put(void *piece)
{
	if (!is_ours(piece)) {
		free(piece);
		return;
	}
	bug_on(memory.live == 0);
	if (--memory.live == 0)
		memory.used = 0;
}

void json_memory_install(void)
{
#ifndef PCHAT_SANITIZERS
	/* There every piece shall have its own guards. */
	json_set_alloc_funcs(json_memory_get, json_memory_put);
#endif
}
