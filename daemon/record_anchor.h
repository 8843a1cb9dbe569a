#ifndef PCHAT_DAEMON_RECORD_ANCHOR_H
#define PCHAT_DAEMON_RECORD_ANCHOR_H

#include <limits.h>

#include "conf/conf.h"
#include "odbc/record.h"

/*
 * The last checkpoint as it is known from somewhere else than the database: from memory, and beyond
 * the end of the process from the file state_directory/compliance/anchor, a line as in the log. A
 * database that was put back to an older state, emptied or written anew is found out by it.
 */
struct record_anchor {
	char path[PATH_MAX]; /* of the file */
	uint64_t number;     /* of the record; 0: nothing is known */
	char hash[RECORD_HEX];
	bool is_signed; /* the checkpoint in the file is */
};

/* Reads the file, if there is one. -1: there is one, and it cannot be used. */
int record_anchor_load(struct record_anchor *anchor, const struct conf *conf, struct err *err);

/* Puts a checkpoint that is durable in the database into the file. */
int record_anchor_keep(struct record_anchor *anchor, const struct record_checkpoint *checkpoint,
		       struct err *err);

#endif
