#include <string.h>

#include "conf/code.h"
#include "t/unit/naive.h"

/* Settings and policies, naively. The server stands in the site "berlin" and the pool
 * "example.test". */

const char *const naive_scopes[SCOPES] = {
	"global",  "site:berlin", "site:bonn", "pool:example.test",
	"tag:one", "tag:two",	  "tag:three"};
const char *const naive_settings[SETTINGS] = {
	"history", "file_size",	 "participant_update_limit", "room_management_url",
	"enabled", "description"};

static bool is_policy(unsigned setting)
{
	return setting >= SETTING_POLICY;
}

static unsigned first_of(bool policy)
{
	return policy ? SETTING_POLICY : 0;
}

static unsigned end_of(bool policy)
{
	return policy ? SETTINGS : SETTING_POLICY;
}

static bool any(const struct naive *n, unsigned scope, bool policy)
{
	for (unsigned s = first_of(policy); s < end_of(policy); s++)
		if (n->setting[scope][s] != VALUE_NONE)
			return true;
	return false;
}

bool naive_may_use(const struct naive *n, unsigned user)
{
	const unsigned scopes[] = {n->people[user].policy, SCOPE_OWN_POOL, SCOPE_OWN_SITE,
				   SCOPE_GLOBAL};

	for (unsigned i = 0; i < 4; i++)
		if ((i > 0 || scopes[i] != 0) &&
		    n->setting[scopes[i]][SETTING_ENABLED] != VALUE_NONE)
			return n->setting[scopes[i]][SETTING_ENABLED] == VALUE_YES;
	return true;
}

static void police(struct naive *n)
{
	for (unsigned s = 0; s < SESSIONS; s++)
		if ((n->session[s].open || n->session[s].lost) && !n->session[s].admin &&
		    !naive_may_use(n, n->session[s].user))
			naive_end_session(n, s);
}

static bool is_granted(const struct naive *n, unsigned scope)
{
	for (unsigned i = 1; i <= n->people_count; i++)
		if (n->people[i].policy == scope)
			return true;
	return false;
}

struct naive_answer naive_setting(struct naive *n, unsigned session, enum naive_change what,
				  unsigned scope, unsigned setting, unsigned value)
{
	const bool policy = is_policy(setting), tag = scope >= SCOPE_TAGS;
	const bool there = any(n, scope, policy);
	struct naive_answer answer = {.count = 0};

	if (!n->session[session].admin)
		naive_because(&answer, CODE_ERROR_PERMISSION);
	if (tag && !policy)
		naive_because(&answer, CODE_INVALID_ARGUMENT);
	if (what == NAIVE_CREATE && there)
		naive_because(&answer, CODE_DUPLICATE_ROOM_NAME);
	if (what == NAIVE_SET && !there && tag)
		naive_because(&answer, CODE_NO_SUCH_NODE);
	if (what == NAIVE_REMOVE && !there && scope != SCOPE_GLOBAL)
		naive_because(&answer, CODE_NO_SUCH_NODE);
	if (what == NAIVE_REMOVE && tag && policy && is_granted(n, scope))
		naive_because(&answer, CODE_INVALID_FLOW_OF_OPERATIONS);
	if (what != NAIVE_REMOVE && value == VALUE_NONE && tag && setting == SETTING_ENABLED)
		naive_because(&answer, CODE_INVALID_ARGUMENT);
	if (answer.count > 0)
		return answer;
	if (what == NAIVE_REMOVE) {
		for (unsigned s = first_of(policy); s < end_of(policy); s++)
			n->setting[scope][s] = VALUE_NONE;
	} else {
		if (policy && !there && setting != SETTING_ENABLED)
			n->setting[scope][SETTING_ENABLED] = VALUE_YES;
		n->setting[scope][setting] = value;
	}
	police(n);
	return answer;
}

struct naive_answer naive_grant(struct naive *n, unsigned session, unsigned user, unsigned scope)
{
	struct naive_answer answer = {.count = 0};

	if (!n->session[session].admin)
		naive_because(&answer, CODE_ERROR_PERMISSION);
	if (!naive_exists(n, user) || n->people[user].state == NAIVE_DELETED)
		naive_because(&answer, CODE_NO_SUCH_PRINCIPAL);
	else if (n->people[user].is_group)
		naive_because(&answer, CODE_INVALID_ARGUMENT);
	if (scope != 0 && !any(n, scope, true))
		naive_because(&answer, CODE_NO_SUCH_NODE);
	if (answer.count == 0 && n->people[user].policy == scope)
		naive_because(&answer, NAIVE_NOTHING);
	if (answer.count > 0)
		return answer;
	n->people[user].policy = scope;
	police(n);
	return answer;
}
