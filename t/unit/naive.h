#ifndef PCHAT_T_UNIT_NAIVE_H
#define PCHAT_T_UNIT_NAIVE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What the rules of categories, rooms, roles and groups come to, as naively as possible: plain arrays
 * that are searched from end to end, nothing kept that can be worked out, and no line of code shared
 * with the engine. Ids are indexes, from 1; people[0] is everybody.
 *
 * Every function changes the model and returns what the answer has to be; where several reasons
 * speak against something, any of them will do.
 */
enum { PEOPLE = 40, CATEGORIES = 24, ROOMS = 60, SESSIONS = 12, NAME = 16, REASONS = 8 };
enum { SCOPES = 7, SETTINGS = 6, FEEDS = 2, REQUESTS = 2 };

enum naive_privacy { NAIVE_SECRET, NAIVE_CLOSED, NAIVE_OPEN };
enum naive_role { NAIVE_ALLOWED, NAIVE_DENIED, NAIVE_CREATOR, NAIVE_MEMBER, NAIVE_MANAGER,
		  NAIVE_PRESENTER, NAIVE_ROLES };
enum naive_state { NAIVE_ACTIVE, NAIVE_DISABLED, NAIVE_DELETED };

struct naive {
	struct {
		bool is_group;
		enum naive_state state;
		char uri[NAME];
		bool in[PEOPLE]; /* directly a member of */
		unsigned policy; /* the scope of the one that was granted; 0: none */

		/* What is his own. */
		unsigned invitation[ROOMS]; /* its number; 0: there is none */
		unsigned invited, read;	    /* the last number given, and the last one read */
		uint64_t marker[ROOMS];
		bool request[ROOMS];
		struct {
			bool there;
			unsigned author, room, words;
		} feed[FEEDS + 1]; /* from 1 */
	} people[PEOPLE];
	unsigned people_count;

	struct {
		bool there;
		char name[NAME];
		bool invites, requests, leaves;
		bool role[PEOPLE][NAIVE_ROLES];
	} category[CATEGORIES];
	unsigned categories;

	struct {
		bool there, disabled, auditorium, invites;
		char name[NAME];
		unsigned category;
		enum naive_privacy privacy;
		bool role[PEOPLE][NAIVE_ROLES];
		uint64_t posts, removals;
	} room[ROOMS];
	unsigned rooms;

	struct {
		bool open, admin;
		bool lost; /* then it is not open, but in its rooms */
		unsigned user;
		bool in[ROOMS];
	} session[SESSIONS];

	/* Values are numbers from 1; 0: none. In the order of naive_scopes and naive_settings. */
	unsigned setting[SCOPES][SETTINGS];
};

/* "global" is 0, policies with a name are the last ones; the first settings are of the kind "config". */
extern const char *const naive_scopes[SCOPES];
enum { SCOPE_GLOBAL, SCOPE_OWN_SITE, SCOPE_OTHER_SITE, SCOPE_OWN_POOL, SCOPE_TAGS };
extern const char *const naive_settings[SETTINGS];
enum { SETTING_POLICY = 4, SETTING_ENABLED = 4 };
enum { VALUE_NONE, VALUE_YES, VALUE_NO };

/* Reasons, each an enum code; none: it is done. NAIVE_NOTHING: there is nothing to do, which is
 * CODE_OK without an event. */
struct naive_answer {
	int reason[REASONS];
	unsigned count;
};
enum { NAIVE_NOTHING = 0 };

bool naive_may(const struct naive *n, unsigned user, unsigned room, char right);

struct naive_answer naive_person(struct naive *n, bool is_group, const char *uri);
struct naive_answer naive_state(struct naive *n, unsigned id, enum naive_state state);
struct naive_answer naive_affiliate(struct naive *n, unsigned member, unsigned group, bool present);
/* flags: bits 1 invites, 2 takes requests, 4 lets members leave; of a new one. */
struct naive_answer naive_category(struct naive *n, unsigned id, const char *name, unsigned flags);
struct naive_answer naive_category_remove(struct naive *n, unsigned id);
struct naive_answer naive_category_role(struct naive *n, unsigned session, unsigned id,
					unsigned person, enum naive_role role, bool present);

struct naive_room_wish {
	const char *name;  /* NULL: as it is */
	int category;	   /* -1: as it is, as in the others */
	int privacy, auditorium, disabled;
	bool invites; /* of a new one */
};
struct naive_answer naive_room_new(struct naive *n, unsigned session,
				   const struct naive_room_wish *wish);
struct naive_answer naive_room_change(struct naive *n, unsigned session, unsigned id,
				      const struct naive_room_wish *wish);
struct naive_answer naive_room_remove(struct naive *n, unsigned session, unsigned id);
struct naive_answer naive_room_role(struct naive *n, unsigned session, unsigned id,
				    unsigned person, enum naive_role role, bool present);

struct naive_answer naive_sign_in(struct naive *n, unsigned session, unsigned user, bool admin);
struct naive_answer naive_sign_out(struct naive *n, unsigned session);
struct naive_answer naive_lose(struct naive *n, unsigned session);
void naive_end_lost(struct naive *n); /* all of them */
struct naive_answer naive_join(struct naive *n, unsigned session, unsigned room);
struct naive_answer naive_leave(struct naive *n, unsigned session, unsigned room);
struct naive_answer naive_post(struct naive *n, unsigned session, unsigned room);
/* naive_own.c: what belongs to one user. */
struct naive_answer naive_marker(struct naive *n, unsigned session, unsigned room, uint64_t seq);
struct naive_answer naive_invitation_read(struct naive *n, unsigned session, unsigned number);
struct naive_answer naive_feed_put(struct naive *n, unsigned session, unsigned item, unsigned author,
				   unsigned room, unsigned words);
struct naive_answer naive_feed_remove(struct naive *n, unsigned session, unsigned item);
struct naive_answer naive_request(struct naive *n, unsigned session, unsigned room);
struct naive_answer naive_request_withdraw(struct naive *n, unsigned session, unsigned room);
struct naive_answer naive_request_answer(struct naive *n, unsigned session, unsigned room,
					 unsigned user, bool grant);
struct naive_answer naive_quit(struct naive *n, unsigned session, unsigned room);
void naive_forget_user(struct naive *n, unsigned user);
void naive_forget_room(struct naive *n, unsigned room);

/* One has become a member of a room, or ceased to be, by somebody's doing (0: an administrator). */
void naive_member_changed(struct naive *n, unsigned actor, unsigned room, unsigned user, bool present);

/* naive_scoped.c: settings and policies. first: the setting that is named, value 0: to be taken away. */
enum naive_change { NAIVE_CREATE, NAIVE_SET, NAIVE_REMOVE };
struct naive_answer naive_setting(struct naive *n, unsigned session, enum naive_change what,
				  unsigned scope, unsigned setting, unsigned value);
struct naive_answer naive_grant(struct naive *n, unsigned session, unsigned user, unsigned scope);
bool naive_may_use(const struct naive *n, unsigned user);

/* For the files of the model. */
void naive_because(struct naive_answer *answer, int code);
bool naive_exists(const struct naive *n, unsigned person);
bool naive_is_room(const struct naive *n, unsigned room);
bool naive_in_scope(const struct naive *n, unsigned person, unsigned category);
void naive_end_session(struct naive *n, unsigned session);
void naive_settle(struct naive *n);

struct naive_answer naive_purge(struct naive *n, unsigned session, unsigned room, uint64_t seq);

#endif
