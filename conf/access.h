#ifndef PCHAT_CONF_ACCESS_H
#define PCHAT_CONF_ACCESS_H

#include <stddef.h>

#include "conf/conf.h"

/*
 * The roles of administrators, and the access list of the administration port: items such as
 * "alice@example.test: operator", a name of a certificate and the role of whoever has it.
 */
enum admin_role {
	ADMIN_NONE, /* no administrator */
	ADMIN_ADMINISTRATOR,
	ADMIN_OPERATOR,
	ADMIN_READER,
	ADMIN_COMPLIANCE, /* has to do with compliance records, and with nothing else */
	ADMIN_ROLES
};

enum { ACCESS_NAME_MAX = 255 };

/* "administrator", "operator", "read-only", "compliance"; "none". */
const char *admin_role_name(enum admin_role role);

/* The role of such a name; ADMIN_NONE for any other. */
enum admin_role admin_role_parse(const char *name);

/* What an item says; its first *length_r bytes are the name. ADMIN_NONE: it is malformed. */
enum admin_role access_item(const char *item, size_t *length_r);

/* The item of a name: its number, or -1. */
int access_find(const struct conf_list *access, const char *name, size_t length);

#endif
