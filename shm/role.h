#ifndef PCHAT_SHM_ROLE_H
#define PCHAT_SHM_ROLE_H

#include "shm/event.h"
#include "shm/table.h"

/*
 * Who has which role where, and who is a member of which group: the rows, how they change, and
 * what of them makes a right. Rights are worked out here and nowhere else.
 */

/* --- Changing; the caller has opened header.rights. --- */

/* Sets (or clears) a role of a principal in the node with this row. False: TABLE_ROLE is full. */
bool role_set(struct cache *cache, enum node_kind kind, uint32_t node, uint32_t *first_role,
	      const struct event_role *event);

/* Takes all roles of a node away. */
void role_clear(struct cache *cache, uint32_t *first_role);

/* The rows are those of principals. False: TABLE_AFFILIATION is full. */
bool affiliation_set(struct cache *cache, uint32_t member, uint32_t group, bool present);

/* --- Asking. --- */

#define ROLE_BIT(role) (1u << (role))

/* The roles of one principal in a node: bits ROLE_BIT. Its groups do not count. */
unsigned role_get(const struct cache *cache, enum node_kind kind, uint32_t node,
		  uint32_t principal);

/* A principal with all the groups that it belongs to, directly or not. */
enum { CIRCLE_MAX = 4096 };

struct circle {
	unsigned count;
	bool cut; /* there are more than CIRCLE_MAX: the rest is not looked at, and gives no right */
	uint32_t id[CIRCLE_MAX];
};

/* principal: an id, also of a group. PRINCIPAL_ANY_USER is in every circle. */
void circle_find(const struct cache *cache, uint32_t principal, struct circle *circle);

/* The roles that anybody in the circle has in a node. */
unsigned circle_roles(const struct cache *cache, const struct circle *circle, enum node_kind kind,
		      uint32_t node);

/* Allowed and not denied. */
bool circle_in_scope(const struct cache *cache, const struct circle *circle, uint32_t category);

enum right {
	RIGHT_SEE = 1,	  /* find the room, see what it is */
	RIGHT_JOIN = 2,	  /* join it, read and search its history */
	RIGHT_POST = 4,
	RIGHT_MANAGE = 8, /* change it and its roles */
};

/*
 * What the people in the circle may do in a room: bits of enum right. Whether it is disabled does
 * not matter here. The table of all cells is in rights_of in role.c.
 */
unsigned circle_rights(const struct cache *cache, const struct circle *circle, uint32_t room);

#endif
