/* CRC-32C: the vectors of RFC 3720 appendix B.4, and both ways of computing it against each other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/crc32c.h"

static void assert_crc(const void *data, size_t size, uint32_t expected)
{
	assert_int_equal(crc32c(0, data, size), expected);
	assert_int_equal(crc32c_portable(0, data, size), expected);
}

static void the_vectors_of_rfc_3720_agree(void **state)
{
	static const uint8_t read_pdu[48] = {
		[0] = 0x01,  [1] = 0xc0,  [16] = 0x14, [22] = 0x04,
		[27] = 0x14, [31] = 0x18, [32] = 0x28, [40] = 0x02,
	};
	uint8_t bytes[32];

	(void)state;
	memset(bytes, 0, sizeof(bytes));
	assert_crc(bytes, sizeof(bytes), 0x8a9136aa);
	memset(bytes, 0xff, sizeof(bytes));
	assert_crc(bytes, sizeof(bytes), 0x62a8ab43);
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	assert_crc(bytes, sizeof(bytes), 0x46dd794e);
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(31 - i);
	assert_crc(bytes, sizeof(bytes), 0x113fdb5c);
	assert_crc(read_pdu, sizeof(read_pdu), 0xd9963a56);
	assert_crc("123456789", 9, 0xe3069283);
	assert_crc("", 0, 0);
}

static void the_instruction_and_the_table_agree_at_every_length_and_alignment(void **state)
{
	uint8_t bytes[300];

	(void)state;
	srandom(1);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)random();
	for (size_t start = 0; start < 16; start++) {
		for (size_t size = 0; size < sizeof(bytes) - start; size++)
			assert_int_equal(crc32c(7, bytes + start, size),
					 crc32c_portable(7, bytes + start, size));
	}
}

static void a_sum_can_be_continued_at_every_byte(void **state)
{
	static const char text[] = "a record, its header and its payload, one behind the other";
	uint32_t whole = crc32c(0, text, sizeof(text));

	(void)state;
	for (size_t cut = 0; cut <= sizeof(text); cut++)
		assert_int_equal(crc32c(crc32c(0, text, cut), text + cut, sizeof(text) - cut),
				 whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vectors_of_rfc_3720_agree),
		cmocka_unit_test(the_instruction_and_the_table_agree_at_every_length_and_alignment),
		cmocka_unit_test(a_sum_can_be_continued_at_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
