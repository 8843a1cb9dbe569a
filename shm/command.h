#ifndef PCHAT_SHM_COMMAND_H
#define PCHAT_SHM_COMMAND_H

#include "shm/event.h"

/*
 * Commands to the sequencer. Payloads are encoded as the event of the same shape (shm/event.h);
 * "none" means an empty one. The columns say whose mailbox may carry it; in any other it is refused
 * and counted. The sequencer answers each with the event itself or with a struct answer.
 */
enum command_type {
	/* Workers. origin.session must be open in the sender's slot and generation. */
	COMMAND_MESSAGE = 1,  /* room; event_message; flags: EVENT_ALERT */
	COMMAND_JOIN = 2,     /* room; none. Joining again yields no event: CODE_OK is answered */
	COMMAND_LEAVE = 3,    /* room; none */
	COMMAND_JOIN_ROOMS = 44, /* event_rooms, flags 0: EVENT_JOINS has those that are joined. CODE_OK
				    is answered where that is none. Of each of the others COMMAND_JOIN
				    says why not */
	COMMAND_SESSION_CLOSE = 4, /* none: the client signed out; flags: COMMAND_LOST */

	/*
	 * Workers, what administrators do. The payload is a struct command_change and then what the
	 * column says. Id 0 means a new one (with a uuid that the worker made up); of an existing one
	 * only what `fields` names is changed, and ids, epochs, times and revisions are the
	 * sequencer's. Where nothing else is said the session must have been opened with
	 * EVENT_ADMIN.
	 */
	COMMAND_PRINCIPAL = 5,	  /* event_principal */
	COMMAND_ROOM = 6,	  /* event_room; creators and managers may, too */
	COMMAND_CATEGORY = 7,	  /* event_category */
	COMMAND_ADDIN = 8,	  /* event_addin */
	COMMAND_ROLES = 9,	  /* struct command_roles and its list; managers may, of rooms */
	COMMAND_MEMBERS = 12,	  /* struct command_members and its list */
	COMMAND_REMOVE = 13,	  /* event_removed */

	/* Workers; administrators, and authors where the category lets them remove their own. */
	COMMAND_MESSAGE_REMOVE = 14, /* room; struct command_message_remove, its numbers, then an
					event_replacement; flags: EVENT_REPLACED */
	COMMAND_PURGE = 15,	     /* room; struct command_purge */

	/* Workers; users only, of themselves. event_person, of which the column says what counts. */
	COMMAND_INVITATION_READ = 16, /* number: those up to there are no news any more */
	COMMAND_MARKER = 17,	      /* room; number. Never back: CODE_OK is answered, with seq */
	COMMAND_FEED = 18,	      /* what PUT or GONE; item 0: a new one */
	COMMAND_ACCESS = 19,	      /* room; what PUT (asked), GONE (withdrawn), text; managers:
					 what GRANTED or DENIED, principal */
	COMMAND_QUIT = 33,	      /* room; none: leaves the list of members */

	/* Workers, where compliance is on, before they show what was said. */
	COMMAND_VIEW = 28, /* struct command_view, its rooms, then an event_view */

	/* Workers; administrators only. */
	COMMAND_SETTING = 24, /* struct command_settings; then, each behind its length (uint32_t),
				 event_settings of one kind and scope */
	COMMAND_GRANT = 25,   /* event_grant */

	COMMAND_IMPORT = 36, /* struct command_import and the payload of an event: administrators bring
				in what is in an archive. CODE_OK is answered where it is there already */

	/* Workers; users only. */
	COMMAND_FILE_UPLOAD = 40, /* room; event_file: the worker made up uuid and token. Becomes
				     EVENT_FILE_GRANT */

	/* pchat-file, which knows what it says of a file. The event's origin has no request: whoever
	 * asked pchat-file is answered by it. */
	COMMAND_FILE_STORED = 41, /* room; event_file, its author is the one who was granted it, also
				     when his session (origin) is over. Becomes EVENT_FILE */
	COMMAND_FILE_READ = 42,	  /* room; event_file; origin: the worker's session. EVENT_FILE_READ */
	COMMAND_FILE_REMOVE = 43, /* likewise. Administrators, and the author where the category lets
				     authors remove what they posted. EVENT_FILE_REMOVED */

	/* pchat-auth. origin: the worker's session. */
	COMMAND_SESSION_OPEN = 10, /* struct command_session; event_session follows it */
	COMMAND_REKEY = 11,	   /* struct command_rekey: the user's password was changed */
	COMMAND_REFUSED = 29,	   /* event_refused: a sign-in, where compliance wants to know. Workers:
				      room; what they refuse by themselves */

	/* The store, while the sequencer loads. */
	COMMAND_LOAD_BEGIN = 20, /* struct command_load */
	COMMAND_LOAD_OBJECT = 21, /* flags: an event's type; its payload. All principals, then
				     affiliations, categories, add-ins, (rooms,) roles */
	COMMAND_LOAD_ROOM = 22,	     /* struct command_load_room, event_room follows it */
	COMMAND_LOAD_END = 23,	     /* none */

	/* The store, at any other time. */
	COMMAND_RETAIN = 34, /* room; struct command_purge: what retention has no place for */

	/* Readers: recent history of a room that the cache does not have, newest first, each
	   joining the oldest message that the cache has. */
	COMMAND_FILL = 30, /* room; struct command_fill, event_message follows it */
};

enum command_flag {
	COMMAND_LOST = 1, /* the connection is gone without that, and the client may come back */
};

enum command_field {
	FIELD_NAME = 1,
	FIELD_DESCRIPTION = 2,
	FIELD_STATE = 4,     /* of a user: active, disabled, deleted; of a room: disabled or not */
	FIELD_CATEGORY = 8,  /* of a room, as are: */
	FIELD_PRIVACY = 16,
	FIELD_BEHAVIOR = 32,
	FIELD_INVITATIONS = 64,
	FIELD_ADDIN = 128,
	FIELD_FLAGS = 256, /* of a category: the flags in which event and `mask` agree to differ */
	FIELD_URL = 512,   /* of an add-in */
};

struct command_change {
	uint64_t if_revision; /* DataCollision if the object has another one; 0: whatever it has */
	uint32_t fields;      /* enum command_field */
	uint32_t mask;	      /* FIELD_FLAGS: which flags of a category are set as given */
};

/* Changes of roles in one category or room, all or none of them. count struct command_role follow. */
struct command_roles {
	uint8_t kind;	 /* NODE_CATEGORY or NODE_ROOM */
	uint8_t replace; /* bits 1 << role: whoever is not in the list loses that role */
	uint16_t count;
	uint32_t node;
};

struct command_role {
	uint32_t principal;
	uint8_t role, present;
	uint16_t reserved;
};

/* Changes of who is in a group, all of them or none, one after the other. count struct command_member
 * follow. */
struct command_members {
	uint32_t group;
	uint16_t count;
	uint8_t replace; /* 1: whoever is not in the list is in it no more */
	uint8_t reserved;
};

struct command_member {
	uint32_t member;
	uint32_t present;
};

/* count uint64_t follow: numbers of messages. One event each; the last one answers. */
struct command_message_remove {
	uint32_t count;
	uint32_t reserved;
};
enum { COMMAND_MESSAGE_REMOVE_MAX = 500 };

struct command_purge {
	uint64_t through; /* the number of the last message that goes */
};

/* count uint32_t follow: ids of rooms. One event each, or one without a room; the last one answers. */
struct command_view {
	uint32_t count;
	uint32_t reserved;
};
enum { COMMAND_VIEW_MAX = 512 };

/* What is to become of the settings of one scope, all of it or nothing. */
enum settings_what {
	SETTINGS_CREATE = 1, /* there must be none yet */
	SETTINGS_SET = 2,    /* those that are named */
	SETTINGS_REMOVE = 3, /* all of them; one event_setting that names only the scope */
};
struct command_settings {
	uint8_t what;
	uint8_t check; /* 1: only say whether it could be done */
	uint8_t reserved[2];
	uint32_t count;
	uint64_t if_revision; /* only if the scope still is as this number says (shm/scoped.h); 0: any */
};
enum { COMMAND_SETTINGS_MAX = 16 };

/*
 * Only adds: what is there stays as it is. Of the event id, and in a principal's epoch a lower number,
 * do not count. A room of revision 0 is being filled: it is disabled until HISTORY_END.
 */
struct command_import {
	uint16_t type;	   /* enum event_type: an object, EVENT_ROLE, EVENT_AFFILIATION, what a user has,
			      EVENT_HISTORY (room and flags as in its record), EVENT_FILE (room),
			      EVENT_SETTING or EVENT_GRANT: CODE_DATA_COLLISION where it has another value */
	uint8_t check;	   /* 1: nothing is done; CODE_OK is answered, seq 1: it would be */
	uint8_t disabled;  /* HISTORY_END: the room, from then on, where it was being filled */
	uint32_t reserved;
	uint64_t seq;	   /* EVENT_HISTORY */
	uint64_t after;	   /* the number of the message before this one in the archive; 0: none. CODE_BUSY
			      where the room does not have it: it was refused, and has to come first */
	uint64_t revision; /* HISTORY_END: as disabled */
};

struct command_session {
	uint32_t principal; /* 0 with EVENT_ADMIN in flags, which then say which role, too */
	uint32_t epoch;	    /* of the principal when its secret was checked */
};

struct command_rekey {
	uint32_t principal;
	uint32_t reserved;
};

struct command_load {
	uint8_t journal[16]; /* id of the journal to which the cursor belongs; 0: a new database */
	uint64_t cursor;     /* everything below is in the database */
	uint32_t last_principal, last_room; /* highest ids ever given */
	uint32_t last_category, last_addin;
};

struct command_load_room {
	uint64_t last_seq;
	uint64_t removals;
};

struct command_fill {
	uint64_t seq, time;
	uint64_t asked; /* every event below this LSN was in the database when it was read */
	uint32_t author;
	uint16_t flags; /* EVENT_ALERT, EVENT_REPLACED, EVENT_GONE */
	uint16_t reserved;
};

#endif
