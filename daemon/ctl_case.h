#ifndef PCHAT_DAEMON_CTL_CASE_H
#define PCHAT_DAEMON_CTL_CASE_H

#include "daemon/ctl.h"
#include "daemon/fragment.h"
#include "daemon/record_filter.h"

/* What searching, exporting and holding compliance records have in common. */

/* The records that the options ask for, of those that there are by now. text: the same for a
 * person, for the record. Names of rooms are looked up in the database. */
int ctl_case_filter(const struct ctl *ctl, struct db *db, struct record_filter *filter_r,
		    struct fragment *text);

/* Puts on record what is about to be done; nothing may be shown before. *lsn_r: the event's, or
 * NULL. */
int ctl_case_note(const struct ctl *ctl, const char *text, uint64_t *lsn_r);

/* Asks for something that pchat-compliance does, and waits until it is on record. *lsn_r: the place
 * of the event in the journal. */
int ctl_case_order(const struct ctl *ctl, struct db *db, const char *method, json_t *take_params,
		   uint64_t *lsn_r);

/* The records that the filter finds, in their order, in pages. take: EX_OK, or a code that ends it
 * (CTL_CASE_ENOUGH: without an error). */
enum { CTL_CASE_ENOUGH = -1 };
typedef int ctl_case_take(void *arg, const struct record_row *row);
int ctl_case_walk(const struct ctl *ctl, struct db *db, const struct record_filter *filter,
		  ctl_case_take *take, void *arg);

#endif
