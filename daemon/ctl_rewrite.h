#ifndef PCHAT_DAEMON_CTL_REWRITE_H
#define PCHAT_DAEMON_CTL_REWRITE_H

#include "odbc/content.h"
#include "shm/cache.h"

/*
 * Brings everything but messages in a database to what the cache of a running server has: what is
 * missing is added, what is different is changed, what is not there any more goes. In the caller's
 * transaction. The highest ids of the cursor are raised by what is found.
 *
 * DB_RETRY with an open connection: the sequencer changed what was read; the caller rolls back.
 */
enum db_result ctl_rewrite(struct db *db, const struct cache *cache, struct content_cursor *cursor,
			   struct err *err);

/*
 * The same with what the cache has of messages: the recent ones of each room, which of them are
 * removed or replaced, and each room's last number, which nobody else knows where all that is new
 * was lost. To be done when the store has what the journal has, because what is below a room's last
 * number counts as stored.
 */
enum db_result ctl_rewrite_messages(struct db *db, const struct cache *cache, struct err *err);

#endif
