#include "t/unit/place.h"

#include <stdlib.h>
#include <string.h>

static int tell(const struct place *place)
{
	print_message("%s\n", place->err.text);
	return -1;
}

static int make(void **state, enum db_result (*schema)(struct db *db, struct err *err))
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return -1;
	*state = place;
	place->db = database_open(&place->database, schema, &place->err);
	return place->db ? 0 : -1;
}

int place_empty(void **state)
{
	return make(state, NULL);
}

int place_one(void **state)
{
	return make(state, content_open);
}

int place_two(void **state)
{
	struct place *place;

	if (place_one(state) == -1)
		return -1;
	place = *state;
	place->rival = db_new(&place->database.list, &place->err);
	return place->rival && db_connect(place->rival, &place->err) == DB_OK ? 0 : tell(place);
}

int place_end(void **state)
{
	struct place *place = *state;

	db_free(&place->rival);
	database_close(&place->database, &place->db);
	free(place);
	return 0;
}

void assert_bytes(struct db_bytes got, const char *text)
{
	assert_int_equal(got.length, strlen(text));
	assert_memory_equal(got.data, text, got.length);
}

void expect(struct place *place, const char *sql, const char *answer)
{
	char line[512];

	assert_true(database_ask(&place->database, sql, line, sizeof(line)));
	assert_string_equal(line, answer);
}

enum db_result put_text(struct place *place, uint64_t seq, const char *text, size_t length)
{
	const struct content_message message = {
		.room = 1, .seq = seq, .time = seq, .author = 1, .text = {text, length}};

	return content_messages_put(place->db, &message, 1, &place->err);
}

void expect_text(struct place *place, uint64_t seq, const char *text, size_t length)
{
	const struct content_page page = {
		.room = 1, .after = seq - 1, .before = seq + 1, .limit = 1};
	struct content_history_row row;

	assert_db(content_history(place->db, &page, &place->err), DB_OK);
	assert_db(content_history_next(place->db, &page, &row, &place->err), DB_OK);
	assert_int_equal(row.message.text.length, length);
	assert_memory_equal(row.message.text.data, text, length);
	assert_db(content_history_next(place->db, &page, &row, &place->err), DB_END);
}
