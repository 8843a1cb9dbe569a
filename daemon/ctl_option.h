#ifndef PCHAT_DAEMON_CTL_OPTION_H
#define PCHAT_DAEMON_CTL_OPTION_H

#include "daemon/ctl.h"

/* The options of verbs: how they are spelled, and what they are in a request. */

/* "--members" and so on are named by list, and have no option of their own. */
struct ctl_option_name {
	char name[32];
	bool takes_value;
};
void ctl_option_name(enum ctl_option option, struct ctl_option_name *name_r);

/* "NAME: what others see"; some mean something else to other nouns. */
const char *ctl_option_help(enum ctl_option option, const char *noun);

/* Checks the values of all that were given, for what can be known of them here. */
int ctl_option_check(const struct ctl *ctl);

/*
 * The parameters of the verb's method: the argument, and those options that are parameters. edits:
 * those that change lists instead. NULL: said why.
 */
json_t *ctl_option_params(const struct ctl *ctl, bool edits);

/* How many options of the kind were given, the revision left aside. */
unsigned ctl_option_count(const struct ctl *ctl, bool edits);

/* A number that was given, or another. */
uint64_t ctl_option_number(const struct ctl *ctl, enum ctl_option option, uint64_t otherwise);

/* The number of a record, from 1 on, or 0 where none was given. Returns an exit code. */
int ctl_option_record(const struct ctl *ctl, enum ctl_option option, uint64_t *number_r);

#endif
