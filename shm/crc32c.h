#ifndef PCHAT_SHM_CRC32C_H
#define PCHAT_SHM_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/*
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4): by the processor's instruction where it has one.
 * crc is 0 at first, or the result for what came before.
 */
uint32_t crc32c(uint32_t crc, const void *data, size_t size);

/* The same by a table: for processors without the instruction, and for the test that compares. */
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t size);

#endif
