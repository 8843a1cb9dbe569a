#ifndef PCHAT_DAEMON_RECORD_LINE_H
#define PCHAT_DAEMON_RECORD_LINE_H

#include <stdio.h>

#include "odbc/record.h"

/*
 * Checkpoints as lines of text, as they stand in the log and in the anchor:
 * "checkpoint: record 17, hash 0123..., time 1763717400000000, signature ..." or "... none".
 */
enum { RECORD_LINE = RECORD_SIGNATURE + 160 };
void record_line_write(const struct record_checkpoint *checkpoint, char line_r[RECORD_LINE]);

/* Finds one in a line, wherever it begins there. False: there is none. */
bool record_line_read(const char *line, struct record_checkpoint *checkpoint_r);

/* The checkpoints of a log, sorted by their numbers. */
struct record_lines {
	struct record_line {
		uint64_t number;
		char hash[RECORD_HEX];
	} *item; /* owned */
	size_t count, size;
};

struct record_signer;

/* Takes all that stand in a file. signer NULL: signatures are not looked at; else *unsigned_r is the
 * number of the first one that is signed by somebody else, 0: there is none. -1: no memory. */
int record_lines_load(struct record_lines *lines, FILE *file, const struct record_signer *signer,
		      uint64_t *unsigned_r, struct err *err);
void record_lines_fini(struct record_lines *lines);

#endif
