#ifndef PCHAT_SHM_LAYOUT_H
#define PCHAT_SHM_LAYOUT_H

#include <assert.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/counter.h"

/*
 * Everything that two processes see: the only header that shows shared fields. Nothing here is a
 * pointer; integers have fixed widths; every struct names its one writer.
 *
 * Publishing: a writer fills a thing first and then stores the position that makes it visible with
 * release; a reader loads that position with acquire. Dying before the store changes nothing.
 */

static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LLONG_LOCK_FREE == 2,
	      "atomics shared between processes must be lock-free");

/* Process slots: a fixed place for every process there can be. */
enum slot {
	SLOT_MASTER = 0,
	SLOT_SEQUENCER = 1,
	SLOT_STORE = 2,
	SLOT_AUTH = 3,
	SLOT_COMPLIANCE = 4,
	SLOT_ADMIN = 5,
	SLOT_ADAPTER = 6,
	SLOT_FILE = 7,
	SLOT_WORKER = 8, /* 8 to 15: active workers and standbys */
	SLOT_READER = 16, /* 16 to 23 */
	SLOTS = 24,
	WORKER_SLOTS = 8,
	READER_SLOTS = 8,
};

enum proc_state {
	PROC_NONE = 0,
	PROC_STARTING = 1,
	PROC_READY = 2,	  /* serves; for a worker: standby, no listening sockets */
	PROC_ACTIVE = 3,  /* a worker with listening sockets */
	PROC_LOADING = 4, /* the sequencer or the store waits for the database, then loads */
	PROC_STOPPING = 5,
	PROC_DRAINING = 7, /* a worker that serves no place any more, until its last connection ends */
	PROC_UPGRADING = 6, /* changes the tables of its database, which may take long, and its heart
			       does not beat meanwhile */
};

#define CURSOR_NEW UINT64_MAX

enum { PAGE_SIZE_SHARED = 4096, PAGE_MAGIC = 0x70636831 };

/*
 * What the master says of a slot, in its own page. Written by the master only; a generation is
 * given to every start of any process and is never used twice while the master lives. It is
 * stored last, so a reader that sees a new generation knows that the old process is gone.
 */
struct master_slot {
	_Atomic int32_t pid;	   /* 0: nobody */
	_Atomic uint32_t restarts; /* since the master started */
	_Atomic uint32_t listener; /* worker: active place it serves plus one; 0: standby */
	_Atomic uint32_t generation;
};

/*
 * One page a slot. Written by the slot's process only (by the master in its own); everybody else
 * maps it read-only. Counters go on where the slot's last process left them. Single words: each is
 * read alone and no reader concludes from one to another, but for the LSNs, whose order is given
 * at the field.
 */
struct proc_page {
	uint32_t magic;
	uint32_t slot;
	_Atomic uint32_t generation;
	_Atomic int32_t pid;
	_Atomic uint32_t state;	   /* enum proc_state */
	_Atomic uint32_t sleeping; /* 1: whoever has something for me writes my eventfd */
	_Atomic uint64_t heartbeat;  /* clock_mono() of the last turn of the main loop */
	_Atomic uint64_t started;    /* clock_utc() */
	_Atomic uint64_t busy_since; /* reader: clock_mono() when its question began; 0: idle */

	/* Sequencer only. tail <= every readable record < durable. tail is stored (release, then a
	   full fence) before the bytes below it are overwritten; durable after fdatasync. */
	_Atomic uint64_t durable;
	_Atomic uint64_t tail;
	_Atomic uint64_t begun; /* LSN of the first EVENT_START since the master started */
	_Atomic uint64_t places; /* bits: the places that are to be served; 0: the first ones, as many
				    as the configuration says. The master reads it while the
				    sequencer is ready */

	/* Store, compliance: everything below is committed in the database; 0: not known yet.
	   CURSOR_NEW: compliance has recorded nothing and begins at `begun`. Workers: everything
	   below has been handed to clients. The sequencer frees the ring by the first kind only. */
	_Atomic uint64_t cursor;
	_Atomic uint64_t cursor_time; /* record time (UTC us) of the newest event below cursor */
	_Atomic uint64_t delay; /* workers: microseconds from an event to its being written, now */
	_Atomic uint64_t pace;	/* workers: nanoseconds for each delivery when there are many; 0:
				   there were never many */

	_Atomic uint64_t counters[COUNTERS];

	struct master_slot slots[SLOTS]; /* master only */
};
static_assert(sizeof(struct proc_page) <= PAGE_SIZE_SHARED, "a slot's page must fit one page");

/*
 * The journal: one header page, then the ring. An LSN is a byte position in the endless stream;
 * its place in the ring is LSN modulo ring size. LSNs are multiples of 8; 0 is never one.
 * Written by the sequencer only, with pwrite; the header once, when the journal is made.
 */
enum { JOURNAL_HEADER = 4096, JOURNAL_ALIGN = 8, JOURNAL_VERSION = 7 };
#define JOURNAL_MAGIC UINT64_C(0x6c616e72756f6a70) /* "pjournal" */

struct journal_header {
	uint64_t magic;
	uint32_t version;
	uint32_t crc;	/* CRC-32C of the struct with this field 0 */
	uint8_t id[16]; /* random; the databases' cursor rows name it */
	uint64_t size;	/* of the ring, bytes, a multiple of 4096 */
	uint64_t base;	/* LSN of the first record ever */
	uint64_t created; /* UTC us */
};

/* Whose request an event answers. All 0 for what the server does by itself. */
struct origin {
	uint16_t slot; /* the worker slot in which the session lives */
	uint16_t reserved;
	uint32_t generation;
	uint32_t session; /* numbered by the worker, unique within its generation */
	uint32_t request; /* the worker's own tag */
};

/*
 * A record. It never crosses the end of the ring: if it does not fit, the rest of the ring is a
 * record of type EVENT_PAD, or nothing where less than sizeof(struct record) is left, and the
 * stream goes on at the start of the ring.
 *
 * A reader takes a record when length, CRC and LSN agree and its epoch is not older than that of
 * the record before. Each start of the sequencer takes a new epoch and writes EVENT_START first, and
 * nothing else begins an epoch, so what a torn batch left behind its end can never be read as a
 * continuation.
 *
 * synced tells damage from a torn write: everything below it was durable when this record was
 * written. If a record does not agree but a later one claims synced above it, bytes that were once
 * safe are damaged; else the batch that was being written when the host died is incomplete.
 */
struct record {
	uint32_t length; /* with header and padding to 8 */
	uint32_t crc;	 /* CRC-32C of all that follows this field */
	uint64_t lsn;
	uint64_t synced;
	uint64_t time;	 /* UTC us, never less than that of the record before */
	uint32_t epoch;
	uint16_t type;	 /* enum event_type */
	uint16_t flags;	 /* enum event_flag */
	uint32_t room;	 /* 0: none */
	uint32_t actor;	 /* principal; 0: the server itself or a local administrator */
	uint64_t seq;	 /* messages: the number within the room, from 1, no gaps */
	struct origin origin;
	uint64_t command;   /* number of the command in its mailbox; 0: none */
	uint16_t mail_slot; /* that mailbox */
	uint16_t reserved;
	uint32_t payload; /* bytes behind this header */
};
static_assert(sizeof(struct record) == 88, "record header");
static_assert(sizeof(struct record) % JOURNAL_ALIGN == 0, "records are aligned");

/*
 * A mailbox is two segments, so that each has one writer. A sender (a worker, pchat-auth, the
 * store, a reader) writes commands into the first, the sequencer answers in the second. Positions
 * count bytes for ever; place = position modulo size. Entries are 8-byte aligned and never cross
 * the end; a length of 0 means: go on at the start of the ring.
 */
enum { MAILBOX_ALIGN = 8, MAILBOX_MAGIC = 0x6d61696c };

struct mailbox_sender { /* written by the sender */
	uint32_t magic;
	uint32_t size; /* bytes of the ring behind this struct, a power of two */
	alignas(64) _Atomic uint64_t head; /* commands up to here are there */
	_Atomic uint64_t number;	   /* of the last command; goes on over restarts */
	_Atomic uint64_t answers_taken;	   /* in the sequencer's ring */
	alignas(64) uint8_t ring[];
};

struct mailbox_sequencer { /* written by the sequencer */
	uint32_t magic;
	uint32_t size; /* entries of the ring, a power of two */
	alignas(64) _Atomic uint64_t taken; /* commands up to here are decided and durable */
	_Atomic uint64_t answers;	    /* answers up to here are there */
	alignas(64) uint8_t ring[];	    /* struct answer */
};

/* The head of a command; what follows depends on the type (shm/command.h). */
struct command {
	uint32_t length; /* with this head and padding to 8 */
	uint16_t type;	 /* enum command_type */
	uint16_t flags;
	uint64_t number; /* counts up by 1 */
	struct origin origin; /* the session that asks; slot and generation are the sender's own,
				 except in pchat-auth's, which names the worker's */
	uint32_t room;
	uint32_t payload; /* bytes behind this head */
};
static_assert(sizeof(struct command) == 40, "command head");

/* The sequencer's answer to a command that became no event: a refusal, or a repeated post. */
struct answer {
	uint64_t number; /* of the command */
	struct origin origin;
	int32_t code; /* enum code; CODE_OK: the post is a repeat, seq and time are the first one's */
	uint32_t room;
	uint64_t seq, time;
	uint32_t full; /* CODE_LIMIT_EXCEEDED: enum table plus one of the one that is full; 0: none */
	uint32_t reserved[3];
};
static_assert(sizeof(struct answer) == 64, "answer");

/*
 * The cache: a header, then the tables' rows and the indexes' buckets. Written by the sequencer only.
 *
 * Rows are numbered from 1; 0 is "none". A row that is not in use is linked through its first word,
 * next_free; the others follow their own rules below. An index is an array of buckets, each the
 * number of the first row of a chain that goes on through a word in the rows.
 *
 * Seqlocks: an odd version means that the sequencer is changing what the version covers. Readers
 * copy, and start again if the version was odd or has changed. Covered by
 *   room.version       the room's own fields and blobs, its messages and their blobs
 *   room.roster        first_participant and the list of participants from there
 *   principal.version  the user's fields and blobs
 *   category.version, addin.version   their fields and blobs
 *   header.rights      all roles and affiliations, and what of a room decides on rights
 *   index.version      the chains of that index (only rooms and principals are looked up by others);
 *                      of INDEX_INVITATION_USER and its like, and of INDEX_SETTING, the rows in them
 * Sessions, posts and the other chains are the sequencer's own.
 *
 * Undo: `target` is the LSN behind the event that is being applied and `applied` that behind the
 * last one applied. Where they differ the event is incomplete: the old bytes in the undo area,
 * put back last to first, undo it.
 */
enum { CACHE_VERSION = 6 };
#define CACHE_MAGIC UINT64_C(0x6568636163706368)

enum table {
	TABLE_ROOM,
	TABLE_PRINCIPAL,
	TABLE_SESSION,
	TABLE_PARTICIPANT,
	TABLE_MESSAGE, /* recent history; with TABLE_BODY the only two that the sequencer's
			  private copy does not have */
	TABLE_POST,    /* ring of the last posts, by which repeats are known */
	TABLE_CATEGORY,
	TABLE_ADDIN,
	TABLE_ROLE,	   /* the roles of one principal in one category or room */
	TABLE_AFFILIATION, /* one principal is a member of another */
	TABLE_INVITATION,  /* these four: struct person_row, in the order of their events */
	TABLE_MARKER,
	TABLE_FEED,
	TABLE_REQUEST,
	TABLE_SETTING,
	TABLE_TEXT,	   /* blocks of names and the like */
	TABLE_BODY,	   /* blocks of messages */
	TABLE_COUNT
};

enum index {
	INDEX_ROOM_ID,
	INDEX_ROOM_UUID,
	INDEX_ROOM_NAME,
	INDEX_PRINCIPAL_ID,
	INDEX_PRINCIPAL_URI,
	INDEX_SESSION,
	INDEX_PARTICIPANT, /* room and principal */
	INDEX_POST,	   /* room, author and id */
	INDEX_CATEGORY_ID,
	INDEX_CATEGORY_UUID,
	INDEX_CATEGORY_NAME,
	INDEX_ADDIN_ID,
	INDEX_ADDIN_NAME,
	INDEX_ROLE,	   /* kind, node and principal */
	INDEX_AFFILIATION, /* member and group */
	INDEX_INVITATION,  /* principal and item, as are the next three */
	INDEX_MARKER,
	INDEX_FEED,
	INDEX_REQUEST,
	INDEX_INVITATION_USER, /* principal: all that he has, as are the next three */
	INDEX_MARKER_USER,
	INDEX_FEED_USER,
	INDEX_REQUEST_USER,
	INDEX_SETTING, /* kind, scope and name; its version covers the rows, too */
	INDEX_COUNT
};

struct cache_table {
	uint64_t offset; /* of row 1, from the start of the cache */
	uint32_t rows, row_size;
	uint32_t used;
	uint32_t fresh; /* rows above this number were never used */
	uint32_t free;	/* first of the freed rows */
	uint32_t reserved;
};

struct cache_index {
	uint64_t offset;
	uint32_t buckets; /* a power of two */
	_Atomic uint32_t version;
};

enum cache_state { CACHE_EMPTY = 0, CACHE_LOADING = 1, CACHE_READY = 2 };

struct cache_header {
	uint64_t magic;
	uint32_t version;
	_Atomic uint32_t state; /* enum cache_state */
	uint64_t size;
	uint8_t hash_key[16]; /* the journal's id: clients cannot choose what collides */
	struct cache_table table[TABLE_COUNT];
	struct cache_index index[INDEX_COUNT];

	_Atomic uint64_t applied; /* every event below is in the cache */
	_Atomic uint64_t synced;  /* the journal is durable up to here; applied <= synced */
	uint64_t last;		  /* LSN of the newest event applied; 0: none */

	_Atomic uint32_t rights;	    /* a version */
	uint32_t last_principal, last_room; /* highest ids given */
	uint32_t last_category, last_addin;
	uint32_t next_post;		    /* row of TABLE_POST that is written next */
	uint32_t hand;			    /* row of TABLE_MESSAGE whose room gives way next */
	uint32_t first_lost, last_lost;	    /* rows of sessions, in the order in which they were lost */
	uint32_t lost;			    /* so many */
	uint64_t last_command[SLOTS];	    /* newest of each mailbox that became an event */

	_Atomic uint64_t undo_target;
	uint64_t undo_offset, undo_size;
	_Atomic uint64_t undo_used;
};

struct blob { /* bytes in a chain of blocks */
	uint32_t first;
	uint32_t length;
};

enum { TEXT_BLOCK = 60, BODY_BLOCK = 252 };

struct text_block {
	uint32_t next; /* in the blob, or the next free block */
	uint8_t bytes[TEXT_BLOCK];
};

struct body_block {
	uint32_t next;
	uint8_t bytes[BODY_BLOCK];
};

struct room_row {
	uint32_t next_free;
	_Atomic uint32_t version, roster;
	uint32_t id; /* 0: not in use */
	uint8_t uuid[16];
	uint32_t by_id, by_uuid, by_name; /* next in the chain */
	uint8_t disabled, privacy, behavior, invitations;
	uint32_t category; /* row */
	uint32_t addin;	   /* id */
	uint64_t created, revision, last_seq;
	uint64_t removals; /* events by which messages were removed, replaced or purged, in all */
	uint64_t removal;  /* LSN of the newest of them that this cache has applied; 0: none */
	struct blob name, description;
	uint32_t first_role;
	uint32_t first_participant, participants;
	uint32_t users; /* who participate, each counted once */
	uint32_t oldest, newest, messages; /* contiguous by seq; newest has last_seq */
};

struct category_row {
	uint32_t next_free;
	_Atomic uint32_t version;
	uint32_t id; /* 0: not in use */
	uint32_t flags;
	uint8_t uuid[16];
	uint32_t by_id, by_uuid, by_name;
	uint32_t first_role, rooms;
	uint32_t reserved;
	uint64_t created, revision;
	struct blob name, description;
};

struct addin_row {
	uint32_t next_free;
	_Atomic uint32_t version;
	uint32_t id; /* 0: not in use */
	uint32_t by_id, by_name;
	uint8_t uuid[16];
	struct blob name, url;
};

struct role_row {
	uint32_t next_free;
	uint32_t node; /* row of a category or room; 0: not in use */
	uint32_t principal; /* id */
	uint8_t kind;	    /* enum node_kind */
	uint8_t roles;	    /* bit 1 << enum role, any of them */
	uint16_t reserved;
	uint32_t by_key;
	uint32_t node_next, node_previous;
};

struct affiliation_row {
	uint32_t next_free;
	uint32_t member, group; /* rows of principals; member 0: not in use */
	uint32_t by_key;
	uint32_t group_next, group_previous;   /* the member's groups */
	uint32_t member_next, member_previous; /* the group's members */
};

struct person_row { /* as struct event_person */
	uint32_t next_free;
	uint32_t principal; /* id; 0: not in use */
	uint32_t item;	    /* 0, invitations only: number is the last given, time the last read */
	uint32_t by_key, by_user;
	uint32_t who, room;
	uint8_t flags, reserved;
	uint16_t name_length; /* of text: the rest are the words */
	uint64_t number, time;
	struct blob text;
};

struct setting_row {
	uint32_t next_free;
	uint32_t kind; /* enum scoped_kind; 0: not in use */
	uint32_t by_key;
	uint32_t reserved;
	struct blob scope, name, value;
};

struct principal_row {
	uint32_t next_free;
	_Atomic uint32_t version;
	uint32_t id;
	uint16_t kind, state;
	uint32_t epoch;
	uint32_t by_id, by_uri;
	struct blob uri, name;
	struct blob policy; /* the name of the one that was granted; length 0: none */
	uint32_t first_group, first_member; /* rows of affiliations */
};

struct session_row {
	uint32_t next_free;
	uint32_t generation, session; /* generation 0: not in use */
	uint16_t slot, flags;	      /* EVENT_ADMIN_ROLES */
	uint32_t principal;	      /* id */
	uint32_t by_key;
	uint32_t first_participant, participants;
	uint32_t lost_next, lost_previous;
	uint64_t lost; /* time of its EVENT_LOST; 0: it is not lost */
};

struct participant_row {
	uint32_t next_free;
	uint32_t room, session; /* rows; room 0: not in use */
	uint32_t principal;	/* id */
	uint32_t by_key;
	uint32_t room_next, room_previous;
	uint32_t session_next, session_previous;
	uint32_t reserved;
	uint64_t lsn; /* of its EVENT_JOIN */
};

struct message_row {
	uint32_t next_free;
	uint32_t room; /* row; 0: not in use */
	uint32_t older, newer;
	uint64_t seq, time, lsn;
	uint32_t author; /* principal id */
	uint16_t flags;	 /* EVENT_ALERT, EVENT_REPLACED; EVENT_GONE: it only holds its place */
	uint8_t id_length, rich_type_length;
	struct blob body; /* title, text, rich type, rich, one behind the other */
	uint32_t text_length;
	uint16_t title_length, reserved;
	uint8_t id[40];
};

struct post_row {
	uint32_t room, author; /* ids; room 0: not in use */
	uint32_t by_key;
	uint32_t id_length;
	uint64_t seq, time;
	uint8_t id[40];
};

#endif
