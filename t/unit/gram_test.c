#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistr.h>

#include "odbc/fold.h"
#include "odbc/gram.h"

static char *grams_of(const char *text, size_t length)
{
	char *grams = NULL;
	size_t size;

	assert_true(gram_text("", 0, text, length, &grams, &size));
	assert_int_equal(size, strlen(grams));
	return grams;
}

static bool has(const char *grams, const char *gram, size_t length)
{
	for (const char *at = grams; *at; at += *at == ' ')
		if (strncmp(at, gram, length) == 0 && (at[length] == ' ' || at[length] == '\0'))
			return true;
		else
			at += strcspn(at, " ");
	return false;
}

/* Whether a text is a candidate for a word: all of the query's grams are in it. */
static bool is_candidate(const char *word, const char *text, size_t length)
{
	char *grams = grams_of(text, length), *query = NULL;
	bool found = true;

	assert_true(gram_query(&word, 1, false, &query));
	if (query) {
		const char *at = query + strspn(query, "(");

		while (*at != ')' && found) {
			const size_t size = strcspn(at, "&)");

			found = has(grams, at, size);
			at += size + (at[size] == '&');
		}
	}
	free(grams);
	free(query);
	return found;
}

static size_t put_letter(char *out, uint32_t letter)
{
	return (size_t)u8_uctomb((uint8_t *)out, letter, 6);
}

static bool is_letter(uint32_t letter)
{
	return (letter < 0xd800 || letter > 0xdfff) && letter > 0 && letter < 0x110000;
}

/* The thousands of Chinese and Korean signs are all alike. */
static bool is_monotonous(uint32_t letter)
{
	return (letter >= 0x3400 && letter < 0xa000) || (letter >= 0xac00 && letter < 0xd800) ||
	       (letter >= 0x12000 && letter < 0x1d000);
}

/* What a letter becomes must not depend on its neighbours or on its case: every letter of Unicode
 * is found within a word, as it stands and in the form that the search compares. */
static void test_every_letter_is_found_as_it_stands_and_folded(void **state)
{
	static const char *const around[][2] = {{"ab", "cd"},
						{"\u03b1\u03b9", "\u0301x"},
						{"\u1100\u1161", "\u11a8y"},
						{"e\u0323", "\u0345z"}};
	char word[16], text[48], *folded;
	size_t length, size;

	(void)state;
	for (uint32_t letter = 1; letter < 0x20000; letter += is_monotonous(letter) ? 61 : 1) {
		if (!is_letter(letter) || letter == ' ' || (letter >= 9 && letter <= 13))
			continue;
		length = 1 + put_letter(word + 1, letter);
		word[0] = 'q';
		word[length++] = 'w';
		word[length] = '\0';
		for (unsigned i = 0; i < sizeof(around) / sizeof(around[0]); i++) {
			size = (size_t)snprintf(text, sizeof(text), "%s%s%s", around[i][0], word,
						around[i][1]);
			if (!is_candidate(word, text, size))
				fail_msg("U+%04X is not found between %s and %s", letter,
					 around[i][0], around[i][1]);
			assert_true(fold_text(text, size, &folded, &size));
			if (!is_candidate(word, folded, size))
				fail_msg("U+%04X is not found when the text is folded", letter);
			free(folded);
			assert_true(fold_text(word, length, &folded, &size));
			if (!is_candidate(folded, text, strlen(text)))
				fail_msg("U+%04X is not found when the word is folded", letter);
			free(folded);
		}
	}
}

/* Letters that mean something to each other: composition, order of marks, special cases. */
static const uint32_t letters[] = {
	'a',	 'B',	  ' ',	  '\n',	  'I',	  0x130,  0x131,  0xdf,	  0x1e9e, 0x3b1,
	0x3a3,	 0x3c2,	  0x345,  0x301,  0x323,  0x308,  0xc9,	  0x1fb3, 0x1100, 0x1161,
	0x11a8,	 0xac00,  0xac01, 0x304b, 0x3099, 0x6f22, 0x5b57, 0x5d0,  0x627,  0x64b,
	0x1f600, 0x1f3fd, 0x200d, 0xfb01, 0x2126, 0x4f,	  0x2e80, 0xff76, 0xff9e,
};
enum { LETTERS = sizeof(letters) / sizeof(letters[0]) };

static size_t random_text(char *out, unsigned count)
{
	size_t size = 0;

	for (unsigned i = 0; i < count; i++)
		size += put_letter(out + size, letters[(unsigned)rand() % LETTERS]);
	out[size] = '\0';
	return size;
}

/* Whatever is found by comparing texts is a candidate, too. */
static void test_index_never_misses_what_comparison_finds(void **state)
{
	char word[64], text[256], *folded_word, *folded_text;
	unsigned found = 0;

	(void)state;
	srand(7);
	for (unsigned i = 0; i < 30000; i++) {
		const size_t length = random_text(word, 1 + (unsigned)rand() % 5);
		size_t size = random_text(text, (unsigned)rand() % 4);
		size_t word_size, text_size;

		if (i % 2) {
			memcpy(text + size, word, length);
			size += length;
		}
		size += random_text(text + size, (unsigned)rand() % 4);
		if (strstr(text, word)) {
			found++;
			assert_true(is_candidate(word, text, size));
		}
		assert_true(fold_text(word, length, &folded_word, &word_size));
		assert_true(fold_text(text, size, &folded_text, &text_size));
		if (strstr(folded_text, folded_word)) {
			found++;
			if (!is_candidate(folded_word, text, size))
				fail_msg("%s is not found in %s", word, text);
		}
		free(folded_word);
		free(folded_text);
	}
	assert_true(found > 10000);
}

static void test_other_texts_are_no_candidates(void **state)
{
	(void)state;
	assert_true(is_candidate("quick", "The QUICK fox", 13));
	assert_false(is_candidate("quick", "The quiet fox", 13));
	assert_false(is_candidate("\u6f22", "\u5b57\u5b57", 6));
	assert_true(is_candidate("\u6f22", "\u5b57\u6f22", 6));
	assert_false(is_candidate("\u6f22\u5b57", "\u5b57\u6f22", 6));
	assert_true(is_candidate("a", "b", 1)); /* too short for an index: everything is one */
}

static char *query_of(const char *const *words, unsigned count, bool any)
{
	char *query;

	assert_true(gram_query(words, count, any, &query));
	return query;
}

static void test_query_says_which_words_are_needed(void **state)
{
	const char *const words[] = {"abc", "xy", "bcd"};
	char *query = query_of(words, 3, false);

	(void)state;
	assert_int_equal(strlen(query), strlen("(((abcde)&(abcde))|" GRAM_ANY ")"));
	assert_int_equal(query[9], '&');
	free(query);
	assert_null(query_of(words, 3, true)); /* anything may have "xy" in it */
	query = query_of(words, 1, true);
	assert_int_equal(strlen(query), strlen("(((abcde))|" GRAM_ANY ")") - 1 + 1);
	free(query);
	assert_null(query_of(words + 1, 1, false));
	assert_null(query_of(words, 0, false));
}

static void test_longest_text_is_found_by_everything(void **state)
{
	const size_t size = 524288;
	char *text = malloc(size), *grams;

	(void)state;
	srand(3);
	for (size_t i = 0; i < size; i++)
		text[i] = (char)('!' + rand() % 90);
	grams = grams_of(text, size);
	assert_string_equal(grams, GRAM_ANY);
	free(grams);
	memset(text, 'x', size);
	grams = grams_of(text, size);
	assert_int_equal(strlen(grams), 5);
	free(grams);
	free(text);
}

static void test_what_is_no_text_is_refused(void **state)
{
	const char *const word = "\xff\xff";
	char *grams;
	size_t size;

	(void)state;
	assert_false(gram_text("", 0, word, 2, &grams, &size));
	assert_false(gram_query(&word, 1, false, &grams));
	assert_true(gram_text("", 0, "", 0, &grams, &size));
	assert_string_equal(grams, "");
	free(grams);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_letter_is_found_as_it_stands_and_folded),
		cmocka_unit_test(test_index_never_misses_what_comparison_finds),
		cmocka_unit_test(test_other_texts_are_no_candidates),
		cmocka_unit_test(test_query_says_which_words_are_needed),
		cmocka_unit_test(test_longest_text_is_found_by_everything),
		cmocka_unit_test(test_what_is_no_text_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
