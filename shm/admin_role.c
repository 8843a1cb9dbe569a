#include "shm/admin_role.h"

#include "shm/event.h"

static const bool table[DUTIES][ADMIN_ROLES] = {
	/*                none, administrator, operator, read-only, compliance */
	[DUTY_READ] = {false, true, true, true, false},
	[DUTY_AUDIT] = {false, true, false, true, false},
	[DUTY_ROOM] = {false, true, true, false, false},
	[DUTY_MESSAGE] = {false, true, true, false, false},
	[DUTY_RECORDS] = {false, true, false, false, true},
	[DUTY_ALL] = {false, true, false, false, false},
};

enum admin_role admin_role_of(unsigned flags)
{
	switch (flags & EVENT_ADMIN_ROLES) {
	case EVENT_ADMIN:
		return ADMIN_ADMINISTRATOR;
	case EVENT_ADMIN | EVENT_OPERATOR:
		return ADMIN_OPERATOR;
	case EVENT_ADMIN | EVENT_READER:
		return ADMIN_READER;
	case EVENT_ADMIN | EVENT_OFFICER:
		return ADMIN_COMPLIANCE;
	default:
		return ADMIN_NONE;
	}
}

unsigned admin_role_flags(enum admin_role role)
{
	switch (role) {
	case ADMIN_ADMINISTRATOR:
		return EVENT_ADMIN;
	case ADMIN_OPERATOR:
		return EVENT_ADMIN | EVENT_OPERATOR;
	case ADMIN_READER:
		return EVENT_ADMIN | EVENT_READER;
	case ADMIN_COMPLIANCE:
		return EVENT_ADMIN | EVENT_OFFICER;
	default:
		return 0;
	}
}

bool admin_may(enum admin_role role, enum admin_duty duty)
{
	return (unsigned)role < ADMIN_ROLES && (unsigned)duty < DUTIES && table[duty][role];
}
