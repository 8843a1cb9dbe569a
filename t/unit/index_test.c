#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/reader_search.h"
#include "odbc/content_index.h"
#include "odbc/dialect.h"
#include "odbc/gram.h"
#include "t/unit/database.h"

/* In many rooms the index is asked at once, in few after a first look without it. */
enum { MANY_ROOMS = 5, FEW_ROOMS = 2 };

/* A content database with some rooms; searched with the index and without it. */
struct place {
	struct database database;
	struct db *db;
	unsigned rooms;			/* that are searched; most are not there */
	struct reader_search_cost cost; /* of the last search */
	struct err err;
};

#define assert_db(expression) assert_int_equal((expression), DB_OK)

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return -1;
	*state = place;
	place->rooms = MANY_ROOMS;
	place->db = database_open(&place->database, content_open, &place->err);
	return place->db ? 0 : -1;
}

static int teardown(void **state)
{
	struct place *place = *state;

	database_close(&place->database, &place->db);
	free(place);
	return 0;
}

/* --- What there is. --- */

static void put_room(struct place *place, uint32_t id, uint64_t last_seq)
{
	const struct content_room room = {.id = id,
					  .uuid = {(uint8_t)id},
					  .category = 1,
					  .privacy = 6,
					  .behavior = 4,
					  .name = {"Room", 4},
					  .description = {"", 0}};
	const struct content_room_seq last = {.room = id, .seq = last_seq};

	assert_db(content_room_put(place->db, &room, &place->err));
	assert_db(content_room_seqs(place->db, &last, 1, &place->err));
}

/* As the store does: messages, then their rooms' numbers. */
static void put_message(struct place *place, uint32_t room, uint64_t seq, const char *title,
			const char *text)
{
	const struct content_message message = {.room = room,
						.seq = seq,
						.time = 1000 * seq + room,
						.author = 1 + (uint32_t)seq % 2,
						.id = {"", 0},
						.text = {text, strlen(text)},
						.title = {title, strlen(title)}};
	const struct content_room_seq last = {.room = room, .seq = seq};

	assert_db(content_messages_put(place->db, &message, 1, &place->err));
	assert_db(content_room_seqs(place->db, &last, 1, &place->err));
}

static void open_index(struct place *place, bool wanted)
{
	bool there, made;

	assert_db(content_index_open(place->db, wanted, &there, &made, &place->err));
	assert_true(there == wanted);
}

/* Everything that was there before comes into the index; how many messages that were. */
static unsigned fill_index(struct place *place, unsigned part)
{
	unsigned count, all = 0;
	uint32_t room = 0;
	bool more = true;

	while (more) {
		assert_db(content_index_fill(place->db, part, &room, &count, &more, &place->err));
		assert_true(count <= part);
		all += count;
	}
	return all;
}

/* --- Searching. --- */

struct query {
	const char *words;
	enum search_match match;
	bool sensitive, from_oldest;
	unsigned limit; /* 0: 100 */
	const char *expected;
};

static json_t *search(struct place *place, const struct query *query, const char *page)
{
	struct ask_search ask = {.end = INT64_MAX,
				 .rooms = (uint16_t)place->rooms,
				 .limit = (uint16_t)(query->limit ? query->limit : 100),
				 .from_oldest = query->from_oldest};
	const struct ask_search_room rooms[] = {
		{.id = 1}, {.id = 2}, {.id = 3}, {.id = 4}, {.id = 5}};
	struct fragment json = {0};
	struct search_text text;
	unsigned long long time, seq;
	json_t *answer;

	if (page) {
		assert_int_equal(sscanf(page, "%llu-%u-%llu", &time, &ask.page_room, &seq), 3);
		ask.page_time = time;
		ask.page_seq = seq;
	}
	assert_true(search_text_init(&text, query->match, query->sensitive, query->words,
				     strlen(query->words)));
	assert_db(reader_search(place->db, &ask, rooms, &text, "example.test", UINT64_MAX, &json,
				&place->cost, &place->err));
	answer = json_loadb(json.data, json.used, 0, NULL);
	assert_non_null(answer);
	search_text_fini(&text);
	fragment_free(&json);
	return answer;
}

/* The numbers of what is found, "3 2", page by page. */
static void found(struct place *place, const struct query *query, char out[1024])
{
	char page[80];
	bool more = true;

	*out = *page = '\0';
	while (more) {
		json_t *answer = search(place, query, *page ? page : NULL), *message;
		size_t i;

		json_array_foreach(json_object_get(answer, "messages"), i, message)
		{
			const size_t used = strlen(out);

			snprintf(out + used, 1024 - used, "%s%lld", used ? " " : "",
				 (long long)json_integer_value(json_object_get(message, "seq")));
		}
		more = json_is_true(json_object_get(answer, "more"));
		if (more)
			snprintf(page, sizeof(page), "%s",
				 json_string_value(json_object_get(answer, "page")));
		json_decref(answer);
	}
}

/* How many candidates the index has for a word. */
static unsigned candidates(struct place *place, const char *word)
{
	const struct content_page page = {.room = 1, .before = INT64_MAX, .limit = 100};
	uint64_t seq[100];
	char *query;
	unsigned count;

	assert_true(gram_query(&word, 1, false, &query));
	assert_db(content_index_find(place->db, &page, query, seq, &count, &place->err));
	free(query);
	return count;
}

/* --- The table: every search finds the same, whatever index there is. --- */

static const struct {
	const char *title, *text;
} messages[] = {
	{"", "The quick brown fox"},						     /* 1 */
	{"", "jumps over the lazy dog"},					     /* 2 */
	{"\u00dcber F\u00fcchse", "Stra\u00dfe\nnach  S\u00fcden, 100%_sure"},	     /* 3 */
	{"", "A fox, again; THE END"},						     /* 4 */
	{"", "\u65e5\u672c\u8a9e\u306e\u30ad\u30c4\u30cd"},			     /* 5 */
	{"", "\u6f22\u5b57 \u304b\u306a"},					     /* 6 */
	{"", "\ud55c\uad6d\uc5b4 \uac80\uc0c9"},				     /* 7 */
	{"", "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd"},		     /* 8 */
	{"", "\u0645\u0631\u062d\u0628\u0627"},					     /* 9 */
	{"", "caf\u00e9 and cafe\u0301 and cafe"},				     /* 10 */
	{"", "CAF\u00c9"},							     /* 11 */
	{"", "\u039f\u03b4\u03cc\u03c2 \u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2"}, /* 12 */
	{"", "smile \U0001f600! \U0001f468\u200d\U0001f469\u200d\U0001f467"},	     /* 13 */
	{"", "c++ and C# && !!! ((x)) \"y\" 'z' * OR NOT NEAR"},		     /* 14 */
	{"", "\u0130stanbul I\u015f\u0131k"},					     /* 15 */
	{"", ""},								     /* 16 */
	{"", "   \t\n "},							     /* 17 */
	{"", "a"},								     /* 18 */
	{"", "zzzzzz abcde and & or |"},					     /* 19 */
	{"", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u0e04\u0e23\u0e31\u0e1a"},	     /* 20 */
	{"lazy", "fox"},							     /* 21 */
};
enum { MESSAGES = sizeof(messages) / sizeof(messages[0]) };

static const struct query queries[] = {
	{"fox", SEARCH_ALL, false, false, 0, "21 4 1"},
	{"fox", SEARCH_ALL, false, true, 0, "1 4 21"},
	{"fox", SEARCH_ALL, false, false, 1, "21 4 1"},
	{"FOX", SEARCH_ALL, false, false, 0, "21 4 1"},
	{"FOX", SEARCH_ALL, true, false, 0, ""},
	{"THE", SEARCH_ALL, true, false, 0, "4"},
	{"the fox", SEARCH_ALL, false, false, 0, "4 1"},
	{"lazy fox", SEARCH_ALL, false, false, 0, "21"},
	{"lazy fox", SEARCH_ANY, false, false, 0, "21 4 2 1"},
	{"lazy xq", SEARCH_ANY, false, false, 0, "21 2"},
	{"lazy ck", SEARCH_ANY, false, false, 0, "21 2 1"},
	{"brown fox", SEARCH_PHRASE, false, false, 0, "1"},
	{"fox brown", SEARCH_PHRASE, false, false, 0, ""},
	{"fox brown", SEARCH_ALL, false, false, 0, "1"},
	{"  the\tlazy  ", SEARCH_PHRASE, false, false, 0, "2"},
	{"he laz", SEARCH_PHRASE, false, false, 0, "2"},
	{"uick", SEARCH_ALL, false, false, 0, "1"},
	{"quack", SEARCH_ALL, false, false, 0, ""},
	{"ui", SEARCH_ALL, false, false, 0, "1"},
	{"STRASSE", SEARCH_ALL, false, false, 0, "3"},
	{"stra\u00dfe nach", SEARCH_PHRASE, false, false, 0, "3"},
	{"f\u00fcchse s\u00fcden", SEARCH_ALL, false, false, 0, "3"},
	{"fuchse", SEARCH_ALL, false, false, 0, ""},
	{"100%_", SEARCH_ALL, false, false, 0, "3"},
	{"100%x", SEARCH_ALL, false, false, 0, ""},
	{"\u30ad\u30c4\u30cd", SEARCH_ALL, false, false, 0, "5"},
	{"\u672c\u8a9e", SEARCH_ALL, false, false, 0, "5"},
	{"\u8a9e", SEARCH_ALL, false, false, 0, "5"},
	{"\u672c\u672c", SEARCH_ALL, false, false, 0, ""},
	{"\u6f22\u5b57", SEARCH_ALL, false, false, 0, "6"},
	{"\u304b\u306a", SEARCH_ALL, false, false, 0, "6"},
	{"\u304c\u306a", SEARCH_ALL, false, false, 0, ""},
	{"\uad6d\uc5b4", SEARCH_ALL, false, false, 0, "7"},
	{"\uac80", SEARCH_ALL, false, false, 0, "7"},
	{"\u05dc\u05d5\u05dd", SEARCH_ALL, false, false, 0, "8"},
	{"\u05dd \u05e2", SEARCH_PHRASE, false, false, 0, "8"},
	{"\u0631\u062d\u0628", SEARCH_ALL, false, false, 0, "9"},
	{"caf\u00e9", SEARCH_ALL, false, false, 0, "11 10"},
	{"cafe\u0301", SEARCH_ALL, false, false, 0, "11 10"},
	{"cafe\u0301", SEARCH_ALL, true, false, 0, "10"},
	{"cafe", SEARCH_ALL, false, false, 0, "10"},
	{"cafe", SEARCH_ALL, true, false, 0, "10"},
	{"\u039f\u0394\u038c\u03a3", SEARCH_ALL, false, false, 0, "12"},
	{"\u03c3\u03af\u03c3\u03c5\u03c6\u03bf\u03c3", SEARCH_ALL, false, false, 0, "12"},
	{"\U0001f600", SEARCH_ALL, false, false, 0, "13"},
	{"\U0001f469", SEARCH_ALL, false, false, 0, "13"},
	{"\U0001f601", SEARCH_ALL, false, false, 0, ""},
	{"c++", SEARCH_ALL, false, false, 0, "14"},
	{"!!!", SEARCH_ALL, false, false, 0, "14"},
	{"((x))", SEARCH_ALL, false, false, 0, "14"},
	{"'z' *", SEARCH_PHRASE, false, false, 0, "14"},
	{"OR NOT", SEARCH_ALL, true, false, 0, "14"},
	{"i\u0307stanbul", SEARCH_ALL, false, false, 0, "15"},
	{"stan", SEARCH_ALL, false, false, 0, "15"},
	{"\u015f\u0131k", SEARCH_ALL, false, false, 0, "15"},
	{"zzzzzz", SEARCH_ALL, false, false, 0, "19"},
	{"and & or |", SEARCH_PHRASE, false, false, 0, "19"},
	{"\u0e2a\u0e14\u0e35", SEARCH_ALL, false, false, 0, "20"},
	{"", SEARCH_ALL, false, false, 0, "21 20 19 18 17 16 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1"},
};

static void put_messages(struct place *place, unsigned first, unsigned last)
{
	for (unsigned i = first; i <= last; i++)
		put_message(place, 1, i, messages[i - 1].title, messages[i - 1].text);
}

static void expect_all(struct place *place, const char *when)
{
	char got[1024];

	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		found(place, &queries[i], got);
		if (strcmp(got, queries[i].expected) != 0)
			fail_msg("%s: '%s' (%zu) found %s, not %s", when, queries[i].words, i, got,
				 queries[i].expected);
	}
}

/* That the table was not looked at without the index after all. */
static void expect_indexed(struct place *place)
{
	json_decref(search(place, &(struct query){.words = "fox"}, NULL));
	assert_true(place->cost.indexed);
	assert_int_equal(place->cost.rows, 3);
}

/* A column of the table for each state that a database can be in. */
static void test_table_without_index(void **state)
{
	struct place *place = *state;

	put_room(place, 1, 0);
	put_messages(place, 1, MESSAGES);
	expect_all(place, "without an index");
	assert_false(place->cost.indexed);
}

static void test_table_with_index_from_the_beginning(void **state)
{
	struct place *place = *state;

	open_index(place, true);
	put_room(place, 1, 0);
	put_messages(place, 1, MESSAGES);
	expect_all(place, "with an index");
	expect_indexed(place);
}

static void test_table_with_index_of_the_newer_half(void **state)
{
	struct place *place = *state;

	put_room(place, 1, 0);
	put_messages(place, 1, MESSAGES / 2);
	open_index(place, true);
	put_messages(place, MESSAGES / 2 + 1, MESSAGES);
	expect_all(place, "with half an index");
	fill_index(place, 3);
	expect_all(place, "when the index is whole");
	open_index(place, false);
	expect_all(place, "when it was dropped");
	open_index(place, true);
	expect_all(place, "when it was made again, and is empty");
	assert_int_equal(fill_index(place, 100), MESSAGES);
	expect_all(place, "and when it is whole again");
	expect_indexed(place);
}

/* Some were there before the index, some came while there was no time for it. */
static void test_table_with_gaps_in_the_index(void **state)
{
	struct place *place = *state;
	bool there;
	uint64_t rest;

	put_room(place, 1, 0);
	put_messages(place, 1, 5);
	open_index(place, true);
	put_messages(place, 6, 9);
	content_index_defer(place->db, true);
	put_messages(place, 10, 14);
	content_index_defer(place->db, false);
	put_messages(place, 15, MESSAGES);
	expect_all(place, "with a gap in the index");
	assert_db(content_index_rest(place->db, &there, &rest, &place->err));
	assert_int_equal(rest, 5 + 5);
	assert_db(content_message_remove(place->db, 1, 12, NULL, &place->err));
	put_messages(place, 12, 12);
	expect_all(place, "when one of the gap is in it after all");
	assert_db(content_message_remove(place->db, 1, MESSAGES, NULL, &place->err));
	content_index_defer(place->db, true);
	put_messages(place, MESSAGES, MESSAGES);
	content_index_defer(place->db, false);
	expect_all(place, "when the gap has grown");
	assert_int_equal(fill_index(place, 2), MESSAGES - 9 + 5);
	expect_all(place, "when it is filled");
	expect_indexed(place);
	assert_db(content_index_rest(place->db, &there, &rest, &place->err));
	assert_int_equal(rest, 0);
	for (unsigned i = 1; i <= MESSAGES; i++)
		assert_db(content_message_remove(place->db, 1, i, NULL, &place->err));
	assert_int_equal(candidates(place, "fox"), 0);
	assert_int_equal(candidates(place, "smile"), 0);
}

/* --- A room that is larger than what is read at a time. --- */

enum { LARGE = 3000 };

static void fill_room(struct place *place)
{
	char text[80];

	assert_db(db_begin(place->db, &place->err));
	for (unsigned i = 1; i <= LARGE; i++) {
		snprintf(text, sizeof(text), "common %s%s number-%u", i % 3 == 0 ? "frequent " : "",
			 i % 700 == 0 ? "rareword" : "", i);
		put_message(place, 1, i, "", text);
	}
	put_message(place, 2, 1, "", "rareword");
	assert_db(db_commit(place->db, &place->err));
}

static void expect(struct place *place, struct query query)
{
	char got[1024];

	found(place, &query, got);
	if (strcmp(got, query.expected) != 0)
		fail_msg("'%s' found %s, not %s", query.words, got, query.expected);
}

static void expect_in_large_room(struct place *place)
{
	json_t *answer;

	expect(place,
	       (struct query){"rareword", SEARCH_ALL, false, false, 0, "2800 2100 1400 700 1"});
	expect(place,
	       (struct query){"rareword", SEARCH_ALL, false, false, 2, "2800 2100 1400 700 1"});
	expect(place,
	       (struct query){"rareword", SEARCH_ALL, false, true, 2, "1 700 1400 2100 2800"});
	expect(place, (struct query){"number-77 common", SEARCH_ALL, false, false, 0,
				     "779 778 777 776 775 774 773 772 771 770 77"});
	answer = search(place, &(struct query){"frequent", SEARCH_ALL, .limit = 900}, NULL);
	assert_int_equal(json_array_size(json_object_get(answer, "messages")), 900);
	assert_true(json_is_true(json_object_get(answer, "more")));
	json_decref(answer);
}

static void test_large_room_is_searched_alike(void **state)
{
	struct place *place = *state;
	uint64_t all;

	place->rooms = FEW_ROOMS;
	put_room(place, 1, 0);
	put_room(place, 2, 0);
	fill_room(place);
	expect_in_large_room(place);
	json_decref(search(place, &(struct query){"rareword", .limit = 100}, NULL));
	all = place->cost.rows;
	assert_int_equal(all, LARGE + 1);
	open_index(place, true);
	expect_in_large_room(place);
	assert_int_equal(fill_index(place, 700), LARGE + 1);
	expect_in_large_room(place);
	json_decref(search(place, &(struct query){"rareword", .limit = 100}, NULL));
	assert_true(place->cost.indexed);
	assert_true(place->cost.rows < all / 4); /* the candidates, and what is looked at first */
}

/* --- What goes, goes from the index, too. --- */

static void test_removed_texts_leave_the_index(void **state)
{
	struct place *place = *state;
	const struct db_bytes other = {"another text", 12};
	bool more = true;

	put_room(place, 1, 0);
	put_message(place, 1, 1, "", "secret early");
	open_index(place, true);
	for (unsigned i = 2; i <= 7; i++)
		put_message(place, 1, i, "titled", "secret text");
	assert_int_equal(candidates(place, "secret"), 6);
	assert_db(content_message_remove(place->db, 1, 7, NULL, &place->err));
	assert_int_equal(candidates(place, "secret"), 5);
	assert_db(content_message_remove(place->db, 1, 6, &other, &place->err));
	assert_int_equal(candidates(place, "secret"), 4);
	assert_int_equal(candidates(place, "titled"), 4);
	assert_int_equal(candidates(place, "another"), 1);
	assert_db(content_message_remove(place->db, 1, 6, NULL, &place->err));
	assert_int_equal(candidates(place, "another"), 0);
	/* The first one is not in the index yet: nothing is taken out of it that is not in it. */
	assert_db(content_message_remove(place->db, 1, 1, &other, &place->err));
	assert_int_equal(candidates(place, "another"), 0);
	assert_int_equal(fill_index(place, 10), 1);
	assert_int_equal(candidates(place, "another"), 1);
	assert_db(content_purge(place->db, 1, 3, &place->err));
	while (more)
		assert_db(content_sweep(place->db, 2, &more, &place->err));
	assert_int_equal(candidates(place, "another"), 0);
	assert_int_equal(candidates(place, "secret"), 2);
	assert_db(content_room_remove(place->db, 1, &place->err));
	for (more = true; more;)
		assert_db(content_sweep(place->db, 500, &more, &place->err));
	assert_int_equal(candidates(place, "secret"), 0);
}

static void test_purge_before_the_index_has_the_messages(void **state)
{
	struct place *place = *state;
	bool more = true;

	put_room(place, 1, 0);
	for (unsigned i = 1; i <= 9; i++)
		put_message(place, 1, i, "", "hello");
	open_index(place, true);
	put_message(place, 1, 10, "", "hello");
	assert_db(content_purge(place->db, 1, 5, &place->err));
	while (more)
		assert_db(content_sweep(place->db, 500, &more, &place->err));
	assert_int_equal(candidates(place, "hello"), 1);
	assert_int_equal(fill_index(place, 2), 4);
	assert_int_equal(candidates(place, "hello"), 5);
}

/* --- The index as such. --- */

static void test_index_by_other_rules_is_made_anew(void **state)
{
	struct place *place = *state;
	bool there, made, ready;
	uint64_t rest;

	put_room(place, 1, 0);
	open_index(place, true);
	put_message(place, 1, 1, "", "hello");
	assert_db(content_index_ready(place->db, &ready, &place->err));
	assert_true(ready);
	assert_db(db_run(place->db, "UPDATE pc_indexing SET rules = 7", &place->err));
	assert_db(content_index_ready(place->db, &ready, &place->err));
	assert_false(ready); /* a reader does not trust it */
	assert_db(content_index_open(place->db, true, &there, &made, &place->err));
	assert_true(there && made);
	assert_db(content_index_rest(place->db, &there, &rest, &place->err));
	assert_int_equal(rest, 1);
	assert_int_equal(candidates(place, "hello"), 0);
	assert_int_equal(fill_index(place, 10), 1);
	assert_int_equal(candidates(place, "hello"), 1);
	assert_db(content_index_open(place->db, true, &there, &made, &place->err));
	assert_true(there && !made);
	assert_int_equal(candidates(place, "hello"), 1);
	assert_db(content_index_rest(place->db, &there, &rest, &place->err));
	assert_true(there);
	assert_int_equal(rest, 0);
}

/* Whoever writes without it says so, and it is not trusted any more. */
static void test_index_that_was_not_kept_is_made_anew(void **state)
{
	struct place *place = *state;
	bool there, made, ready;

	put_room(place, 1, 0);
	open_index(place, true);
	put_message(place, 1, 1, "", "hello");
	db_keep(place->db, 0); /* as a connection that does not know of it */
	put_message(place, 1, 2, "", "hello");
	assert_db(content_index_void(place->db, &place->err));
	assert_db(content_index_ready(place->db, &ready, &place->err));
	assert_false(ready);
	expect(place, (struct query){"hello", SEARCH_ALL, false, false, 0, "2 1"});
	assert_db(content_index_open(place->db, true, &there, &made, &place->err));
	assert_true(there && made);
	assert_int_equal(fill_index(place, 10), 2);
	assert_int_equal(candidates(place, "hello"), 2);
}

static void test_many_messages_in_one_statement_are_indexed(void **state)
{
	struct place *place = *state;
	struct content_message list[250];
	const struct content_room_seq last = {.room = 1, .seq = 250};

	put_room(place, 1, 0);
	open_index(place, true);
	for (unsigned i = 0; i < 250; i++)
		list[i] = (struct content_message){
			.room = 1,
			.seq = i + 1,
			.id = {"", 0},
			.text = {i % 50 ? "plain" : "marked \U0001f600", i % 50 ? 5 : 11}};
	assert_db(content_messages_put(place->db, list, 250, &place->err));
	assert_db(content_room_seqs(place->db, &last, 1, &place->err));
	assert_int_equal(candidates(place, "marked"), 5);
	assert_int_equal(candidates(place, "\U0001f600"), 5);
	/* A number that has no place in the index is none of its business. */
	list[0].seq = CONTENT_INDEX_SEQ_MAX + 1;
	list[1].seq = 251;
	list[1].text = (struct db_bytes){"marked", 6};
	assert_db(content_messages_put(place->db, list, 2, &place->err));
	assert_int_equal(candidates(place, "marked"), 6);
}

/* As a batch of the store has them: of many rooms, one after the other. */
static void test_messages_of_many_rooms_are_indexed(void **state)
{
	struct place *place = *state;
	static struct content_message list[4500];

	put_room(place, 1, 0);
	open_index(place, true);
	for (unsigned i = 0; i < 4500; i++)
		list[i] = (struct content_message){
			.room = 1 + i % 90, .seq = 1 + i / 90, .id = {"", 0}, .text = {"hello", 5}};
	assert_db(db_begin(place->db, &place->err));
	assert_db(content_messages_put(place->db, list, 4500, &place->err));
	assert_db(db_commit(place->db, &place->err));
	assert_int_equal(candidates(place, "hello"), 50);
}

static void count_statement(void *arg)
{
	unsigned *statements = arg;

	++*statements;
}

/* Letters in no order: each three of them are a gram. */
static char *long_text(size_t length)
{
	char *text = malloc(length + 1);
	uint32_t number = 1;

	assert_non_null(text);
	for (size_t i = 0; i < length; i++) {
		number = number * 1664525 + 1013904223;
		text[i] = (char)('a' + (number >> 16) % 26);
	}
	text[length] = '\0';
	return text;
}

/* Each takes so long that the store has to show that it lives in between. */
static void test_long_texts_do_not_come_in_one_statement(void **state)
{
	enum { COUNT = 100, LENGTH = 8000, AT_ONCE = 10 };
	struct content_message message[COUNT];
	struct place *place = *state;
	char *text = long_text(LENGTH);
	unsigned statements = 0;

	open_index(place, true);
	put_room(place, 1, 0);
	for (unsigned i = 0; i < COUNT; i++)
		message[i] = (struct content_message){.room = 1,
						      .seq = 1 + i,
						      .time = 1000 + i,
						      .author = 1,
						      .id = {"", 0},
						      .text = {text, LENGTH},
						      .title = {"", 0}};
	db_progress(place->db, count_statement, &statements);
	assert_db(content_messages_put(place->db, message, COUNT, &place->err));
	db_progress(place->db, NULL, NULL);
	assert_true(statements > COUNT / AT_ONCE);
	free(text);
}

/* What is no UTF-8 is refused as before, and nothing of it is in the index. */
static void test_bad_text_is_refused_with_an_index(void **state)
{
	struct place *place = *state;
	const struct content_message message = {
		.room = 1, .seq = 1, .id = {"", 0}, .text = {"bad\xff", 4}};

	put_room(place, 1, 0);
	open_index(place, true);
	assert_int_equal(content_messages_put(place->db, &message, 1, &place->err), DB_BAD_DATA);
	assert_int_equal(candidates(place, "bad"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_table_without_index),
		TEST(test_table_with_index_from_the_beginning),
		TEST(test_table_with_index_of_the_newer_half),
		TEST(test_table_with_gaps_in_the_index),
		TEST(test_large_room_is_searched_alike),
		TEST(test_removed_texts_leave_the_index),
		TEST(test_purge_before_the_index_has_the_messages),
		TEST(test_index_by_other_rules_is_made_anew),
		TEST(test_index_that_was_not_kept_is_made_anew),
		TEST(test_many_messages_in_one_statement_are_indexed),
		TEST(test_messages_of_many_rooms_are_indexed),
		TEST(test_long_texts_do_not_come_in_one_statement),
		TEST(test_bad_text_is_refused_with_an_index),
	};

	/* SQL Server has an index only where an administrator made it: there is the first one. */
	const char *dsn = getenv("PCHAT_TEST_DSN");
	const bool is_mssql = dsn && dialect_of_dsn(dsn) == &dialect_mssql;

	return _cmocka_run_group_tests("index", tests,
				       is_mssql ? 1 : sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
