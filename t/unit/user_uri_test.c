#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "shm/user_uri.h"

static void becomes(const char *name, const char *expected)
{
	char uri[USER_URI_SIZE];

	assert_true(user_uri_make(name, strlen(name), "example.test", uri));
	assert_string_equal(uri, expected);
}

static void is_refused(const char *name, size_t length)
{
	char uri[USER_URI_SIZE];

	assert_false(user_uri_make(name, length, "example.test", uri));
}

static void test_short_name_is_completed(void **state)
{
	(void)state;
	becomes("alice", "sip:alice@example.test");
	becomes("alice@other.test", "sip:alice@other.test");
	becomes("sip:alice@other.test", "sip:alice@other.test");
}

static void test_letters_are_lowered(void **state)
{
	(void)state;
	becomes("Alice", "sip:alice@example.test");
	becomes("SIP:ALICE@Example.Test", "sip:alice@example.test");
	becomes("J\xc3\xb6rg", "sip:j\xc3\xb6rg@example.test");
	becomes("\xc3\x96zil", "sip:\xc3\x96zil@example.test");
}

static void test_what_can_be_no_name_is_refused(void **state)
{
	static const char *const names[] = {
		"",	     "sip:",	  "sip:alice",	  "@",		 "alice@",
		"@dom",	     "a@b@c",	  "al ice",	  "alice\n",	 "al\"ice",
		"<alice>",   "a;b",	  "http:alice@b", "sip:sip:a@b", "\xff",
		"a\xc3",     "\xc0\x80", "\xed\xa0\x80", "alice?x",	 "al\\ice",
		"a\x7f",     "\xf4\x90\x80\x80", "\xe0\x80\x80",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		is_refused(names[i], strlen(names[i]));
	is_refused("al\0ice", 6);
}

static void test_name_is_bounded(void **state)
{
	char name[1000], uri[USER_URI_SIZE];
	const size_t most = EVENT_URI_MAX - strlen("sip:@example.test");

	(void)state;
	memset(name, 'a', sizeof(name));
	assert_true(user_uri_make(name, most, "example.test", uri));
	assert_int_equal(strlen(uri), EVENT_URI_MAX);
	is_refused(name, most + 1);
	is_refused(name, sizeof(name));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short_name_is_completed),
		cmocka_unit_test(test_letters_are_lowered),
		cmocka_unit_test(test_what_can_be_no_name_is_refused),
		cmocka_unit_test(test_name_is_bounded),
	};

	return cmocka_run_group_tests_name("login names", tests, NULL, NULL);
}
