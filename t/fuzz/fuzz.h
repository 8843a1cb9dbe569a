#ifndef PCHAT_T_FUZZ_FUZZ_H
#define PCHAT_T_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/*
 * A fuzz target is one function. configure --enable-fuzzers links it with libFuzzer, which calls it
 * with what it thinks up; every build links it with replay.c, which calls it with each file of the
 * corpus. It fails by dying: by a sanitizer, or by fuzz_check.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_check(_Bool holds)
{
	if (!holds)
		abort();
}

#endif
