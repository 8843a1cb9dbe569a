#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "daemon/auth_token.h"

static const uint8_t KEYS[2][AUTH_KEY_SIZE] = {"0123456789abcdef0123456789abcde",
					       "0123456789abcdef0123456789abcdf"};
static struct auth_signer *ours, *other;
static const struct auth_token TOKEN = {
	.principal = 4711, .epoch = 3, .issued = 1000, .expires = 2000};

static void make(char text[AUTH_TOKEN_LENGTH + 1])
{
	assert_true(auth_token_make(&TOKEN, ours, text));
	assert_int_equal(strlen(text), AUTH_TOKEN_LENGTH);
}

static bool check(const char *text, size_t length, struct auth_signer *signer, uint64_t now)
{
	struct auth_token token;

	return auth_token_check(text, length, signer, now, &token);
}

static void test_token_says_what_was_put_in(void **state)
{
	char text[AUTH_TOKEN_LENGTH + 1];
	struct auth_token token;

	(void)state;
	make(text);
	assert_int_equal(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
			 AUTH_TOKEN_LENGTH);
	assert_true(auth_token_check(text, AUTH_TOKEN_LENGTH, ours, 1500, &token));
	assert_int_equal(token.principal, 4711);
	assert_int_equal(token.epoch, 3);
	assert_int_equal(token.issued, 1000);
	assert_int_equal(token.expires, 2000);
}

static void test_tokens_differ(void **state)
{
	static char texts[200][AUTH_TOKEN_LENGTH + 1];

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		make(texts[i]);
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(texts[i], texts[k]);
	}
}

static void test_token_expires(void **state)
{
	char text[AUTH_TOKEN_LENGTH + 1];

	(void)state;
	make(text);
	assert_true(check(text, AUTH_TOKEN_LENGTH, ours, 1999));
	assert_false(check(text, AUTH_TOKEN_LENGTH, ours, 2000));
}

static void test_another_key_makes_it_invalid(void **state)
{
	char text[AUTH_TOKEN_LENGTH + 1];

	(void)state;
	make(text);
	assert_false(check(text, AUTH_TOKEN_LENGTH, other, 1500));
}

static void test_any_changed_character_makes_it_invalid(void **state)
{
	char text[AUTH_TOKEN_LENGTH + 1];

	(void)state;
	make(text);
	for (size_t i = 0; i < AUTH_TOKEN_LENGTH; i++) {
		const char kept = text[i];

		for (int c = 0; c < 256; c++) {
			text[i] = (char)c;
			assert_int_equal(check(text, AUTH_TOKEN_LENGTH, ours, 1500),
					 text[i] == kept);
		}
		text[i] = kept;
	}
}

static void test_another_length_makes_it_invalid(void **state)
{
	char text[AUTH_TOKEN_LENGTH + 5] = "";

	(void)state;
	make(text);
	for (size_t length = 0; length < AUTH_TOKEN_LENGTH; length++)
		assert_false(check(text, length, ours, 1500));
	memcpy(text + AUTH_TOKEN_LENGTH, "AAAA", 5);
	assert_false(check(text, AUTH_TOKEN_LENGTH + 4, ours, 1500));
}

static int set_up(void **state)
{
	(void)state;
	ours = auth_signer_new(KEYS[0]);
	other = auth_signer_new(KEYS[1]);
	return ours != NULL && other != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	auth_signer_free(&ours);
	auth_signer_free(&other);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_token_says_what_was_put_in),
		cmocka_unit_test(test_tokens_differ),
		cmocka_unit_test(test_token_expires),
		cmocka_unit_test(test_another_key_makes_it_invalid),
		cmocka_unit_test(test_any_changed_character_makes_it_invalid),
		cmocka_unit_test(test_another_length_makes_it_invalid),
	};

	return cmocka_run_group_tests_name("resume tokens", tests, set_up, tear_down);
}
