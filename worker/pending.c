#include "worker/pending.h"

#include <string.h>

#include "worker/session.h"

void pendings_init(struct pendings *pendings)
{
	memset(pendings, 0, sizeof(*pendings));
	TAILQ_INIT(&pendings->timed);
}

static struct pending *find_tag(struct pendings *pendings, uint32_t tag)
{
	struct pending *pending;

	HASH_FIND(hh, pendings->table, &tag, sizeof(tag), pending);
	return pending;
}

void pending_begin(struct pendings *pendings, struct pending *pending, struct session *session)
{
	/* Tags go round after 4 thousand million requests: leave out those that still wait, and 0.
	 */
	do
		pending->tag = ++pendings->last;
	while (pending->tag == 0 || find_tag(pendings, pending->tag) != NULL);
	pending->session = session;
	pending->until = 0;
	LIST_INSERT_HEAD(&session->pending, pending, of_session);
	HASH_ADD(hh, pendings->table, tag, sizeof(pending->tag), pending);
}

/* The list is sorted. Nearly all limits are as long as each other, so the place is near the end. */
void pending_until(struct pendings *pendings, struct pending *pending, uint64_t until)
{
	struct pending *before;

	if (pending->until != 0)
		TAILQ_REMOVE(&pendings->timed, pending, timed);
	pending->until = until;
	if (until == 0)
		return;
	before = TAILQ_LAST(&pendings->timed, pendings_timed);
	while (before != NULL && before->until > until)
		before = TAILQ_PREV(before, pendings_timed, timed);
	if (before == NULL)
		TAILQ_INSERT_HEAD(&pendings->timed, pending, timed);
	else
		TAILQ_INSERT_AFTER(&pendings->timed, before, pending, timed);
}

void pending_end(struct pendings *pendings, struct pending *pending)
{
	pending_until(pendings, pending, 0);
	LIST_REMOVE(pending, of_session);
	HASH_DEL(pendings->table, pending);
	pending->free(pending);
}

struct pending *pending_find(struct pendings *pendings, uint32_t tag, uint32_t session)
{
	struct pending *pending = find_tag(pendings, tag);

	return pending != NULL && pending->session->number == session ? pending : NULL;
}

void pending_forget(struct pendings *pendings, struct session *session)
{
	struct pending *pending;

	while ((pending = LIST_FIRST(&session->pending)) != NULL)
		pending_end(pendings, pending);
}

uint64_t pending_expire(struct pendings *pendings, uint64_t now)
{
	static const struct outcome over = {.kind = OUTCOME_TIME};
	struct pending *pending;

	while ((pending = TAILQ_FIRST(&pendings->timed)) != NULL && pending->until <= now) {
		pending_until(pendings, pending, 0);
		pending->settle(pending, &over);
	}
	return pending == NULL ? 0 : pending->until;
}
