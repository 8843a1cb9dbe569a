#include "config.h"

#include "shm/mailbox.h"

#include <stdlib.h>
#include <string.h>

#include "conf/bug.h"

/*
 * How far the number of a command may be above that of the command before: numbers of commands that
 * were skipped as bad are missing. No more than this, lest a sender use up all numbers of its slot.
 */
#define MAILBOX_NUMBER_STEP (UINT64_C(1) << 32)

/* A ring this small or with fewer answers than this makes no sense. */
enum { MAILBOX_SIZE_MIN = 4096, MAILBOX_COMMANDS_PER_ANSWER = sizeof(struct answer) };

uint64_t mailbox_sender_size(uint64_t commands)
{
	return sizeof(struct mailbox_sender) + commands;
}

/* An answer for every 64 bytes of commands, so both rings have the same size. */
static uint32_t mailbox_entries(uint64_t commands)
{
	return (uint32_t)(commands / MAILBOX_COMMANDS_PER_ANSWER);
}

uint64_t mailbox_sequencer_size(uint64_t commands)
{
	return sizeof(struct mailbox_sequencer) + mailbox_entries(commands) * sizeof(struct answer);
}

/* Maps both sides of a mailbox, the one that is ours writable. */
static int mailbox_map(struct segment *own, int own_fd, uint64_t own_size, struct segment *peer,
		       int peer_fd, uint64_t peer_size, uint64_t commands, struct err *err)
{
	*own = *peer = (struct segment){0};
	if (commands < MAILBOX_SIZE_MIN || commands > UINT32_MAX || (commands & (commands - 1)))
		return err_set(err, "could not map a mailbox: %llu is not a size for it",
			       (unsigned long long)commands);
	if (segment_map(own, own_fd, true, err) < 0)
		return -1;
	if (segment_map(peer, peer_fd, false, err) < 0)
		goto fail;
	if (own->size >= own_size && peer->size >= peer_size)
		return 0;
	err_set(err, "could not map a mailbox: its segments are too small");
	segment_unmap(peer);
fail:
	segment_unmap(own);
	return -1;
}

/* Takes a segment of ours into use: fills in magic and size, if it is new, or compares them. */
static int mailbox_own(uint32_t *magic, uint32_t *size, uint32_t expected, struct err *err)
{
	if (*magic == 0) {
		*size = expected;
		*magic = MAILBOX_MAGIC;
	}
	if (*magic != MAILBOX_MAGIC || *size != expected)
		return err_set(err, "could not open a mailbox: it was made with another size");
	return 0;
}

static uint32_t align_up(uint64_t size)
{
	return (uint32_t)((size + MAILBOX_ALIGN - 1) & ~(uint64_t)(MAILBOX_ALIGN - 1));
}

/* --- The sender's side. --- */

/*
 * What the process that had this slot before left in the segment is believed only where it is
 * possible: that process may have been taken over.
 */
static int mailbox_resume(struct mailbox *mailbox, struct err *err)
{
	struct mailbox_sender *out = mailbox->out;
	uint64_t taken = atomic_load_explicit(&mailbox->back->taken, memory_order_acquire);
	uint64_t head = atomic_load_explicit(&out->head, memory_order_relaxed);

	mailbox->number = atomic_load_explicit(&out->number, memory_order_relaxed);
	if (mailbox->number > INT64_MAX)
		return err_set(err, "could not open a mailbox: its numbers are used up");
	if (head % MAILBOX_ALIGN != 0 || head - taken > out->size) {
		head = (taken + MAILBOX_ALIGN - 1) & ~(uint64_t)(MAILBOX_ALIGN - 1);
		atomic_store_explicit(&out->head, head, memory_order_release);
	}
	atomic_store_explicit(&out->answers_taken,
			      atomic_load_explicit(&mailbox->back->answers, memory_order_acquire),
			      memory_order_release);
	return 0;
}

int mailbox_open(struct mailbox *mailbox, int own_fd, int peer_fd, uint64_t commands,
		 struct err *err)
{
	*mailbox = (struct mailbox){0};
	if (mailbox_map(&mailbox->own, own_fd, mailbox_sender_size(commands), &mailbox->peer,
			peer_fd, mailbox_sequencer_size(commands), commands, err) < 0)
		return -1;
	mailbox->out = mailbox->own.base;
	mailbox->back = mailbox->peer.base;
	if (mailbox_own(&mailbox->out->magic, &mailbox->out->size, (uint32_t)commands, err) < 0 ||
	    mailbox_resume(mailbox, err) < 0) {
		mailbox_close(mailbox);
		return -1;
	}
	return 0;
}

bool mailbox_settled(const struct mailbox *mailbox)
{
	return atomic_load_explicit(&mailbox->back->taken, memory_order_acquire) ==
	       atomic_load_explicit(&mailbox->out->head, memory_order_relaxed);
}

static void mailbox_fill(uint8_t *to, const struct command *command, const void *payload,
			 uint32_t size, const void *more, uint32_t more_size)
{
	uint32_t used = (uint32_t)sizeof(*command) + command->payload;

	memcpy(to, command, sizeof(*command));
	if (size > 0)
		memcpy(to + sizeof(*command), payload, size);
	if (more_size > 0)
		memcpy(to + sizeof(*command) + size, more, more_size);
	memset(to + used, 0, command->length - used);
}

/*
 * The number is stored before the head: a sender that dies in between leaves a gap in the numbers.
 * The other way round its successor would give the same number twice.
 */
uint64_t mailbox_send(struct mailbox *mailbox, const struct command *head, const void *payload,
		      uint32_t size, const void *more, uint32_t more_size)
{
	struct mailbox_sender *out = mailbox->out;
	uint64_t at = atomic_load_explicit(&out->head, memory_order_relaxed);
	uint64_t taken = atomic_load_explicit(&mailbox->back->taken, memory_order_acquire);
	uint64_t payload_size = (uint64_t)size + more_size;
	uint32_t place = (uint32_t)(at % out->size), rest = out->size - place;
	struct command command = *head;
	uint32_t skip;

	if (at - taken > out->size || sizeof(command) + payload_size > out->size / 2)
		return 0;
	command.length = align_up(sizeof(command) + payload_size);
	skip = command.length > rest ? rest : 0;
	if (skip + command.length > out->size - (at - taken))
		return 0;
	command.payload = (uint32_t)payload_size;
	command.number = ++mailbox->number;
	if (skip > 0) {
		memset(out->ring + place, 0, sizeof(command.length));
		place = 0;
	}
	mailbox_fill(out->ring + place, &command, payload, size, more, more_size);
	atomic_store_explicit(&out->number, command.number, memory_order_release);
	atomic_store_explicit(&out->head, at + skip + command.length, memory_order_release);
	return command.number;
}

bool mailbox_answer(struct mailbox *mailbox, struct answer *answer_r)
{
	uint64_t at = atomic_load_explicit(&mailbox->out->answers_taken, memory_order_relaxed);
	uint32_t entries = mailbox_entries(mailbox->out->size);

	if (at == atomic_load_explicit(&mailbox->back->answers, memory_order_acquire))
		return false;
	memcpy(answer_r, mailbox->back->ring + at % entries * sizeof(*answer_r), sizeof(*answer_r));
	atomic_store_explicit(&mailbox->out->answers_taken, at + 1, memory_order_release);
	return true;
}

void mailbox_close(struct mailbox *mailbox)
{
	segment_unmap(&mailbox->own);
	segment_unmap(&mailbox->peer);
	*mailbox = (struct mailbox){0};
}

/* --- The sequencer's side. --- */

int mailbox_reader_open(struct mailbox_reader *reader, int peer_fd, int own_fd, uint64_t commands,
			struct err *err)
{
	*reader = (struct mailbox_reader){0};
	if (mailbox_map(&reader->own, own_fd, mailbox_sequencer_size(commands), &reader->peer,
			peer_fd, mailbox_sender_size(commands), commands, err) < 0)
		return -1;
	reader->in = reader->peer.base;
	reader->out = reader->own.base;
	reader->size = (uint32_t)commands;
	reader->entries = mailbox_entries(commands);
	reader->copy = malloc(reader->size);
	if (!reader->copy) {
		err_errno(err, "could not get memory for a mailbox");
		goto fail;
	}
	if (mailbox_own(&reader->out->magic, &reader->out->size, reader->entries, err) < 0)
		goto fail;
	reader->next = atomic_load_explicit(&reader->out->taken, memory_order_relaxed);
	reader->taken = reader->next;
	reader->answers = atomic_load_explicit(&reader->out->answers, memory_order_relaxed);
	return 0;
fail:
	mailbox_reader_close(reader);
	return -1;
}

/*
 * Copies the command at reader->next out of the ring. Its length is read once and decides how much
 * is copied; all else is looked at in the copy only.
 */
static bool mailbox_copy(struct mailbox_reader *reader, uint64_t available)
{
	uint32_t place = (uint32_t)(reader->next % reader->size), rest = reader->size - place;
	uint32_t length = *(const volatile uint32_t *)(reader->in->ring + place);

	if (length == 0 && place > 0 && rest < available) {
		reader->next += rest;
		available -= rest;
		rest = reader->size;
		length = *(const volatile uint32_t *)reader->in->ring;
		place = 0;
	}
	if (length < sizeof(struct command) || length % MAILBOX_ALIGN != 0 || length > rest ||
	    length > available)
		return false;
	memcpy(reader->copy, reader->in->ring + place, length);
	/* The first word of the copy may be another than the one that was checked. */
	memcpy(reader->copy, &length, sizeof(length));
	return true;
}

static bool mailbox_sound(const struct mailbox_reader *reader, const struct command *command)
{
	if (command->payload > command->length - sizeof(*command) ||
	    command->length != align_up(sizeof(*command) + (uint64_t)command->payload))
		return false;
	if (command->number <= reader->number || command->number > INT64_MAX)
		return false;
	return reader->number == 0 || command->number - reader->number <= MAILBOX_NUMBER_STEP;
}

enum mailbox_take mailbox_take(struct mailbox_reader *reader, const struct command **command_r)
{
	uint64_t head = atomic_load_explicit(&reader->in->head, memory_order_acquire);
	uint32_t magic = *(const volatile uint32_t *)&reader->in->magic;
	const struct command *command = (const struct command *)(const void *)reader->copy;

	*command_r = NULL;
	if (magic == 0 || head == reader->next)
		return MAILBOX_EMPTY;
	if (magic != MAILBOX_MAGIC || head % MAILBOX_ALIGN != 0 ||
	    reader->next % MAILBOX_ALIGN != 0 || head - reader->next > reader->size)
		goto bad;
	if (!mailbox_copy(reader, head - reader->next) || !mailbox_sound(reader, command))
		goto bad;
	reader->taken = reader->next;
	reader->next += command->length;
	reader->before = reader->number;
	reader->number = command->number;
	*command_r = command;
	return MAILBOX_COMMAND;
bad:
	reader->next = head;
	return MAILBOX_BAD;
}

void mailbox_untake(struct mailbox_reader *reader, const struct command *command)
{
	bug_on((const uint8_t *)command != reader->copy || reader->number != command->number);
	reader->next = reader->taken;
	reader->number = reader->before;
}

unsigned mailbox_answers_free(const struct mailbox_reader *reader)
{
	uint64_t taken = atomic_load_explicit(&reader->in->answers_taken, memory_order_acquire);
	uint64_t waiting = reader->answers - taken;

	return waiting > reader->entries ? 0 : reader->entries - (uint32_t)waiting;
}

/* A sender that takes back what it said of answers taken has one overwritten, nothing worse. */
void mailbox_put_answer(struct mailbox_reader *reader, const struct answer *answer)
{
	uint64_t place = reader->answers++ % reader->entries;

	memcpy(reader->out->ring + place * sizeof(*answer), answer, sizeof(*answer));
}

/*
 * Answers first: a sequencer that dies between the two decides the same commands again, and an
 * answer that comes twice does no harm, while one that never comes leaves a client waiting.
 */
bool mailbox_publish(struct mailbox_reader *reader)
{
	struct mailbox_sequencer *out = reader->out;
	bool news = false;

	if (reader->answers != atomic_load_explicit(&out->answers, memory_order_relaxed)) {
		atomic_store_explicit(&out->answers, reader->answers, memory_order_release);
		news = true;
	}
	if (reader->next != atomic_load_explicit(&out->taken, memory_order_relaxed)) {
		atomic_store_explicit(&out->taken, reader->next, memory_order_release);
		news = true;
	}
	return news;
}

void mailbox_reader_close(struct mailbox_reader *reader)
{
	segment_unmap(&reader->peer);
	segment_unmap(&reader->own);
	free(reader->copy);
	*reader = (struct mailbox_reader){0};
}
