#include "t/unit/naive.h"

#include <string.h>

#include "conf/code.h"

void naive_because(struct naive_answer *answer, int code)
{
	if (answer->count < REASONS)
		answer->reason[answer->count++] = code;
}

/* --- Who is who. --- */

bool naive_exists(const struct naive *n, unsigned id)
{
	return id >= 1 && id <= n->people_count;
}

static bool is_known(const struct naive *n, unsigned id)
{
	return id == 0 || (naive_exists(n, id) && n->people[id].state != NAIVE_DELETED);
}

/* Marks the person, everybody, and every active group that one of those marked is in, until no
 * other is found. */
static void circle(const struct naive *n, unsigned id, bool marked[PEOPLE])
{
	bool again = true;

	memset(marked, 0, PEOPLE * sizeof(*marked));
	marked[0] = marked[id] = true;
	while (again) {
		again = false;
		for (unsigned a = 1; a <= n->people_count; a++)
			for (unsigned g = 1; g <= n->people_count; g++)
				if (marked[a] && n->people[a].in[g] && !marked[g] &&
				    n->people[g].state == NAIVE_ACTIVE)
					marked[g] = again = true;
	}
}

bool naive_in_scope(const struct naive *n, unsigned id, unsigned category)
{
	bool marked[PEOPLE], allowed = false, denied = false;

	circle(n, id, marked);
	for (unsigned i = 0; i <= n->people_count; i++) {
		allowed = allowed || (marked[i] && n->category[category].role[i][NAIVE_ALLOWED]);
		denied = denied || (marked[i] && n->category[category].role[i][NAIVE_DENIED]);
	}
	return allowed && !denied;
}

static bool has(const struct naive *n, unsigned id, const bool role[PEOPLE][NAIVE_ROLES],
		enum naive_role which)
{
	bool marked[PEOPLE];

	circle(n, id, marked);
	for (unsigned i = 0; i <= n->people_count; i++)
		if (marked[i] && role[i][which])
			return true;
	return false;
}

/* right: 's'ee, 'j'oin, 'p'ost, 'm'anage. */
bool naive_may(const struct naive *n, unsigned user, unsigned room, char right)
{
	const bool open = n->room[room].privacy == NAIVE_OPEN;
	const bool member = has(n, user, n->room[room].role, NAIVE_MEMBER);

	if (!naive_in_scope(n, user, n->room[room].category))
		return false;
	switch (right) {
	case 's':
		return open || n->room[room].privacy == NAIVE_CLOSED || member;
	case 'j':
		return open || member;
	case 'p':
		return (open || member) &&
		       (!n->room[room].auditorium ||
			has(n, user, n->room[room].role, NAIVE_PRESENTER));
	default:
		return has(n, user, n->room[room].role, NAIVE_MANAGER);
	}
}

/* Managers of a secret room know of it, though they are no members. */
static bool knows(const struct naive *n, unsigned session, unsigned room)
{
	const unsigned user = n->session[session].user;

	return n->session[session].admin || naive_may(n, user, room, 's') ||
	       naive_may(n, user, room, 'm');
}

static bool manages(const struct naive *n, unsigned session, unsigned room)
{
	return n->session[session].admin || naive_may(n, n->session[session].user, room, 'm');
}

static bool creates(const struct naive *n, unsigned session, unsigned category)
{
	const unsigned user = n->session[session].user;

	return n->session[session].admin ||
	       (naive_in_scope(n, user, category) &&
		has(n, user, n->category[category].role, NAIVE_CREATOR));
}

static bool is_anywhere(const struct naive *n, unsigned session)
{
	for (unsigned r = 1; r <= n->rooms; r++)
		if (n->session[session].in[r])
			return true;
	return false;
}

/* A lost session that is nowhere is over. */
static void end_empty(struct naive *n)
{
	for (unsigned s = 0; s < SESSIONS; s++)
		if (n->session[s].lost && !is_anywhere(n, s))
			naive_end_session(n, s);
}

/* Whoever may not be where he is leaves. */
void naive_settle(struct naive *n)
{
	for (unsigned s = 0; s < SESSIONS; s++)
		for (unsigned r = 1; r <= n->rooms; r++)
			if (n->session[s].in[r] &&
			    (!n->room[r].there || n->room[r].disabled ||
			     !naive_may(n, n->session[s].user, r, 'j')))
				n->session[s].in[r] = false;
	end_empty(n);
}

void naive_end_session(struct naive *n, unsigned session)
{
	memset(&n->session[session], 0, sizeof(n->session[session]));
}

/* --- People. --- */

struct naive_answer naive_person(struct naive *n, bool is_group, const char *uri)
{
	struct naive_answer answer = {.count = 0};

	for (unsigned i = 1; i <= n->people_count; i++)
		if (strcmp(n->people[i].uri, uri) == 0)
			naive_because(&answer, CODE_PRINCIPALS_ALREADY_DEFINED);
	if (answer.count > 0)
		return answer;
	n->people_count++;
	n->people[n->people_count].is_group = is_group;
	strcpy(n->people[n->people_count].uri, uri);
	return answer;
}

static void strip(struct naive *n, unsigned id)
{
	for (unsigned c = 1; c <= n->categories; c++)
		memset(n->category[c].role[id], 0, sizeof(n->category[c].role[id]));
	for (unsigned r = 1; r <= n->rooms; r++)
		memset(n->room[r].role[id], 0, sizeof(n->room[r].role[id]));
	for (unsigned i = 1; i <= n->people_count; i++)
		n->people[i].in[id] = n->people[id].in[i] = false;
}

struct naive_answer naive_state(struct naive *n, unsigned id, enum naive_state state)
{
	struct naive_answer answer = {.count = 0};

	if (!naive_exists(n, id)) {
		naive_because(&answer, CODE_NO_SUCH_PRINCIPAL);
		return answer;
	}
	n->people[id].state = state;
	for (unsigned s = 0; s < SESSIONS && state != NAIVE_ACTIVE; s++)
		if ((n->session[s].open || n->session[s].lost) && !n->session[s].admin &&
		    n->session[s].user == id)
			naive_end_session(n, s);
	if (state == NAIVE_DELETED) {
		strip(n, id);
		naive_forget_user(n, id);
	}
	naive_settle(n);
	return answer;
}

struct naive_answer naive_affiliate(struct naive *n, unsigned member, unsigned group, bool present)
{
	struct naive_answer answer = {.count = 0};

	if (member == group)
		naive_because(&answer, CODE_INVALID_ARGUMENT);
	if (!naive_exists(n, member) || !naive_exists(n, group) ||
	    (present && (!is_known(n, member) || !is_known(n, group))))
		naive_because(&answer, CODE_NO_SUCH_PRINCIPAL);
	if (naive_exists(n, group) && !n->people[group].is_group)
		naive_because(&answer, CODE_INVALID_ARGUMENT);
	if (answer.count == 0 && n->people[member].in[group] == present)
		naive_because(&answer, NAIVE_NOTHING);
	if (answer.count > 0)
		return answer;
	n->people[member].in[group] = present;
	naive_settle(n);
	return answer;
}

/* --- Categories. --- */

static bool is_taken(const struct naive *n, const char *name, unsigned category, unsigned room)
{
	for (unsigned c = 1; c <= n->categories; c++)
		if (c != category && n->category[c].there && strcmp(n->category[c].name, name) == 0)
			return true;
	for (unsigned r = 1; r <= n->rooms; r++)
		if (r != room && n->room[r].there && strcmp(n->room[r].name, name) == 0)
			return true;
	return false;
}

static bool is_category(const struct naive *n, unsigned id)
{
	return id >= 1 && id <= n->categories && n->category[id].there;
}

bool naive_is_room(const struct naive *n, unsigned id)
{
	return id >= 1 && id <= n->rooms && n->room[id].there;
}

/* id 0: a new one. */
struct naive_answer naive_category(struct naive *n, unsigned id, const char *name, unsigned flags)
{
	struct naive_answer answer = {.count = 0};

	if (id != 0 && !is_category(n, id))
		naive_because(&answer, CODE_NO_SUCH_NODE);
	if (is_taken(n, name, id, 0))
		naive_because(&answer, CODE_DUPLICATE_ROOM_NAME);
	if (answer.count > 0)
		return answer;
	if (id == 0) {
		id = ++n->categories;
		n->category[id].invites = flags & 1;
		n->category[id].requests = flags & 2;
		n->category[id].leaves = flags & 4;
	}
	n->category[id].there = true;
	strcpy(n->category[id].name, name);
	return answer;
}

struct naive_answer naive_category_remove(struct naive *n, unsigned id)
{
	struct naive_answer answer = {.count = 0};

	if (!is_category(n, id))
		naive_because(&answer, CODE_NO_SUCH_NODE);
	for (unsigned r = 1; r <= n->rooms; r++)
		if (n->room[r].there && n->room[r].category == id)
			naive_because(&answer, CODE_INVALID_FLOW_OF_OPERATIONS);
	if (answer.count == 0)
		memset(&n->category[id], 0, sizeof(n->category[id]));
	return answer;
}

/* Creators have to be in what the scope will be. */
struct naive_answer naive_category_role(struct naive *n, unsigned session, unsigned id,
					unsigned person, enum naive_role role, bool present)
{
	struct naive_answer answer = {.count = 0};

	if (!n->session[session].admin)
		naive_because(&answer, CODE_ERROR_PERMISSION);
	if (!is_category(n, id))
		naive_because(&answer, CODE_NO_SUCH_NODE);
	if (present && !is_known(n, person))
		naive_because(&answer, CODE_NO_SUCH_PRINCIPAL);
	if (answer.count == 0 && present && role == NAIVE_CREATOR && !naive_in_scope(n, person, id))
		naive_because(&answer, CODE_PRINCIPALS_NOT_IN_SCOPE);
	if (answer.count > 0)
		return answer;
	if (person == 0 || naive_exists(n, person))
		n->category[id].role[person][role] = present;
	naive_settle(n);
	return answer;
}

/* --- Rooms. --- */

struct naive_answer naive_room_new(struct naive *n, unsigned session,
				   const struct naive_room_wish *wish)
{
	const unsigned category = (unsigned)wish->category;
	struct naive_answer answer = {.count = 0};
	const unsigned user = n->session[session].user;

	if (!is_category(n, category))
		naive_because(&answer, CODE_NO_SUCH_NODE);
	else if (!creates(n, session, category))
		naive_because(&answer, CODE_ERROR_PERMISSION);
	if (is_taken(n, wish->name, 0, 0))
		naive_because(&answer, CODE_DUPLICATE_ROOM_NAME);
	if (answer.count > 0)
		return answer;
	n->rooms++;
	n->room[n->rooms].there = true;
	strcpy(n->room[n->rooms].name, wish->name);
	n->room[n->rooms].category = category;
	n->room[n->rooms].privacy = (enum naive_privacy)wish->privacy;
	n->room[n->rooms].auditorium = wish->auditorium;
	n->room[n->rooms].invites = wish->invites;
	if (n->session[session].admin)
		return answer;
	n->room[n->rooms].role[user][NAIVE_MANAGER] = true;
	n->room[n->rooms].role[user][NAIVE_MEMBER] = wish->privacy != NAIVE_OPEN;
	return answer;
}

/* What the new category does not allow goes, as do presenters of a normal room. */
static void prune(struct naive *n, unsigned id, bool moved, unsigned actor)
{
	for (unsigned i = 0; i <= n->people_count; i++) {
		if (!n->room[id].auditorium)
			n->room[id].role[i][NAIVE_PRESENTER] = false;
		if (!moved || naive_in_scope(n, i, n->room[id].category))
			continue;
		if (n->room[id].role[i][NAIVE_MEMBER])
			naive_member_changed(n, actor, id, i, false);
		memset(n->room[id].role[i], 0, sizeof(n->room[id].role[i]));
	}
}

struct naive_answer naive_room_change(struct naive *n, unsigned session, unsigned id,
				      const struct naive_room_wish *wish)
{
	struct naive_answer answer = {.count = 0};
	bool moved;

	if (!naive_is_room(n, id) || !knows(n, session, id)) {
		naive_because(&answer, CODE_NO_SUCH_NODE);
		return answer;
	}
	moved = wish->category >= 0 && (unsigned)wish->category != n->room[id].category;
	if (!manages(n, session, id) ||
	    (n->room[id].disabled && wish->disabled == 0 && !n->session[session].admin))
		naive_because(&answer, CODE_ERROR_PERMISSION);
	if (moved && !is_category(n, (unsigned)wish->category))
		naive_because(&answer, CODE_NO_SUCH_NODE);
	else if (moved && !creates(n, session, (unsigned)wish->category))
		naive_because(&answer, CODE_ERROR_PERMISSION);
	if (is_taken(n, wish->name ? wish->name : n->room[id].name, 0, id))
		naive_because(&answer, CODE_DUPLICATE_ROOM_NAME);
	if (answer.count > 0)
		return answer;
	if (wish->name)
		strcpy(n->room[id].name, wish->name);
	if (wish->category >= 0)
		n->room[id].category = (unsigned)wish->category;
	if (wish->privacy >= 0)
		n->room[id].privacy = (enum naive_privacy)wish->privacy;
	if (wish->auditorium >= 0)
		n->room[id].auditorium = wish->auditorium;
	if (wish->disabled >= 0)
		n->room[id].disabled = wish->disabled;
	prune(n, id, moved, n->session[session].user);
	naive_settle(n);
	return answer;
}

struct naive_answer naive_room_remove(struct naive *n, unsigned session, unsigned id)
{
	struct naive_answer answer = {.count = 0};

	if (!n->session[session].admin)
		naive_because(&answer, CODE_ERROR_PERMISSION);
	if (!naive_is_room(n, id))
		naive_because(&answer, CODE_NO_SUCH_NODE);
	if (answer.count > 0)
		return answer;
	memset(&n->room[id], 0, sizeof(n->room[id]));
	naive_forget_room(n, id);
	for (unsigned s = 0; s < SESSIONS; s++)
		n->session[s].in[id] = false;
	end_empty(n);
	return answer;
}

struct naive_answer naive_room_role(struct naive *n, unsigned session, unsigned id,
				    unsigned person, enum naive_role role, bool present)
{
	struct naive_answer answer = {.count = 0};

	if (!naive_is_room(n, id) || !knows(n, session, id)) {
		naive_because(&answer, CODE_NO_SUCH_NODE);
		return answer;
	}
	if (!manages(n, session, id))
		naive_because(&answer, CODE_ERROR_PERMISSION);
	if (present && !is_known(n, person)) {
		naive_because(&answer, CODE_NO_SUCH_PRINCIPAL);
		return answer;
	}
	if (present && !naive_in_scope(n, person, n->room[id].category))
		naive_because(&answer, CODE_PRINCIPALS_NOT_IN_SCOPE);
	if (present && role == NAIVE_PRESENTER && !n->room[id].auditorium)
		naive_because(&answer, CODE_INVALID_ARGUMENT);
	if (present && role == NAIVE_PRESENTER && n->room[id].privacy != NAIVE_OPEN &&
	    !has(n, person, n->room[id].role, NAIVE_MEMBER))
		naive_because(&answer, CODE_PRESENTER_NOT_IN_MEM_LIST);
	if (answer.count > 0)
		return answer;
	if (person != 0 && !naive_exists(n, person))
		return answer;
	if (role == NAIVE_MEMBER && !present && n->room[id].role[person][NAIVE_MEMBER])
		n->room[id].role[person][NAIVE_PRESENTER] = false;
	if (role == NAIVE_MEMBER && present != n->room[id].role[person][NAIVE_MEMBER])
		naive_member_changed(n, n->session[session].user, id, person, present);
	n->room[id].role[person][role] = present;
	naive_settle(n);
	return answer;
}

/* --- Sessions. --- */

struct naive_answer naive_sign_in(struct naive *n, unsigned session, unsigned user, bool admin)
{
	struct naive_answer answer = {.count = 0};

	if (n->session[session].open || n->session[session].lost)
		naive_because(&answer, CODE_INVALID_FLOW_OF_OPERATIONS);
	if (!admin && (!naive_exists(n, user) || n->people[user].state != NAIVE_ACTIVE))
		naive_because(&answer, CODE_AUTHENTICATION_FAILED);
	else if (!admin && !naive_may_use(n, user))
		naive_because(&answer, CODE_ERROR_PERMISSION);
	if (answer.count > 0)
		return answer;
	n->session[session].open = true;
	n->session[session].admin = admin;
	n->session[session].user = admin ? 0 : user;
	return answer;
}

struct naive_answer naive_sign_out(struct naive *n, unsigned session)
{
	struct naive_answer answer = {.count = 0};

	if (!n->session[session].open)
		naive_because(&answer, CODE_NOT_SIGNED_IN);
	else
		naive_end_session(n, session);
	return answer;
}

static bool is_there_otherwise(const struct naive *n, unsigned session, unsigned room)
{
	for (unsigned s = 0; s < SESSIONS; s++)
		if (s != session && n->session[s].in[room] &&
		    n->session[s].user == n->session[session].user)
			return true;
	return false;
}

struct naive_answer naive_lose(struct naive *n, unsigned session)
{
	struct naive_answer answer = {.count = 0};

	if (!n->session[session].open) {
		naive_because(&answer, CODE_NOT_SIGNED_IN);
		return answer;
	}
	for (unsigned r = 1; r <= n->rooms; r++)
		if (is_there_otherwise(n, session, r))
			n->session[session].in[r] = false;
	n->session[session].open = false;
	n->session[session].lost = true;
	end_empty(n);
	return answer;
}

void naive_end_lost(struct naive *n)
{
	for (unsigned s = 0; s < SESSIONS; s++)
		if (n->session[s].lost)
			naive_end_session(n, s);
}

/* Whatever lost session of the user was there is not any more. */
static void take_over(struct naive *n, unsigned session, unsigned room)
{
	for (unsigned s = 0; s < SESSIONS; s++)
		if (n->session[s].lost && n->session[s].user == n->session[session].user)
			n->session[s].in[room] = false;
	n->session[session].in[room] = true;
	end_empty(n);
}

static bool is_nobody(const struct naive *n, unsigned session, struct naive_answer *answer)
{
	if (!n->session[session].open)
		naive_because(answer, CODE_NOT_SIGNED_IN);
	return !n->session[session].open;
}

struct naive_answer naive_join(struct naive *n, unsigned session, unsigned room)
{
	const unsigned user = n->session[session].user;
	struct naive_answer answer = {.count = 0};

	if (is_nobody(n, session, &answer))
		return answer;
	if (n->session[session].admin)
		naive_because(&answer, CODE_ERROR_PERMISSION);
	if (!naive_is_room(n, room)) {
		naive_because(&answer, CODE_NO_SUCH_NODE);
		return answer;
	}
	if (!n->session[session].admin && !naive_may(n, user, room, 'j'))
		naive_because(&answer, naive_may(n, user, room, 's') ? CODE_ERROR_PERMISSION
							       : CODE_NO_SUCH_NODE);
	else if (n->room[room].disabled)
		naive_because(&answer, CODE_NODE_DISABLED);
	else if (n->session[session].in[room])
		naive_because(&answer, NAIVE_NOTHING);
	if (answer.count == 0)
		take_over(n, session, room);
	return answer;
}

struct naive_answer naive_leave(struct naive *n, unsigned session, unsigned room)
{
	struct naive_answer answer = {.count = 0};

	if (is_nobody(n, session, &answer))
		return answer;
	if (!naive_is_room(n, room))
		naive_because(&answer, CODE_NO_SUCH_NODE);
	else if (!n->session[session].in[room])
		naive_because(&answer, CODE_USER_NOT_JOINED);
	else
		n->session[session].in[room] = false;
	return answer;
}

struct naive_answer naive_post(struct naive *n, unsigned session, unsigned room)
{
	struct naive_answer answer = {.count = 0};

	if (is_nobody(n, session, &answer))
		return answer;
	if (!naive_is_room(n, room))
		naive_because(&answer, CODE_NO_SUCH_NODE);
	else if (!n->session[session].in[room])
		naive_because(&answer, CODE_USER_NOT_JOINED);
	else if (!naive_may(n, n->session[session].user, room, 'p'))
		naive_because(&answer, CODE_ERROR_PERMISSION);
	else
		n->room[room].posts++;
	return answer;
}

struct naive_answer naive_purge(struct naive *n, unsigned session, unsigned room, uint64_t seq)
{
	struct naive_answer answer = {.count = 0};

	if (is_nobody(n, session, &answer))
		return answer;
	if (!n->session[session].admin)
		naive_because(&answer, CODE_ERROR_PERMISSION);
	if (!naive_is_room(n, room))
		naive_because(&answer, CODE_NO_SUCH_NODE);
	else if (seq == 0 || seq > n->room[room].posts)
		naive_because(&answer, CODE_INVALID_ARGUMENT);
	if (answer.count == 0)
		n->room[room].removals++;
	return answer;
}
