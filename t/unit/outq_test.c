/*
 * Output: frames are shared and freed with their last reference, a queue gives out its bytes in
 * order whatever pieces the socket takes, and holds nothing when it is empty.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#include "worker/outq.h"

static struct frame *text_frame(const char *text)
{
	struct buf buf;
	struct frame *frame;

	buf_init(&buf);
	buf_string(&buf, text);
	frame = buf_frame(&buf);
	assert_non_null(frame);
	return frame;
}

static void a_frame_lives_as_long_as_a_queue_refers_to_it(void **state)
{
	struct frame *frame = text_frame("shared");
	struct outq one = {0}, two = {0};

	(void)state;
	assert_true(outq_push(&one, frame_ref(frame)));
	assert_true(outq_push(&two, frame_ref(frame)));
	frame_unref(&frame);
	assert_null(frame);
	outq_sent(&one, 6);
	assert_int_equal(two.ring[0]->refs, 1);
	outq_fini(&two);
	assert_null(two.ring);
}

static void a_text_can_be_given_a_head_when_it_is_done(void **state)
{
	struct frame *frame;
	struct buf buf;

	(void)state;
	buf_init(&buf);
	for (int i = 0; i < 1000; i++)
		buf_number(&buf, 18446744073709551615U);
	buf_prepend(&buf, "head", 4);
	frame = buf_frame(&buf);
	assert_int_equal(frame_size(frame), 20004);
	assert_memory_equal(frame_bytes(frame), "head18446744073709551615", 24);
	frame_unref(&frame);
}

static void a_text_beyond_the_limit_fails_as_a_whole(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf);
	buf_string(&buf, "begun");
	assert_null(buf_room(&buf, BUF_MAX));
	buf_string(&buf, "more");
	assert_null(buf_frame(&buf));
	assert_int_equal(buf_used(&buf), 0);
}

static void bytes_come_out_in_order_whatever_the_socket_takes(void **state)
{
	struct outq outq = {0};
	char wanted[4096] = "", got[4096] = "", text[32];
	struct iovec iov[3];
	size_t used = 0;

	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "frame %d;", i);
		strcat(wanted, text);
		assert_true(outq_push(&outq, text_frame(text)));
	}
	assert_int_equal(outq.bytes, strlen(wanted));
	for (size_t step = 1; outq.count > 0; step = step % 13 + 1) {
		unsigned n = outq_iov(&outq, iov, 3);
		size_t take = 0;

		for (unsigned i = 0; i < n && take < step; i++) {
			size_t part = iov[i].iov_len < step - take ? iov[i].iov_len : step - take;

			memcpy(got + used + take, iov[i].iov_base, part);
			take += part;
		}
		used += take;
		outq_sent(&outq, take);
	}
	assert_string_equal(got, wanted);
	assert_null(outq.ring);
	assert_int_equal(outq.bytes, 0);
}

static void a_record_is_gathered_from_many_frames(void **state)
{
	struct outq outq = {0};
	uint8_t record[8];

	(void)state;
	outq_push(&outq, text_frame("abc"));
	outq_push(&outq, text_frame("defghijk"));
	assert_int_equal(outq_gather(&outq, record, sizeof(record)), 8);
	assert_memory_equal(record, "abcdefgh", 8);
	outq_sent(&outq, 4);
	assert_int_equal(outq_gather(&outq, record, sizeof(record)), 7);
	assert_memory_equal(record, "efghijk", 7);
	outq_fini(&outq);
}

static void trimming_keeps_what_has_begun(void **state)
{
	struct outq outq = {0};

	(void)state;
	outq_push(&outq, text_frame("first"));
	outq_push(&outq, text_frame("second"));
	outq_push(&outq, text_frame("third"));
	outq_sent(&outq, 2);
	outq_trim(&outq, 0);
	assert_int_equal(outq.count, 1);
	assert_int_equal(outq.bytes, 3);

	outq_push(&outq, text_frame("second"));
	outq_push(&outq, text_frame("third"));
	outq_trim(&outq, 4); /* a TLS record that reaches into the second */
	assert_int_equal(outq.count, 2);
	assert_int_equal(outq.bytes, 9);
	outq_fini(&outq);

	outq_push(&outq, text_frame("unsent"));
	outq_trim(&outq, 0);
	assert_null(outq.ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_lives_as_long_as_a_queue_refers_to_it),
		cmocka_unit_test(a_text_can_be_given_a_head_when_it_is_done),
		cmocka_unit_test(a_text_beyond_the_limit_fails_as_a_whole),
		cmocka_unit_test(bytes_come_out_in_order_whatever_the_socket_takes),
		cmocka_unit_test(a_record_is_gathered_from_many_frames),
		cmocka_unit_test(trimming_keeps_what_has_begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
