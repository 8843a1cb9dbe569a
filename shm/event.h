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
	EVENT_SESSION_CLOSE = 6, /* the same; its EVENT_LEAVEs and EVENT_LEAVES stand before it */
	EVENT_JOIN = 7,
	EVENT_LEAVE = 8,
	EVENT_MESSAGE = 9,
	EVENT_CATEGORY = 10, /* a category was added or changed: its whole state */
	EVENT_ADDIN = 11,    /* an add-in, likewise */
	EVENT_ROLE = 12,     /* one principal got or lost one role in a category or room */
	EVENT_AFFILIATION = 13, /* one principal became or ceased to be a member of a group */
	EVENT_REMOVED = 14,	/* a category, a room or an add-in is gone for good */
	EVENT_MESSAGE_REMOVED = 15, /* room, seq: that message is gone, or has another text */
	EVENT_PURGE = 16,	    /* room, seq: all messages up to that one are gone; no payload */
	EVENT_INVITATION = 17,	    /* these four: struct event_person, of one user */
	EVENT_MARKER = 18,
	EVENT_FEED = 19,
	EVENT_ACCESS_REQUEST = 20,
	EVENT_HISTORY = 21, /* room, seq: a message that was posted elsewhere or long ago comes out of
			       an archive; nobody is told. flags as in rows of messages */
	EVENT_SETTING = 22, /* one scoped setting has a value, or has none any more */
	EVENT_GRANT = 23,   /* one user was granted a policy, or has none any more */
	EVENT_VIEW = 24,    /* somebody read or searched what was said; only for compliance */
	EVENT_REFUSED = 25, /* somebody tried what he may not do; only for compliance */
	EVENT_FILE_GRANT = 26, /* these four: struct event_file, of one file of the room. The actor may
				  upload it, by a token */
	EVENT_FILE = 27,       /* the actor has uploaded it */
	EVENT_FILE_READ = 28,  /* the actor may download it, by a token */
	EVENT_FILE_REMOVED = 29, /* it is gone. Those of a room go with it, without this event */
	EVENT_JOINS = 30,	 /* as EVENT_JOIN, of several rooms at once: struct event_rooms */
	EVENT_LEAVES = 31,	 /* as EVENT_LEAVE, likewise */
	EVENT_LOST = 32,	 /* the session has no connection any more, and may be taken over: it
				    stays in its rooms, but is no worker's */
	EVENT_TYPES
};

enum event_flag {
	EVENT_COLD = 1,	  /* EVENT_START: the cache was built anew */
	EVENT_FIRST = 2,  /* joining: the user was in the room with no other session */
	EVENT_LAST = 4,	  /* leaving: the user is in the room with no other session any more */
	EVENT_ALERT = 8,  /* EVENT_MESSAGE: of importance "alert" */
	EVENT_ADMIN = 16, /* EVENT_SESSION_OPEN: an administrator, actor 0 */
	EVENT_NO_ACCESS = 32, /* EVENT_LEAVE: the right to be there was lost, or the room closed */
	EVENT_UNLOGGED = 64,  /* EVENT_MESSAGE: the category keeps no history: it is delivered, not kept */
	EVENT_REPLACED = 128, /* EVENT_MESSAGE_REMOVED: its text stands there from now on; in rows of
				 messages: so it is */
	EVENT_GONE = 256,     /* rows of recent history only: there is no such message any more */
	EVENT_IMPORTED = 512, /* EVENT_FILE: it comes out of an archive; nobody is told */
	EVENT_OPERATOR = 1024, /* with EVENT_ADMIN: an administrator who may not do everything */
	EVENT_READER = 2048,   /* the same: one who may only look (shm/admin_role.h) */
	EVENT_OFFICER = 4096,  /* the same: one who has to do with compliance records only */
	EVENT_TAKEN = 8192,    /* joining, of one room in EVENT_JOINS: the place that a lost session of
				  the user had there is this one's from now on */
	EVENT_ADMIN_ROLES = EVENT_ADMIN | EVENT_OPERATOR | EVENT_READER | EVENT_OFFICER,
};

enum {
	EVENT_NAME_MAX = 1024, /* bytes of a name: 256 characters */
	EVENT_DESCRIPTION_MAX = 1024,
	EVENT_URI_MAX = 454,	  /* bytes of a principal's URI */
	EVENT_MESSAGE_ID_MAX = 40, /* bytes of the client's own id of a post */
	EVENT_ADDRESS_MAX = 64,
	EVENT_METHOD_MAX = 64,
	EVENT_ADMIN_NAME_MAX = 264, /* bytes: "unix:" or "cert:" and a name */
	EVENT_TITLE_MAX = 1024,	   /* bytes of a story's title: 256 characters */
	EVENT_RICH_TYPE_MAX = 64,  /* bytes of a media type */
	EVENT_TEXT_MAX = 1 << 20,  /* bytes of a message's text and rich part together; the
				      configuration asks for less */
	EVENT_PAYLOAD_MAX = EVENT_TEXT_MAX + 4096, /* bytes of any payload */
};

struct text { /* borrowed bytes, not terminated */
	const char *data;
	uint32_t length;
};

/* Groups, folders (containers, organizational units) and domains differ in name only: all have
 * members, which may be of any kind; cycles do no harm. */
enum principal_kind {
	PRINCIPAL_USER = 5,
	PRINCIPAL_DOMAIN = 8,
	PRINCIPAL_GROUP = 9,
	PRINCIPAL_FOLDER = 10,
};

/* Everybody is a member of this one, which is in no table: a scope that allows it allows all. */
#define PRINCIPAL_ANY_USER UINT32_C(0xffffffff)

enum principal_state { PRINCIPAL_ACTIVE = 0, PRINCIPAL_DISABLED = 1, PRINCIPAL_DELETED = 2 };

struct event_principal {
	uint32_t id;
	uint16_t kind, state;
	uint32_t epoch; /* counts the changes of the password: older tokens are void */
	struct text uri, name;
};

/* Numbers are those of the original's database, for whoever knows its reports. */
enum privacy { PRIVACY_SECRET = 2, PRIVACY_CLOSED = 3, PRIVACY_OPEN = 6 };
enum behavior { BEHAVIOR_NORMAL = 4, BEHAVIOR_AUDITORIUM = 5 };

struct event_room {
	uint32_t id;
	uint8_t uuid[16];
	uint16_t disabled;
	uint32_t category, addin; /* ids; addin 0: none */
	uint8_t privacy, behavior;
	uint8_t invitations; /* 1: as the category says, 0: none */
	uint64_t created; /* UTC us */
	uint64_t revision; /* counts the changes of the room and its roles, from 1 */
	struct text name, description;
};

enum category_flag {
	CATEGORY_INVITATIONS = 1,
	CATEGORY_FILES = 2,
	CATEGORY_HISTORY = 4,
	CATEGORY_AUTHORS_REMOVE = 8, /* authors may remove what they posted */
	CATEGORY_MEMBERS_LEAVE = 16, /* members may take themselves off a room's list */
	CATEGORY_REQUESTS = 32,	     /* users may ask to become members */
	CATEGORY_FLAGS = 63,	     /* all of them */
};

/* The category that every content database begins with: "General", open to everybody. */
enum { CATEGORY_FIRST = 1 };

struct event_category {
	uint32_t id;
	uint8_t uuid[16];
	uint32_t flags; /* enum category_flag */
	uint64_t created;
	uint64_t revision;
	struct text name, description;
};

enum { EVENT_ADDIN_NAME_MAX = 200 /* 50 characters */, EVENT_ADDIN_URL_MAX = 255 };

struct event_addin {
	uint32_t id;
	uint8_t uuid[16];
	struct text name, url;
};

enum node_kind { NODE_CATEGORY = 1, NODE_ROOM = 2, NODE_ADDIN = 3 };

enum role {
	ROLE_ALLOWED = 1, /* categories: who is in scope, */
	ROLE_DENIED = 2,  /* less these; */
	ROLE_CREATOR = 3, /* who may make rooms */
	ROLE_MEMBER = 4,  /* rooms */
	ROLE_MANAGER = 5,
	ROLE_PRESENTER = 6,
};

struct event_role {
	uint8_t kind; /* NODE_CATEGORY or NODE_ROOM */
	uint8_t role;
	uint8_t present; /* 1: has it now, 0: has it no more */
	uint32_t node, principal;
};

struct event_affiliation {
	uint32_t member, group;
	uint8_t present;
};

struct event_removed {
	uint8_t kind; /* enum node_kind */
	uint32_t id;
	uint8_t uuid[16]; /* of a room; else 0. In a command it does not count */
};

/*
 * What belongs to one user. item and number are
 *   EVENT_INVITATION      the room, and the invitation's number, counted per user from 1
 *   EVENT_MARKER          the room, and the last message read there
 *   EVENT_FEED            the feed's number per user
 *   EVENT_ACCESS_REQUEST  the room
 */
enum person_what {
	PERSON_PUT = 1,	    /* there is this one now */
	PERSON_GONE = 2,    /* there is none any more */
	PERSON_READ = 3,    /* invitations, item 0: those up to number are no news any more */
	PERSON_STATE = 4,   /* invitations, item 0, from the database only: number is the last one
			       that was given, time the last one that is no news */
	PERSON_GRANTED = 5, /* access requests: gone, because a manager said so */
	PERSON_DENIED = 6,
};

enum feed_flag {
	FEED_ANY = 1,	 /* one of the words is enough */
	FEED_PHRASE = 2, /* the words one behind the other */
	FEED_EGO = 4,	 /* the user's own name, too */
};

enum {
	EVENT_FEED_NAME_MAX = 256,
	EVENT_WORDS_MAX = 512, /* of a feed; or the reason of an access request */
};

struct event_person {
	uint32_t principal; /* id of the user */
	uint32_t item;
	uint32_t who;  /* invitations: who invited, 0: an administrator; feeds: the author, 0:
			  anybody; access requests: who answered */
	uint32_t room; /* feeds: only messages of this room; 0: of all */
	uint64_t number, time;
	uint8_t what, flags;
	struct text name, text; /* of a feed; an access request has a text */
};

enum view_kind {
	VIEW_HISTORY = 1, /* messages of the room */
	VIEW_SEARCH = 2,  /* a search in the room; room 0: for rooms */
	VIEW_RECORDS = 3, /* compliance records; no room */
	/* What pchat-compliance is asked to do, as lines "name: value" (daemon/record_order.h). */
	VIEW_HOLD = 4,
	VIEW_RELEASE = 5,
	VIEW_PURGE = 6,
	VIEW_KINDS
};

enum { EVENT_REQUEST_MAX = 4096 };

struct event_view {
	uint8_t kind;
	struct text request; /* what was asked for, for a person */
};

struct event_refused {
	int32_t code;	    /* enum code */
	uint16_t command;   /* enum command_type that was refused */
	struct text user;   /* a sign-in: the name that was given */
	struct text address; /* a sign-in: the client's */
	struct text method;  /* what an administrator's role forbids; then there is no command */
};

/*
 * What administrators set while the server runs (shm/scoped.h): kind, scope and name are the key of
 * a value. Names of scopes are in lower case, as far as ASCII goes.
 */
enum scoped_kind {
	SCOPED_CONFIG = 1,
	SCOPED_POLICY = 2,
	SCOPED_ENDPOINT = 3,
	SCOPED_POOL = 4,
	SCOPED_TOPOLOGY = 5,
	SCOPED_RETENTION = 6,
};

enum {
	EVENT_SCOPE_MAX = EVENT_URI_MAX,
	EVENT_SETTING_MAX = 64,	  /* bytes of a setting's name */
	EVENT_VALUE_MAX = 16000,
	EVENT_POLICY_MAX = 256, /* of a policy's name */
};

struct event_setting {
	uint8_t kind;	 /* enum scoped_kind */
	uint8_t present; /* 1: it has this value now, 0: it has none any more */
	struct text scope, name, value;
};

struct event_grant {
	uint32_t principal;
	struct text policy; /* its name; empty: none any more */
};

enum { FILE_HASH = 32 }; /* bytes of a SHA-256, and of a token */

/* A token lives so long, counted from the time of the record that granted it. */
#define FILE_TOKEN_US (UINT64_C(1800) * 1000000)

enum {
	EVENT_FILE_NAME_MAX = 1024, /* bytes of a file's name: 255 characters */
	EVENT_FILE_TYPE_MAX = 127,  /* bytes of a media type */
};

struct event_file {
	uint8_t uuid[16];
	uint8_t sha256[FILE_HASH];     /* of the content; EVENT_FILE_GRANT: 0 */
	uint8_t token_hash[FILE_HASH]; /* SHA-256 of the token; EVENT_FILE: of the one by which it
					  came, EVENT_FILE_REMOVED: 0 */
	uint64_t size;
	uint64_t time;	 /* of the upload, UTC us, where that is not the record's; else 0 */
	uint32_t author; /* who uploaded it, or will; 0: not known */
	struct text name, type; /* type: may be empty. EVENT_FILE_REMOVED: both empty where the
				   content had been lost */
};

struct event_session {
	struct text address; /* of the client: "127.0.0.1:50000", "unix:uid=0" */
	struct text name;    /* of an administrator: "unix:root", "cert:alice"; of users empty */
};

/* Rooms that a session joins or leaves. */
enum { EVENT_ROOMS_MAX = 128, EVENT_ROOMS_HEAD = 24,
       EVENT_ROOMS_SIZE = EVENT_ROOMS_HEAD + 8 * EVENT_ROOMS_MAX };

struct event_rooms {
	uint32_t count; /* 1 at least */
	struct origin from; /* the lost session whose places are taken; session 0: none */
	struct event_place {
		uint32_t room;
		uint16_t flags; /* EVENT_FIRST, EVENT_LAST or EVENT_TAKEN */
		uint16_t reserved;
	} place[EVENT_ROOMS_MAX];
};

/* What a payload with so many takes; EVENT_ROOMS_SIZE at most. */
static inline uint32_t event_rooms_size(uint32_t count)
{
	return EVENT_ROOMS_HEAD + 8 * count;
}

bool event_rooms_has(const struct event_rooms *event, uint32_t room);

struct event_message {
	struct text id;	   /* the client's own, may be empty */
	struct text title; /* of a story; else empty */
	struct text text;
	struct text rich_type, rich; /* the same with markup, and its media type; both may be empty */
};

/* Numbers in a room only rise, by any steps: what stands between two was removed in its time. */
enum history_what {
	HISTORY_MESSAGE = 1, /* seq is its number */
	HISTORY_END = 2,     /* seq is the last number that was given, removals how many there were */
};

struct event_history {
	uint8_t what;
	uint32_t author;   /* 0: unknown */
	uint64_t time;	   /* of the post; the record's is that of the import */
	uint64_t removals; /* HISTORY_END */
	struct event_message message; /* HISTORY_MESSAGE */
};

struct event_replacement { /* EVENT_MESSAGE_REMOVED */
	uint32_t author;  /* of the message, where the sequencer knew him; else 0 */
	struct text text; /* with EVENT_REPLACED, what stands there now; else empty */
};

/*
 * Take a payload apart; the texts point into the record. False: the payload is malformed: a length
 * does not agree or exceeds its maximum, an enum is unknown, or a text holds a NUL byte (no text
 * may: a database would cut it off there, and no text can look like a record of the journal then).
 * Every word is read once and at most EVENT_PAYLOAD_MAX bytes behind the record are looked at, so
 * that a record which is overwritten meanwhile (see journal_copy) does no harm.
 */
bool event_principal_get(const struct record *record, struct event_principal *event_r);
bool event_room_get(const struct record *record, struct event_room *event_r);
bool event_category_get(const struct record *record, struct event_category *event_r);
bool event_addin_get(const struct record *record, struct event_addin *event_r);
bool event_role_get(const struct record *record, struct event_role *event_r);
bool event_affiliation_get(const struct record *record, struct event_affiliation *event_r);
bool event_removed_get(const struct record *record, struct event_removed *event_r);
bool event_person_get(const struct record *record, struct event_person *event_r);
bool event_setting_get(const struct record *record, struct event_setting *event_r);
bool event_grant_get(const struct record *record, struct event_grant *event_r);
bool event_session_get(const struct record *record, struct event_session *event_r);
bool event_rooms_get(const struct record *record, struct event_rooms *event_r);
bool event_message_get(const struct record *record, struct event_message *event_r);
bool event_replacement_get(const struct record *record, struct event_replacement *event_r);
bool event_history_get(const struct record *record, struct event_history *event_r);
bool event_view_get(const struct record *record, struct event_view *event_r);
bool event_refused_get(const struct record *record, struct event_refused *event_r);
bool event_file_get(const struct record *record, struct event_file *event_r);

/* The same of a payload that stands elsewhere, as in a command. */
bool event_principal_parse(const void *payload, uint32_t size, struct event_principal *event_r);
bool event_room_parse(const void *payload, uint32_t size, struct event_room *event_r);
bool event_category_parse(const void *payload, uint32_t size, struct event_category *event_r);
bool event_addin_parse(const void *payload, uint32_t size, struct event_addin *event_r);
bool event_role_parse(const void *payload, uint32_t size, struct event_role *event_r);
bool event_affiliation_parse(const void *payload, uint32_t size,
			     struct event_affiliation *event_r);
bool event_removed_parse(const void *payload, uint32_t size, struct event_removed *event_r);
bool event_person_parse(const void *payload, uint32_t size, struct event_person *event_r);
bool event_setting_parse(const void *payload, uint32_t size, struct event_setting *event_r);
bool event_grant_parse(const void *payload, uint32_t size, struct event_grant *event_r);
bool event_session_parse(const void *payload, uint32_t size, struct event_session *event_r);
bool event_rooms_parse(const void *payload, uint32_t size, struct event_rooms *event_r);
bool event_message_parse(const void *payload, uint32_t size, struct event_message *event_r);
bool event_replacement_parse(const void *payload, uint32_t size,
			     struct event_replacement *event_r);
bool event_history_parse(const void *payload, uint32_t size, struct event_history *event_r);
bool event_view_parse(const void *payload, uint32_t size, struct event_view *event_r);
bool event_refused_parse(const void *payload, uint32_t size, struct event_refused *event_r);
bool event_file_parse(const void *payload, uint32_t size, struct event_file *event_r);

/* What a parsed message holds behind its id, in one piece: title, text, rich_type, rich. */
struct text event_message_body(const struct event_message *event);

/* Put a payload together at out; return its size, or 0 where size is too small or
 * the other side would call it malformed. */
uint32_t event_principal_put(const struct event_principal *event, void *out, uint32_t size);
uint32_t event_room_put(const struct event_room *event, void *out, uint32_t size);
uint32_t event_category_put(const struct event_category *event, void *out, uint32_t size);
uint32_t event_addin_put(const struct event_addin *event, void *out, uint32_t size);
uint32_t event_role_put(const struct event_role *event, void *out, uint32_t size);
uint32_t event_affiliation_put(const struct event_affiliation *event, void *out, uint32_t size);
uint32_t event_removed_put(const struct event_removed *event, void *out, uint32_t size);
uint32_t event_person_put(const struct event_person *event, void *out, uint32_t size);
uint32_t event_setting_put(const struct event_setting *event, void *out, uint32_t size);
uint32_t event_grant_put(const struct event_grant *event, void *out, uint32_t size);
uint32_t event_session_put(const struct event_session *event, void *out, uint32_t size);
uint32_t event_rooms_put(const struct event_rooms *event, void *out, uint32_t size);
uint32_t event_message_put(const struct event_message *event, void *out, uint32_t size);
uint32_t event_replacement_put(const struct event_replacement *event, void *out, uint32_t size);
uint32_t event_history_put(const struct event_history *event, void *out, uint32_t size);
uint32_t event_view_put(const struct event_view *event, void *out, uint32_t size);
uint32_t event_refused_put(const struct event_refused *event, void *out, uint32_t size);
uint32_t event_file_put(const struct event_file *event, void *out, uint32_t size);

/* "message", for logs. */
const char *event_name(unsigned type);

#endif
