#ifndef PCHAT_SHM_MAILBOX_H
#define PCHAT_SHM_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/err.h"
#include "shm/layout.h"
#include "shm/segment.h"

/* Sizes for segment_create. commands: bytes of the command ring, a power of two (4096 at least). */
uint64_t mailbox_sender_size(uint64_t commands);
uint64_t mailbox_sequencer_size(uint64_t commands);

/* --- The sender's side. --- */

struct mailbox {
	struct segment own, peer;
	struct mailbox_sender *out;
	const struct mailbox_sequencer *back;
	uint64_t number; /* of the last command sent */
};

/*
 * Maps both segments; commands that a dead predecessor left in the ring stay there, answers to it
 * are skipped. Positions that make no sense (a predecessor gone mad) are set right: the ring is
 * then empty.
 */
int mailbox_open(struct mailbox *mailbox, int own_fd, int peer_fd, uint64_t commands,
		 struct err *err);

/*
 * Sends a command: head's type, flags, origin and room, and the payload in two parts (the second
 * may be empty). Returns its number, or 0 if the ring has no room (the caller answers "busy"). The
 * caller then wakes the sequencer. A command of more than half the ring never has room. Numbers
 * count up by 1, but for a gap where a sender died while sending.
 */
uint64_t mailbox_send(struct mailbox *mailbox, const struct command *head, const void *payload,
		      uint32_t size, const void *more, uint32_t more_size);

/* Whether the sequencer has decided all that was sent, by a predecessor, too, and what it decided is
 * durable. */
bool mailbox_settled(const struct mailbox *mailbox);

/* The next answer, or false. After a restart of the sequencer an answer may come twice. */
bool mailbox_answer(struct mailbox *mailbox, struct answer *answer_r);

void mailbox_close(struct mailbox *mailbox);

/* --- The sequencer's side. --- */

/*
 * The sender's segment is not trusted: positions that are impossible, lengths, sizes and numbers
 * that do not agree make MAILBOX_BAD, after which the ring is skipped to its head.
 */
struct mailbox_reader {
	struct segment peer, own;
	const struct mailbox_sender *in;
	struct mailbox_sequencer *out;
	uint32_t size;	  /* of the command ring, as configured: the peer's word is not taken */
	uint32_t entries; /* of the answer ring */
	uint64_t next;	  /* position of the next command */
	uint64_t taken;	  /* position of the command that was taken last */
	uint64_t number;  /* of that command; 0: none since this process started */
	uint64_t before;  /* number of the command before it */
	uint64_t answers; /* answers put, visible or not */
	uint8_t *copy;	  /* owned: the command being decided, copied out before it is checked */
};

enum mailbox_take { MAILBOX_COMMAND, MAILBOX_EMPTY, MAILBOX_BAD };

int mailbox_reader_open(struct mailbox_reader *reader, int peer_fd, int own_fd, uint64_t commands,
			struct err *err);

/* The next command, copied out of the ring and checked for its lengths; valid until the next call.
 * Its payload stands behind it. */
enum mailbox_take mailbox_take(struct mailbox_reader *reader, const struct command **command_r);

/* Goes back by the command that was taken last: it will be taken again. */
void mailbox_untake(struct mailbox_reader *reader, const struct command *command);

/* How many answers fit; the sequencer takes no more commands than it can answer. 0 also where the
 * sender claims to have taken what was never there. */
unsigned mailbox_answers_free(const struct mailbox_reader *reader);

/* Puts an answer into the ring, not visible yet. */
void mailbox_put_answer(struct mailbox_reader *reader, const struct answer *answer);

/* Makes the answers visible and frees the commands taken. True if there was anything: wake the
 * sender. To be called when what was decided is durable. */
bool mailbox_publish(struct mailbox_reader *reader);

void mailbox_reader_close(struct mailbox_reader *reader);

#endif
