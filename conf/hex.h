#ifndef PCHAT_CONF_HEX_H
#define PCHAT_CONF_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes as lower-case hexadecimal digits, terminated: out takes 2 * size + 1. */
void hex_encode(const void *data, size_t size, char *out);

/* The reverse, of digits of either case; false unless text is exactly the digits of size bytes. */
bool hex_decode(const char *text, size_t length, uint8_t *out, size_t size);

enum { HEX_UUID = 37 };

/* "01234567-89ab-cdef-0123-456789abcdef", terminated, and back. */
void hex_uuid_encode(const uint8_t uuid[16], char out[HEX_UUID]);
bool hex_uuid_decode(const char *text, size_t length, uint8_t uuid_r[16]);

#endif
