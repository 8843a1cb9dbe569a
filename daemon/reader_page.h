#ifndef PCHAT_DAEMON_READER_PAGE_H
#define PCHAT_DAEMON_READER_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/fragment.h"
#include "odbc/content.h"
#include "shm/ask.h"

enum { READER_PAGE_MAX = 500 };

/*
 * A page of history as ASK_HISTORY is answered (shm/ask.h), in answer, which is empty.
 * *flags_r: ASK_MORE, ASK_GAP (the database does not have everything below ask->before yet). keep, if
 * it is not NULL, is called with each row in the order of the database, unless there is a gap, and
 * returns false when it wants no more.
 */
typedef bool reader_keep(const struct content_history_row *row, void *arg);
enum db_result reader_history(struct db *db, const struct ask_history *ask, struct fragment *answer,
			      uint32_t *flags_r, reader_keep *keep, void *arg, struct err *err);

/* A message as JSON (pchat-protocol(7)). room: its URI. */
void reader_put_message(struct fragment *json, const char *room,
			const struct content_history_row *row);

/* The number that ASK_MOMENT is answered with, in json; *flags_r: ASK_GAP. */
enum db_result reader_moment(struct db *db, const struct ask_moment *ask, struct fragment *json,
			     uint32_t *flags_r, struct err *err);

#endif
