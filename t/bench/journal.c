/*
 * What the journal can take: records appended and synced in batches, on the file system of the
 * directory named (the working directory). Prints one line of JSON:
 *
 *   t/bench/journal [-s PAYLOAD_BYTES] [-t SECONDS] [-d DIRECTORY]
 */
#include "config.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/clock.h"
#include "shm/event.h"
#include "shm/journal.h"

enum { RING = 64 << 20, BATCH = 8 << 20 };

struct measure {
	uint64_t records, commits, elapsed, longest; /* microseconds */
};

static void append(struct journal_writer *writer, uint16_t type, const void *payload, uint32_t size)
{
	const struct record head = {.type = type};

	if (!journal_append(writer, &head, payload, size, writer->synced))
		errx(EX_SOFTWARE, "the journal has no room");
}

static struct measure run(struct journal_writer *writer, unsigned batch, const void *payload,
			  uint32_t size, uint64_t time)
{
	struct measure measure = {0};
	uint64_t start = clock_mono(), before = start, now = start;
	struct err err;

	while (now - start < time) {
		for (unsigned i = 0; i < batch; i++)
			append(writer, EVENT_MESSAGE, payload, size);
		if (journal_commit(writer, true, &err) < 0)
			errx(EX_IOERR, "%s", err.text);
		now = clock_mono();
		measure.records += batch;
		measure.commits++;
		if (now - before > measure.longest)
			measure.longest = now - before;
		before = now;
	}
	measure.elapsed = now - start;
	return measure;
}

static int file_new(const char *directory)
{
	char name[4096];
	int fd;

	snprintf(name, sizeof(name), "%s/journal-bench-XXXXXX", directory);
	fd = mkstemp(name);
	if (fd < 0 || unlink(name) < 0 || ftruncate(fd, JOURNAL_HEADER + RING) < 0)
		err(EX_CANTCREAT, "could not make a file in %s", directory);
	return fd;
}

int main(int argc, char **argv)
{
	static const unsigned batches[] = {1, 8, 64, 512};
	const char *directory = ".";
	uint32_t size = 200;
	uint64_t time = 2000000;
	struct journal_writer writer;
	struct measure measure;
	struct err err;
	char *payload;
	int option, fd;

	while ((option = getopt(argc, argv, "s:t:d:")) != -1) {
		if (option == 's')
			size = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 't')
			time = strtoull(optarg, NULL, 10) * 1000000;
		else if (option == 'd')
			directory = optarg;
		else
			return EX_USAGE;
	}
	if (size > BATCH / 1024)
		errx(EX_USAGE, "a payload of %" PRIu32 " bytes is too large", size);
	payload = calloc(1, size + 1);
	fd = file_new(directory);
	if (!payload || journal_format(fd, 8, &err) < 0 ||
	    journal_open(&writer, fd, 8, UINT64_MAX, false, BATCH, NULL, NULL, &err) < 0)
		errx(EX_IOERR, "%s", err.text);
	append(&writer, EVENT_START, NULL, 0);

	printf("{\"bench\":\"journal\",\"payload\":%" PRIu32 ",\"runs\":[", size);
	for (unsigned i = 0; i < sizeof(batches) / sizeof(*batches); i++) {
		measure = run(&writer, batches[i], payload, size, time);
		printf("%s{\"batch\":%u,\"records_per_second\":%" PRIu64
		       ",\"commits_per_second\":%" PRIu64 ",\"commit_us\":%" PRIu64
		       ",\"longest_us\":%" PRIu64 "}",
		       i > 0 ? "," : "", batches[i], measure.records * 1000000 / measure.elapsed,
		       measure.commits * 1000000 / measure.elapsed,
		       measure.elapsed / measure.commits, measure.longest);
		fflush(stdout);
	}
	printf("]}\n");
	journal_close(&writer);
	close(fd);
	free(payload);
	return 0;
}
