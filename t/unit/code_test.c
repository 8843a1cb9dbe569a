#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "conf/code.h"

static const int codes[] = {
#define X(id, number, name, text) number,
	CODE_LIST(X)
#undef X
};
enum { CODES = sizeof(codes) / sizeof(codes[0]) };

static void test_numbers_and_names_are_the_published_ones(void **state)
{
	(void)state;
	assert_int_equal(CODE_DATABASE_CONNECTION, 100);
	assert_int_equal(CODE_DUPLICATE_ADDIN_NAME, 124);
	assert_string_equal(code_name(CODE_BUSY), "busy");
	assert_string_equal(code_name(109), "ErrorPermission");
	assert_string_equal(code_name(-32700), "ParseError");
	assert_string_equal(code_text(CODE_BUSY), "the server is busy, try again");
}

static void test_no_two_codes_share_a_name(void **state)
{
	(void)state;
	for (int i = 0; i < CODES; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(code_name(codes[i]), code_name(codes[j]));
}

static void test_an_unknown_number_has_a_name_too(void **state)
{
	(void)state;
	assert_string_equal(code_name(4711), "Unknown");
	assert_true(strlen(code_text(4711)) > 0);
	assert_string_equal(code_name(CODE_OK), "ok");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_and_names_are_the_published_ones),
		cmocka_unit_test(test_no_two_codes_share_a_name),
		cmocka_unit_test(test_an_unknown_number_has_a_name_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
