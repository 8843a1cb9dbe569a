#ifndef PCHAT_SHM_USER_URI_H
#define PCHAT_SHM_USER_URI_H

#include <stdbool.h>
#include <stddef.h>

#include "shm/event.h"

enum { USER_URI_SIZE = EVENT_URI_MAX + 1 };

/*
 * A login name as a principal's URI: "alice" is completed to "sip:alice@DOMAIN", "alice@domain"
 * and "sip:alice@domain" are taken as they are; ASCII letters are lower-cased. False for what
 * can be no user's URI: empty or over-long, not UTF-8, with control characters, spaces or one of
 * "<>:;?\ in it.
 */
bool user_uri_make(const char *name, size_t length, const char *domain, char uri_r[USER_URI_SIZE]);

#endif
