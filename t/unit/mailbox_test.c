/*
 * Mailboxes: commands arrive in order, once, whole; a sender that lies is found out; and either
 * side may die and come back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/mailbox.h"

enum { COMMANDS = 4096, ANSWERS = COMMANDS / 64, HEAD = sizeof(struct command) };

/* Both segments with both descriptors, and both sides of the mailbox. */
struct post {
	int sender_rw, sender_ro, sequencer_rw, sequencer_ro;
	struct mailbox mailbox;
	struct mailbox_reader reader;
};

static void sender_start(struct post *post)
{
	struct err err;

	assert_int_equal(
		mailbox_open(&post->mailbox, post->sender_rw, post->sequencer_ro, COMMANDS, &err),
		0);
}

static void sequencer_start(struct post *post)
{
	struct err err;

	assert_int_equal(mailbox_reader_open(&post->reader, post->sender_ro, post->sequencer_rw,
					     COMMANDS, &err),
			 0);
}

static void sender_restart(struct post *post)
{
	mailbox_close(&post->mailbox);
	sender_start(post);
}

static void sequencer_restart(struct post *post)
{
	mailbox_reader_close(&post->reader);
	sequencer_start(post);
}

static int setup_unstarted(void **state)
{
	struct post *post = calloc(1, sizeof(*post));
	struct err err;

	assert_non_null(post);
	*state = post;
	assert_int_equal(segment_create("sender", mailbox_sender_size(COMMANDS), &post->sender_rw,
					&post->sender_ro, &err),
			 0);
	assert_int_equal(segment_create("sequencer", mailbox_sequencer_size(COMMANDS),
					&post->sequencer_rw, &post->sequencer_ro, &err),
			 0);
	return 0;
}

static int setup(void **state)
{
	setup_unstarted(state);
	sender_start(*state);
	sequencer_start(*state);
	return 0;
}

static int teardown(void **state)
{
	struct post *post = *state;

	mailbox_close(&post->mailbox);
	mailbox_reader_close(&post->reader);
	close(post->sender_rw);
	close(post->sender_ro);
	close(post->sequencer_rw);
	close(post->sequencer_ro);
	free(post);
	return 0;
}

/* Sends a command whose payload is size bytes that follow from its request number. */
static uint64_t send_command(struct post *post, uint32_t request, uint32_t size)
{
	struct command head = {.type = 1, .flags = 8, .room = 5, .origin.request = request};
	uint8_t payload[COMMANDS];
	uint32_t first = size / 3;

	for (uint32_t i = 0; i < size; i++)
		payload[i] = (uint8_t)(request + i);
	return mailbox_send(&post->mailbox, &head, payload, first, payload + first, size - first);
}

static void assert_command(const struct command *command, uint64_t number, uint32_t request,
			   uint32_t size)
{
	const uint8_t *payload = (const uint8_t *)(command + 1);

	assert_int_equal(command->number, number);
	assert_int_equal(command->type, 1);
	assert_int_equal(command->flags, 8);
	assert_int_equal(command->room, 5);
	assert_int_equal(command->origin.request, request);
	assert_int_equal(command->payload, size);
	for (uint32_t i = 0; i < size; i++)
		assert_int_equal(payload[i], (uint8_t)(request + i));
}

static void take(struct post *post, uint64_t number, uint32_t request, uint32_t size)
{
	const struct command *command;

	assert_int_equal(mailbox_take(&post->reader, &command), MAILBOX_COMMAND);
	assert_command(command, number, request, size);
}

static void take_nothing(struct post *post)
{
	const struct command *command;

	assert_int_equal(mailbox_take(&post->reader, &command), MAILBOX_EMPTY);
	assert_null(command);
}

static void take_bad(struct post *post)
{
	const struct command *command;

	assert_int_equal(mailbox_take(&post->reader, &command), MAILBOX_BAD);
	assert_null(command);
	take_nothing(post);
}

static void commands_arrive_in_order_with_numbers_that_count_up(void **state)
{
	struct post *post = *state;

	take_nothing(post);
	for (uint32_t i = 1; i <= 10; i++)
		assert_int_equal(send_command(post, i, i * 7), i);
	for (uint32_t i = 1; i <= 10; i++)
		take(post, i, i, i * 7);
	take_nothing(post);
}

static void a_sender_that_has_never_started_has_sent_nothing(void **state)
{
	struct post *post = *state;

	sequencer_start(post);
	take_nothing(post);
	sender_start(post);
	take_nothing(post);
	assert_int_equal(send_command(post, 1, 8), 1);
	take(post, 1, 1, 8);
}

static void commands_wait_for_a_sequencer_that_has_not_started(void **state)
{
	struct post *post = *state;

	sender_start(post);
	assert_int_equal(send_command(post, 1, 8), 1);
	sequencer_start(post);
	take(post, 1, 1, 8);
}

static void the_ring_goes_round_at_every_size(void **state)
{
	struct post *post = *state;
	uint64_t number = 0;

	for (uint32_t size = 0; size <= COMMANDS / 2 - HEAD; size++) {
		for (unsigned i = 0; i < 5; i++) {
			assert_int_equal(send_command(post, size, size), ++number);
			take(post, number, size, size);
			mailbox_publish(&post->reader);
		}
	}
}

static void a_full_ring_refuses_and_takes_again_when_commands_were_taken(void **state)
{
	struct post *post = *state;
	uint64_t sent = 0, taken = 0;

	for (unsigned round = 0; round < 50; round++) {
		while (send_command(post, (uint32_t)sent + 1, 100) != 0)
			sent++;
		assert_int_equal(sent - taken, COMMANDS / 144);
		assert_int_equal(post->mailbox.number, sent);
		take(post, taken + 1, (uint32_t)taken + 1, 100);
		/* Not free before it is published. */
		assert_int_equal(send_command(post, 0, 100), 0);
		taken++;
		for (; taken < sent - 3; taken++)
			take(post, taken + 1, (uint32_t)taken + 1, 100);
		assert_true(mailbox_publish(&post->reader));
		assert_false(mailbox_publish(&post->reader));
	}
}

static void a_command_of_more_than_half_the_ring_is_never_taken(void **state)
{
	struct post *post = *state;

	assert_int_equal(send_command(post, 1, COMMANDS / 2 - HEAD + 1), 0);
	assert_int_equal(
		mailbox_send(&post->mailbox, &(struct command){0}, "", UINT32_MAX, "", UINT32_MAX),
		0);
	assert_int_equal(send_command(post, 1, COMMANDS / 2 - HEAD), 1);
	take(post, 1, 1, COMMANDS / 2 - HEAD);
}

static void a_command_that_was_put_back_is_taken_again(void **state)
{
	struct post *post = *state;
	const struct command *command;

	send_command(post, 1, 20);
	send_command(post, 2, 30);
	take(post, 1, 1, 20);
	assert_int_equal(mailbox_take(&post->reader, &command), MAILBOX_COMMAND);
	mailbox_untake(&post->reader, command);
	mailbox_publish(&post->reader);
	take(post, 2, 2, 30);
	take_nothing(post);
}

static void answers_come_back_once_they_are_published(void **state)
{
	struct post *post = *state;
	struct answer answer = {.number = 3, .code = 109, .room = 5}, got;

	assert_int_equal(mailbox_answers_free(&post->reader), ANSWERS);
	mailbox_put_answer(&post->reader, &answer);
	assert_int_equal(mailbox_answers_free(&post->reader), ANSWERS - 1);
	assert_false(mailbox_answer(&post->mailbox, &got));
	assert_true(mailbox_publish(&post->reader));
	assert_true(mailbox_answer(&post->mailbox, &got));
	assert_memory_equal(&got, &answer, sizeof(answer));
	assert_false(mailbox_answer(&post->mailbox, &got));
	assert_int_equal(mailbox_answers_free(&post->reader), ANSWERS);
}

static void the_answer_ring_goes_round_and_says_when_it_is_full(void **state)
{
	struct post *post = *state;
	struct answer answer = {0};
	uint64_t put = 0, got = 0;

	for (unsigned round = 0; round < 10; round++) {
		while (mailbox_answers_free(&post->reader) > 0) {
			answer.number = ++put;
			mailbox_put_answer(&post->reader, &answer);
		}
		assert_int_equal(put - got, ANSWERS);
		mailbox_publish(&post->reader);
		for (unsigned i = 0; i < ANSWERS - 5; i++) {
			assert_true(mailbox_answer(&post->mailbox, &answer));
			assert_int_equal(answer.number, ++got);
		}
	}
}

static void a_restarted_sequencer_goes_on_behind_what_it_had_published(void **state)
{
	struct post *post = *state;
	struct answer answer = {.number = 1};

	for (uint32_t i = 1; i <= 4; i++)
		send_command(post, i, 50);
	take(post, 1, 1, 50);
	take(post, 2, 2, 50);
	mailbox_put_answer(&post->reader, &answer);
	mailbox_publish(&post->reader);
	take(post, 3, 3, 50);
	mailbox_put_answer(&post->reader, &answer);
	sequencer_restart(post);
	assert_int_equal(mailbox_answers_free(&post->reader), ANSWERS - 1);
	take(post, 3, 3, 50);
	take(post, 4, 4, 50);
	take_nothing(post);
}

static void a_restarted_sender_leaves_commands_in_place_and_goes_on_counting(void **state)
{
	struct post *post = *state;
	struct answer answer = {.number = 1};

	send_command(post, 1, 50);
	send_command(post, 2, 50);
	take(post, 1, 1, 50);
	mailbox_put_answer(&post->reader, &answer);
	mailbox_publish(&post->reader);
	sender_restart(post);
	assert_false(mailbox_answer(&post->mailbox, &answer));
	assert_int_equal(mailbox_answers_free(&post->reader), ANSWERS);
	assert_int_equal(send_command(post, 3, 50), 3);
	take(post, 2, 2, 50);
	take(post, 3, 3, 50);
}

static void a_sender_that_died_while_sending_leaves_a_gap_and_no_command(void **state)
{
	struct post *post = *state;

	send_command(post, 1, 50);
	atomic_store(&post->mailbox.out->number, 2);
	memset(post->mailbox.out->ring + HEAD + 56, 0xee, 30);
	sender_restart(post);
	assert_int_equal(send_command(post, 3, 50), 3);
	take(post, 1, 1, 50);
	take(post, 3, 3, 50);
	take_nothing(post);
}

/* --- A sender that lies. --- */

static struct command *first_command(struct post *post)
{
	return (struct command *)(void *)post->mailbox.out->ring;
}

static void lengths_that_do_not_agree_are_found_out(void **state)
{
	static const uint32_t lengths[] = {0,
					   1,
					   8,
					   HEAD - 8,
					   HEAD + 1,
					   HEAD + 24,
					   HEAD + 40,
					   COMMANDS,
					   COMMANDS + 8,
					   UINT32_MAX,
					   UINT32_MAX - 7};
	static const uint32_t payloads[] = {33, 24, UINT32_MAX, UINT32_MAX - HEAD, COMMANDS};
	struct post *post = *state;

	for (unsigned i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		teardown(state);
		setup(state);
		post = *state;
		send_command(post, 1, 32);
		first_command(post)->length = lengths[i];
		take_bad(post);
	}
	for (unsigned i = 0; i < sizeof(payloads) / sizeof(*payloads); i++) {
		teardown(state);
		setup(state);
		post = *state;
		send_command(post, 1, 32);
		first_command(post)->payload = payloads[i];
		take_bad(post);
	}
}

static void positions_that_are_impossible_are_found_out(void **state)
{
	static const uint64_t heads[] = {
		4, 73, COMMANDS + 8, UINT64_MAX, UINT64_MAX - 7, UINT64_C(1) << 63};
	struct post *post = *state;

	for (unsigned i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		teardown(state);
		setup(state);
		post = *state;
		send_command(post, 1, 32);
		atomic_store(&post->mailbox.out->head, heads[i]);
		take_bad(post);
	}
}

static void a_head_that_goes_back_is_found_out(void **state)
{
	struct post *post = *state;

	send_command(post, 1, 32);
	send_command(post, 2, 32);
	take(post, 1, 1, 32);
	take(post, 2, 2, 32);
	atomic_store(&post->mailbox.out->head, HEAD + 32);
	take_bad(post);
}

static void numbers_that_do_not_count_up_are_found_out(void **state)
{
	static const uint64_t numbers[] = {0, 1, UINT64_MAX, UINT64_C(1) << 40};
	struct post *post = *state;

	for (unsigned i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		teardown(state);
		setup(state);
		post = *state;
		send_command(post, 1, 0);
		send_command(post, 2, 0);
		first_command(post)[1].number = numbers[i];
		take(post, 1, 1, 0);
		take_bad(post);
	}
}

static void a_ring_that_only_says_go_on_ends(void **state)
{
	struct post *post = *state;

	memset(post->mailbox.out->ring, 0, COMMANDS);
	atomic_store(&post->mailbox.out->head, COMMANDS);
	take_bad(post);
	assert_int_equal(send_command(post, 1, 8), 0);
	mailbox_publish(&post->reader);
	assert_int_equal(send_command(post, 1, 8), 1);
	take(post, 1, 1, 8);
}

static void a_wrong_magic_number_is_found_out(void **state)
{
	struct post *post = *state;

	send_command(post, 1, 8);
	post->mailbox.out->magic = 1;
	take_bad(post);
	post->mailbox.out->magic = MAILBOX_MAGIC;
	mailbox_publish(&post->reader);
	send_command(post, 2, 8);
	take(post, 2, 2, 8);
}

static void answers_taken_that_were_never_there_leave_no_room(void **state)
{
	struct post *post = *state;
	struct answer answer = {.number = 1};

	atomic_store(&post->mailbox.out->answers_taken, 5);
	assert_int_equal(mailbox_answers_free(&post->reader), 0);
	atomic_store(&post->mailbox.out->answers_taken, UINT64_MAX - ANSWERS);
	assert_int_equal(mailbox_answers_free(&post->reader), 0);
	for (unsigned i = 0; i < 3 * ANSWERS; i++)
		mailbox_put_answer(&post->reader, &answer);
	mailbox_publish(&post->reader);
	sender_restart(post);
	assert_int_equal(mailbox_answers_free(&post->reader), ANSWERS);
}

static void an_honest_sender_can_go_on_where_a_mad_one_was(void **state)
{
	struct post *post = *state;
	const struct command *command;

	srandom(3);
	for (unsigned i = 0; i < 500; i++) {
		atomic_store(&post->mailbox.out->head, (uint64_t)random() << (random() % 40));
		atomic_store(&post->mailbox.out->answers_taken, (uint64_t)random());
		if (random() % 2)
			mailbox_take(&post->reader, &command);
		if (random() % 2)
			mailbox_publish(&post->reader);
		sender_restart(post);
		/* The first command may fall to what the reader still has to skip. */
		mailbox_take(&post->reader, &command);
		mailbox_publish(&post->reader);
		assert_int_not_equal(send_command(post, i, 16), 0);
		take(post, post->mailbox.number, i, 16);
		mailbox_publish(&post->reader);
	}
}

static void random_bytes_never_lead_outside_and_never_hang(void **state)
{
	struct post *post = *state;
	struct mailbox_sender *out = post->mailbox.out;
	const struct command *command;
	enum mailbox_take result;
	uint32_t *words = (uint32_t *)(void *)out->ring;
	unsigned taken = 0, bad = 0;

	srandom(4);
	for (unsigned i = 0; i < 20000; i++) {
		unsigned turns = 0;

		for (unsigned k = 0; k < 4; k++)
			send_command(post, i, (uint32_t)random() % 300);
		for (unsigned k = (unsigned)random() % 4; k > 0; k--)
			words[random() % (COMMANDS / 4)] = (uint32_t)random() >> (random() % 32);
		if (random() % 50 == 0)
			atomic_store(&out->head,
				     atomic_load(&out->head) + (uint64_t)random() % 64 - 32);
		while ((result = mailbox_take(&post->reader, &command)) != MAILBOX_EMPTY) {
			assert_true(turns++ < COMMANDS);
			if (result == MAILBOX_BAD) {
				bad++;
				continue;
			}
			taken++;
			assert_in_range(command->length, HEAD, COMMANDS);
			assert_in_range(command->payload, 0, command->length - HEAD);
		}
		mailbox_publish(&post->reader);
		if (random() % 100 == 0)
			sequencer_restart(post);
		if (random() % 100 == 0)
			sender_restart(post);
	}
	assert_true(taken > 1000);
	assert_true(bad > 100);
}

static void sizes_that_do_not_fit_are_refused(void **state)
{
	struct post *post = *state;
	struct mailbox mailbox;
	struct mailbox_reader reader;
	struct err err;

	assert_int_equal(mailbox_open(&mailbox, post->sender_rw, post->sequencer_ro, 5000, &err),
			 -1);
	assert_int_equal(mailbox_open(&mailbox, post->sender_rw, post->sequencer_ro, 2048, &err),
			 -1);
	assert_int_equal(mailbox_open(&mailbox, post->sender_rw, post->sequencer_ro, 1 << 20, &err),
			 -1);
	assert_int_equal(
		mailbox_open(&mailbox, post->sender_ro, post->sequencer_ro, COMMANDS, &err), -1);
	assert_int_equal(
		mailbox_reader_open(&reader, post->sender_ro, post->sequencer_rw, 1 << 20, &err),
		-1);
	assert_int_equal(
		mailbox_reader_open(&reader, post->sender_ro, post->sequencer_ro, COMMANDS, &err),
		-1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_UNSTARTED(name) cmocka_unit_test_setup_teardown(name, setup_unstarted, teardown)
	const struct CMUnitTest tests[] = {
		TEST(commands_arrive_in_order_with_numbers_that_count_up),
		TEST_UNSTARTED(a_sender_that_has_never_started_has_sent_nothing),
		TEST_UNSTARTED(commands_wait_for_a_sequencer_that_has_not_started),
		TEST(the_ring_goes_round_at_every_size),
		TEST(a_full_ring_refuses_and_takes_again_when_commands_were_taken),
		TEST(a_command_of_more_than_half_the_ring_is_never_taken),
		TEST(a_command_that_was_put_back_is_taken_again),
		TEST(answers_come_back_once_they_are_published),
		TEST(the_answer_ring_goes_round_and_says_when_it_is_full),
		TEST(a_restarted_sequencer_goes_on_behind_what_it_had_published),
		TEST(a_restarted_sender_leaves_commands_in_place_and_goes_on_counting),
		TEST(a_sender_that_died_while_sending_leaves_a_gap_and_no_command),
		TEST(lengths_that_do_not_agree_are_found_out),
		TEST(positions_that_are_impossible_are_found_out),
		TEST(a_head_that_goes_back_is_found_out),
		TEST(numbers_that_do_not_count_up_are_found_out),
		TEST(a_ring_that_only_says_go_on_ends),
		TEST(a_wrong_magic_number_is_found_out),
		TEST(answers_taken_that_were_never_there_leave_no_room),
		TEST(an_honest_sender_can_go_on_where_a_mad_one_was),
		TEST(random_bytes_never_lead_outside_and_never_hang),
		TEST_UNSTARTED(sizes_that_do_not_fit_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
