#include <inttypes.h>

#include "conf/clock.h"
#include "conf/log.h"
#include "daemon/engine_ask.h"

/*
 * Sessions that are lost: their connection is gone, but nobody said that he leaves. They stay in
 * their rooms for a while, so that whoever comes back takes his places over without anybody hearing
 * of it (engine_join.c).
 *
 * A lost session is in those rooms only in which the user has no other session: it leaves the others
 * when it is lost, and what another one joins later it takes over. So nobody has two lost places in a
 * room, and it is always the end of a lost one that the others hear of.
 */

enum {
	SESSIONS_A_TURN = 512, /* lost or ended; posts wait meanwhile */
	CLOCK_US = 1000000,    /* by so much the clock may be set back */
};

bool lose_session(struct engine *engine, uint32_t row, const struct ask_for *ask)
{
	const struct session_row *session = session_at(engine, row);
	struct record head;

	if (engine->conf->limits.linger == 0 || (session->flags & EVENT_ADMIN))
		return end_session(engine, row, ask);
	if (room_for(engine, leaves_size(session->participants),
		     leaves_count(session->participants) + 1, false) != FITS)
		return false;
	emit_leaves_unheard(engine, row);
	head = session_head(session, session->participants > 0 ? EVENT_LOST : EVENT_SESSION_CLOSE);
	if (ask != NULL)
		answer_by(&head, ask);
	emit(engine, &head, NULL, 0);
	return true;
}

bool no_rows(struct engine *engine, const struct ask_for *ask, enum table table, uint32_t count,
	     uint32_t except, enum decision *decision_r)
{
	const struct cache_header *header = engine->cache.header;

	while (table_free_rows(&engine->cache, table) < count && !engine->broken) {
		uint32_t lost = header->first_lost, rooms;

		if (lost == except && lost != 0)
			lost = session_at(engine, lost)->lost_next;
		if (lost == 0) {
			(void)rows_fit(engine, table, count);
			*decision_r = refuse(ask, CODE_LIMIT_EXCEEDED);
			return true;
		}
		rooms = session_at(engine, lost)->participants;
		if (no_room(engine, ask, leaves_size(rooms), leaves_count(rooms) + 1, decision_r))
			return true;
		(void)end_session(engine, lost, NULL);
		proc_count(engine->proc, COUNTER_SESSIONS_EXPIRED, 1);
	}
	return false;
}

/* --- Of processes that are gone. --- */

static bool is_orphan(const struct engine *engine, uint32_t row)
{
	const struct session_row *session = session_at(engine, row);

	return session->generation != 0 && session->lost == 0 &&
	       !is_live(engine, session->slot, session->generation);
}

void engine_slot_changed(struct engine *engine)
{
	engine->reaping = true;
	engine->reap = 1;
}

bool engine_reap(struct engine *engine)
{
	const struct cache_table *table = &engine->cache.header->table[TABLE_SESSION];
	unsigned count = 0;

	for (; engine->reaping && engine->reap <= table->fresh; engine->reap++) {
		if (!is_orphan(engine, engine->reap))
			continue;
		if (count == SESSIONS_A_TURN || !lose_session(engine, engine->reap, NULL))
			return count > 0;
		engine->reaped++;
		count++;
	}
	if (engine->reaping && engine->reaped > 0)
		log_info("%u sessions lost their process", engine->reaped);
	engine->reaping = false;
	engine->reaped = 0;
	return count > 0;
}

/* --- The end of them. --- */

/* Where the clock was set back, nobody waits until it has caught up. */
static bool is_over(const struct engine *engine, const struct session_row *session, uint64_t now)
{
	if (session->lost > now)
		return session->lost - now > CLOCK_US;
	return now - session->lost >= engine->conf->limits.linger;
}

bool engine_linger(struct engine *engine, bool all)
{
	const struct cache_header *header = engine->cache.header;
	const uint64_t now = clock_utc();
	unsigned count = 0;

	while (header->first_lost != 0 && count < SESSIONS_A_TURN && !engine->broken &&
	       (all || is_over(engine, session_at(engine, header->first_lost), now)) &&
	       end_session(engine, header->first_lost, NULL))
		count++;
	proc_count(engine->proc, COUNTER_SESSIONS_EXPIRED, count);
	return count > 0;
}
