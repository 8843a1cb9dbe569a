#ifndef PCHAT_SHM_CACHE_H
#define PCHAT_SHM_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/code.h"
#include "conf/conf.h"
#include "conf/err.h"
#include "shm/event.h"
#include "shm/segment.h"

/*
 * The cache: rooms, users, sessions, who is in which room, recent history. This header is what
 * everybody reads it by; how the sequencer changes it stands in shm/apply.h.
 *
 * A reader gets copies. Each call tries a bounded number of times to get a consistent one and then
 * returns CODE_BUSY. Nothing in the cache is newer than what is durable.
 */
struct cache; /* a mapping of it, read-only or writable */

/* The bytes that the configuration asks for; 0 and err, which names the setting, if it is too much. */
uint64_t cache_size(const struct conf *conf, struct err *err);

/* Maps a cache for reading. The sizes in it are checked. */
struct cache *cache_map(int fd, struct err *err);
void cache_free(struct cache **cache);

struct room_view {
	uint32_t id;
	uint8_t uuid[16];
	bool disabled;
	uint8_t privacy, behavior, invitations; /* as in struct event_room */
	uint32_t category, addin;		/* ids */
	uint64_t created, revision;
	uint64_t last_seq;   /* 0: no message yet */
	uint64_t oldest_seq; /* of those in the cache; last_seq + 1 if there is none */
	uint64_t removals; /* how often messages were removed, replaced or purged */
	uint64_t removal;  /* LSN of the newest such event since the cache was loaded; 0: none */
	uint32_t participants; /* sessions in it */
	uint16_t name_length, description_length;
	char name[EVENT_NAME_MAX], description[EVENT_DESCRIPTION_MAX];
};

struct principal_view {
	uint32_t id;
	uint16_t kind, state;
	uint32_t epoch;
	uint16_t uri_length, name_length;
	char uri[EVENT_URI_MAX], name[EVENT_NAME_MAX];
};

struct category_view {
	uint32_t id;
	uint8_t uuid[16];
	uint32_t flags; /* enum category_flag */
	uint32_t rooms; /* in it */
	uint64_t created, revision;
	uint16_t name_length, description_length;
	char name[EVENT_NAME_MAX], description[EVENT_DESCRIPTION_MAX];
};

struct addin_view {
	uint32_t id;
	uint8_t uuid[16];
	uint16_t name_length, url_length;
	char name[EVENT_ADDIN_NAME_MAX], url[EVENT_ADDIN_URL_MAX];
};

struct role_view {
	uint32_t principal;
	uint8_t roles; /* bits 1 << enum role */
};

struct message_view {
	uint64_t seq, time, lsn; /* lsn 0: came from the database */
	uint32_t author;
	uint16_t flags; /* EVENT_ALERT, EVENT_REPLACED; EVENT_GONE: there is no such message */
	uint16_t id_length;
	char id[EVENT_MESSAGE_ID_MAX];
	struct text title, text, rich_type, rich; /* in the buffer given to cache_history */
};

/* CODE_OK, CODE_NO_SUCH_NODE or CODE_NO_SUCH_PRINCIPAL, or CODE_BUSY. */
int cache_room(const struct cache *cache, uint32_t id, struct room_view *room_r);
int cache_room_by_uuid(const struct cache *cache, const uint8_t uuid[16], struct room_view *room_r);
int cache_room_id(const struct cache *cache, const uint8_t uuid[16], uint32_t *id_r);
int cache_principal(const struct cache *cache, uint32_t id, struct principal_view *principal_r);
int cache_principal_by_uri(const struct cache *cache, const char *uri, size_t length,
			   struct principal_view *principal_r);

/* Walk all of a table: *position starts at 0 and is moved. CODE_OK with a row, CODE_BUSY for a row
 * that could not be read just now (the walk goes on), CODE_NO_SUCH_NODE or _PRINCIPAL at the end. */
int cache_rooms_next(const struct cache *cache, uint32_t *position, struct room_view *room_r);
int cache_principals_next(const struct cache *cache, uint32_t *position,
			  struct principal_view *principal_r);

/* Categories and add-ins likewise; CODE_NO_SUCH_NODE where there is none, and at the end. */
int cache_category(const struct cache *cache, uint32_t id, struct category_view *category_r);
int cache_category_by_uuid(const struct cache *cache, const uint8_t uuid[16],
			   struct category_view *category_r);
int cache_category_by_name(const struct cache *cache, const char *name, size_t length,
			   struct category_view *category_r);
int cache_categories_next(const struct cache *cache, uint32_t *position,
			  struct category_view *category_r);
int cache_addin(const struct cache *cache, uint32_t id, struct addin_view *addin_r);
int cache_addin_by_name(const struct cache *cache, const char *name, size_t length,
			struct addin_view *addin_r);
int cache_addins_next(const struct cache *cache, uint32_t *position, struct addin_view *addin_r);
int cache_room_by_name(const struct cache *cache, const char *name, size_t length,
		       struct room_view *room_r);

/* The roles in a category or room (kind: enum node_kind, id), at most max; *count_r how many there
 * are in all. */
int cache_roles(const struct cache *cache, unsigned kind, uint32_t id, struct role_view *list,
		uint32_t max, uint32_t *count_r);

/* The groups that a principal is in, or the members that a group has, directly; likewise. */
int cache_groups(const struct cache *cache, uint32_t principal, uint32_t *list, uint32_t max,
		 uint32_t *count_r);
int cache_members(const struct cache *cache, uint32_t group, uint32_t *list, uint32_t max,
		  uint32_t *count_r);

/*
 * What a user may do in a room: bits of enum right (shm/role.h). For showing and finding only: what
 * is done is decided by the sequencer.
 */
int cache_rights(const struct cache *cache, uint32_t principal, uint32_t room, unsigned *rights_r);

/* The roles that a user has in a room (bits 1 << enum role), by himself or by a group. */
int cache_own_roles(const struct cache *cache, uint32_t principal, uint32_t room,
		    unsigned *roles_r);

/* Whether a principal is in a category's scope, by itself or by a group. */
int cache_in_scope(const struct cache *cache, uint32_t principal, uint32_t category, bool *is_r);

/* Whether a user may make rooms in a category. */
int cache_may_create(const struct cache *cache, uint32_t principal, uint32_t category,
		     bool *may_r);

/* Whose sessions are in a room (ids of users, in no order), for at most max sessions; *count_r how
 * many. A user is there as often as he has sessions in it. */
int cache_participants(const struct cache *cache, uint32_t room, uint32_t *list, uint32_t max,
		       uint32_t *count_r);

/* How many sessions are in a room, and of how many users. */
int cache_crowd(const struct cache *cache, uint32_t room, uint32_t *sessions_r, uint32_t *users_r);

/* Changes with whatever changes of the room or its messages. CODE_OK, CODE_BUSY while something does,
 * CODE_NO_SUCH_NODE. */
int cache_room_version(const struct cache *cache, uint32_t room, uint32_t *version_r);

/*
 * The newest messages of a room that the cache has with after < seq < before and an LSN below
 * upto, at most limit, oldest first; their texts go into buffer. What does not fit into buffer
 * (size bytes) is left out from the old end. They are contiguous.
 */
int cache_history(const struct cache *cache, uint32_t room, uint64_t after, uint64_t before,
		  uint64_t upto, struct message_view *list, unsigned limit, char *buffer, size_t size,
		  unsigned *count_r);

/* What a user has, of one kind: an event's type from EVENT_INVITATION to EVENT_ACCESS_REQUEST. */
struct person_view {
	uint32_t principal, item;
	uint32_t who, room;
	uint8_t flags;
	uint64_t number, time;
};

/* At most max of them, *count_r how many there are; in no order. */
int cache_person(const struct cache *cache, unsigned kind, uint32_t principal,
		 struct person_view *list, uint32_t max, uint32_t *count_r);

/* One of them; CODE_NO_SUCH_NODE where there is none. name and text, where not NULL, get the bytes
 * that a feed or a request has (EVENT_FEED_NAME_MAX, EVENT_WORDS_MAX). */
int cache_person_item(const struct cache *cache, unsigned kind, uint32_t principal, uint32_t item,
		      struct person_view *view_r, char *name, uint32_t *name_length_r, char *text,
		      uint32_t *text_length_r);

/* Who asks for access to a room, at most max of them. Looks at all requests that there are. */
int cache_requests(const struct cache *cache, uint32_t room, struct person_view *list, uint32_t max,
		   uint32_t *count_r);

/* A scoped setting (shm/scoped.h). */
struct setting_view {
	uint8_t kind; /* enum scoped_kind */
	uint16_t scope_length, name_length, value_length;
	char scope[EVENT_SCOPE_MAX], name[EVENT_SETTING_MAX], value[EVENT_VALUE_MAX];
};

/* Walks all of them, as cache_rooms_next. */
int cache_settings_next(const struct cache *cache, uint32_t *position,
			struct setting_view *setting_r);

/* Changes with each of them. Odd: one is being changed. */
uint32_t cache_settings_version(const struct cache *cache);

/* The name of the policy that was granted to a user; length 0: none. CODE_NO_SUCH_PRINCIPAL. */
int cache_grant(const struct cache *cache, uint32_t principal, char policy[EVENT_POLICY_MAX],
		uint32_t *length_r);

/* How full each table is, for status: rows in use and rows in all. */
struct cache_use {
	const char *name; /* "rooms" */
	uint64_t used, size;
};
void cache_use(const struct cache *cache, struct cache_use use_r[TABLE_COUNT]);

/* "rooms": what a table is called there, and, but for posts and history, the setting that gives it its
 * size. NULL: there is no such table. */
const char *cache_table_name(unsigned table);

/* The author of a message, where it is among a room's recent ones; else 0. For the sequencer, which
 * alone may read its own cache without trying again. */
uint32_t cache_author(const struct cache *cache, uint32_t room, uint64_t seq);

/* What was applied: every event below this LSN is in the cache. */
uint64_t cache_applied(const struct cache *cache);

/* Sessions that are lost: they have no connection, but their places yet. */
uint32_t cache_lost(const struct cache *cache);

#endif
