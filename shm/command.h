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
	COMMAND_SESSION_CLOSE = 4, /* none: the client signed out or is gone */

	/* Workers, from a session that was opened with EVENT_ADMIN. */
	COMMAND_PRINCIPAL = 5, /* event_principal; id 0: new, else change; epoch is ignored */
	COMMAND_ROOM = 6,      /* event_room; id 0: new (uuid must be given), else change */

	/* pchat-auth. origin: the worker's session. */
	COMMAND_SESSION_OPEN = 10, /* struct command_session; event_session follows it */
	COMMAND_REKEY = 11,	   /* struct command_rekey: the user's password was changed */

	/* The store, while the sequencer loads. */
	COMMAND_LOAD_BEGIN = 20, /* struct command_load */
	COMMAND_LOAD_PRINCIPAL = 21, /* event_principal */
	COMMAND_LOAD_ROOM = 22,	     /* struct command_load_room, event_room follows it */
	COMMAND_LOAD_END = 23,	     /* none */

	/* Readers: recent history of a room that the cache does not have, newest first, each
	   joining the oldest message that the cache has. */
	COMMAND_FILL = 30, /* room; struct command_fill, event_message follows it */
};

struct command_session {
	uint32_t principal; /* 0 with EVENT_ADMIN in flags */
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
};

struct command_load_room {
	uint64_t last_seq;
	uint64_t reserved;
};

struct command_fill {
	uint64_t seq, time;
	uint32_t author;
	uint16_t flags; /* EVENT_ALERT */
	uint16_t reserved;
};

#endif
