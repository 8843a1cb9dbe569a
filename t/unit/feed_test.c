#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/clock.h"
#include "worker/feed.h"

/* Which saved searches a message matches. */

enum { ALICE = 1, BOB = 2, CAROL = 3, LAB = 10, ATTIC = 11 };

static struct text text(const char *string)
{
	return (struct text){string, (uint32_t)strlen(string)};
}

static void put(struct feeds *feeds, uint32_t number, const char *words, uint8_t flags,
		uint32_t author, uint32_t room)
{
	const struct feed_wish wish = {.principal = ALICE,
				       .number = number,
				       .author = author,
				       .room = room,
				       .flags = flags,
				       .name = text("name"),
				       .words = text(words),
				       .own = text("Alice Liddell")};

	assert_int_equal(feeds_put(feeds, &wish), 0);
}

static unsigned match(struct feeds *feeds, uint32_t author, const char *words)
{
	struct feed_match list[FEED_MATCHES];
	bool cut;

	return feeds_match(feeds, LAB, author, text(""), text(words), list, &cut);
}

static const struct {
	const char *words;
	uint8_t flags;
	const char *message;
	unsigned matches;
} rows[] = {
	{"budget", 0, "the Budget is spent", 1},
	{"budget", 0, "budgets", 0},
	{"budget spent", 0, "spent is the budget", 1},
	{"budget spent", 0, "the budget", 0},
	{"budget spent", FEED_ANY, "the budget", 1},
	{"budget spent", FEED_ANY, "nothing", 0},
	{"is spent", FEED_PHRASE, "it is, spent!", 1},
	{"is spent", FEED_PHRASE, "spent it is", 0},
	{"straße", 0, "STRASSE", 1},
	{"ärger", 0, "Viel ÄRGER", 1},
	{"", FEED_EGO, "ask alice liddell", 1},
	{"", FEED_EGO, "ask alice", 0},
	{"budget", FEED_EGO, "ask Alice Liddell", 1},
	{"budget", FEED_EGO | FEED_ANY, "ask Liddell", 0},
	{"budget budget", FEED_ANY, "budget", 1},
};

static void test_words_match_as_the_table_says(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct feeds *feeds = feeds_new();

		put(feeds, 1, rows[i].words, rows[i].flags, 0, 0);
		if (match(feeds, BOB, rows[i].message) != rows[i].matches)
			fail_msg("\"%s\" (%u) and \"%s\"", rows[i].words, rows[i].flags,
				 rows[i].message);
		assert_int_equal(match(feeds, ALICE, rows[i].message), 0);
		feeds_free(&feeds);
	}
}

static void test_authors_and_rooms_narrow_a_feed(void **state)
{
	struct feeds *feeds = feeds_new();

	(void)state;
	assert_false(feeds_any(feeds));
	put(feeds, 1, "", 0, BOB, 0);
	put(feeds, 2, "tea", 0, BOB, LAB);
	put(feeds, 3, "tea", 0, CAROL, LAB);
	put(feeds, 4, "tea", 0, 0, ATTIC);
	assert_true(feeds_any(feeds));
	assert_int_equal(match(feeds, BOB, "tea"), 2);
	assert_int_equal(match(feeds, CAROL, "tea"), 1);
	assert_int_equal(match(feeds, BOB, "coffee"), 1);
	feeds_free(&feeds);
}

static void test_a_feed_that_is_changed_or_removed_is_not_found_as_before(void **state)
{
	struct feeds *feeds = feeds_new();

	(void)state;
	put(feeds, 1, "tea milk", FEED_ANY, 0, 0);
	put(feeds, 1, "coffee", 0, 0, 0);
	assert_int_equal(match(feeds, BOB, "tea and milk"), 0);
	assert_int_equal(match(feeds, BOB, "coffee"), 1);
	feeds_remove(feeds, ALICE, 1);
	feeds_remove(feeds, ALICE, 1);
	assert_int_equal(match(feeds, BOB, "coffee"), 0);
	assert_false(feeds_any(feeds));
	feeds_free(&feeds);
}

static void test_the_feeds_of_one_user_are_forgotten_whatever_their_numbers(void **state)
{
	struct feeds *feeds = feeds_new();
	const struct feed_wish other = {.principal = CAROL, .number = 1, .words = text("tea")};

	(void)state;
	put(feeds, 1, "tea", 0, 0, 0);
	put(feeds, UINT32_MAX, "coffee", 0, BOB, 0);
	assert_int_equal(feeds_put(feeds, &other), 0);
	feeds_forget(feeds, ALICE);
	assert_int_equal(match(feeds, BOB, "tea and coffee"), 1);
	feeds_forget(feeds, CAROL);
	assert_false(feeds_any(feeds));
	feeds_forget(feeds, CAROL);
	feeds_free(&feeds);
}

static void test_a_word_that_everybody_waits_for_is_bounded(void **state)
{
	struct feed_match list[FEED_MATCHES];
	struct feeds *feeds = feeds_new();
	unsigned count;
	bool cut;

	(void)state;
	for (uint32_t i = 1; i <= FEED_MATCHES + 1; i++)
		put(feeds, i, "tea", 0, 0, 0);
	count = feeds_match(feeds, LAB, BOB, text("Tea"), text("for two"), list, &cut);
	assert_int_equal(count, FEED_MATCHES);
	assert_true(cut);
	for (unsigned i = 1; i < count; i++)
		assert_true(list[i - 1].number < list[i].number);
	feeds_free(&feeds);
}

/* 10,000 feeds of three words out of 5,000, and messages of twelve: how many a second. */
static void test_many_feeds_cost_little(void **state)
{
	enum { FEEDS = 10000, MESSAGES = 100000 };
	struct feeds *feeds = feeds_new();
	uint64_t begin, found = 0;
	unsigned seed = 1;
	char line[256];

	(void)state;
	for (uint32_t i = 1; i <= FEEDS; i++) {
		snprintf(line, sizeof(line), "word%d word%d word%d", rand_r(&seed) % 5000,
			 rand_r(&seed) % 5000, rand_r(&seed) % 5000);
		put(feeds, i, line, 0, 0, 0);
	}
	begin = clock_mono();
	for (unsigned i = 0; i < MESSAGES; i++) {
		size_t length = 0;

		for (unsigned w = 0; w < 12; w++)
			length += (size_t)snprintf(line + length, sizeof(line) - length, "word%d ",
						   rand_r(&seed) % 5000);
		found += match(feeds, BOB, line);
	}
	print_message("%u messages a second through %u feeds, %llu matches\n",
		      (unsigned)(MESSAGES * UINT64_C(1000000) / (clock_mono() - begin)), FEEDS,
		      (unsigned long long)found);
	feeds_free(&feeds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_match_as_the_table_says),
		cmocka_unit_test(test_authors_and_rooms_narrow_a_feed),
		cmocka_unit_test(test_a_feed_that_is_changed_or_removed_is_not_found_as_before),
		cmocka_unit_test(test_the_feeds_of_one_user_are_forgotten_whatever_their_numbers),
		cmocka_unit_test(test_a_word_that_everybody_waits_for_is_bounded),
		cmocka_unit_test(test_many_feeds_cost_little),
	};

	return cmocka_run_group_tests_name("feed", tests, NULL, NULL);
}
