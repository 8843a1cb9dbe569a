#include "conf/access.h"

#include <string.h>

static const char *const names[ADMIN_ROLES] = {"none", "administrator", "operator", "read-only",
					       "compliance"};

const char *admin_role_name(enum admin_role role)
{
	return (unsigned)role < ADMIN_ROLES ? names[role] : names[ADMIN_NONE];
}

enum admin_role admin_role_parse(const char *name)
{
	for (unsigned role = ADMIN_ADMINISTRATOR; role < ADMIN_ROLES; role++)
		if (strcmp(names[role], name) == 0)
			return (enum admin_role)role;
	return ADMIN_NONE;
}

/* The last colon counts: a name may be a URI. */
enum admin_role access_item(const char *item, size_t *length_r)
{
	const char *colon = strrchr(item, ':');
	const size_t length = colon == NULL ? 0 : (size_t)(colon - item);

	*length_r = length;
	if (length == 0 || length > ACCESS_NAME_MAX)
		return ADMIN_NONE;
	return admin_role_parse(colon + 1 + strspn(colon + 1, " "));
}

int access_find(const struct conf_list *access, const char *name, size_t length)
{
	for (unsigned i = 0; i < access->count; i++) {
		size_t size;

		if (access_item(access->item[i], &size) != ADMIN_NONE && size == length &&
		    memcmp(access->item[i], name, size) == 0)
			return (int)i;
	}
	return -1;
}
