#include "shm/user_uri.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistr.h>

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool may_stand(char c)
{
	const uint8_t byte = (uint8_t)c;

	return byte > 0x20 && byte != 0x7f && !strchr("\"<>:;?\\", c);
}

static bool starts_with_scheme(const char *name, size_t length)
{
	static const char scheme[] = "sip:";

	for (size_t i = 0; i < sizeof(scheme) - 1; i++) {
		if (i >= length || lower(name[i]) != scheme[i])
			return false;
	}
	return true;
}

/* Where the @ is; -1: more than one, or nothing before or behind it; length: there is none. */
static ptrdiff_t find_at(const char *name, size_t length)
{
	const char *at = memchr(name, '@', length);
	size_t before;

	if (!at)
		return (ptrdiff_t)length;
	before = (size_t)(at - name);
	if (before == 0 || before + 1 == length || memchr(at + 1, '@', length - before - 1))
		return -1;
	return (ptrdiff_t)before;
}

bool user_uri_make(const char *name, size_t length, const char *domain, char uri_r[USER_URI_SIZE])
{
	const bool scheme = starts_with_scheme(name, length);
	ptrdiff_t at;
	int size;

	if (scheme) {
		name += 4;
		length -= 4;
	}
	at = find_at(name, length);
	if (length == 0 || length >= USER_URI_SIZE || at == -1 ||
	    (scheme && at == (ptrdiff_t)length))
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!may_stand(name[i]))
			return false;
	}
	if (u8_check((const uint8_t *)name, length))
		return false;
	size = snprintf(uri_r, USER_URI_SIZE, "sip:%.*s%s%s", (int)length, name,
			at == (ptrdiff_t)length ? "@" : "", at == (ptrdiff_t)length ? domain : "");
	for (char *c = uri_r; *c; c++)
		*c = lower(*c);
	return size < USER_URI_SIZE;
}
