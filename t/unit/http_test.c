/* Files over HTTP: who may have what, in which pieces, and what becomes of those who trickle. The
 * stub has one file of 100000 bytes, each its own offset modulo 251. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/code.h"
#include "t/worker/stub.h"
#include "worker/conn.h"
#include "worker/file_token.h"
#include "worker/http_answer.h"
#include "worker/transfer.h"

#define TOKEN "BwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

enum { SIZE = 100000, OUT = 1 << 20 };
static char out[OUT];

struct place {
	struct stub stub;
	struct conn *conn;
};

static void start(struct place *place)
{
	stub_init(&place->stub);
	place->conn = stub_open(&place->stub, false);
}

/* What came out so far, and what comes until nothing more does; returns its size. */
static size_t take(struct place *place)
{
	size_t used = 0, n;

	do {
		event_base_loop(place->stub.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		net_turn(&place->stub.net);
		n = stub_read(&place->stub, out + used, sizeof(out) - used);
		used += n;
	} while (n > 0);
	return used;
}

static bool feed(struct place *place, const void *data, size_t size)
{
	return stub_feed(&place->stub, place->conn, data, size);
}

static void ask(struct place *place, const char *request)
{
	feed(place, request, strlen(request));
}

static const char *content(void)
{
	uint8_t *bytes = malloc(SIZE);

	assert_non_null(bytes);
	for (uint32_t i = 0; i < SIZE; i++)
		bytes[i] = (uint8_t)(i % 251);
	return (char *)bytes;
}

static void ends_with_status(struct place *place, const char *status, const char *name)
{
	size_t size = take(place);

	assert_memory_equal(out, "HTTP/1.1 ", 9);
	if (memcmp(out + 9, status, 3) != 0)
		fail_msg("%.*s", (int)size, out);
	if (name != NULL && memmem(out, size, name, strlen(name)) == NULL)
		fail_msg("%.*s", (int)size, out);
	assert_int_not_equal(place->conn->state, CONN_OPEN);
	assert_false(stub_transfers(&place->stub));
	stub_fini(&place->stub);
}

/* --- Refusals. --- */

static void is_refused(const char *request, const char *status, const char *name)
{
	struct place place;

	start(&place);
	ask(&place, request);
	ends_with_status(&place, status, name);
}

static void what_is_no_transfer_is_refused_before_anything_is_asked(void **state)
{
	(void)state;
	is_refused("GET /files/x HTTP/1.1\r\n\r\n", "404", "\"InvalidToken\"");
	is_refused("GET /files/ HTTP/1.1\r\n\r\n", "404", "\"InvalidToken\"");
	is_refused("GET /files/" TOKEN "/ HTTP/1.1\r\n\r\n", "404", "\"InvalidToken\"");
	is_refused("GET /files/" TOKEN "A HTTP/1.1\r\n\r\n", "404", "\"InvalidToken\"");
	is_refused("POST /files/" TOKEN " HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", "405",
		   "Allow: GET, HEAD, PUT");
	is_refused("DELETE /files/" TOKEN " HTTP/1.1\r\n\r\n", "405", "\"MethodNotFound\"");
	is_refused("PUT /files/" TOKEN " HTTP/1.1\r\n\r\n", "411", "\"InvalidArgument\"");
	is_refused("PUT /files/" TOKEN " HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "411",
		   "\"InvalidArgument\"");
	is_refused("PUT /files/" TOKEN " HTTP/1.1\r\nContent-Length: 1\r\n"
		   "Transfer-Encoding: chunked\r\n\r\n",
		   "400", NULL);
	is_refused("PUT /files/" TOKEN
		   " HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
		   "400", NULL);
	is_refused("PUT /files/" TOKEN " HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "400", NULL);
	is_refused("PUT /files/" TOKEN
		   " HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
		   "400", NULL);
	is_refused("GET /file HTTP/1.1\r\n\r\n", "404", NULL);
}

static void a_refusal_of_the_token_has_its_status(void **state)
{
	static const struct {
		int code;
		const char *status, *name;
	} refusals[] = {
		{CODE_INVALID_TOKEN, "404", "\"InvalidToken\""},
		{CODE_DATA_COLLISION, "409", "\"DataCollision\""},
		{CODE_LIMIT_EXCEEDED, "503", "\"LimitExceeded\""},
		{CODE_FILE_UPLOAD_FAILED, "507", "\"FileUploadFailed\""},
		{CODE_UNAVAILABLE, "503", "\"unavailable\""},
		{CODE_TIMEOUT, "503", "\"timeout\""},
		{CODE_INVALID_FLOW_OF_OPERATIONS, "503", "\"InvalidFlowOfOperations\""},
		{CODE_NODE_DISABLED, "403", "\"NodeDisabled\""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct place place;

		start(&place);
		ask(&place, "PUT /files/" TOKEN " HTTP/1.1\r\nContent-Length: 100000\r\n\r\n");
		assert_true(stub_transfer(&place.stub, refusals[i].code));
		ends_with_status(&place, refusals[i].status, refusals[i].name);
	}
}

static void a_body_of_another_size_than_was_granted_is_refused(void **state)
{
	struct place place;

	(void)state;
	start(&place);
	ask(&place, "PUT /files/" TOKEN " HTTP/1.1\r\nContent-Length: 100001\r\n\r\n");
	assert_true(stub_transfer(&place.stub, CODE_OK));
	ends_with_status(&place, "413", "\"TooLarge\"");
	start(&place);
	ask(&place, "PUT /files/" TOKEN " HTTP/1.1\r\nContent-Length: 99999\r\n\r\n");
	assert_true(stub_transfer(&place.stub, CODE_OK));
	ends_with_status(&place, "400", "\"InvalidArgument\"");
}

/* --- Uploading. --- */

static void upload_in_pieces(size_t piece, const char *head)
{
	const char *bytes = content();
	struct place place;
	size_t size = strlen(head);
	char *all = malloc(size + SIZE);

	assert_non_null(all);
	memcpy(all, head, size);
	memcpy(all + size, bytes, SIZE);
	size += SIZE;
	start(&place);
	for (size_t at = 0; at < size;) {
		size_t n = size - at < piece ? size - at : piece;

		/* What the connection does not take it would not have read. */
		if (!conn_paused(place.conn) || at < strlen(head)) {
			assert_true(feed(&place, all + at, n));
			at += n;
		}
		while (stub_transfer(&place.stub, CODE_OK))
			;
	}
	free(all);
	free((char *)(uintptr_t)bytes);
	assert_false(stub_spoiled(&place.stub));
	ends_with_status(&place, "201", "\"sha256\":\"0000");
}

static void an_upload_arrives_whole_in_whatever_pieces_it_comes(void **state)
{
	static const char head[] =
		"PUT /files/" TOKEN " HTTP/1.1\r\nContent-Length: 100000\r\n\r\n";

	(void)state;
	upload_in_pieces(SIZE_MAX, head);
	upload_in_pieces(65536, head);
	upload_in_pieces(16384, head);
	upload_in_pieces(TRANSFER_WRITE_MAX, head);
	upload_in_pieces(1000, head);
	upload_in_pieces(7, head);
}

static void bytes_are_not_read_before_those_before_them_are_written(void **state)
{
	const char *bytes = content();
	struct place place;

	(void)state;
	start(&place);
	ask(&place, "PUT /files/" TOKEN " HTTP/1.1\r\nContent-Length: 100000\r\n\r\n");
	assert_true(conn_paused(place.conn));
	assert_true(stub_transfer(&place.stub, CODE_OK));
	assert_false(conn_paused(place.conn));
	feed(&place, bytes, 10);
	assert_true(conn_paused(place.conn));
	stub_transfer(&place.stub, CODE_OK);
	assert_false(conn_paused(place.conn));
	feed(&place, bytes + 10, 1000);
	assert_true(stub_transfer(&place.stub, CODE_FILE_UPLOAD_FAILED));
	free((char *)(uintptr_t)bytes);
	ends_with_status(&place, "507", "\"FileUploadFailed\"");
}

static void a_client_that_waits_to_be_asked_for_the_body_is_asked(void **state)
{
	struct place place;

	(void)state;
	start(&place);
	ask(&place, "PUT /files/" TOKEN " HTTP/1.1\r\nContent-Length: 100000\r\n"
		    "Expect: 100-continue\r\n\r\n");
	assert_int_equal(take(&place), 0);
	assert_true(stub_transfer(&place.stub, CODE_OK));
	assert_int_equal(take(&place), 25);
	assert_string_equal(out, "HTTP/1.1 100 Continue\r\n\r\n");
	assert_int_equal(place.conn->state, CONN_OPEN);
	stub_fini(&place.stub);
}

static void a_busy_moment_costs_an_upload_nothing(void **state)
{
	const char *bytes = content();
	struct place place;

	(void)state;
	start(&place);
	stub_transfer_code(&place.stub, CODE_BUSY);
	ask(&place, "PUT /files/" TOKEN " HTTP/1.1\r\nContent-Length: 100000\r\n\r\n");
	assert_false(stub_transfer(&place.stub, CODE_OK));
	stub_transfer_code(&place.stub, CODE_OK);
	stub_transfer_again(&place.stub);
	assert_true(stub_transfer(&place.stub, CODE_OK));
	stub_transfer_code(&place.stub, CODE_BUSY);
	feed(&place, bytes, SIZE);
	assert_true(conn_paused(place.conn));
	assert_false(stub_transfer(&place.stub, CODE_OK));
	stub_transfer_again(&place.stub);
	assert_false(stub_transfer(&place.stub, CODE_OK));
	stub_transfer_code(&place.stub, CODE_OK);
	stub_transfer_again(&place.stub);
	while (stub_transfer(&place.stub, CODE_OK))
		;
	free((char *)(uintptr_t)bytes);
	assert_false(stub_spoiled(&place.stub));
	ends_with_status(&place, "201", "\"name\":\"plan");
}

static void an_upload_whose_client_goes_away_is_broken_off(void **state)
{
	struct place place;

	(void)state;
	start(&place);
	ask(&place, "PUT /files/" TOKEN " HTTP/1.1\r\nContent-Length: 100000\r\n\r\n");
	assert_true(stub_transfer(&place.stub, CODE_OK));
	assert_true(stub_transfers(&place.stub));
	close(place.stub.peer);
	place.stub.peer = -1;
	event_base_loop(place.stub.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	net_turn(&place.stub.net);
	assert_false(stub_transfers(&place.stub));
	assert_int_equal(place.stub.net.count, 0);
	stub_fini(&place.stub);
}

/* --- Downloading. --- */

/* The head is cut off from `out`; returns how many bytes of the body there are. */
static size_t download(const char *request, char head_r[4096])
{
	struct place place;
	size_t size = 0;
	char *all = malloc(OUT), *body;

	assert_non_null(all);
	start(&place);
	ask(&place, request);
	for (bool more = true; more;) {
		size_t n;

		more = stub_transfer(&place.stub, CODE_OK);
		n = take(&place);
		memcpy(all + size, out, n);
		size += n;
		more |= n > 0;
	}
	assert_int_not_equal(place.conn->state, CONN_OPEN);
	body = memmem(all, size, "\r\n\r\n", 4);
	assert_non_null(body);
	body += 4;
	memcpy(head_r, all, (size_t)(body - all));
	head_r[body - all] = '\0';
	size -= (size_t)(body - all);
	memcpy(out, body, size);
	free(all);
	stub_fini(&place.stub);
	return size;
}

static void is_part(size_t size, uint32_t first, uint32_t wanted)
{
	assert_int_equal(size, wanted);
	for (uint32_t i = 0; i < wanted; i++)
		assert_int_equal((uint8_t)out[i], (uint8_t)((first + i) % 251));
}

static void has(const char *head, const char *line)
{
	if (strstr(head, line) == NULL)
		fail_msg("\"%s\" is not in %s", line, head);
}

static void a_download_is_whole_and_harmless_to_a_browser(void **state)
{
	char head[4096];

	(void)state;
	is_part(download("GET /files/" TOKEN " HTTP/1.1\r\n\r\n", head), 0, SIZE);
	has(head, "HTTP/1.1 200 OK\r\n");
	has(head, "\r\nContent-Length: 100000\r\n");
	has(head, "\r\nContent-Type: application/pdf\r\n");
	has(head, "\r\nContent-Disposition: attachment; filename=\"plan _ _.pdf\"; "
		  "filename*=UTF-8''plan%20%C3%A4%20%22.pdf\r\n");
	has(head, "\r\nX-Content-Type-Options: nosniff\r\n");
	has(head, "\r\nContent-Security-Policy: sandbox\r\n");
	has(head, "\r\nCache-Control: private, no-store\r\n");
	has(head, "\r\nAccept-Ranges: bytes\r\n");
	has(head, "\r\nETag: \"0000");
	has(head, "\r\nConnection: close\r\n");
}

static void a_head_has_no_body(void **state)
{
	char head[4096];

	(void)state;
	is_part(download("HEAD /files/" TOKEN " HTTP/1.1\r\nRange: bytes=5-9\r\n\r\n", head), 0, 0);
	has(head, "HTTP/1.1 200 OK\r\n");
	has(head, "\r\nContent-Length: 100000\r\n");
}

static size_t ranged(const char *range, char head[4096])
{
	char request[256];

	snprintf(request, sizeof(request), "GET /files/" TOKEN " HTTP/1.1\r\nRange: %s\r\n\r\n",
		 range);
	return download(request, head);
}

static void a_part_can_be_had(void **state)
{
	char head[4096];

	(void)state;
	is_part(ranged("bytes=5-9", head), 5, 5);
	has(head, "HTTP/1.1 206 Partial Content\r\n");
	has(head, "\r\nContent-Range: bytes 5-9/100000\r\n");
	has(head, "\r\nContent-Length: 5\r\n");
	is_part(ranged("bytes=99990-", head), 99990, 10);
	has(head, "\r\nContent-Range: bytes 99990-99999/100000\r\n");
	is_part(ranged("bytes=-10", head), 99990, 10);
	is_part(ranged("bytes=-200000", head), 0, SIZE);
	has(head, "HTTP/1.1 206 ");
	is_part(ranged("Bytes=70000-199999", head), 70000, 30000);
	is_part(ranged("bytes=0-0", head), 0, 1);
}

static void what_lies_outside_is_refused_and_what_is_no_range_means_the_whole(void **state)
{
	static const char *const odd[] = {"bytes=9-5",	"bytes=1-2,5-6",
					  "bytes=",	"bytes=-",
					  "bytes=x-y",	"lines=1-2",
					  "bytes=1-2 ", "bytes=1-x",
					  "bytes=--1",	"bytes=99999999999999999999-"};
	char head[4096];

	(void)state;
	is_part(ranged("bytes=100000-", head), 0, 0);
	has(head, "HTTP/1.1 416 ");
	has(head, "\r\nContent-Range: bytes */100000\r\n");
	is_part(ranged("bytes=-0", head), 0, 0);
	has(head, "HTTP/1.1 416 ");
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		is_part(ranged(odd[i], head), 0, SIZE);
		has(head, "HTTP/1.1 200 ");
	}
}

static void a_part_of_another_file_is_not_given(void **state)
{
	char head[4096], request[256], zeros[65];

	(void)state;
	memset(zeros, '0', 64);
	zeros[64] = '\0';
	snprintf(request, sizeof(request),
		 "GET /files/" TOKEN " HTTP/1.1\r\nRange: bytes=5-9\r\nIf-Range: \"%s\"\r\n\r\n",
		 zeros);
	is_part(download(request, head), 5, 5);
	snprintf(request, sizeof(request),
		 "GET /files/" TOKEN " HTTP/1.1\r\nRange: bytes=5-9\r\nIf-Range: \"x\"\r\n\r\n");
	is_part(download(request, head), 0, SIZE);
}

static void a_slow_reader_holds_no_more_than_one_piece(void **state)
{
	struct place place;
	unsigned pieces = 0;

	(void)state;
	start(&place);
	ask(&place, "GET /files/" TOKEN " HTTP/1.1\r\n\r\n");
	assert_true(stub_transfer(&place.stub, CODE_OK));
	while (pieces < 1000 && stub_transfer(&place.stub, CODE_OK)) {
		pieces++;
		assert_true(place.conn->out.bytes <= TRANSFER_READ_MAX);
	}
	/* The file fits into the socket pair, or the reader stands still. */
	assert_true(pieces <= 2);
	stub_fini(&place.stub);
}

static void a_download_that_fails_ends_short_of_its_length(void **state)
{
	struct place place;

	(void)state;
	start(&place);
	ask(&place, "GET /files/" TOKEN " HTTP/1.1\r\n\r\n");
	assert_true(stub_transfer(&place.stub, CODE_OK));
	assert_true(stub_transfer(&place.stub, CODE_FILE_DOWNLOAD_FAILED));
	net_turn(&place.stub.net);
	assert_int_equal(place.stub.net.count, 0);
	stub_fini(&place.stub);
}

/* --- Deadlines and the end. --- */

static void go_to(struct place *place, uint64_t microseconds)
{
	place->stub.net.started -= microseconds;
	net_tick(&place->stub.net);
	net_turn(&place->stub.net);
}

/* With deadlines of a second. */
static void start_impatient(struct place *place)
{
	struct err err;

	stub_init(&place->stub);
	place->stub.conf.json.idle_timeout = 1000000;
	place->stub.conf.json.ping_interval = 500000;
	place->stub.conf.json.handshake_timeout = 1000000;
	net_fini(&place->stub.net);
	assert_int_equal(net_init(&place->stub.net, place->stub.base, &place->stub.conf,
				  &place->stub.proc, &err),
			 0);
	place->conn = stub_open(&place->stub, false);
}

static void who_trickles_is_told_that_he_is_too_slow(void **state)
{
	struct place place;

	(void)state;
	start_impatient(&place);
	ask(&place, "PUT /files/" TOKEN " HTTP/1.1\r\nContent-Length: 100000\r\n\r\n");
	assert_true(stub_transfer(&place.stub, CODE_OK));
	go_to(&place, 600000);
	feed(&place, "\0\1\2", 3);
	assert_true(stub_transfer(&place.stub, CODE_OK));
	assert_int_equal(take(&place), 0);
	go_to(&place, 600000);
	ends_with_status(&place, "408", "\"timeout\"");
}

static void who_sends_whole_pieces_may_take_his_time(void **state)
{
	const char *bytes = content();
	struct place place;

	(void)state;
	start_impatient(&place);
	ask(&place, "PUT /files/" TOKEN " HTTP/1.1\r\nContent-Length: 100000\r\n\r\n");
	for (size_t at = 0; at < SIZE;) {
		size_t n = SIZE - at < TRANSFER_WRITE_MAX ? SIZE - at : TRANSFER_WRITE_MAX;

		assert_true(stub_transfer(&place.stub, CODE_OK));
		go_to(&place, 600000);
		feed(&place, bytes + at, n);
		at += n;
	}
	go_to(&place, 5000000); /* it is the server that takes its time now */
	assert_true(stub_transfer(&place.stub, CODE_OK));
	free((char *)(uintptr_t)bytes);
	ends_with_status(&place, "201", NULL);
}

static void a_server_that_stops_says_so_to_those_who_send(void **state)
{
	struct place place;

	(void)state;
	start(&place);
	ask(&place, "PUT /files/" TOKEN " HTTP/1.1\r\nContent-Length: 100000\r\n\r\n");
	assert_true(stub_transfer(&place.stub, CODE_OK));
	net_stop(&place.stub.net);
	ends_with_status(&place, "503", "\"unavailable\"");
}

/* --- Tokens and names. --- */

static void a_token_reads_as_it_was_written(void **state)
{
	uint8_t token[FILE_HASH], back[FILE_HASH];
	char text[FILE_TOKEN_TEXT + 1];

	(void)state;
	for (unsigned round = 0; round < 256; round++) {
		for (unsigned i = 0; i < FILE_HASH; i++)
			token[i] = (uint8_t)(round * 31 + i * 7);
		file_token_text(token, text);
		assert_int_equal(strlen(text), FILE_TOKEN_TEXT);
		assert_true(file_token_parse(text, FILE_TOKEN_TEXT, back));
		assert_memory_equal(token, back, FILE_HASH);
	}
	assert_false(file_token_parse(text, FILE_TOKEN_TEXT - 1, back));
	text[FILE_TOKEN_TEXT - 1] = 'B'; /* bits that belong to no byte */
	assert_false(file_token_parse(text, FILE_TOKEN_TEXT, back));
	text[3] = '+';
	assert_false(file_token_parse(text, FILE_TOKEN_TEXT, back));
	text[3] = '\0';
	assert_false(file_token_parse(text, FILE_TOKEN_TEXT, back));
}

static void type_is_sent_as(const char *type, const char *sent)
{
	const struct file_info file = {.name = {"a\r\nX: y\"\\%", 10},
				       .type = {type, (uint32_t)strlen(type)}};
	const struct http_range whole = {.kind = HTTP_RANGE_WHOLE};
	char line[256];
	struct buf buf;

	buf_init(&buf);
	http_head_of(&buf, &file, &whole);
	buf_char(&buf, '\0');
	snprintf(line, sizeof(line), "\r\nContent-Type: %s\r\n", sent);
	has(buf_text(&buf), line);
	has(buf_text(&buf),
	    "filename=\"a__X: y___\"; filename*=UTF-8''a%0D%0AX%3A%20y%22%5C%25\r\n");
	buf_fini(&buf);
}

static void what_a_client_gave_as_type_and_name_breaks_no_head(void **state)
{
	(void)state;
	type_is_sent_as("image/png", "image/png");
	type_is_sent_as("application/vnd.ms-excel", "application/vnd.ms-excel");
	type_is_sent_as("", "application/octet-stream");
	type_is_sent_as("text", "application/octet-stream");
	type_is_sent_as("text/html\r\nX: y", "application/octet-stream");
	type_is_sent_as("text/html; charset=utf-8", "application/octet-stream");
	type_is_sent_as("/x", "application/octet-stream");
	type_is_sent_as("x/", "application/octet-stream");
	type_is_sent_as("a/b/c", "application/octet-stream");
	type_is_sent_as("\xc3\xa4/x", "application/octet-stream");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_transfer_is_refused_before_anything_is_asked),
		cmocka_unit_test(a_refusal_of_the_token_has_its_status),
		cmocka_unit_test(a_body_of_another_size_than_was_granted_is_refused),
		cmocka_unit_test(an_upload_arrives_whole_in_whatever_pieces_it_comes),
		cmocka_unit_test(bytes_are_not_read_before_those_before_them_are_written),
		cmocka_unit_test(a_client_that_waits_to_be_asked_for_the_body_is_asked),
		cmocka_unit_test(a_busy_moment_costs_an_upload_nothing),
		cmocka_unit_test(an_upload_whose_client_goes_away_is_broken_off),
		cmocka_unit_test(a_download_is_whole_and_harmless_to_a_browser),
		cmocka_unit_test(a_head_has_no_body),
		cmocka_unit_test(a_part_can_be_had),
		cmocka_unit_test(what_lies_outside_is_refused_and_what_is_no_range_means_the_whole),
		cmocka_unit_test(a_part_of_another_file_is_not_given),
		cmocka_unit_test(a_slow_reader_holds_no_more_than_one_piece),
		cmocka_unit_test(a_download_that_fails_ends_short_of_its_length),
		cmocka_unit_test(who_trickles_is_told_that_he_is_too_slow),
		cmocka_unit_test(who_sends_whole_pieces_may_take_his_time),
		cmocka_unit_test(a_server_that_stops_says_so_to_those_who_send),
		cmocka_unit_test(a_token_reads_as_it_was_written),
		cmocka_unit_test(what_a_client_gave_as_type_and_name_breaks_no_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
