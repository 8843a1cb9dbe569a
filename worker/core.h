#ifndef PCHAT_WORKER_CORE_H
#define PCHAT_WORKER_CORE_H

#include "conf/conf.h"
#include "shm/ask.h"
#include "shm/cache.h"
#include "shm/command.h"
#include "shm/journal.h"
#include "shm/mailbox.h"
#include "shm/proc.h"
#include "worker/chat.h"
#include "worker/fanout.h"
#include "worker/feed.h"
#include "worker/kept.h"
#include "worker/names.h"
#include "worker/pending.h"
#include "worker/people.h"
#include "worker/scoped.h"
#include "worker/session.h"
#include "worker/tail.h"

/* What is below the waist: one per worker. */
struct chat {
	const struct conf *conf; /* borrowed, as are the next six */
	struct proc *proc;
	struct cache *cache;
	struct mailbox *mailbox;
	int questions, auth; /* sockets to readers and to pchat-auth */
	int files;	     /* to pchat-file; -1: there is none */

	struct sessions sessions;
	struct pendings pending;
	struct fanout fanout;
	struct names names;
	struct kept kept;
	struct people people;
	struct feeds *feeds;   /* owned: those of people */
	uint64_t feeds_logged; /* clock_mono() when the log last said that some were not told */
	struct tail tail;
	struct log_limit unrecorded, forbidden; /* refusals: not on record; for an administrator's role */
	struct scoped_effective effective; /* scoped settings that count here */
	bool wake; /* commands were sent in this turn */
	uint32_t full; /* struct answer's, while one is told */

	/* Scratch for what is copied out of the cache; owned. Nothing in it outlives a call. */
	struct message_view *views; /* CHAT_PAGE_MAX */
	char *texts;
	size_t texts_size;
	uint8_t *answer; /* ASK_INLINE_MAX bytes: an answer's body */
	struct buf users; /* a list of users */

	uint32_t join_part; /* bytes that a room took in the last answer to a join */
};

struct chat_parts {
	const struct conf *conf;
	struct proc *proc;
	struct cache *cache;
	struct mailbox *mailbox;
	const struct journal *journal;
	int questions, auth, files;
};

int chat_init(struct chat *chat, const struct chat_parts *parts, struct err *err);
void chat_fini(struct chat *chat);

/* A request that waits: the pending of one that needs no more than its id. */
struct request {
	struct pending base;
	struct chat_id id;
};

/* Begins to wait: zeroed, size bytes of a struct whose first member is a struct request. NULL where
 * the session has too many under way, or memory ran out: it was answered "busy". */
struct request *request_begin(struct session *session, const struct chat_id *id, size_t size,
			      void (*settle)(struct pending *, const struct outcome *));

/*
 * A row of the cache could not be read: whoever writes it may have been put off by the kernel just
 * then. Sets the time limit of the pending for another try, *tries_r counts them. False: that was
 * enough, answer "busy".
 */
bool pending_try_again(struct pending *pending, uint16_t *tries_r);

/* Ends it after it was answered. */
void request_end(struct request *request);

/* The same, answering that it is refused. */
void request_refuse(struct request *request, int code);

/* What a settle function does with an outcome that it does not expect: the code of a refusal or of
 * the time limit, or CODE_OK if it may use the outcome. */
int outcome_code(const struct outcome *outcome);

/* Sends a command for the session, to be answered under the tag (0: nobody waits). CODE_OK or
 * CODE_BUSY. head: type, flags and room. */
int chat_command(struct chat *chat, const struct command *head, uint32_t session, uint32_t tag,
		 const void *payload, uint32_t size);

/* Sends a question to be answered under the tag. fd: a descriptor beside it, or -1. */
int chat_ask(struct chat *chat, int sock, enum ask_kind kind, const struct pending *pending,
	     const struct text *parts, unsigned count, int fd);

/* The moment at which a reader's answer is too late. */
uint64_t chat_answer_limit(const struct chat *chat);

/* Takes the answers of readers, pchat-auth and sequencer that have come. */
void chat_answers(struct chat *chat, int answers);
void chat_refusals(struct chat *chat);

/* The end of a turn: what is to be tried again, and the sequencer's wake-up. */
void chat_turn(struct chat *chat);

/* Joins rooms, in an answer that begins with a sign-in or (NULL) does not. False: the session has
 * too many requests under way, or memory ran out; nothing was answered. */
bool join_begin(struct session *session, const struct chat_id *id,
		const struct chat_signed_in *signed_in, const struct chat_join *joins,
		unsigned count);

/* A user's events, told by the tail to those who wait for them. */
void sign_in_opened(struct session *session, const struct record *record);

#endif
