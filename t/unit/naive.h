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
	} people[PEOPLE];
	unsigned people_count;

	struct {
		bool there;
		char name[NAME];
		bool role[PEOPLE][NAIVE_ROLES];
	} category[CATEGORIES];
	unsigned categories;

	struct {
		bool there, disabled, auditorium;
		char name[NAME];
		unsigned category;
		enum naive_privacy privacy;
		bool role[PEOPLE][NAIVE_ROLES];
		uint64_t posts, removals;
	} room[ROOMS];
	unsigned rooms;

	struct {
		bool open, admin;
		unsigned user;
		bool in[ROOMS];
	} session[SESSIONS];
};

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
struct naive_answer naive_category(struct naive *n, unsigned id, const char *name);
struct naive_answer naive_category_remove(struct naive *n, unsigned id);
struct naive_answer naive_category_role(struct naive *n, unsigned session, unsigned id,
					unsigned person, enum naive_role role, bool present);

struct naive_room_wish {
	const char *name;  /* NULL: as it is */
	int category;	   /* -1: as it is, as in the others */
	int privacy, auditorium, disabled;
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
struct naive_answer naive_join(struct naive *n, unsigned session, unsigned room);
struct naive_answer naive_leave(struct naive *n, unsigned session, unsigned room);
struct naive_answer naive_post(struct naive *n, unsigned session, unsigned room);
struct naive_answer naive_purge(struct naive *n, unsigned session, unsigned room, uint64_t seq);

#endif
