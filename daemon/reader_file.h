#ifndef PCHAT_DAEMON_READER_FILE_H
#define PCHAT_DAEMON_READER_FILE_H

#include "daemon/fragment.h"
#include "odbc/content_file.h"
#include "shm/ask.h"

enum { READER_FILES_MAX = 500 };

/* The files of a room that the question asks for, as file.list answers them, or the one as file.get
 * does; DB_END: there is no such file in the room, nor one that the page is to stand behind. A row
 * that is malformed is left out, and logged. DB_BAD_DATA: the question is. */
enum db_result reader_files(struct db *db, const struct ask_files *ask, const char *domain,
			    struct fragment *json, struct err *err);

#endif
