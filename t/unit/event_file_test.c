/* Files as events: what is put in comes out again, and nothing malformed gets in or out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/event.h"

static struct event_file sample(void)
{
	struct event_file event = {.size = UINT64_C(5000000000),
				   .time = 1,
				   .author = 7,
				   .name = {"plan \xc3\xa4.pdf", 11},
				   .type = {"application/pdf", 15}};

	memset(event.uuid, 1, sizeof(event.uuid));
	memset(event.sha256, 2, sizeof(event.sha256));
	memset(event.token_hash, 3, sizeof(event.token_hash));
	return event;
}

static void a_file_comes_out_as_it_was_put_in(void **state)
{
	const struct event_file event = sample();
	uint8_t buffer[256];
	struct event_file out;
	const uint32_t size = event_file_put(&event, buffer, sizeof(buffer));

	(void)state;
	assert_int_not_equal(size, 0);
	assert_true(event_file_parse(buffer, size, &out));
	assert_true(out.size == event.size);
	assert_true(out.time == 1);
	assert_int_equal(out.author, 7);
	assert_memory_equal(out.uuid, event.uuid, sizeof(out.uuid));
	assert_memory_equal(out.sha256, event.sha256, sizeof(out.sha256));
	assert_memory_equal(out.token_hash, event.token_hash, sizeof(out.token_hash));
	assert_int_equal(out.name.length, 11);
	assert_memory_equal(out.name.data, event.name.data, 11);
	assert_int_equal(out.type.length, 15);
	assert_memory_equal(out.type.data, event.type.data, 15);
}

static void a_file_without_name_and_type_is_one(void **state)
{
	const struct event_file event = {.author = 1};
	uint8_t buffer[256];
	struct event_file out;
	const uint32_t size = event_file_put(&event, buffer, sizeof(buffer));

	(void)state;
	assert_true(event_file_parse(buffer, size, &out));
	assert_int_equal(out.name.length + out.type.length, 0);
}

static void what_is_too_long_or_has_a_nul_is_not_put(void **state)
{
	static char longest[EVENT_FILE_NAME_MAX + 1];
	uint8_t buffer[2048];
	struct event_file event = sample();

	(void)state;
	memset(longest, 'a', sizeof(longest));
	event.name = (struct text){longest, EVENT_FILE_NAME_MAX};
	assert_int_not_equal(event_file_put(&event, buffer, sizeof(buffer)), 0);
	event.name.length++;
	assert_int_equal(event_file_put(&event, buffer, sizeof(buffer)), 0);
	event.name = (struct text){"a\0b", 3};
	assert_int_equal(event_file_put(&event, buffer, sizeof(buffer)), 0);
	event = sample();
	event.type = (struct text){longest, EVENT_FILE_TYPE_MAX + 1};
	assert_int_equal(event_file_put(&event, buffer, sizeof(buffer)), 0);
	event = sample();
	assert_int_equal(event_file_put(&event, buffer, 100), 0);
}

static void no_other_length_is_taken(void **state)
{
	const struct event_file event = sample();
	uint8_t buffer[256] = {0};
	struct event_file out;
	const uint32_t size = event_file_put(&event, buffer, sizeof(buffer));

	(void)state;
	for (uint32_t other = 0; other < sizeof(buffer); other++)
		assert_int_equal(event_file_parse(buffer, other, &out), other == size);
	buffer[size - 1] = 0;
	assert_false(event_file_parse(buffer, size, &out));
}

static void random_bytes_do_no_harm(void **state)
{
	(void)state;
	srandom(1);
	for (unsigned i = 0; i < 20000; i++) {
		const uint32_t size = (uint32_t)random() % 200;
		uint8_t *bytes = malloc(size + 1);
		struct event_file out;

		for (uint32_t k = 0; k < size; k++)
			bytes[k] = (uint8_t)(random() % 4 ? random() % 3 : random());
		if (event_file_parse(bytes, size, &out))
			assert_int_equal(104 + out.name.length + out.type.length, size);
		free(bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_comes_out_as_it_was_put_in),
		cmocka_unit_test(a_file_without_name_and_type_is_one),
		cmocka_unit_test(what_is_too_long_or_has_a_nul_is_not_put),
		cmocka_unit_test(no_other_length_is_taken),
		cmocka_unit_test(random_bytes_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
