#ifndef PCHAT_SHM_EVENT_H
#define PCHAT_SHM_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/layout.h"

/*
 * What a record's payload holds, by type. Each payload is a fixed struct followed by its strings,
 * one behind the other, without terminators; text is UTF-8. Whoever reads a record from the journal
 * takes it apart with these functions only: they check every length, because a journal is a file
 * and a file can be damaged.
 */
enum event_type {
	EVENT_PAD = 1,
	EVENT_START = 2,     /* the sequencer started; with EVENT_COLD all sessions are over */
	EVENT_PRINCIPAL = 3, /* a user was added or changed: its whole state. actor: who did it */
	EVENT_ROOM = 4,	     /* a room was added or changed: its whole state */
	EVENT_SESSION_OPEN = 5,	 /* origin: the session, actor: its user */
	EVENT_SESSION_CLOSE = 6, /* the same; its EVENT_LEAVEs stand before it */
	EVENT_JOIN = 7,
	EVENT_LEAVE = 8,
	EVENT_MESSAGE = 9,
	EVENT_TYPES
};

enum event_flag {
	EVENT_COLD = 1,	  /* EVENT_START: the cache was built anew */
	EVENT_FIRST = 2,  /* EVENT_JOIN: the user was in the room with no other session */
	EVENT_LAST = 4,	  /* EVENT_LEAVE: the user is in the room with no other session any more */
	EVENT_ALERT = 8,  /* EVENT_MESSAGE: of importance "alert" */
	EVENT_ADMIN = 16, /* EVENT_SESSION_OPEN: a local administrator, actor 0 */
};

enum {
	EVENT_NAME_MAX = 1024, /* bytes of a name: 256 characters */
	EVENT_DESCRIPTION_MAX = 1024,
	EVENT_URI_MAX = 454,	  /* bytes of a principal's URI */
	EVENT_MESSAGE_ID_MAX = 40, /* bytes of the client's own id of a post */
	EVENT_ADDRESS_MAX = 64,
	EVENT_TEXT_MAX = 1 << 20,		/* bytes of a message; the configuration asks for less */
	EVENT_PAYLOAD_MAX = EVENT_TEXT_MAX + 4096, /* bytes of any payload */
};

struct text { /* borrowed bytes, not terminated */
	const char *data;
	uint32_t length;
};

enum principal_kind { PRINCIPAL_USER = 5 };
enum principal_state { PRINCIPAL_ACTIVE = 0, PRINCIPAL_DISABLED = 1, PRINCIPAL_DELETED = 2 };

struct event_principal {
	uint32_t id;
	uint16_t kind, state;
	uint32_t epoch; /* counts the changes of the password: older tokens are void */
	struct text uri, name;
};

struct event_room {
	uint32_t id;
	uint8_t uuid[16];
	uint16_t disabled;
	uint64_t created; /* UTC us */
	struct text name, description;
};

struct event_session {
	struct text address; /* of the client: "127.0.0.1:50000", "unix:uid=0" */
};

struct event_message {
	struct text id; /* the client's own, may be empty */
	struct text text;
};

/*
 * Take a payload apart; the texts point into the record. False: the payload is malformed: a length
 * does not agree or exceeds its maximum, an enum is unknown, or a text holds a NUL byte (no text
 * may: a database would cut it off there, and no text can look like a record of the journal then).
 * Every word is read once and at most EVENT_PAYLOAD_MAX bytes behind the record are looked at, so
 * that a record which is overwritten meanwhile (see journal_overtaken) does no harm.
 */
bool event_principal_get(const struct record *record, struct event_principal *event_r);
bool event_room_get(const struct record *record, struct event_room *event_r);
bool event_session_get(const struct record *record, struct event_session *event_r);
bool event_message_get(const struct record *record, struct event_message *event_r);

/* The same of a payload that stands elsewhere, as in a command. */
bool event_principal_parse(const void *payload, uint32_t size, struct event_principal *event_r);
bool event_room_parse(const void *payload, uint32_t size, struct event_room *event_r);
bool event_session_parse(const void *payload, uint32_t size, struct event_session *event_r);
bool event_message_parse(const void *payload, uint32_t size, struct event_message *event_r);

/* Put a payload together at out; return its size, or 0 where size is too small or
 * the other side would call it malformed. */
uint32_t event_principal_put(const struct event_principal *event, void *out, uint32_t size);
uint32_t event_room_put(const struct event_room *event, void *out, uint32_t size);
uint32_t event_session_put(const struct event_session *event, void *out, uint32_t size);
uint32_t event_message_put(const struct event_message *event, void *out, uint32_t size);

/* "message", for logs. */
const char *event_name(unsigned type);

#endif
