#ifndef PCHAT_WORKER_OBJECT_H
#define PCHAT_WORKER_OBJECT_H

#include "shm/command.h"
#include "worker/chat.h"

/*
 * The part of the waist (chat.h) that is about categories, rooms, add-ins, groups and roles: what
 * administrators, creators and managers ask for. A worker looks names up and sends one command; who
 * may do what is decided by the sequencer.
 */

/* How a client names a category or room. */
struct object_key {
	bool by_name; /* else by uuid */
	uint8_t uuid[16];
	struct text name;
};

enum { OBJECT_LIST_MAX = 500, OBJECT_LISTS = 3 };

/* Changes of one list of principals or of several, as the client wrote them; borrowed. */
struct object_edit {
	struct text principal;
	uint8_t role, present; /* role 0: the members of a group */
};

struct object_edits {
	uint64_t if_revision;
	unsigned replace; /* bits 1 << role: who is not in the list goes */
	unsigned count;
	struct object_edit list[OBJECT_LISTS * OBJECT_LIST_MAX];
};

/* A room with the names of what it refers to. */
struct object_room {
	const struct room_view *room;
	uint8_t category[16];
	struct text addin; /* empty: none */
	bool files;	   /* it may have some */
	unsigned rights;   /* enum right */
};

enum object_list { OBJECT_CATEGORIES, OBJECT_ADDINS, OBJECT_GROUPS };

/* What a front end does with the answers; struct front_end has a pointer to one. Lists of
 * principals, written by `principal`, stand in the order of the roles. */
struct object_front {
	/* Items of lists. */
	void (*category)(const struct chat *chat, struct buf *list,
			 const struct category_view *category);
	void (*addin)(struct buf *list, const struct addin_view *addin);
	void (*group)(struct buf *list, const struct principal_view *group);
	void (*principal)(struct buf *list, struct text uri);

	/* Answers. cut: a list is longer than what is shown. */
	void (*listed)(struct session *session, const struct chat_id *id, enum object_list kind,
		       const struct buf *list, bool more);
	void (*category_made)(struct session *session, const struct chat_id *id,
			      const uint8_t uuid[16]);
	void (*imported)(struct session *session, const struct chat_id *id, bool made);
	void (*addin_made)(struct session *session, const struct chat_id *id, struct text name);
	void (*addin_whole)(struct session *session, const struct chat_id *id,
			    const struct addin_view *addin);
	void (*category_whole)(struct session *session, const struct chat_id *id,
			       const struct category_view *category, const struct buf *lists,
			       bool cut);
	void (*room_whole)(struct session *session, const struct chat_id *id,
			   const struct object_room *room, const struct buf *lists, bool cut);
	/* Members and groups; of a user the former is empty. */
	void (*principal_whole)(struct session *session, const struct chat_id *id,
				const struct principal_view *principal, const struct buf *lists,
				bool cut);
};

/* --- What a front end asks for; answered once, as in chat.h. --- */

/* key NULL: a new one. The texts are borrowed. Of what exists only change->fields counts. */
void object_category(struct session *session, const struct chat_id *id,
		     const struct object_key *key, const struct command_change *change,
		     const struct event_category *wanted);

/* addin: its name, empty: a new one. */
void object_addin(struct session *session, const struct chat_id *id, struct text addin,
		  const struct command_change *change, const struct event_addin *wanted);

/* category NULL: not given; a new room then stands in the only one that there is. addin: the name,
 * with FIELD_ADDIN; empty: none. */
void object_room(struct session *session, const struct chat_id *id, const struct object_key *key,
		 const struct command_change *change, const struct event_room *wanted,
		 const struct object_key *category, struct text addin);

/* kind: NODE_ROOM or NODE_CATEGORY here and in the next two; NODE_ADDIN, by name, only here. */
void object_remove(struct session *session, const struct chat_id *id, enum node_kind kind,
		   const struct object_key *key);
void object_roles(struct session *session, const struct chat_id *id, enum node_kind kind,
		  const struct object_key *key, const struct object_edits *edits);
void object_get(struct session *session, const struct chat_id *id, enum node_kind kind,
		const struct object_key *key);

void object_addin_get(struct session *session, const struct chat_id *id, struct text name);

void object_list(struct session *session, const struct chat_id *id, enum object_list kind,
		 struct text text, uint32_t limit, uint32_t offset);

/* The users who could be made members, or (rooms only) presenters; answered as chat_users. kind:
 * NODE_ROOM or NODE_CATEGORY. */
void object_eligible(struct session *session, const struct chat_id *id, enum node_kind kind,
		     const struct object_key *key, bool presenters, struct text text, uint32_t limit,
		     uint32_t offset);

/* Groups, folders and domains. */
void object_group_add(struct session *session, const struct chat_id *id, struct text uri,
		      struct text name, enum principal_kind kind);
void object_group_edit(struct session *session, const struct chat_id *id, struct text uri,
		       const struct object_edits *edits);

/* A user or a group: with the groups that it is in, and the members of a group. */
void object_principal_get(struct session *session, const struct chat_id *id, struct text uri,
			  bool group);

/* A user's or a group's state, or the name that others see. */
void object_principal_state(struct session *session, const struct chat_id *id, struct text uri,
			    bool group, enum principal_state state);
void object_principal_name(struct session *session, const struct chat_id *id, struct text uri,
			   bool group, struct text name);

#endif
