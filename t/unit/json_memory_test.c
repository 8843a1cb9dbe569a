#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "worker/json_memory.h"

enum { PIECES = 5000, SIZE = 100 };

static void test_pieces_do_not_overlap_however_many_there_are(void **state)
{
	static uint8_t *piece[PIECES];

	(void)state;
	for (unsigned i = 0; i < PIECES; i++) {
		piece[i] = json_memory_get(SIZE);
		assert_non_null(piece[i]);
		assert_int_equal((uintptr_t)piece[i] % 16, 0);
		memset(piece[i], (int)(i % 251), SIZE);
	}
	for (unsigned i = 0; i < PIECES; i++) {
		for (unsigned k = 0; k < SIZE; k++)
			assert_int_equal(piece[i][k], i % 251);
		json_memory_put(piece[i]);
	}
}

static void test_the_block_is_used_again_when_the_last_piece_is_gone(void **state)
{
	void *first = json_memory_get(10), *second = json_memory_get(10), *third;

	(void)state;
	json_memory_put(first);
	third = json_memory_get(10);
	assert_ptr_not_equal(third, first); /* the second still stands behind it */
	json_memory_put(third);
	json_memory_put(second);
	assert_ptr_equal(json_memory_get(10), first);
	json_memory_put(first);
}

static void test_what_does_not_fit_is_had_elsewhere(void **state)
{
	uint8_t *large = json_memory_get(1 << 20), *small = json_memory_get(1);

	(void)state;
	assert_non_null(large);
	memset(large, 1, 1 << 20);
	*small = 2;
	json_memory_put(small);
	assert_int_equal(large[(1 << 20) - 1], 1);
	json_memory_put(large);
	json_memory_put(NULL);
#ifndef PCHAT_SANITIZERS /* which end a program that asks for so much */
	assert_null(json_memory_get(SIZE_MAX));
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces_do_not_overlap_however_many_there_are),
		cmocka_unit_test(test_the_block_is_used_again_when_the_last_piece_is_gone),
		cmocka_unit_test(test_what_does_not_fit_is_had_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
