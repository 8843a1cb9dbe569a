#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf/code.h"
#include "shm/counter.h"

static void every_counter_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int i = 0; i < COUNTERS; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(counter_name(i), counter_name(j));
	assert_string_equal(counter_name(COUNTERS), "unknown");
}

static void every_refusal_is_counted(void **state)
{
	(void)state;
#define X(id, number, name, text)                                                                  \
	assert_in_range(counter_of_code(number), COUNTER_REFUSED_BUSY, COUNTER_REFUSED_OTHER);
	CODE_LIST(X)
#undef X
	assert_int_equal(counter_of_code(CODE_BUSY), COUNTER_REFUSED_BUSY);
	assert_int_equal(counter_of_code(CODE_NO_SUCH_NODE), COUNTER_REFUSED_NO_SUCH);
	assert_int_equal(counter_of_code(4711), COUNTER_REFUSED_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_counter_has_a_name_of_its_own),
		cmocka_unit_test(every_refusal_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
