#ifndef PCHAT_SHM_HASH_H
#define PCHAT_SHM_HASH_H

#include <stddef.h>
#include <stdint.h>

/* SipHash-1-3 (Aumasson and Bernstein) of data under a secret key: what strangers choose cannot be
 * made to collide. */
uint64_t hash_bytes(const uint8_t key[16], const void *data, size_t size);

#endif
