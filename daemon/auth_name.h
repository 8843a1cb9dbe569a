#ifndef PCHAT_DAEMON_AUTH_NAME_H
#define PCHAT_DAEMON_AUTH_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "shm/event.h"

/* Whether text is well-formed UTF-8 (RFC 3629). */
bool auth_utf8(const char *text, size_t length);

enum { AUTH_URI_SIZE = EVENT_URI_MAX + 1 };

/*
 * A login name as a principal's URI: "alice" is completed to "sip:alice@DOMAIN", "alice@domain"
 * and "sip:alice@domain" are taken as they are; ASCII letters are lower-cased. False for what can be
 * no user's URI: empty or over-long, not UTF-8, with control characters, spaces or one of "<>:;?\ in it.
 */
bool auth_name_uri(const char *name, size_t length, const char *domain, char uri_r[AUTH_URI_SIZE]);

#endif
