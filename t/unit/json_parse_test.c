/* Requests are taken apart as jansson alone would do it, only faster. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/json_parse.h"
#include "worker/json_peer.h"

static json_t *jansson(const char *text, size_t size)
{
	return json_loadb(text, size,
			  JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
}

static void same(const char *text, size_t size)
{
	char *copy = malloc(size + 1); /* of exactly this size, for sanitizers to watch its end */
	json_t *ours, *theirs;

	assert_non_null(copy);
	memcpy(copy, text, size);
	copy = realloc(copy, size > 0 ? size : 1);
	ours = json_parse(copy, size);
	theirs = jansson(copy, size);
	if ((ours == NULL) != (theirs == NULL) || (ours != NULL && !json_equal(ours, theirs)))
		fail_msg("not the same: %.*s", (int)size, text);
	json_decref(ours);
	json_decref(theirs);
	free(copy);
}

static const char *const texts[] = {
	"", " ", "null", "true", "false", "nul", "nulll", "0", "-0", "-", "1", "01", "-1", "+1", "1.",
	"1.5", ".5", "1e3", "1E+3", "1e", "1e999", "-1e999", "1e-999", "9223372036854775807",
	"9223372036854775808", "-9223372036854775807", "\"\"", "\"", "\"a", "\"a\"b", "\"a\" \"b\"",
	"\"\\n\\t\\\\\\\"\\/\\b\\f\\r\"", "\"\\x\"", "\"\\", "\"\\\"", "\"\\u0041\"", "\"\\u00\"",
	"\"\\ud800\"", "\"\\ud83d\\ude00\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\\u0000\"",
	"\"\n\"", "\"\x01\"", "\"\x7f\"", "\"\xc3\xa9\xe4\xb8\x96\xf0\x9f\x98\x80\"", "\"\xff\"",
	"\"\xc3\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xf5\x80\x80\x80\"", "\xef\xbb\xbf{}",
	"{}", "{ }", "{", "}", "{}{}", "{},", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{1:2}",
	"{\"a\":1,\"a\":2}", "{\"a\":1,\"b\":{\"a\":2}}", "{\"\\n\":\"\\t\"}", "{\"\\n\":1,\"\\n\":2}",
	"{\"\":1}", "{\"\xff\":1}", "{\"a\\u0000b\":1}", "{\"a\":1,\"\\u0061\":2}", "{\"a\" :\t1\r\n}",
	"{\"a\":\v1}", "{\"a\":\f1}", "[]", "[", "]", "[1,]", "[,1]", "[1 2]", "[1,[2,[3]],{\"x\":[]}]",
	"[}", "{]", "/* */ 1", "// 1\n1", "1 // 1", "{}\n", "{} x", "{}]", "tru\\u0065", "NaN", "Infinity",
};

static void test_each_text_is_the_same_value_or_none_for_both(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		same(texts[i], strlen(texts[i]));
	same("\0", 1);
	same("1\0", 2);
	same("\"a\0b\"", 5);
	same("{}\0", 3);
}

static void test_each_text_cut_off_or_with_a_byte_changed_is_the_same_for_both(void **state)
{
	static const char text[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"x\":[1.5,null,true,\"\\n\xc3\xa9\"],"
				   "\"params\":{\"rooms\":[{\"room\":\"r\",\"since\":-12}]}}";
	static const char bytes[] = "\"\\{}[],:u0e.-x \v\n\x01\xff";
	char copy[sizeof(text)];

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		same(text, i);
		memcpy(copy, text, sizeof(text));
		for (unsigned k = 0; k < sizeof(bytes); k++) {
			copy[i] = bytes[k];
			same(copy, sizeof(text) - 1);
		}
	}
}

static void test_what_is_nested_too_deep_is_no_value(void **state)
{
	char text[2 * JSON_DEPTH + 16];

	(void)state;
	for (unsigned escaped = 0; escaped < 2; escaped++) {
		for (unsigned depth = JSON_DEPTH; depth <= JSON_DEPTH + 1; depth++) {
			json_t *value;

			memset(text, '[', depth);
			snprintf(text + depth, sizeof(text) - depth, "%s",
				 escaped ? "\"\\u0041\"" : "\"AAAAAA\"");
			memset(text + depth + 8, ']', depth);
			value = json_parse(text, 2 * depth + 8);
			assert_int_equal(value != NULL, depth == JSON_DEPTH);
			json_decref(value);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_text_is_the_same_value_or_none_for_both),
		cmocka_unit_test(test_each_text_cut_off_or_with_a_byte_changed_is_the_same_for_both),
		cmocka_unit_test(test_what_is_nested_too_deep_is_no_value),
	};

	return cmocka_run_group_tests_name("json_parse", tests, NULL, NULL);
}
