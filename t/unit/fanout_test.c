/* Which sessions are in which rooms: both sides agree after any order of joining and leaving. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/fanout.h"
#include "worker/session.h"

enum { SESSIONS = 20, ROOMS = 15 };

static const uint8_t uuid[16] = {7};

static unsigned listed(struct fanout *fanout, uint32_t id, const struct session *session)
{
	const struct fanout_room *room = fanout_find(fanout, id);
	unsigned n = 0;

	for (uint32_t i = 0; room != NULL && i < room->count; i++)
		n += room->place[i].session == session;
	return n;
}

static void a_session_is_listed_once_however_often_it_joins(void **state)
{
	struct fanout fanout = {0};
	struct session session = {0};

	(void)state;
	assert_null(fanout_find(&fanout, 1));
	assert_int_equal(fanout_join(&fanout, &session, 1, uuid), 0);
	assert_int_equal(fanout_join(&fanout, &session, 1, uuid), 0);
	assert_int_equal(listed(&fanout, 1, &session), 1);
	assert_true(fanout_has(&session, 1));
	assert_int_equal(fanout_find_uuid(&session, uuid), 1);
	fanout_leave(&fanout, &session, 1);
	fanout_leave(&fanout, &session, 1);
	assert_null(fanout_find(&fanout, 1));
	assert_int_equal(fanout_find_uuid(&session, uuid), 0);
	fanout_leave_all(&fanout, &session);
	assert_null(session.member);
}

static void both_sides_agree_after_any_changes(void **state)
{
	struct fanout fanout = {0};
	struct session sessions[SESSIONS];
	bool in[SESSIONS][ROOMS] = {0};

	(void)state;
	memset(sessions, 0, sizeof(sessions));
	srandom(1);
	for (int step = 0; step < 20000; step++) {
		unsigned s = (unsigned)random() % SESSIONS, r = (unsigned)random() % ROOMS;

		if (random() % 20 == 0)
			fanout_expect(&sessions[s], (uint32_t)random() % 8);
		if (random() % 50 == 0) {
			fanout_leave_all(&fanout, &sessions[s]);
			memset(in[s], 0, sizeof(in[s]));
		} else if (in[s][r]) {
			fanout_leave(&fanout, &sessions[s], r + 1);
			in[s][r] = false;
		} else {
			assert_int_equal(fanout_join(&fanout, &sessions[s], r + 1, uuid), 0);
			in[s][r] = true;
		}
		s = (unsigned)random() % SESSIONS;
		r = (unsigned)random() % ROOMS;
		assert_int_equal(listed(&fanout, r + 1, &sessions[s]), in[s][r]);
		assert_int_equal(fanout_has(&sessions[s], r + 1), in[s][r]);
	}
	for (unsigned s = 0; s < SESSIONS; s++)
		fanout_leave_all(&fanout, &sessions[s]);
	assert_null(fanout.rooms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_is_listed_once_however_often_it_joins),
		cmocka_unit_test(both_sides_agree_after_any_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
