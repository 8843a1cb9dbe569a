/*
 * What the content database can take: messages stored in batches by the statements of the store,
 * each batch a transaction with its rooms' numbers and the cursor row; the same by the driver
 * alone; then pages of 50 read back. One connection; cpu_us is what a row, page_cpu_us what a page
 * costs of our processor. Prints one line of JSON:
 *
 *   t/bench/database [-c CONNECTION_STRING] [-s BODY_BYTES] [-t SECONDS] [-r ROOMS] [-d DIRECTORY]
 *
 * Without -c a SQLite database is made in the directory (the working directory) and removed.
 */
#include "config.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "conf/clock.h"
#include "odbc/content.h"
#include "t/bench/database_bare.h"
#include "t/bench/database_file.h"

enum { BATCH_MAX = 5000, PAGE = 50, PAGES = 2000, ROOMS_MAX = 10000 };

struct bench {
	struct db *db;
	unsigned rooms;
	uint64_t seq[ROOMS_MAX];
	char *body;
	size_t size;
	uint64_t time; /* us for each batch size */
	struct content_message message[BATCH_MAX];
	struct content_room_seq room[ROOMS_MAX];
	unsigned next; /* room */
	struct err err;
};

static void must(struct bench *bench, enum db_result result)
{
	if (result != DB_OK)
		errx(EX_SOFTWARE, "%s: %s", db_result_name(result), bench->err.text);
}

static void store(struct bench *bench, unsigned batch)
{
	const struct content_cursor cursor = {.lsn = bench->seq[0]};
	const unsigned rooms = batch < bench->rooms ? batch : bench->rooms;

	for (unsigned i = 0; i < batch; i++) {
		const unsigned room = bench->next++ % bench->rooms;

		bench->message[i] = (struct content_message){.room = room + 1,
							     .seq = ++bench->seq[room],
							     .time = clock_utc(),
							     .author = 1,
							     .id = {"0123456789abcdef", 16},
							     .text = {bench->body, bench->size}};
		bench->room[i % rooms] = (struct content_room_seq){room + 1, bench->seq[room]};
	}
	must(bench, db_begin(bench->db, &bench->err));
	must(bench, content_messages_put(bench->db, bench->message, batch, &bench->err));
	must(bench, content_room_seqs(bench->db, bench->room, rooms, &bench->err));
	must(bench, content_cursor_put(bench->db, &cursor, &bench->err));
	must(bench, db_commit(bench->db, &bench->err));
}

static void run(struct bench *bench, unsigned batch)
{
	const uint64_t start = clock_mono();
	const clock_t used = clock();
	uint64_t rows = 0, longest = 0, before = start, now = start;

	while (now - start < bench->time) {
		store(bench, batch);
		rows += batch;
		now = clock_mono();
		longest = now - before > longest ? now - before : longest;
		before = now;
	}
	printf("{\"batch\":%u,\"rows_per_s\":%.0f,\"commits_per_s\":%.0f,\"longest_ms\":%.1f,"
	       "\"cpu_us\":%.2f}",
	       batch, (double)rows * 1e6 / (double)(now - start),
	       (double)rows / batch * 1e6 / (double)(now - start), (double)longest / 1000,
	       (double)(clock() - used) * 1e6 / CLOCKS_PER_SEC / (double)rows);
}

static int by_size(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void read_page(struct bench *bench)
{
	const unsigned room = arc4random_uniform(bench->rooms);
	const struct content_page page = {
		.room = room + 1,
		.before = PAGE + arc4random_uniform((uint32_t)bench->seq[room] + 1),
		.limit = PAGE};
	struct content_history_row row;
	enum db_result result;

	must(bench, content_history(bench->db, &page, &bench->err));
	do
		result = content_history_next(bench->db, &page, &row, &bench->err);
	while (result == DB_OK);
	must(bench, result == DB_END ? DB_OK : result);
}

static void read_pages(struct bench *bench)
{
	static uint64_t took[PAGES];
	const uint64_t start = clock_mono();
	const clock_t used = clock();

	for (unsigned i = 0; i < PAGES; i++) {
		const uint64_t before = clock_mono();

		read_page(bench);
		took[i] = clock_mono() - before;
	}
	qsort(took, PAGES, sizeof(took[0]), by_size);
	printf("\"pages_per_s\":%.0f,\"page_p99_ms\":%.2f,\"page_cpu_us\":%.1f}\n",
	       PAGES * 1e6 / (double)(clock_mono() - start), (double)took[PAGES * 99 / 100] / 1000,
	       (double)(clock() - used) * 1e6 / CLOCKS_PER_SEC / PAGES);
}

static void put_rooms(struct bench *bench)
{
	const struct content_principal alice = {
		.id = 1, .kind = 5, .uri = {"sip:alice@example.test", 22}, .name = {"Alice", 5}};

	must(bench, db_connect(bench->db, &bench->err));
	must(bench, content_open(bench->db, &bench->err));
	must(bench, db_begin(bench->db, &bench->err));
	must(bench, content_principal_put(bench->db, &alice, &bench->err));
	for (unsigned i = 0; i < bench->rooms; i++) {
		struct content_room room = {.id = i + 1, .name = {"Room", 4}};

		memcpy(room.uuid, &room.id, sizeof(room.id));
		must(bench, content_room_put(bench->db, &room, &bench->err));
	}
	must(bench, db_commit(bench->db, &bench->err));
}

static void measure(struct bench *bench, const char *dsn)
{
	static const unsigned batches[] = {1, 10, 100, 500, 1000, 5000};

	put_rooms(bench);
	printf("{\"bench\":\"database\",\"body\":%zu,\"rooms\":%u,\"store\":[", bench->size,
	       bench->rooms);
	for (unsigned i = 0; i < sizeof(batches) / sizeof(batches[0]); i++) {
		printf("%s", i ? "," : "");
		run(bench, batches[i]);
	}
	printf("],");
	database_bare(dsn, bench->body, bench->size, bench->time);
	read_pages(bench);
}

int main(int argc, char **argv)
{
	static struct bench bench = {.rooms = 100, .size = 100, .time = 2000000};
	char file[4096], dsn[4200];
	const char *directory = ".", *given = NULL;
	struct conf_list list = {.count = 1};
	int option;

	while ((option = getopt(argc, argv, "c:s:t:r:d:")) != -1) {
		if (option == 'c')
			given = optarg;
		else if (option == 's')
			bench.size = strtoul(optarg, NULL, 10);
		else if (option == 't')
			bench.time = strtoul(optarg, NULL, 10) * 1000000;
		else if (option == 'r')
			bench.rooms = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 'd')
			directory = optarg;
		else
			return EX_USAGE;
	}
	if (bench.rooms == 0 || bench.rooms > ROOMS_MAX)
		errx(EX_USAGE, "from 1 to %d rooms", ROOMS_MAX);
	snprintf(file, sizeof(file), "%.4000s/bench-%d.db", directory, (int)getpid());
	snprintf(dsn, sizeof(dsn), "Driver=SQLite3;Database=%s", file);
	list.item[0] = given ? (char *)given : dsn;
	bench.body = malloc(bench.size + 1);
	bench.db = db_new(&list, &bench.err);
	if (!bench.body || !bench.db)
		errx(EX_SOFTWARE, "%s", bench.err.text);
	memset(bench.body, 'x', bench.size);
	measure(&bench, list.item[0]);
	db_free(&bench.db);
	free(bench.body);
	if (!given)
		database_file_remove(file);
	return EX_OK;
}
