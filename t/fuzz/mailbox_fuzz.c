/*
 * Bytes as the segment of a sender: its head and answers taken, then its ring. The sequencer's side
 * finds its way through without leaving the ring, and an honest sender can come after it.
 */
#include <string.h>

#include "fuzz.h"
#include "shm/event.h"
#include "shm/mailbox.h"

enum { COMMANDS = 4096, TURNS = 3 };

struct choices {
	uint64_t head, answers_taken, number;
	uint32_t magic; /* 0: the right one */
	uint32_t step;	/* added to the head for each further turn */
};

struct fuzz {
	int sender_rw, sender_ro, sequencer_rw, sequencer_ro;
	struct segment sender, sequencer;
};

static void fuzz_open(struct fuzz *fuzz)
{
	struct err err;

	fuzz_check(segment_create("sender", mailbox_sender_size(COMMANDS), &fuzz->sender_rw,
				  &fuzz->sender_ro, &err) == 0);
	fuzz_check(segment_create("sequencer", mailbox_sequencer_size(COMMANDS),
				  &fuzz->sequencer_rw, &fuzz->sequencer_ro, &err) == 0);
	fuzz_check(segment_map(&fuzz->sender, fuzz->sender_rw, true, &err) == 0);
	fuzz_check(segment_map(&fuzz->sequencer, fuzz->sequencer_rw, true, &err) == 0);
}

static void decide(struct mailbox_reader *reader, const struct command *command)
{
	const void *payload = command + 1;
	struct answer answer = {.number = command->number};
	struct event_principal principal;
	struct event_room room;
	struct event_session session;
	struct event_message message;

	fuzz_check(command->length >= sizeof(*command) && command->length <= COMMANDS);
	fuzz_check(command->payload <= command->length - sizeof(*command));
	event_principal_parse(payload, command->payload, &principal);
	event_room_parse(payload, command->payload, &room);
	event_session_parse(payload, command->payload, &session);
	event_message_parse(payload, command->payload, &message);
	if (mailbox_answers_free(reader) > 0)
		mailbox_put_answer(reader, &answer);
}

static void take_all(struct mailbox_reader *reader)
{
	const struct command *command;
	enum mailbox_take result;
	uint64_t last = 0;
	unsigned turns = 0;

	while ((result = mailbox_take(reader, &command)) != MAILBOX_EMPTY) {
		fuzz_check(turns++ <= COMMANDS / sizeof(*command));
		if (result == MAILBOX_BAD)
			continue;
		fuzz_check(command->number > last);
		last = command->number;
		if (turns == 1) {
			mailbox_untake(reader, command);
			fuzz_check(mailbox_take(reader, &command) == MAILBOX_COMMAND);
		}
		decide(reader, command);
	}
	mailbox_publish(reader);
}

/* An honest sender in the same place: at most what it sends first falls to what had to be skipped.
 */
static void be_honest(struct fuzz *fuzz, struct mailbox_reader *reader)
{
	const struct command head = {.type = 1}, *command;
	struct mailbox mailbox;
	uint64_t number;
	struct err err;

	if (mailbox_open(&mailbox, fuzz->sender_rw, fuzz->sequencer_ro, COMMANDS, &err) < 0)
		return;
	take_all(reader);
	number = mailbox_send(&mailbox, &head, "honest", 6, NULL, 0);
	fuzz_check(number != 0);
	/* The number may have been spoiled, but nothing else. */
	if (mailbox_take(reader, &command) == MAILBOX_COMMAND)
		fuzz_check(command->number == number && memcmp(command + 1, "honest", 6) == 0);
	mailbox_publish(reader);
	mailbox_close(&mailbox);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz fuzz;
	struct mailbox_reader reader;
	struct mailbox_sender *sender;
	struct choices choices;
	struct err err;

	if (size < sizeof(choices))
		return 0;
	if (!fuzz.sender.base)
		fuzz_open(&fuzz);
	memcpy(&choices, data, sizeof(choices));
	data += sizeof(choices);
	size -= sizeof(choices);
	memset(fuzz.sender.base, 0, fuzz.sender.size);
	memset(fuzz.sequencer.base, 0, fuzz.sequencer.size);
	sender = fuzz.sender.base;
	sender->magic = choices.magic ? choices.magic : MAILBOX_MAGIC;
	sender->size = COMMANDS;
	sender->number = choices.number;
	sender->answers_taken = choices.answers_taken;
	memcpy(sender->ring, data, size < COMMANDS ? size : COMMANDS);

	fuzz_check(mailbox_reader_open(&reader, fuzz.sender_ro, fuzz.sequencer_rw, COMMANDS,
				       &err) == 0);
	for (unsigned turn = 0; turn < TURNS; turn++) {
		sender->head = choices.head + turn * (uint64_t)choices.step;
		take_all(&reader);
	}
	be_honest(&fuzz, &reader);
	mailbox_reader_close(&reader);
	return 0;
}
