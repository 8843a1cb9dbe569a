#include <string.h>

#include "conf/code.h"
#include "t/unit/naive.h"

/* What belongs to one user, naively: invitations, read markers, feeds, requests for access. */

void naive_member_changed(struct naive *n, unsigned actor, unsigned room, unsigned user,
			  bool present)
{
	const unsigned category = n->room[room].category;

	if (user == 0)
		return;
	if (!present) {
		n->people[user].invitation[room] = 0;
		return;
	}
	n->people[user].request[room] = false;
	if (n->people[user].invitation[room] == 0 && user != actor && !n->people[user].is_group &&
	    n->people[user].state == NAIVE_ACTIVE && n->room[room].invites &&
	    n->category[category].invites)
		n->people[user].invitation[room] = ++n->people[user].invited;
}

void naive_forget_user(struct naive *n, unsigned user)
{
	n->people[user].policy = 0;
	n->people[user].invited = n->people[user].read = 0;
	memset(n->people[user].invitation, 0, sizeof(n->people[user].invitation));
	memset(n->people[user].marker, 0, sizeof(n->people[user].marker));
	memset(n->people[user].request, 0, sizeof(n->people[user].request));
	memset(n->people[user].feed, 0, sizeof(n->people[user].feed));
}

void naive_forget_room(struct naive *n, unsigned room)
{
	for (unsigned i = 1; i <= n->people_count; i++) {
		n->people[i].invitation[room] = 0;
		n->people[i].marker[room] = 0;
		n->people[i].request[room] = false;
		for (unsigned f = 1; f <= FEEDS; f++)
			if (n->people[i].feed[f].room == room)
				memset(&n->people[i].feed[f], 0, sizeof(n->people[i].feed[f]));
	}
}

/* Whether somebody speaks who has a user at all. */
static bool is_nobody(const struct naive *n, unsigned session, struct naive_answer *answer)
{
	if (!n->session[session].open)
		naive_because(answer, CODE_NOT_SIGNED_IN);
	return !n->session[session].open;
}

/* Whether the user sees the room; if not it is as if there was none. */
static bool is_hidden(const struct naive *n, unsigned session, unsigned room,
		      struct naive_answer *answer)
{
	const bool hidden = !naive_is_room(n, room) || n->session[session].admin ||
			    !naive_may(n, n->session[session].user, room, 's');

	if (hidden)
		naive_because(answer, CODE_NO_SUCH_NODE);
	return hidden;
}

struct naive_answer naive_marker(struct naive *n, unsigned session, unsigned room, uint64_t seq)
{
	const unsigned user = n->session[session].user;
	struct naive_answer answer = {.count = 0};

	if (is_nobody(n, session, &answer))
		return answer;
	if (n->session[session].admin)
		naive_because(&answer, CODE_INVALID_ARGUMENT);
	else if (!is_hidden(n, session, room, &answer) && !naive_may(n, user, room, 'j'))
		naive_because(&answer, CODE_ERROR_PERMISSION);
	if (answer.count > 0)
		return answer;
	seq = seq < n->room[room].posts ? seq : n->room[room].posts;
	if (seq <= n->people[user].marker[room])
		naive_because(&answer, NAIVE_NOTHING);
	else
		n->people[user].marker[room] = seq;
	return answer;
}

/* An administrator has no invitations, and so nothing to read. */
struct naive_answer naive_invitation_read(struct naive *n, unsigned session, unsigned number)
{
	const unsigned user = n->session[session].user;
	struct naive_answer answer = {.count = 0};

	if (is_nobody(n, session, &answer))
		return answer;
	if (number > n->people[user].invited)
		number = n->people[user].invited;
	if (n->session[session].admin || number <= n->people[user].read)
		naive_because(&answer, NAIVE_NOTHING);
	else
		n->people[user].read = number;
	return answer;
}

/* words 0: none; item 0: a new one. */
struct naive_answer naive_feed_put(struct naive *n, unsigned session, unsigned item,
				   unsigned author, unsigned room, unsigned words)
{
	const unsigned user = n->session[session].user;
	struct naive_answer answer = {.count = 0};
	unsigned f = 1;

	if (is_nobody(n, session, &answer))
		return answer;
	if (n->session[session].admin || (words == 0 && author == 0))
		naive_because(&answer, CODE_INVALID_ARGUMENT);
	if (author != 0 && !naive_exists(n, author))
		naive_because(&answer, CODE_NO_SUCH_PRINCIPAL);
	if (room != 0 && (!naive_is_room(n, room) || !naive_may(n, user, room, 'j')))
		naive_because(&answer, CODE_NO_SUCH_NODE);
	if (item != 0 && !n->people[user].feed[item].there)
		naive_because(&answer, CODE_NO_SUCH_NODE);
	while (item == 0 && f <= FEEDS && n->people[user].feed[f].there)
		f++;
	if (item == 0 && f > FEEDS)
		naive_because(&answer, CODE_LIMIT_EXCEEDED);
	if (answer.count > 0)
		return answer;
	item = item == 0 ? f : item;
	n->people[user].feed[item].there = true;
	n->people[user].feed[item].author = author;
	n->people[user].feed[item].room = room;
	n->people[user].feed[item].words = words;
	return answer;
}

struct naive_answer naive_feed_remove(struct naive *n, unsigned session, unsigned item)
{
	const unsigned user = n->session[session].user;
	struct naive_answer answer = {.count = 0};

	if (is_nobody(n, session, &answer))
		return answer;
	if (n->session[session].admin)
		naive_because(&answer, CODE_INVALID_ARGUMENT);
	else if (!n->people[user].feed[item].there)
		naive_because(&answer, CODE_NO_SUCH_NODE);
	else
		memset(&n->people[user].feed[item], 0, sizeof(n->people[user].feed[item]));
	return answer;
}

struct naive_answer naive_request(struct naive *n, unsigned session, unsigned room)
{
	const unsigned user = n->session[session].user;
	struct naive_answer answer = {.count = 0};
	unsigned asked = 0;

	if (is_nobody(n, session, &answer) || is_hidden(n, session, room, &answer))
		return answer;
	for (unsigned r = 1; r <= n->rooms; r++)
		asked += n->people[user].request[r];
	if (!n->category[n->room[room].category].requests)
		naive_because(&answer, CODE_ERROR_PERMISSION);
	else if (naive_may(n, user, room, 'j'))
		naive_because(&answer, CODE_INVALID_FLOW_OF_OPERATIONS);
	else if (n->people[user].request[room])
		naive_because(&answer, NAIVE_NOTHING);
	else if (asked >= REQUESTS)
		naive_because(&answer, CODE_LIMIT_EXCEEDED);
	else
		n->people[user].request[room] = true;
	return answer;
}

struct naive_answer naive_request_withdraw(struct naive *n, unsigned session, unsigned room)
{
	const unsigned user = n->session[session].user;
	struct naive_answer answer = {.count = 0};

	if (is_nobody(n, session, &answer))
		return answer;
	if (!naive_is_room(n, room))
		naive_because(&answer, CODE_NO_SUCH_NODE);
	else if (n->session[session].admin || !n->people[user].request[room])
		naive_because(&answer, CODE_NO_SUCH_PRINCIPAL);
	else
		n->people[user].request[room] = false;
	return answer;
}

struct naive_answer naive_request_answer(struct naive *n, unsigned session, unsigned room,
					 unsigned user, bool grant)
{
	const unsigned actor = n->session[session].user;
	const bool admin = n->session[session].admin;
	struct naive_answer answer = {.count = 0};

	if (is_nobody(n, session, &answer))
		return answer;
	if (!naive_is_room(n, room))
		naive_because(&answer, CODE_NO_SUCH_NODE);
	else if (!admin && !naive_may(n, actor, room, 'm'))
		naive_because(&answer, naive_may(n, actor, room, 's') ? CODE_ERROR_PERMISSION
								      : CODE_NO_SUCH_NODE);
	else if (!naive_exists(n, user) || !n->people[user].request[room])
		naive_because(&answer, CODE_NO_SUCH_PRINCIPAL);
	else if (grant && !naive_in_scope(n, user, n->room[room].category))
		naive_because(&answer, CODE_PRINCIPALS_NOT_IN_SCOPE);
	if (answer.count > 0)
		return answer;
	if (grant) {
		if (!n->room[room].role[user][NAIVE_MEMBER])
			naive_member_changed(n, actor, room, user, true);
		n->room[room].role[user][NAIVE_MEMBER] = true;
	} else {
		n->people[user].request[room] = false;
	}
	naive_settle(n);
	return answer;
}

struct naive_answer naive_quit(struct naive *n, unsigned session, unsigned room)
{
	const unsigned user = n->session[session].user;
	struct naive_answer answer = {.count = 0};

	if (is_nobody(n, session, &answer) || is_hidden(n, session, room, &answer))
		return answer;
	if (!n->category[n->room[room].category].leaves)
		naive_because(&answer, CODE_ERROR_PERMISSION);
	else if (!n->room[room].role[user][NAIVE_MEMBER])
		naive_because(&answer, CODE_INVALID_FLOW_OF_OPERATIONS);
	if (answer.count > 0)
		return answer;
	n->room[room].role[user][NAIVE_MEMBER] = n->room[room].role[user][NAIVE_PRESENTER] = false;
	naive_member_changed(n, user, room, user, false);
	naive_settle(n);
	return answer;
}
