#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "odbc/dialect.h"
#include "odbc/gram.h"

/*
 * What SQL Server's CONTAINS is asked, read as its documentation says that conditions are made:
 *
 *	condition: term | condition AND condition | condition OR condition
 *	term:      word | ( condition )
 *
 * AND binds closer than OR; a word has neither blanks nor punctuation, and is no operator. Of that
 * grammar no more is used: no phrases, prefixes, forms, proximity or weights.
 */
enum { CONDITION_MAX = 4000 /* units of NVARCHAR; what is longer would be cut */ };

/* A condition that is read, and the grams of the text that it is applied to. */
struct reading {
	const char *at, *grams;
	bool malformed;
};

static bool read_condition(struct reading *reading);

static bool is_operator(const char *word, size_t length)
{
	static const char *const operators[] = {
		"AND", "OR",   "NOT",	"NEAR",	     "ISABOUT",	 "FORMSOF",  "WEIGHT",
		"MAX", "TRUE", "FALSE", "THESAURUS", "LANGUAGE", "PROPERTY", "INFLECTIONAL"};

	for (unsigned i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
		if (strlen(operators[i]) == length && strncasecmp(operators[i], word, length) == 0)
			return true;
	return false;
}

/* As the neutral language has it: what stands between blanks. */
static bool has_gram(const char *grams, const char *word, size_t length)
{
	for (size_t next; *grams; grams += next) {
		const size_t size = strcspn(grams, " ");

		if (size == length && memcmp(grams, word, length) == 0)
			return true;
		next = size + strspn(grams + size, " ");
	}
	return false;
}

static bool eat(struct reading *reading, const char *text)
{
	const bool here = strncmp(reading->at, text, strlen(text)) == 0;

	reading->at += here ? strlen(text) : 0;
	return here;
}

static bool read_term(struct reading *reading)
{
	const char *word = reading->at;
	bool found;

	if (eat(reading, "(")) {
		found = read_condition(reading);
		reading->malformed = !eat(reading, ")") || reading->malformed;
		return found;
	}
	while (islower((unsigned char)*reading->at))
		reading->at++;
	if (reading->at == word || is_operator(word, (size_t)(reading->at - word)))
		reading->malformed = true;
	return has_gram(reading->grams, word, (size_t)(reading->at - word));
}

static bool read_conjunction(struct reading *reading)
{
	bool found = read_term(reading);

	while (!reading->malformed && eat(reading, " AND "))
		found = read_term(reading) && found;
	return found;
}

static bool read_condition(struct reading *reading)
{
	bool found = read_conjunction(reading);

	while (!reading->malformed && eat(reading, " OR "))
		found = read_conjunction(reading) || found;
	return found;
}

static bool finds(const char *condition, const char *text)
{
	struct reading reading = {.at = condition};
	char *grams;
	size_t size;
	bool found;

	assert_true(gram_text("", 0, text, strlen(text), &grams, &size));
	reading.grams = grams;
	found = read_condition(&reading);
	if (reading.malformed || *reading.at)
		fail_msg("SQL Server would not understand \"%s\" from \"%s\" on", condition,
			 reading.at);
	free(grams);
	return found;
}

static void put_replaced(FILE *out, char c)
{
	if (c == '&')
		fputs(" AND ", out);
	else if (c == '|')
		fputs(" OR ", out);
	else
		fputc(c, out);
}

/* What the statement makes of the query; NULL: full text is of no use. */
static char *condition_of(const char *const *words, unsigned count, bool any)
{
	char *query, *condition = NULL;
	size_t size = 0;
	FILE *out;

	assert_true(gram_query(words, count, any, &query));
	if (!query)
		return NULL;
	out = open_memstream(&condition, &size);
	assert_non_null(out);
	for (const char *at = query; *at; at++)
		put_replaced(out, *at);
	assert_int_equal(fclose(out), 0);
	assert_true(size < CONDITION_MAX);
	free(query);
	return condition;
}

static void test_statement_makes_the_condition_that_is_tested_here(void **state)
{
	static const enum statement asked[] = {STATEMENT_INDEX_NEWEST, STATEMENT_INDEX_OLDEST};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		char *text = dialect_statement(&dialect_mssql, asked[i], 1);

		assert_non_null(strstr(text, "@query NVARCHAR(4000) = REPLACE(REPLACE(?, "
					     "N'&', N' AND '), N'|', N' OR ')"));
		assert_non_null(strstr(text, "CONTAINS(grams, @query)"));
		free(text);
	}
}

/* Whatever people look for; it stands within a text. */
static void test_any_word_makes_a_condition_that_finds_it(void **state)
{
	static const char *const words[] = {"fox",
					    "\"fox\"",
					    "\"",
					    "'",
					    "''",
					    "it's",
					    "and",
					    "AND",
					    "OR",
					    "NOT",
					    "NEAR",
					    "near(a,b)",
					    "FORMSOF(INFLECTIONAL,run)",
					    "ISABOUT(x)",
					    "weight",
					    "&",
					    "|",
					    "&!",
					    "a&b|c",
					    "AT&T",
					    "(",
					    "))",
					    "~",
					    "fo*",
					    "\"fo*\"",
					    "*",
					    "the",
					    "about",
					    "would",
					    "a",
					    "in",
					    "\u6f22",
					    "\u6f22\u5b57",
					    "\u304b\u3099\u304e",
					    "\ud55c\uad6d\uc5b4",
					    "\U0001f600",
					    "\U0001f468\u200d\U0001f469",
					    "\u05e9\u05dc\u05d5\u05dd",
					    "\u0627\u0644\u0633",
					    "Stra\u00dfe",
					    "e\u0301tude",
					    "100%",
					    "[x]",
					    "_",
					    "--",
					    ";",
					    "/*",
					    "?",
					    "{fn NOW()}",
					    "@query",
					    "N'x'",
					    "\\",
					    "zzzzzz",
					    "\u2019",
					    "1",
					    "1984"};

	(void)state;
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		char text[200], *condition = condition_of(&words[i], 1, i % 2);

		if (!condition)
			continue;
		snprintf(text, sizeof(text), "before,%s;after and %s", words[i], words[i]);
		if (!finds(condition, text))
			fail_msg("%s is not found by %s", words[i], condition);
		assert_true(finds(condition, words[i]));
		assert_false(finds(condition, "qqqq"));
		free(condition);
	}
}

static void test_words_are_all_or_any_of_them(void **state)
{
	const char *const words[] = {"quick", "brown"};
	char *all = condition_of(words, 2, false), *any = condition_of(words, 2, true);

	(void)state;
	assert_true(finds(all, "brown and quick"));
	assert_false(finds(all, "brown"));
	assert_true(finds(any, "brown"));
	assert_true(finds(any, "quicker"));
	assert_false(finds(any, "white"));
	free(all);
	free(any);
}

/* With an empty condition, or one of a short word only, the server would report an error. */
static void test_what_has_no_grams_is_not_asked(void **state)
{
	const char *const words[] = {"", "a", "ab", "quick"};

	(void)state;
	assert_null(condition_of(words, 0, false));
	for (unsigned i = 0; i < 3; i++)
		assert_null(condition_of(&words[i], 1, false));
	assert_null(condition_of(words, 4, true));
}

/* As many and as long words as a search may have. */
static void test_longest_search_is_not_cut(void **state)
{
	enum { COUNT = 32, LENGTH = 63 };
	static char word[COUNT][LENGTH + 1], text[COUNT * (LENGTH + 1) + 1];
	const char *words[COUNT];
	char *condition;

	(void)state;
	srand(11);
	for (unsigned i = 0; i < COUNT; i++) {
		for (unsigned c = 0; c < LENGTH; c++)
			word[i][c] = (char)('a' + rand() % 26);
		words[i] = word[i];
		strcat(strcat(text, word[i]), " ");
	}
	for (unsigned any = 0; any < 2; any++)
		for (unsigned count = 1; count <= COUNT; count++) {
			condition = condition_of(words, count, any);
			assert_non_null(condition);
			assert_true(finds(condition, text));
			free(condition);
		}
}

/* What could keep a row from being found, and the order in which is asked what is on its way. */
static void test_index_is_asked_only_where_it_misses_nothing(void **state)
{
	static const char *const needed[] = {"is_enabled = 1",
					     "has_crawl_completed = 1",
					     "change_tracking_state = 'A'",
					     "stoplist_id IS NULL",
					     "language_id = 0",
					     "= 'grams'",
					     "@pending = 0",
					     "'TableFulltextPopulateStatus') = 0",
					     "'TableFulltextFailCount') = 0"};
	char *text = dialect_statement(&dialect_mssql, STATEMENT_INDEX_READY, 1);
	const char *select = strstr(text, "SELECT");

	(void)state;
	assert_non_null(select);
	for (unsigned i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!strstr(select, needed[i]))
			fail_msg("\"%s\" is not asked for in %s", needed[i], text);
	assert_true(strstr(text, "'TableFulltextPendingChanges'") < select);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_statement_makes_the_condition_that_is_tested_here),
		cmocka_unit_test(test_any_word_makes_a_condition_that_finds_it),
		cmocka_unit_test(test_words_are_all_or_any_of_them),
		cmocka_unit_test(test_what_has_no_grams_is_not_asked),
		cmocka_unit_test(test_longest_search_is_not_cut),
		cmocka_unit_test(test_index_is_asked_only_where_it_misses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
