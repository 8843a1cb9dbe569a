#ifndef PCHAT_DAEMON_CTL_CHECK_H
#define PCHAT_DAEMON_CTL_CHECK_H

#include "daemon/ctl.h"

/*
 * --dry-run: whether what is named exists, whether a new name is free, whether the revision is the
 * one that is asked for, a category to be deleted is empty. Changes nothing. What only the server
 * decides (scopes, who may be a presenter, limits) is not looked at.
 */
int ctl_check(const struct ctl *ctl);

/* The same of a room that is to be made, with these members. */
int ctl_check_room(const struct ctl *ctl, const char *name, char **members, int count);

#endif
