/* WebSocket: the upgrade, frames in whatever pieces they come, and the right close code for each
 * way of breaking the protocol. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "t/worker/stub.h"
#include "worker/conn.h"
#include "worker/upgrade.h"

static const char upgrade[] =
	"GET /pchat HTTP/1.1\r\nHost: x\r\nUpgrade: WebSocket\r\nConnection: keep-alive, "
	"Upgrade\r\n"
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	"Sec-WebSocket-Protocol: chat, pchat.v1\r\n\r\n";
static const char info[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server.info\"}";

enum { OUT = 1 << 20 };
static char out[OUT];

/* --- The upgrade. --- */

static int judge(const char *request)
{
	struct http_parse *p = http_parse_new();
	size_t used;
	int status = 0;

	switch (http_parse_input(p, (const uint8_t *)request, strlen(request), &used)) {
	case HTTP_COMPLETE:
		status = upgrade_judge(http_parse_head(p));
		break;
	case HTTP_BAD:
		status = 400;
		break;
	case HTTP_MORE:
		break;
	}
	http_parse_free(&p);
	return status;
}

static void the_key_of_the_rfc_gives_the_answer_of_the_rfc(void **state)
{
	struct http_parse *p = http_parse_new();
	size_t used, size = sizeof(upgrade) - 1;
	struct buf answer;

	(void)state;
	buf_init(&answer);
	assert_int_equal(http_parse_input(p, (const uint8_t *)upgrade, size, &used), HTTP_COMPLETE);
	assert_int_equal(used, size);
	assert_int_equal(upgrade_judge(http_parse_head(p)), UPGRADE_DONE);
	upgrade_answer(http_parse_head(p), UPGRADE_DONE, &answer);
	buf_char(&answer, '\0');
	assert_non_null(strstr(buf_text(&answer), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
	assert_non_null(strstr(buf_text(&answer), "Sec-WebSocket-Protocol: pchat.v1\r\n"));
	buf_fini(&answer);
	http_parse_free(&p);
}

static void an_upgrade_may_come_byte_by_byte(void **state)
{
	struct http_parse *p = http_parse_new();
	size_t used, last = sizeof(upgrade) - 2;

	(void)state;
	for (size_t i = 0; i < last; i++)
		assert_int_equal(http_parse_input(p, (const uint8_t *)upgrade + i, 1, &used),
				 HTTP_MORE);
	assert_int_equal(http_parse_input(p, (const uint8_t *)upgrade + last, 1, &used),
			 HTTP_COMPLETE);
	http_parse_free(&p);
}

static void other_requests_are_refused_with_their_status(void **state)
{
	static char long_head[2 * HTTP_HEAD_MAX];

	(void)state;
	assert_int_equal(judge("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 404);
	assert_int_equal(judge("GET /pchatter HTTP/1.1\r\nHost: x\r\n\r\n"), 404);
	assert_int_equal(judge("GET /pchat HTTP/1.1\r\nHost: x\r\n\r\n"), 426);
	assert_int_equal(judge("GET /pchat?a=b HTTP/1.1\r\nHost: x\r\n\r\n"), 426);
	assert_int_equal(judge("SSH-2.0-OpenSSH\r\n\r\n"), 400);
	memset(long_head, 'x', sizeof(long_head) - 1);
	memcpy(long_head, "GET /pchat HTTP/1.1\r\nX: ", 24);
	assert_int_equal(judge(long_head), 400);
}

/* --- Frames. --- */

static struct conn *start(struct stub *stub)
{
	struct conn *conn;

	stub_init(stub);
	conn = stub_open(stub, false);
	assert_true(stub_feed(stub, conn, upgrade, sizeof(upgrade) - 1));
	stub_read(stub, out, sizeof(out));
	assert_memory_equal(out, "HTTP/1.1 101", 12);
	return conn;
}

/* A frame with the mask 1 2 3 4; returns its size. */
static size_t frame(uint8_t *to, uint8_t first, const void *payload, size_t size)
{
	const uint8_t *bytes = payload;
	size_t used = 2;

	to[0] = first;
	to[1] = (uint8_t)(0x80 | (size < 126 ? size : 126));
	if (size >= 126) {
		to[used++] = (uint8_t)(size >> 8);
		to[used++] = (uint8_t)size;
	}
	for (unsigned i = 1; i <= 4; i++)
		to[used++] = (uint8_t)i;
	for (size_t i = 0; i < size; i++)
		to[used++] = (uint8_t)(bytes[i] ^ (i % 4 + 1));
	return used;
}

/* The code of the close frame that stands at the end of what came out; 0: none. */
static int close_code(struct stub *stub)
{
	size_t n = stub_read(stub, out, sizeof(out));

	if (n < 4 || (uint8_t)out[n - 4] != 0x88)
		return 0;
	return (uint8_t)out[n - 2] << 8 | (uint8_t)out[n - 1];
}

static int close_after(const void *bytes, size_t size)
{
	struct stub stub;
	struct conn *conn = start(&stub);
	int code;

	stub_feed(&stub, conn, bytes, size);
	code = close_code(&stub);
	stub_fini(&stub);
	return code;
}

static int close_after_frame(uint8_t first, const void *payload, size_t size)
{
	uint8_t bytes[1024];

	return close_after(bytes, frame(bytes, first, payload, size));
}

static void every_breach_has_its_close_code(void **state)
{
	static const uint8_t huge[] = {0x81, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4};

	(void)state;
	assert_int_equal(close_after_frame(0x82, "x", 1), 1003);
	assert_int_equal(close_after_frame(0x81, "\xff", 1), 1007);
	assert_int_equal(close_after_frame(0x81, "\xed\xa0\x80", 3), 1007);
	assert_int_equal(close_after_frame(0xc1, "x", 1), 1002);
	assert_int_equal(close_after_frame(0x83, "x", 1), 1002);
	assert_int_equal(close_after_frame(0x80, "x", 1), 1002);
	assert_int_equal(close_after_frame(0x09, "x", 1), 1002);
	assert_int_equal(close_after_frame(0x88, "x", 1), 1002);
	assert_int_equal(close_after_frame(0x88, "\x03\xed", 2), 1002);
	assert_int_equal(close_after_frame(0x88, "\x03\xe8\xff", 3), 1007);
	assert_int_equal(close_after("\x81\x02{}", 4), 1002);
	assert_int_equal(close_after(huge, sizeof(huge)), 1009);
	assert_int_equal(close_after_frame(0x88, "\x03\xe8", 2), 1000);
	assert_int_equal(close_after_frame(0x88, "", 0), 1000);
}

static void a_closed_connection_is_gone_when_the_peer_has_closed_it_too(void **state)
{
	static const uint8_t bytes[] = {0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8};
	struct stub stub;
	struct conn *conn = start(&stub);

	(void)state;
	assert_true(stub_feed(&stub, conn, bytes, sizeof(bytes)));
	assert_int_equal(conn->state, CONN_LINGER);
	close(stub.peer);
	stub.peer = -1;
	event_base_loop(stub.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	net_turn(&stub.net);
	assert_int_equal(stub.net.count, 0);
	stub_fini(&stub);
}

static void a_message_in_pieces_is_whole_and_a_ping_between_them_is_answered(void **state)
{
	uint8_t bytes[1024];
	size_t size = frame(bytes, 0x01, info, 10);
	struct stub stub;
	struct conn *conn = start(&stub);

	(void)state;
	size += frame(bytes + size, 0x89, "ping", 4);
	size += frame(bytes + size, 0x00, info + 10, 5);
	size += frame(bytes + size, 0x80, info + 15, sizeof(info) - 16);
	for (size_t i = 0; i < size; i++)
		assert_true(stub_feed(&stub, conn, bytes + i, 1));
	stub_read(&stub, out, sizeof(out));
	assert_memory_equal(out, "\x8a\x04ping\x81", 7);
	assert_non_null(strstr(out + 6, "\"protocol\":\"pchat.v1\""));
	stub_fini(&stub);
}

static void many_messages_in_one_piece_are_all_answered(void **state)
{
	static uint8_t bytes[100 * 128];
	struct stub stub;
	struct conn *conn = start(&stub);
	size_t size = 0;
	unsigned answers = 0;

	(void)state;
	for (int i = 0; i < 100; i++)
		size += frame(bytes + size, 0x81, info, sizeof(info) - 1);
	assert_true(stub_feed(&stub, conn, bytes, size));
	size = stub_read(&stub, out, sizeof(out));
	for (char *at = out; (at = memmem(at, size - (size_t)(at - out), "pchat.v1", 8)); at++)
		answers++;
	assert_int_equal(answers, 100);
	stub_fini(&stub);
}

static void long_messages_have_the_longer_heads(void **state)
{
	static uint8_t bytes[70000];
	static char text[60000];
	struct stub stub;
	struct conn *conn = start(&stub);

	(void)state;
	memset(text, ' ', sizeof(text));
	memcpy(text, info, sizeof(info) - 1);
	assert_true(stub_feed(&stub, conn, bytes, frame(bytes, 0x81, text, sizeof(text))));
	stub_read(&stub, out, sizeof(out));
	assert_memory_equal(out, "\x81\x7e", 2);
	assert_int_equal((uint8_t)out[2] << 8 | (uint8_t)out[3], strlen(out + 4));
	stub_fini(&stub);
}

static void a_reader_that_takes_nothing_is_not_read_and_then_goes_on(void **state)
{
	static uint8_t bytes[2000 * 128];
	struct stub stub;
	struct conn *conn = start(&stub);
	size_t size = 0, got = 0;

	(void)state;
	stub.conf.json.output_size = 16384;
	for (int i = 0; i < 2000; i++)
		size += frame(bytes + size, 0x81, info, sizeof(info) - 1);
	assert_true(stub_feed(&stub, conn, bytes, size));
	assert_true(conn_paused(conn));
	assert_true(conn->out.bytes <= 16384);
	for (int turn = 0; turn < 1000; turn++) {
		size_t n = stub_read(&stub, out, sizeof(out));

		for (char *at = out; (at = memmem(at, n - (size_t)(at - out), "pchat.v1", 8)); at++)
			got++;
		event_base_loop(stub.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		net_turn(&stub.net);
	}
	assert_int_equal(got, 2000);
	assert_false(conn_paused(conn));
	assert_null(conn->out.ring);
	stub_fini(&stub);
}

static void a_reader_that_is_sent_too_much_is_dropped_and_told_why(void **state)
{
	struct stub stub;
	struct conn *conn = start(&stub);
	struct frame *event;
	struct buf buf;
	size_t n = 0;

	(void)state;
	stub.conf.json.output_size = 16384;
	buf_init(&buf);
	for (int i = 0; i < 1000; i++)
		buf_string(&buf, "event ");
	event = buf_frame(&buf);
	for (int i = 0; i < 1000; i++) /* more than the socket pair takes, too */
		conn_send(conn, event);
	assert_int_equal(conn->state,
			 CONN_OPEN); /* nothing happens to it under the caller's hands */
	frame_unref(&event);
	for (int turn = 0; turn < 1000; turn++) {
		net_turn(&stub.net);
		n += stub_read(&stub, out + n, sizeof(out) - n);
		event_base_loop(stub.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	}
	assert_non_null(memmem(out, n, "\"reason\":\"slow\",\"resume\":true", 29));
	assert_memory_equal(out + n - 4, "\x88\x02\x03\xf0", 4);
	assert_int_equal(stub.page.counters[COUNTER_CONNECTIONS_DROPPED_SLOW], 1);
	stub_fini(&stub);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_key_of_the_rfc_gives_the_answer_of_the_rfc),
		cmocka_unit_test(an_upgrade_may_come_byte_by_byte),
		cmocka_unit_test(other_requests_are_refused_with_their_status),
		cmocka_unit_test(every_breach_has_its_close_code),
		cmocka_unit_test(a_closed_connection_is_gone_when_the_peer_has_closed_it_too),
		cmocka_unit_test(a_message_in_pieces_is_whole_and_a_ping_between_them_is_answered),
		cmocka_unit_test(many_messages_in_one_piece_are_all_answered),
		cmocka_unit_test(long_messages_have_the_longer_heads),
		cmocka_unit_test(a_reader_that_takes_nothing_is_not_read_and_then_goes_on),
		cmocka_unit_test(a_reader_that_is_sent_too_much_is_dropped_and_told_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
