#ifndef PCHAT_WORKER_SCOPED_H
#define PCHAT_WORKER_SCOPED_H

#include "shm/command.h"
#include "shm/scoped.h"
#include "worker/chat.h"

/*
 * The part of the waist (chat.h) that is about scoped settings and policies (shm/scoped.h): what
 * administrators ask for, and what counts here.
 */

/* --- What counts on this server now. --- */

enum scoped_source { SCOPED_BUILT_IN, SCOPED_GLOBAL, SCOPED_SITE, SCOPED_OWN_POOL };

enum { SCOPED_URL_MAX = 255 };

struct scoped_effective {
	uint32_t version; /* of the cache's settings, from which this was worked out */
	bool known;
	uint32_t history, participant_update_limit;
	uint64_t file_size;
	char room_management_url[SCOPED_URL_MAX + 1];
	char state[16], pool_name[4 * 256 + 1]; /* of the pool */
	/* enum scoped_source, in the order of the keys of SCOPED_CONFIG */
	uint8_t source[4];
};

/* Worked out anew when a setting has changed; valid until the next call. */
const struct scoped_effective *scoped_effective(struct chat *chat);

/* The places of workers that were set, 0: none were, and the revision of the pool's settings. */
int scoped_pool_places(const struct chat *chat, uint32_t *set_r, uint64_t *revision_r);

/* --- What a front end does with the answers. --- */

struct scoped_front {
	/* An item of a list: first the scope, then its values, then its end with its revision. */
	void (*scope)(struct buf *list, unsigned kind, struct text scope);
	void (*value)(struct buf *list, const struct scoped_key *key, struct text value);
	void (*end)(struct buf *list, uint64_t revision);

	/* Answers. list: one item, or many. */
	void (*one)(struct session *session, const struct chat_id *id, const struct buf *item);
	void (*listed)(struct session *session, const struct chat_id *id, unsigned kind,
		       const struct buf *list, bool more);
	void (*effective)(struct session *session, const struct chat_id *id,
			  const struct scoped_effective *effective);
	/* policy: what was granted, or empty; from: the scope that decides, empty: none does. */
	void (*policy)(struct session *session, const struct chat_id *id, struct text uri,
		       struct text policy, struct text from, bool enabled);
};

/* --- What a front end asks for; answered once, as in chat.h. --- */

/* A scope as a client writes it; empty: the global one, or the server's own pool. In a policy's a
 * name without a colon stands for "tag:NAME". False: it is none. */
bool scoped_name(const struct chat *chat, unsigned kind, struct text text,
		 char scope_r[EVENT_SCOPE_MAX], struct text *name_r);

/* What is to become of a scope. The texts are borrowed. */
struct scoped_change {
	enum settings_what what;
	uint64_t if_revision; /* 0: whatever it is */
	bool check; /* only whether it could be done */
	struct event_setting list[COMMAND_SETTINGS_MAX];
	unsigned count;
};
void scoped_change(struct session *session, const struct chat_id *id,
		   const struct scoped_change *change);
void scoped_get(struct session *session, const struct chat_id *id, unsigned kind,
		struct text scope);
void scoped_list(struct session *session, const struct chat_id *id, unsigned kind, uint32_t limit,
		 uint32_t offset);
void scoped_show(struct session *session, const struct chat_id *id);

/* policy: its name; empty: none any more. */
void scoped_grant(struct session *session, const struct chat_id *id, struct text user,
		  struct text policy);
void scoped_policy_of(struct session *session, const struct chat_id *id, struct text user);

#endif
