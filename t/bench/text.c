/*
 * Searches in many messages of one room, with the index of texts and without it: messages are
 * stored as the store does, then each search is run some times by the reader's own function. Prints
 * one line of JSON:
 *
 *   t/bench/text [-x] [-c CONNECTION_STRING] [-n MESSAGES] [-t TIMES] [-d DIRECTORY]
 *
 * -x: without an index. Without -c a SQLite database is made in the directory (the working
 * directory) and removed.
 */
#include "config.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/clock.h"
#include "daemon/reader_search.h"
#include "odbc/content_index.h"
#include "t/bench/database_file.h"

enum { WORDS = 30000, BATCH = 1000, TEXT = 400, IN_TEXT = 15, TIMES_MAX = 1000 };

struct bench {
	struct db *db;
	unsigned messages, times;
	bool indexed;
	char word[WORDS][12];
	char text[BATCH][TEXT];
	struct content_message message[BATCH];
	struct err err;
};

static void must(struct bench *bench, enum db_result result)
{
	if (result != DB_OK)
		errx(EX_SOFTWARE, "%s: %s", db_result_name(result), bench->err.text);
}

/* The same texts in each run. Some words are frequent, most are rare, as in any language. */
static unsigned draw(unsigned below)
{
	static uint64_t state = 7;

	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)((state >> 33) % below);
}

static void make_words(struct bench *bench)
{
	for (unsigned i = 0; i < WORDS; i++) {
		const unsigned length = 2 + draw(9);

		for (unsigned l = 0; l < length; l++)
			bench->word[i][l] = (char)('a' + (draw(2) ? draw(26) : draw(8)));
	}
}

/* What is searched for stands in known shares of the messages. */
static const char *special(unsigned seq)
{
	if (seq % 100000 == 5000)
		return " Nebukadnezar";
	if (seq % 1000 == 500)
		return " uncommonest";
	if (seq % 10000 == 1)
		return " to be or not to be";
	return seq % 5 == 0 ? " commonplace" : "";
}

static void make_text(struct bench *bench, unsigned place, unsigned seq)
{
	char *text = bench->text[place];
	size_t used = 0;

	for (unsigned i = 0; i < IN_TEXT; i++) {
		const unsigned most = 1 + draw(WORDS), word = draw(1 + draw(most));

		used += (size_t)snprintf(text + used, TEXT - used, "%s%s", i ? " " : "",
					 bench->word[word]);
	}
	snprintf(text + used, TEXT - used, "%s", special(seq));
	bench->message[place] = (struct content_message){.room = 1,
							 .seq = seq,
							 .time = seq,
							 .author = 1,
							 .id = {"0123456789abcdef", 16},
							 .text = {text, strlen(text)}};
}

static void put_room(struct bench *bench)
{
	const struct content_room room = {.id = 1, .uuid = {1}, .name = {"Room", 4}};
	const struct content_principal alice = {
		.id = 1, .kind = 5, .uri = {"sip:alice@example.test", 22}, .name = {"Alice", 5}};
	bool there, made;

	must(bench, db_connect(bench->db, &bench->err));
	must(bench, content_open(bench->db, &bench->err));
	must(bench, content_index_open(bench->db, bench->indexed, &there, &made, &bench->err));
	must(bench, db_begin(bench->db, &bench->err));
	must(bench, content_principal_put(bench->db, &alice, &bench->err));
	must(bench, content_room_put(bench->db, &room, &bench->err));
	must(bench, db_commit(bench->db, &bench->err));
}

static void store(struct bench *bench)
{
	uint64_t spent = 0;

	for (unsigned seq = 0; seq < bench->messages; seq += BATCH) {
		const struct content_room_seq last = {1, seq + BATCH};
		uint64_t began;

		for (unsigned i = 0; i < BATCH; i++)
			make_text(bench, i, seq + i + 1);
		began = clock_mono();
		must(bench, db_begin(bench->db, &bench->err));
		must(bench, content_messages_put(bench->db, bench->message, BATCH, &bench->err));
		must(bench, content_room_seqs(bench->db, &last, 1, &bench->err));
		must(bench, db_commit(bench->db, &bench->err));
		spent += clock_mono() - began;
	}
	printf("\"stored_per_s\":%.0f", bench->messages * 1e6 / (double)spent);
}

static int by_size(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void search(struct bench *bench, const char *name, enum search_match match,
		   const char *words)
{
	static uint64_t took[TIMES_MAX];
	const struct ask_search ask = {.end = INT64_MAX, .rooms = 1, .limit = 50};
	const struct ask_search_room room = {.id = 1};
	struct reader_search_cost cost = {0};
	uint64_t sum = 0;

	for (unsigned i = 0; i < bench->times; i++) {
		struct fragment json = {0};
		struct search_text text;
		const uint64_t began = clock_mono();

		if (!search_text_init(&text, match, false, words, strlen(words)))
			errx(EX_SOFTWARE, "no memory");
		must(bench, reader_search(bench->db, &ask, &room, &text, "example.test", UINT64_MAX,
					  &json, &cost, &bench->err));
		took[i] = clock_mono() - began;
		sum += took[i];
		search_text_fini(&text);
		fragment_free(&json);
	}
	qsort(took, bench->times, sizeof(took[0]), by_size);
	printf(",\"%s\":{\"ms\":%.2f,\"longest_ms\":%.2f,\"looked_at\":%llu,\"messages_per_s\":%."
	       "0f}",
	       name, (double)took[bench->times / 2] / 1000, (double)took[bench->times - 1] / 1000,
	       (unsigned long long)cost.rows, (double)cost.rows * bench->times * 1e6 / (double)sum);
}

static void measure(struct bench *bench)
{
	make_words(bench);
	put_room(bench);
	printf("{\"bench\":\"text\",\"messages\":%u,\"index\":%s,", bench->messages,
	       bench->indexed ? "true" : "false");
	store(bench);
	search(bench, "rare", SEARCH_ALL, "Nebukadnezar");
	search(bench, "within_words", SEARCH_ALL, "kadnez");
	search(bench, "one_in_1000", SEARCH_ALL, "uncommonest");
	search(bench, "one_in_5", SEARCH_ALL, "commonplace");
	search(bench, "phrase", SEARCH_PHRASE, "to be or not to be");
	search(bench, "any", SEARCH_ANY, "Nebukadnezar \"quotation\"");
	search(bench, "none", SEARCH_ALL, "unheard-of");
	search(bench, "two_letters", SEARCH_ALL, "#1");
}

static void print_size(const char *file)
{
	struct stat size;

	if (stat(file, &size) == 0)
		printf(",\"file_mb\":%.0f", (double)size.st_size / 1e6);
}

int main(int argc, char **argv)
{
	static struct bench bench = {.messages = 1000000, .times = 11, .indexed = true};
	char file[4096], dsn[4200];
	const char *directory = ".", *given = NULL;
	struct conf_list list = {.count = 1};
	int option;

	while ((option = getopt(argc, argv, "xc:n:t:d:")) != -1) {
		if (option == 'x')
			bench.indexed = false;
		else if (option == 'c')
			given = optarg;
		else if (option == 'n')
			bench.messages = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 't')
			bench.times = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 'd')
			directory = optarg;
		else
			return EX_USAGE;
	}
	if (bench.times == 0 || bench.times > TIMES_MAX)
		errx(EX_USAGE, "from 1 to %d times", TIMES_MAX);
	snprintf(file, sizeof(file), "%.4000s/bench-%d.db", directory, (int)getpid());
	snprintf(dsn, sizeof(dsn), "Driver=SQLite3;Database=%s", file);
	list.item[0] = given ? (char *)given : dsn;
	bench.db = db_new(&list, &bench.err);
	if (!bench.db)
		errx(EX_SOFTWARE, "%s", bench.err.text);
	measure(&bench);
	db_free(&bench.db);
	if (!given)
		print_size(file);
	puts("}");
	if (!given)
		database_file_remove(file);
	return EX_OK;
}
