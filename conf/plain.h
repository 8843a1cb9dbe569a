#ifndef PCHAT_CONF_PLAIN_H
#define PCHAT_CONF_PLAIN_H

#include <stddef.h>

/* How many bytes of a text, from the first on, stand in a JSON string as they are. */
size_t plain_text(const char *text, size_t length);

/* The same, and have ASCII in them and nothing else. */
size_t plain_ascii(const char *text, size_t length);

/* How many, from the first on, are ASCII, whatever stands in a string as it is. */
size_t plain_low(const char *text, size_t length);

#endif
