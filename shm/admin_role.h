#ifndef PCHAT_SHM_ADMIN_ROLE_H
#define PCHAT_SHM_ADMIN_ROLE_H

#include <stdbool.h>

#include "conf/access.h"

/*
 * What an administrator may do. His role stands in the flags of his session (EVENT_ADMIN with
 * EVENT_OPERATOR, EVENT_READER, EVENT_OFFICER or none of them); who may do what is the table in admin_role.c, which
 * pchatctl(8) repeats. The sequencer asks it for what changes anything, pchat-auth for passwords, and
 * workers for what is only read.
 */
enum admin_duty {
	DUTY_READ,    /* what there is: rooms, users, groups, categories, messages */
	DUTY_AUDIT,   /* who changed what */
	DUTY_ROOM,    /* rooms made, changed, removed; their members, managers, presenters */
	DUTY_MESSAGE, /* messages removed, replaced, purged */
	DUTY_RECORDS, /* compliance records searched, exported, held and purged */
	DUTY_ALL,     /* everything else: users, passwords, groups, categories, add-ins, settings */
	DUTIES
};

/* Of a session's or a command's flags. */
enum admin_role admin_role_of(unsigned flags);

/* The flags of a role; 0 for ADMIN_NONE. */
unsigned admin_role_flags(enum admin_role role);

bool admin_may(enum admin_role role, enum admin_duty duty);

#endif
