#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "daemon/search_text.h"

static bool finds(enum search_match match, bool sensitive, const char *words, const char *title,
		  const char *text)
{
	struct search_text search;
	bool found;

	assert_true(search_text_init(&search, match, sensitive, words, strlen(words)));
	found = search_text_finds(&search, (struct db_bytes){title, strlen(title)},
				  (struct db_bytes){text, strlen(text)});
	search_text_fini(&search);
	return found;
}

static void words_are_found_as_the_search_wants(void **state)
{
	static const struct {
		enum search_match match;
		bool sensitive, found;
		const char *words, *title, *text;
	} cases[] = {
		{SEARCH_ALL, false, true, "", "", "anything"},
		{SEARCH_ALL, false, true, "b a", "", "a b"},
		{SEARCH_ALL, false, false, "a c", "", "a b"},
		{SEARCH_ANY, false, true, "a c", "", "a b"},
		{SEARCH_ANY, false, false, "c d", "", "a b"},
		{SEARCH_PHRASE, false, true, "a b", "", "x  A\n\tB x"},
		{SEARCH_PHRASE, false, false, "a b", "", "b a"},
		{SEARCH_PHRASE, false, false, "a b", "a", "b"},
		{SEARCH_ALL, false, true, "title text", "Title", "Text"},
		{SEARCH_ALL, true, false, "text", "", "Text"},
		{SEARCH_ALL, true, true, "Text", "", "Text"},
		{SEARCH_ALL, false, true, "STRASSE", "", "straße"},
		{SEARCH_ALL, false, true, "σ", "", "ΟΔΟΣ"},
		{SEARCH_ALL, false, true, "e\u0301", "", "\u00c9"},
		{SEARCH_ALL, false, true, "\U0001f600", "", "smile \U0001f600!"},
		{SEARCH_ALL, false, true, "art", "", "start"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (finds(cases[i].match, cases[i].sensitive, cases[i].words, cases[i].title,
			  cases[i].text) != cases[i].found)
			fail_msg("case %zu: %s in %s", i, cases[i].words, cases[i].text);
}

static void what_cannot_be_searched_for_is_refused(void **state)
{
	char many[2 * (SEARCH_WORDS_MAX + 1)], large[SEARCH_TEXT_SIZE + 1];
	struct search_text search;

	(void)state;
	for (unsigned i = 0; i < sizeof(many); i++)
		many[i] = i % 2 ? ' ' : 'x';
	memset(large, 'x', sizeof(large));
	assert_false(search_text_init(&search, SEARCH_ALL, false, many, sizeof(many)));
	assert_false(search_text_init(&search, SEARCH_ALL, false, large, sizeof(large)));
	assert_false(search_text_init(&search, SEARCH_ALL, false, "\xff", 1));
	assert_true(search_text_init(&search, SEARCH_PHRASE, false, many, sizeof(many)));
	search_text_fini(&search);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_found_as_the_search_wants),
		cmocka_unit_test(what_cannot_be_searched_for_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
