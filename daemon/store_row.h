#ifndef PCHAT_DAEMON_STORE_ROW_H
#define PCHAT_DAEMON_STORE_ROW_H

#include <stdbool.h>

#include "conf/err.h"
#include "odbc/content.h"
#include "shm/event.h"

/* An event as rows of the content database. */

/* Whether events of this type change rows at all. */
bool store_row_is(unsigned type);

/* Raises the cursor's highest ids by that of an object that the event made. */
void store_row_note_ids(struct content_cursor *cursor, const struct record *record);

/* Whether it is a message, new or out of an archive. */
bool store_row_is_message(const struct record *record);

/* Stores any event but a message, which goes by store_row_message and content_messages_put.
 * DB_BAD_DATA where it is malformed. */
enum db_result store_row_put(struct db *db, const struct record *record, struct err *err);
bool store_row_message(const struct record *record, struct content_message *message_r);

/* DB_BAD_DATA, and says so. */
enum db_result store_row_malformed(const struct record *record, struct err *err);

#endif
