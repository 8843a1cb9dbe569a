#ifndef PCHAT_DAEMON_CTL_CASE_ATTACH_H
#define PCHAT_DAEMON_CTL_CASE_ATTACH_H

#include "daemon/ctl_case_files.h"
#include "odbc/record.h"

/*
 * The attachments of a case: each file that one of its records is about is copied from the
 * directory of files into the case, once, and compared with the SHA-256 that is on record. Its name
 * there is made of the file's uuid, never of what somebody called it.
 */
struct case_attach {
	const struct case_files *files; /* borrowed */
	json_t *list;			/* owned: as in the manifest, by the files' uuids */
	unsigned copied, missing,
		wrong; /* wrong: those of the missing that are not what was uploaded */
};

void case_attach_init(struct case_attach *attach, const struct case_files *files);
void case_attach_fini(struct case_attach *attach);

/* Notes what file a record is about, if any. */
int case_attach_record(struct case_attach *attach, const struct record_row *row);

/* Copies all of them. What cannot be had is noted with the reason; a copy that cannot be written
 * ends it. */
int case_attach_copy(struct case_attach *attach);

/* The list for the manifest, in the order in which the records name them; the caller's. */
json_t *case_attach_document(const struct case_attach *attach);

#endif
