#ifndef PCHAT_WORKER_IMPORT_H
#define PCHAT_WORKER_IMPORT_H

#include "shm/command.h"
#include "worker/chat.h"
#include "worker/object.h"

/*
 * The part of the waist (chat.h) that brings in what is in an archive, a line at a time. The front
 * end takes the line apart; what it names is looked up here; the sequencer decides.
 */
struct import_line {
	uint16_t type;		    /* enum event_type; which of the union counts */
	uint16_t flags;		    /* EVENT_HISTORY: EVENT_ALERT, EVENT_REPLACED */
	struct command_import head; /* without the type; check: nothing is done */
	union {			    /* without the ids, which are looked up by what follows */
		struct event_principal principal;
		struct event_category category;
		struct event_addin addin;
		struct event_room room;
		struct event_role role;
		struct event_affiliation affiliation;
		struct event_person person;
		struct event_history history;
		struct event_setting setting; /* of a category: the scope, too, is looked up */
		struct event_grant grant;
		struct event_file file;
	};
	struct text user;  /* a URI: of a role, a member, of whom a thing is */
	struct text other; /* a URI: the group, the inviter, the author; empty: none */
	bool has_node, has_category;
	uint8_t node[16];	   /* uuid of the room, or of the category of a role or setting */
	uint8_t of_category[16]; /* uuid, of a room */
	struct text category_name; /* by which the category is found if the uuid is unknown; empty:
				      not */
	struct text addin_name;
	char scope[EVENT_SCOPE_MAX]; /* of a setting of a category */
};

/* Looks up what a line names, and puts the ids into it; the room of messages and files comes back. */
int import_names(const struct chat *chat, struct import_line *line, uint32_t *room_r);

/* A line of a file: a part of the next. */
void import_file(struct session *session, const struct chat_id *id, struct import_line *line);

/* Answered by the front end's `imported`. */
void chat_import(struct session *session, const struct chat_id *id, struct import_line *line);

#endif
