#include "daemon/relay_name.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char PREFIX[] = "pchat-admin/";
enum { PREFIX_LENGTH = sizeof(PREFIX) - 1, HEAD = offsetof(struct sockaddr_un, sun_path) + 1 };

socklen_t relay_name_put(const struct relay_name *name, uint64_t serial,
			 struct sockaddr_un *address_r)
{
	const size_t room = sizeof(address_r->sun_path) - 1;
	int length;

	memset(address_r, 0, sizeof(*address_r));
	address_r->sun_family = AF_UNIX;
	length = snprintf(address_r->sun_path + 1, room, "%s%d/%" PRIu64 "/%u/%s", PREFIX, getpid(),
			  serial, name->item, name->address);
	return length > 0 && (size_t)length < room ? (socklen_t)(HEAD + length) : 0;
}

bool relay_name_is(const struct sockaddr_un *address, socklen_t length)
{
	return length >= HEAD + PREFIX_LENGTH && length <= sizeof(*address) &&
	       address->sun_family == AF_UNIX && address->sun_path[0] == '\0' &&
	       memcmp(address->sun_path + 1, PREFIX, PREFIX_LENGTH) == 0;
}

/* A number of at most so many digits and the slash behind it; what follows, or NULL. */
static const char *take_number(const char *text, size_t most, unsigned long *number_r)
{
	const size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > most || text[digits] != '/')
		return NULL;
	*number_r = strtoul(text, NULL, 10);
	return text + digits + 1;
}

bool relay_name_get(const struct sockaddr_un *address, socklen_t length, struct relay_name *name_r)
{
	char text[sizeof(address->sun_path)];
	unsigned long number = 0;
	const char *at;

	if (!relay_name_is(address, length))
		return false;
	length -= HEAD;
	memcpy(text, address->sun_path + 1, length);
	text[length] = '\0';
	at = take_number(text + PREFIX_LENGTH, 10, &number);
	if (at != NULL)
		at = take_number(at, 20, &number);
	if (at != NULL)
		at = take_number(at, 5, &number);
	/* A NUL in it would hide what follows. */
	if (at == NULL || strlen(text) != length || *at == '\0' ||
	    strlen(at) >= sizeof(name_r->address))
		return false;
	name_r->item = (unsigned)number;
	strcpy(name_r->address, at);
	return true;
}
