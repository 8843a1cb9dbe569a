#include "daemon/master_account.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

int account_find(struct account *account_r, const char *name, struct err *err)
{
	const struct passwd *entry;

	memset(account_r, 0, sizeof(*account_r));
	if (name == NULL || *name == '\0' || geteuid() != 0)
		return 0;
	errno = 0;
	entry = getpwnam(name);
	if (entry == NULL && errno != 0)
		return err_errno(err, "could not look up the user \"%s\"", name);
	if (entry == NULL)
		return err_set(err, "there is no user \"%s\"", name);
	account_r->change = true;
	account_r->uid = entry->pw_uid;
	account_r->gid = entry->pw_gid;
	account_r->count = ACCOUNT_GROUPS;
	if (getgrouplist(name, entry->pw_gid, account_r->groups, &account_r->count) == -1)
		return err_set(err, "the user \"%s\" is in more than %d groups", name, ACCOUNT_GROUPS);
	return 0;
}

int account_take(const struct account *account, struct err *err)
{
	if (!account->change)
		return 0;
	if (setgroups((size_t)account->count, account->groups) == -1)
		return err_errno(err, "could not take the groups of user %u", account->uid);
	if (setresgid(account->gid, account->gid, account->gid) == -1)
		return err_errno(err, "could not become group %u", account->gid);
	if (setresuid(account->uid, account->uid, account->uid) == -1)
		return err_errno(err, "could not become user %u", account->uid);
	return 0;
}
