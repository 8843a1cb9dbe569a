/* The JSON front ends: what is refused and as what, what reaches the chat, and that whatever is
 * written is JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "t/worker/stub.h"
#include "worker/conn.h"
#include "worker/json_peer.h"
#include "worker/json_text.h"

#define ROOM "\"ma-chan://example.test/01020304-0506-4708-8900-000000000000\""

static struct stub stub;
static char out[1 << 16];

/* The answer to a line on the local socket (or, as a user, to a text), parsed; a new reference. */
static json_t *ask(bool local, const char *text)
{
	struct conn *conn = stub_open(&stub, true);
	json_t *answer;

	json_peer_of(stub_session(&stub))->local = local;
	net_turn(&stub.net);
	stub_read(&stub, out, sizeof(out));
	stub_feed(&stub, conn, text, strlen(text));
	stub_feed(&stub, conn, "\n", 1);
	stub_read(&stub, out, sizeof(out));
	answer = json_loads(out, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	assert_non_null(answer);
	stub_close(&stub);
	return answer;
}

/* The name of the error in the answer, "ok" if there is none. */
static const char *error_of(bool local, const char *text)
{
	static char name[64];
	json_t *answer = ask(local, text);
	const char *found = "ok";

	if (json_object_get(answer, "error") != NULL)
		assert_int_equal(
			json_unpack(answer, "{s:{s:{s:s}}}", "error", "data", "name", &found), 0);
	snprintf(name, sizeof(name), "%s", found);
	json_decref(answer);
	return name;
}

static const char *post(const char *params)
{
	static char text[20000];

	snprintf(text, sizeof(text),
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"message.post\",\"params\":%s}",
		 params);
	return error_of(false, text);
}

static void what_is_no_json_is_a_parse_error(void **state)
{
	static char deep[1000];

	(void)state;
	memset(deep, '[', sizeof(deep) - 1);
	assert_string_equal(error_of(false, ""), "ParseError");
	assert_string_equal(error_of(false, "hello"), "ParseError");
	assert_string_equal(error_of(false, "{\"jsonrpc\":"), "ParseError");
	assert_string_equal(error_of(false, "{}{}"), "ParseError");
	assert_string_equal(error_of(false, "{\"a\":1,\"a\":2}"), "ParseError");
	assert_string_equal(error_of(false, "{\"a\":\"\xff\"}"), "ParseError");
	assert_string_equal(error_of(false, deep), "ParseError");
}

static void what_is_no_request_is_an_invalid_request_without_an_id(void **state)
{
	static const char *const texts[] = {
		"[]",
		"1",
		"null",
		"{}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"server.info\"}",
		"{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"server.info\"}",
		"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"server.info\"}",
		"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"server.info\"}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server.info\",\"params\":[]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		json_t *answer;

		assert_string_equal(error_of(false, texts[i]), "InvalidRequest");
		answer = ask(false, texts[i]);
		assert_true(json_is_null(json_object_get(answer, "id")));
		json_decref(answer);
	}
}

static void the_id_comes_back_as_it_was(void **state)
{
	json_t *answer =
		ask(false,
		    "{\"jsonrpc\":\"2.0\",\"id\":\"a\\n\\\"\\u0000z\",\"method\":\"server.info\"}");

	(void)state;
	assert_int_equal(json_string_length(json_object_get(answer, "id")), 5);
	assert_memory_equal(json_string_value(json_object_get(answer, "id")), "a\n\"\0z", 5);
	json_decref(answer);
	answer = ask(false, "{\"jsonrpc\":\"2.0\",\"id\":-9007199254740993,\"method\":\"x\"}");
	assert_int_equal(json_integer_value(json_object_get(answer, "id")), -9007199254740993);
	json_decref(answer);
}

static void each_kind_of_client_has_its_methods(void **state)
{
	(void)state;
	assert_string_equal(
		error_of(false, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"user.list\"}"),
		"MethodNotFound");
	assert_string_equal(
		error_of(true, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"user.list\"}"), "ok");
	assert_string_equal(
		error_of(true, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"room.search\"}"),
		"MethodNotFound");
	assert_string_equal(
		error_of(true, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"auth.logout\"}"),
		"MethodNotFound");
	assert_string_equal(
		error_of(true, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"room.list\"}"), "ok");
}

static void a_post_is_checked_before_it_is_sent(void **state)
{
	(void)state;
	assert_string_equal(post("{\"room\":" ROOM ",\"text\":\"hi\",\"id\":\"1\"}"), "ok");
	assert_string_equal(stub_last(&stub)->name, "post");
	assert_string_equal(stub_last(&stub)->text, "hi");
	assert_string_equal(
		post("{\"room\":" ROOM ",\"text\":\"hi\",\"id\":\"1\",\"importance\":\"alert\"}"),
		"ok");
	assert_int_equal(stub_last(&stub)->number, 1);
	assert_string_equal(post("{}"), "InvalidArgument");
	assert_string_equal(post("{\"room\":" ROOM ",\"text\":\"\",\"id\":\"1\"}"),
			    "InvalidArgument");
	assert_string_equal(post("{\"room\":" ROOM ",\"text\":\"a\\u0000b\",\"id\":\"1\"}"),
			    "InvalidArgument");
	assert_string_equal(post("{\"room\":" ROOM ",\"text\":\"a\"}"), "InvalidArgument");
	assert_string_equal(post("{\"room\":" ROOM ",\"text\":\"a\",\"id\":\"\"}"),
			    "InvalidArgument");
	assert_string_equal(
		post("{\"room\":" ROOM ",\"text\":\"a\",\"id\":\"1\",\"importance\":1}"),
		"InvalidArgument");
	assert_string_equal(post("{\"room\":\"lobby\",\"text\":\"a\",\"id\":\"1\"}"),
			    "InvalidArgument");
	assert_string_equal(
		post("{\"room\":\"ma-chan://other.test/"
		     "01020304-0506-4708-8900-000000000000\",\"text\":\"a\",\"id\":\"1\"}"),
		"NoSuchNode");
	assert_string_equal(stub_last(&stub)->name,
			    "sign_in_local"); /* which is each line's first */
}

#define FILE_URI                                                                               \
	"ma-filelink://example.test/01020304-0506-4708-8900-000000000000/"                      \
	"0A020304-0506-4708-8900-00000000000f"

static const char *about_file(const char *method, const char *params)
{
	static char text[2000];

	snprintf(text, sizeof(text),
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"file.%s\",\"params\":%s}", method,
		 params);
	return error_of(false, text);
}

static void a_file_is_named_by_its_room_and_itself(void **state)
{
	static const char *const wrong[] = {
		"", "ma-filelink://", "ma-filelink://example.test/", "ma-chan://example.test/x",
		"ma-filelink://example.test/0a020304-0506-4708-8900-00000000000f",
		"ma-filelink://example.test/01020304-0506-4708-8900-000000000000/"
		"0a020304-0506-4708-8900-00000000000g",
		"ma-filelink://example.test/01020304-0506-4708-8900-000000000000/"
		"0a020304-0506-4708-8900-00000000000f/",
		"ma-filelink:/0a020304-0506-4708-8900-00000000000f",
	};
	char params[400];

	(void)state;
	assert_string_equal(about_file("get", "{\"file\":\"" FILE_URI "\"}"), "ok");
	assert_string_equal(stub_last(&stub)->name, "file_get");
	assert_int_equal(stub_last(&stub)->number, 0x01 + 0x0a);
	assert_string_equal(about_file("remove", "{\"file\":\"" FILE_URI "\",\"lost\":true}"), "ok");
	assert_int_equal(stub_last(&stub)->number, 0x01 + 0x0a + 1);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(params, sizeof(params), "{\"file\":\"%s\"}", wrong[i]);
		assert_string_equal(about_file("download", params), "InvalidArgument");
	}
	assert_string_equal(
		about_file("get", "{\"file\":\"ma-filelink://other.test/"
				  "01020304-0506-4708-8900-000000000000/"
				  "0a020304-0506-4708-8900-00000000000f\"}"),
		"NoSuchNode");
}

static void an_upload_needs_a_room_a_name_and_a_size(void **state)
{
	(void)state;
	assert_string_equal(
		about_file("upload", "{\"room\":" ROOM ",\"name\":\"a\",\"size\":7}"), "ok");
	assert_string_equal(stub_last(&stub)->text, "a");
	assert_int_equal(stub_last(&stub)->number, 7);
	assert_string_equal(about_file("upload", "{\"room\":" ROOM ",\"size\":7}"),
			    "InvalidArgument");
	assert_string_equal(about_file("upload", "{\"room\":" ROOM ",\"name\":\"a\"}"),
			    "InvalidArgument");
	assert_string_equal(
		about_file("upload", "{\"room\":" ROOM ",\"name\":\"a\",\"size\":-1}"),
		"InvalidArgument");
	assert_string_equal(
		about_file("upload", "{\"room\":" ROOM ",\"name\":\"a\",\"size\":null}"),
		"InvalidArgument");
}

static void a_grant_tells_where_the_bytes_go(void **state)
{
	json_t *answer = ask(false, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"file.download\","
				    "\"params\":{\"file\":\"" FILE_URI "\"}}");
	const char *url, *token, *name, *sha256;
	json_int_t size;

	(void)state;
	assert_int_equal(json_unpack(json_object_get(answer, "result"), "{s:s,s:s,s:s,s:s,s:I}",
				     "url", &url, "token", &token, "name", &name, "sha256",
				     &sha256, "size", &size),
			 0);
	assert_int_equal(strlen(token), 43);
	assert_memory_equal(url, "/files/", 7);
	assert_string_equal(url + 7, token);
	assert_string_equal(name, "plan \xc3\xa4 \".pdf");
	assert_int_equal(strlen(sha256), 64);
	assert_int_equal(size, 100000);
	json_decref(answer);
}

static void many_rooms_are_joined_in_one_call(void **state)
{
	json_t *answer, *rooms;

	(void)state;
	answer = ask(false, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"room.join\",\"params\":{"
			    "\"rooms\":[{\"room\":" ROOM "},{\"room\":" ROOM ",\"since\":3}]}}");
	rooms = json_object_get(json_object_get(answer, "result"), "rooms");
	assert_int_equal(json_array_size(rooms), 2);
	assert_non_null(json_object_get(json_array_get(rooms, 0), "messages"));
	assert_non_null(json_object_get(json_array_get(rooms, 1), "error"));
	json_decref(answer);
	assert_string_equal(error_of(false,
				     "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"room.join\","
				     "\"params\":{\"rooms\":[]}}"),
			    "InvalidArgument");
	assert_string_equal(error_of(false,
				     "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"room.join\","
				     "\"params\":{\"room\":" ROOM ",\"history\":501}}"),
			    "InvalidArgument");
}

static void a_resumed_session_joins_its_rooms_in_the_same_call(void **state)
{
	json_t *answer, *result;

	(void)state;
	answer = ask(false, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"auth.resume\",\"params\":{"
			    "\"token\":\"t\",\"rooms\":[{\"room\":" ROOM "},{\"room\":" ROOM
			    ",\"since\":7}]}}");
	result = json_object_get(answer, "result");
	assert_true(json_is_true(json_object_get(result, "done")));
	assert_string_equal(json_string_value(json_object_get(result, "token")), "token");
	assert_int_equal(json_array_size(json_object_get(result, "rooms")), 2);
	assert_string_equal(stub_last(&stub)->name, "resume");
	assert_int_equal(stub_last(&stub)->number, 2);
	json_decref(answer);
}

static void wrong_rooms_are_refused_before_a_token_is_looked_at(void **state)
{
	static const char *const rooms[] = {"[]",
					    "{}",
					    "1",
					    "[1]",
					    "[{}]",
					    "[{\"room\":\"x\"}]",
					    "[{\"room\":" ROOM ",\"since\":-1}]",
					    "[{\"room\":" ROOM "},{\"room\":" ROOM
					    ",\"history\":501}]"};

	(void)state;
	for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
		const unsigned calls = stub_last(&stub)->count;
		char text[512];

		snprintf(text, sizeof(text),
			 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"auth.resume\",\"params\":{"
			 "\"token\":\"t\",\"rooms\":%s}}",
			 rooms[i]);
		assert_string_equal(error_of(false, text), "InvalidArgument");
		assert_int_equal(stub_last(&stub)->count, calls + 1); /* the connection's own */
	}
}

static void a_readers_rows_and_the_caches_become_one_list(void **state)
{
	json_t *answer = ask(false, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"message.history\","
				    "\"params\":{\"room\":" ROOM ",\"after\":5}}");
	json_t *list = json_object_get(json_object_get(answer, "result"), "messages"), *last;

	(void)state;
	assert_int_equal(json_array_size(list), 2);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "seq")), 6);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "from")), 1);
	last = json_array_get(list, 1);
	assert_string_equal(json_string_value(json_object_get(last, "name")), "Alice \"A\"");
	assert_string_equal(json_string_value(json_object_get(last, "text")), "line\n\x01\\");
	assert_true(json_is_true(json_object_get(json_object_get(answer, "result"), "more")));
	json_decref(answer);
}

static void every_byte_of_a_text_survives(void **state)
{
	char text[127];
	struct buf buf;
	json_t *read;

	(void)state;
	for (int i = 0; i < 127; i++)
		text[i] = (char)(i + 1);
	buf_init(&buf);
	json_put_string(&buf, text, sizeof(text));
	read = json_loadb(buf_text(&buf), buf_used(&buf), JSON_DECODE_ANY, NULL);
	assert_int_equal(json_string_length(read), sizeof(text));
	assert_memory_equal(json_string_value(read), text, sizeof(text));
	json_decref(read);
	buf_fini(&buf);
}

static void nesting_is_counted_outside_of_strings_only(void **state)
{
	(void)state;
	assert_true(json_depth_ok("[[]]", 4, 2));
	assert_false(json_depth_ok("[[[]]]", 6, 2));
	assert_true(json_depth_ok("[][][]", 6, 1));
	assert_true(json_depth_ok("\"[[[\\\"[[\"", 9, 1));
	assert_true(json_depth_ok("]]]]", 4, 1));
	assert_true(json_depth_ok("\"\\", 2, 1));
	assert_true(json_depth_ok("[\"[[[[[[[[[[[[\\\"[[[[[[[[[[\"]", 29, 1));
	assert_false(json_depth_ok("[\"long enough a text\",[1]]", 26, 1));
	assert_true(json_depth_ok("\"[[[[[[[[[[[[[[[[", 17, 1));
}

static int set_up(void **state)
{
	(void)state;
	stub_init(&stub);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	stub_fini(&stub);
	return 0;
}

/* Every character at every place of a string of every short length. */
static void test_a_string_comes_back_as_it_was_whatever_is_in_it(void **state)
{
	char text[20];

	(void)state;
	for (unsigned c = 1; c < 128; c++) {
		for (unsigned place = 0; place < sizeof(text); place++) {
			struct buf buf;
			json_t *value;

			memset(text, 'a' + (int)place % 26, sizeof(text));
			text[place] = (char)c;
			buf_init(&buf);
			json_put_string(&buf, text, sizeof(text) - place % 3);
			value = json_loadb(buf_text(&buf), buf_used(&buf), JSON_DECODE_ANY, NULL);
			assert_non_null(value);
			assert_int_equal(json_string_length(value), sizeof(text) - place % 3);
			assert_memory_equal(json_string_value(value), text,
					    sizeof(text) - place % 3);
			json_decref(value);
			buf_fini(&buf);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_string_comes_back_as_it_was_whatever_is_in_it),
		cmocka_unit_test(what_is_no_json_is_a_parse_error),
		cmocka_unit_test(what_is_no_request_is_an_invalid_request_without_an_id),
		cmocka_unit_test(the_id_comes_back_as_it_was),
		cmocka_unit_test(each_kind_of_client_has_its_methods),
		cmocka_unit_test(a_post_is_checked_before_it_is_sent),
		cmocka_unit_test(a_file_is_named_by_its_room_and_itself),
		cmocka_unit_test(an_upload_needs_a_room_a_name_and_a_size),
		cmocka_unit_test(a_grant_tells_where_the_bytes_go),
		cmocka_unit_test(many_rooms_are_joined_in_one_call),
		cmocka_unit_test(a_resumed_session_joins_its_rooms_in_the_same_call),
		cmocka_unit_test(wrong_rooms_are_refused_before_a_token_is_looked_at),
		cmocka_unit_test(a_readers_rows_and_the_caches_become_one_list),
		cmocka_unit_test(every_byte_of_a_text_survives),
		cmocka_unit_test(nesting_is_counted_outside_of_strings_only),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
