#ifndef PCHAT_DAEMON_CTL_CASE_FILES_H
#define PCHAT_DAEMON_CTL_CASE_FILES_H

#include <stdio.h>

#include "daemon/ctl.h"
#include "odbc/record.h"

/*
 * The directory of a case: made under a temporary name beside its own, which it gets when all of it
 * is there and durable. A directory that is there already is never touched.
 */
struct case_files {
	const struct ctl *ctl; /* borrowed, as is the next */
	const char *directory;
	char part[4096]; /* the temporary name; "": there is none (any more) */
};

int case_files_begin(struct case_files *files, const struct ctl *ctl, const char *directory);

/* Removes what there is under the temporary name. */
void case_files_abandon(struct case_files *files);

/* A new file; NULL: said why. */
FILE *case_files_open(const struct case_files *files, const char *name);

/* Ends it. EX_OK, or EX_IOERR, and it was said why. */
int case_files_close(const struct case_files *files, FILE *file, const char *name);

/* Takes a file away again. */
void case_files_remove(const struct case_files *files, const char *name);

/* Name, size and SHA-256 of each file that there is by now, in the order of the names; the
 * files are durable then. *list_r is the caller's. */
int case_files_list(const struct case_files *files, json_t **list_r);

/* SHA-256 of one of them, in hexadecimal digits. */
int case_files_hash(const struct case_files *files, const char *name, char hash_r[RECORD_HEX],
		    uint64_t *size_r);

/* Gives the directory its name. */
int case_files_end(struct case_files *files);

#endif
