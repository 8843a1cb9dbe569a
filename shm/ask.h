#ifndef PCHAT_SHM_ASK_H
#define PCHAT_SHM_ASK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "conf/err.h"
#include "conf/log.h"
#include "shm/layout.h"
#include "shm/proc.h"

/*
 * Questions of workers to readers, to pchat-auth and to pchat-file, and their answers: one message each over
 * unix sockets that are shared by their role's processes (shm/child.h). A worker never waits: a full
 * socket is "busy". Whoever answers may wait for a full answer socket, ASK_REPLY_WAIT_US at most, and
 * then drops the answer; the worker has a time limit of its own for every question.
 */
enum {
	ASK_BODY_MAX = 16384,	      /* bytes of a question's body */
	ASK_INLINE_MAX = 65536,	      /* larger answers travel as a sealed memory file */
	ASK_REPLY_WAIT_US = 1000000,
};

enum ask_kind {
	/* Readers. */
	ASK_HISTORY = 1, /* struct ask_history -> struct ask_page, its rows, and their JSON */
	ASK_SEARCH = 4,	 /* struct ask_search, its rooms, the words -> JSON, what message.search answers */
	ASK_AUDIT = 5,	 /* struct ask_audit, its texts -> JSON, what audit.list answers */
	ASK_EXCEEDING = 6, /* struct ask_exceeding -> ids of rooms, uint32_t each, in their order */
	ASK_FILES = 7, /* struct ask_files -> JSON, what file.list answers; of one: what file.get
			  does, or CODE_NO_SUCH_NODE */
	ASK_MOMENT = 3,	 /* struct ask_moment -> a number: the newest message up to then; 0: none */

	/* pchat-auth; tag is the worker's, session is the connection's. ADDRESS is the client's
	   ("127.0.0.1:50000"), 1 to EVENT_ADDRESS_MAX bytes. */
	ASK_AUTH_START = 10, /* "ADDRESS\0MECHANISM\0" and the client's first data; may be empty */
	ASK_AUTH_STEP = 11,  /* the client's data */
	ASK_AUTH_RESUME = 12, /* "ADDRESS\0" and the token */
	ASK_AUTH_LOCAL = 13, /* none; the accepted unix socket beside it: peer credentials */
	ASK_AUTH_CANCEL = 14, /* the connection is gone (while it signs in, or a local one at any
				 time): its exchange or admin rights are forgotten; no answer */
	ASK_AUTH_PASSWORD = 15, /* admin session only: "uri\0" and the new password */

	/* pchat-file, over FD_FILE. session: of 21 and 24 the session that asks, else the worker's
	   number of the connection that transfers. Where an event is the answer (the last 20, 21, 24),
	   it comes when that is durable. */
	ASK_FILE_WRITE = 20, /* struct ask_file_write and the bytes, one at a time -> none; the last
				-> struct ask_file: EVENT_FILE is there. After a refusal the
				transfer is over; ASK_FILE_TOKEN may begin it anew */
	ASK_FILE_OPEN = 21,  /* struct ask_file_open -> struct ask_file: EVENT_FILE_READ is there */
	ASK_FILE_CHUNK = 22, /* struct ask_file_chunk -> bytes */
	ASK_FILE_TOKEN = 23, /* struct ask_file_token -> struct ask_file: what it is good for. For
				uploading: the transfer begins; CODE_DATA_COLLISION where one goes on */
	ASK_FILE_REMOVE = 24, /* struct ask_file_remove -> struct ask_file: EVENT_FILE_REMOVED is
				 there */
	ASK_FILE_END = 25,    /* none: the connection is gone, its upload is broken off; no answer */
};

/* Both directions. generation and slot are the worker's. */
struct ask {
	uint32_t size; /* bytes of the body; in an answer with a file: of the file */
	uint16_t kind;
	uint16_t slot;
	uint32_t generation;
	uint32_t tag;	  /* the worker's, comes back with the answer */
	uint32_t session; /* pchat-auth: the session number that the worker gave the connection */
	int32_t code;	  /* answer: enum code */
	uint32_t flags;	  /* answer: enum ask_flag */
	uint32_t principal;
	uint64_t asked; /* clock_mono() of the question: set by ask_send, comes back */
};

enum ask_flag {
	ASK_FILE = 1,	/* the body is the file beside the message */
	ASK_MORE = 2,	/* pchat-auth: body is a challenge; send the client's answer by ASK_AUTH_STEP.
			   history: there are more messages beyond the page */
	ASK_FILLED = 4, /* history: the rows went to the sequencer, too */
	ASK_GAP = 8,	/* history: the database does not yet have all that lies before `before` */
};

/*
 * A page of a room's history: at most limit messages with after < seq < before; the newest of
 * them, or the oldest if from_oldest. fill: give them to the sequencer for the cache, too.
 */
struct ask_history {
	uint32_t room;
	uint16_t limit;
	uint8_t from_oldest, fill;
	uint64_t after, before;
	uint64_t asked; /* for command_fill: the store's cursor when the question was put */
};

/*
 * The answer: struct ask_page, the JSON objects of the messages in any order, and at its end `rows`
 * struct ask_row, those of the oldest messages first. The objects do not say whom they are from:
 * names change, and workers have them.
 */
struct ask_page {
	uint32_t rows;
	uint32_t reserved;
};

/* An object, in bytes of the answer. At from_at `"from":...,"name":...,` is to be put in. */
struct ask_row {
	uint32_t author;
	uint32_t begin, from_at, end;
};

/* Of the messages with a number below `before`. With ASK_GAP not all of them are in the database. */
struct ask_moment {
	uint32_t room;
	uint32_t reserved;
	uint64_t before;
	uint64_t time; /* UTC us */
};

/*
 * Messages in some rooms. Behind the struct stand `rooms` struct ask_search_room and then the words
 * (daemon/search_text.h). The order is that of time, then of rooms' ids, then of numbers.
 */
struct ask_search {
	uint64_t start, end; /* UTC us, both inclusive */
	uint64_t page_time, page_seq; /* only what comes behind this message; page_room 0: all */
	uint32_t page_room;
	uint32_t author; /* 0: anybody */
	uint16_t rooms, limit;
	uint8_t match, sensitive, from_oldest, reserved;
};

struct ask_search_room {
	uint32_t id;
	uint8_t uuid[16];
};

enum { ASK_SEARCH_ROOMS = 512 };

/* Rows of the audit, newest first. Behind the struct stand the filters, so many bytes each. */
struct ask_audit {
	uint64_t before;     /* only rows below this LSN */
	uint64_t start, end; /* UTC us, both inclusive */
	uint16_t limit;
	uint16_t actor, object, what; /* bytes; 0: any */
};

/* All rooms whose messages have more bytes than these, text, title and rich part together. */
struct ask_exceeding {
	uint64_t bytes;
};

/* Files of a room, newest first: by the time of their uploads, then by their uuids. */
struct ask_files {
	uint32_t room;
	uint16_t limit;	    /* 500 at most; of one it does not count */
	uint8_t removed;    /* 1: those that were removed, too */
	uint8_t one;	    /* 1: only the one with this uuid */
	uint8_t uuid[16];
	uint8_t before[16]; /* only what stands behind the file with this uuid; 0: all */
};

/*
 * The last answer of a sign-in (ASK_AUTH_START, STEP, RESUME, LOCAL) with CODE_OK and without
 * ASK_MORE: struct ask_signed_in, then the mechanism's final data for the client (may be empty),
 * then the resume token. By then pchat-auth has sent COMMAND_SESSION_OPEN: the worker tells its client
 * when the event is durable. head.principal is the user; 0: a local administrator. If the sequencer
 * refuses, a second answer to the same tag brings the code.
 */
struct ask_signed_in {
	uint32_t final_size, token_size;
	uint64_t expires; /* of the token, UTC us; 0: no token (a local administrator) */
};

/*
 * Files. A token is FILE_HASH random bytes (shm/event.h); one that is unknown, has expired or is used
 * up answers CODE_INVALID_TOKEN. Other refusals: CODE_NO_SUCH_NODE (no such file, or not in this
 * room), what the sequencer says, CODE_FILE_UPLOAD_FAILED and CODE_FILE_DOWNLOAD_FAILED (the disk),
 * CODE_LIMIT_EXCEEDED (files.total, files.transfers, a full disk), CODE_INVALID_ARGUMENT (an offset
 * that is not the next, bytes beyond the size), CODE_BUSY.
 */
struct ask_file_token {
	uint8_t token[32];
	uint8_t upload; /* 1: it is to be one for uploading, 0: for downloading */
	uint8_t reserved[7];
};

/* Between ASK_FILE_TOKEN and the last byte; a file of 0 bytes has one write of none. */
struct ask_file_write {
	uint8_t token[32];
	uint64_t offset;
};
enum { ASK_FILE_WRITE_MAX = ASK_BODY_MAX - sizeof(struct ask_file_write) };

/* At most limit bytes, and no more than ASK_INLINE_MAX; fewer only at the end. */
struct ask_file_chunk {
	uint8_t token[32];
	uint64_t offset;
	uint32_t limit;
	uint32_t reserved;
};

struct ask_file_open {
	uint8_t room[16], file[16];
	uint8_t token_hash[32]; /* of the token that is to be good for it */
};

struct ask_file_remove {
	uint8_t room[16], file[16];
	uint8_t lost; /* 1: also where the content is not there; administrators only */
	uint8_t reserved[7];
};

/* Name and type stand behind it. */
struct ask_file {
	uint8_t room[16], file[16];
	uint8_t sha256[32]; /* of what is not uploaded yet: 0 */
	uint64_t size;
	uint64_t time;	  /* of the upload, UTC us; before that 0 */
	uint64_t expires; /* of the token, UTC us; ASK_FILE_REMOVE, the last ASK_FILE_WRITE: 0 */
	uint32_t author;
	uint16_t name, type; /* bytes */
};

/* Sends a question; fd: a descriptor beside it, or -1. Never waits. 0, or an enum code: CODE_BUSY (the
 * socket is full), CODE_TOO_LARGE (above ASK_BODY_MAX), CODE_UNAVAILABLE (nobody is there). */
int ask_send(int sock, const struct ask *head, const void *body, uint32_t size, const void *more,
	     uint32_t more_size, int fd);

/*
 * Takes a message from a socket that is readable, at most size bytes of body into body. 1: taken
 * (head_r->size is checked against what came; *fd_r a descriptor or -1); 0: none there; -1: malformed
 * and dropped.
 */
int ask_receive(int sock, struct ask *head_r, void *body, uint32_t size, int *fd_r);

/* From here on the kernel says who sent what comes. 0, or -1 and err. */
int ask_know_senders(int sock, struct err *err);

/* The same, and *sender_r is the process that sent it; 0: not known. */
int ask_receive_from(int sock, struct ask *head_r, void *body, uint32_t size, int *fd_r,
		     pid_t *sender_r);

/* Counts a question that sender asked in the name of a slot that is not its own, and logs it, unless it is
 * no more than the last word of a worker that has just died. */
void ask_dropped(struct proc *proc, struct log_limit *limit, const struct ask *question, pid_t sender);

/*
 * Answers: takes the head from the question (its principal, too, which pchat-auth sets there
 * before) and sends body, through a memory file if it is larger than ASK_INLINE_MAX. reply is
 * FD_REPLY of the asker's slot. 0, or -1 where it was dropped.
 */
int ask_reply(int reply, const struct ask *question, int code, uint32_t flags, const void *body,
	      uint32_t size, struct err *err);

/* The bytes of an answer that came as a file: mapped; unmap with ask_unmap. */
const void *ask_map(int fd, uint32_t size, struct err *err);
void ask_unmap(const void *body, uint32_t size);

#endif
