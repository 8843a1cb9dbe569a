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
};

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

	/* Store, compliance: everything below is committed in the database. Workers: everything
	   below has been handed to clients. The sequencer frees the ring by the first kind only. */
	_Atomic uint64_t cursor;
	_Atomic uint64_t cursor_time; /* record time (UTC us) of the newest event below cursor */

	_Atomic uint64_t counters[COUNTERS];

	struct master_slot slots[SLOTS]; /* master only */
};
static_assert(sizeof(struct proc_page) <= PAGE_SIZE_SHARED, "a slot's page must fit one page");

/*
 * The journal: one header page, then the ring. An LSN is a byte position in the endless stream;
 * its place in the ring is LSN modulo ring size. LSNs are multiples of 8; 0 is never one.
 * Written by the sequencer only, with pwrite; the header once, when the journal is made.
 */
enum { JOURNAL_HEADER = 4096, JOURNAL_ALIGN = 8, JOURNAL_VERSION = 1 };
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
 * the record before. Each start of the sequencer takes a new epoch and writes EVENT_START first, so
 * what a torn batch left behind its end can never be read as a continuation.
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
	uint64_t reserved[2];
};
static_assert(sizeof(struct answer) == 64, "answer");

#endif
