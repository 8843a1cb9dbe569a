#ifndef PCHAT_DAEMON_CTL_ARCHIVE_H
#define PCHAT_DAEMON_CTL_ARCHIVE_H

#include "daemon/ctl.h"

/* What the two verbs of archives share: what an archive may hold, and what is told of it. */

enum archive_level {
	LEVEL_USER,	      /* users and groups */
	LEVEL_CATEGORY,	      /* the same, categories and add-ins */
	LEVEL_ROOM_DIRECTORY, /* the same, rooms, and what users have of their own but markers */
	LEVEL_CONTENT,	      /* messages and files only */
	LEVEL_ALL,
	LEVELS
};

/* "room-directory"; and the level of a word, or LEVELS. */
const char *archive_level_name(enum archive_level level);
enum archive_level archive_level_of(const char *word);

/* What lines are of; the word is the first member's name of each. */
enum archive_kind {
	KIND_USER,
	KIND_GROUP,
	KIND_MEMBER,
	KIND_CREDENTIAL,
	KIND_CATEGORY,
	KIND_ADDIN,
	KIND_ROOM,
	KIND_ROLE,
	KIND_INVITED,
	KIND_INVITATION,
	KIND_FEED,
	KIND_REQUEST,
	KIND_HISTORY,
	KIND_MESSAGE,
	KIND_MARKER,
	KIND_SETTING,
	KIND_GRANT,
	KIND_FILE,
	KINDS
};
const char *archive_kind_name(enum archive_kind kind);

/*
 * What was done, for a person and for --json, and into the file of --report. columns: one count for
 * each kind and column; named by heads, which ends with NULL.
 */
enum { REPORT_COLUMNS = 4 };
struct archive_report {
	const char *file, *level;
	const char *const *heads;
	uint64_t count[KINDS][REPORT_COLUMNS];
	json_t *notes; /* owned: what should be looked at, sentences */
	uint64_t notes_left_out;
	uint64_t bytes, us; /* 0 bytes: not told */
};

/* Keeps a sentence, of the first REPORT_NOTES. */
enum { REPORT_NOTES = 1000 };
void archive_note(struct archive_report *report, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Prints it, and writes the file of --report if that was given. An exit code. */
int archive_report_print(const struct ctl *ctl, const struct archive_report *report);

#endif
