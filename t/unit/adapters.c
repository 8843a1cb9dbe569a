#include "t/unit/adapters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/clock.h"

enum { PATIENCE_MS = 30000 };

int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return -1;
	*state = place;
	strcpy(place->directory, "/tmp/pchat-adapter.XXXXXX");
	if (!mkdtemp(place->directory))
		return -1;
	snprintf(place->files, sizeof(place->files), "%s/files", place->directory);
	place->proc.own = &place->page;
	place->shared.proc = &place->proc;
	place->shared.conf = -1;
	place->db = place->shared.db =
		database_open(&place->database, record_open, &place->err);
	return place->db && mkdir(place->files, 0700) == 0 ? 0 : -1;
}

int teardown(void **state)
{
	struct place *place = *state;
	char command[192];

	if (place->task.run.pid != 0) {
		struct writer_result result;

		adapter_run_kill(&place->task.run);
		while (!adapter_run_ended(&place->task.run, place->task.conf, 0, &result))
			poll(NULL, 0, 1);
	}
	snprintf(command, sizeof(command), "chmod -R u+w %s; rm -rf %s", place->directory,
		 place->directory);
	if (system(command) != 0)
		print_message("%s failed\n", command);
	if (place->shared.conf != -1)
		close(place->shared.conf);
	conf_free(&place->conf);
	database_close(&place->database, &place->db);
	free(place);
	return 0;
}

/* The only adapter, with these settings besides its directory. */
void configure(struct place *place, const char *settings)
{
	char text[2048];
	int fd = memfd_create("conf", 0);

	snprintf(text, sizeof(text),
		 "domain = example.test\njson { tls = false }\nadapter a { directory = '%s' %s }\n",
		 place->files, settings);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	conf_free(&place->conf);
	place->conf = conf_load_fd(fd, "test", &place->err);
	if (!place->conf)
		fail_msg("%s", place->err.text);
	close(fd);
	if (place->shared.conf != -1)
		close(place->shared.conf);
	place->shared.conf = conf_snapshot_adapters(place->conf, &place->err);
	assert_true(place->shared.conf != -1);
	adapter_task_init(&place->task, &place->conf->adapters.item[0]);
}

/* Records of what somebody wrote, and the cursor row behind them. */
void record(struct place *place, unsigned count, const char *text)
{
	struct record_cursor cursor;

	assert_int_equal(record_cursor_get(place->db, &cursor, &place->err), DB_OK);
	for (unsigned i = 0; i < count; i++) {
		struct record_row row = {
			.number = ++place->last,
			.lsn = 8 * place->last,
			.time = 1763717400000000 + place->last,
			.flags = RECORD_HISTORY,
			.room_id = 1,
			.user_id = 2,
			.message = place->last,
			.type = BYTES("chat"),
			.room = BYTES(
				"ma-chan://example.test/11111111-1111-4111-8111-111111111111"),
			.room_name = BYTES("Lab"),
			.category = BYTES("General"),
			.user_uri = BYTES("sip:alice@example.test"),
			.user_name = BYTES("Alice"),
			.address = BYTES("127.0.0.1"),
			.session = BYTES("8.1.1"),
			.content = BYTES(text),
		};

		memset(row.hash, 'a', RECORD_HEX - 1);
		assert_int_equal(record_put(place->db, &row, 1, &place->err), DB_OK);
	}
	cursor.number = place->last;
	assert_int_equal(record_cursor_put(place->db, &cursor, &place->err), DB_OK);
}

/* The names in the directory, sorted, a space behind each. */
const char *files(const struct place *place)
{
	static char names[65536];
	struct dirent **entries;
	const int count = scandir(place->files, &entries, NULL, alphasort);

	names[0] = '\0';
	for (int i = 0; i < count; i++) {
		if (entries[i]->d_name[0] != '.')
			snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s ",
				 entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return names;
}

const char *content(const struct place *place, const char *name)
{
	static char text[65536];
	char path[256];
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s", place->directory, name);
	in = fopen(path, "r");
	if (!in)
		fail_msg("there is no %s", path);
	text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
	fclose(in);
	return text;
}

void program(const struct place *place, const char *text)
{
	char path[128];
	FILE *out;

	snprintf(path, sizeof(path), "%s/program", place->directory);
	out = fopen(path, "w");
	assert_non_null(out);
	fprintf(out, "#!/bin/sh\n%s\n", text);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(chmod(path, 0700), 0);
}

void step(struct place *place)
{
	const enum db_result result =
		adapter_task_step(&place->task, &place->shared, true, &place->err);

	if (result != DB_OK)
		fail_msg("%s", place->err.text);
}

void watch(struct place *place)
{
	struct pollfd wait = {.fd = place->task.run.pidfd, .events = POLLIN};

	if (place->task.run.pid == 0)
		return;
	if (poll(&wait, 1, PATIENCE_MS) != 1)
		fail_msg("a writer does not end");
	adapter_task_watch(&place->task, &place->shared);
	assert_int_equal(place->task.run.pid, 0);
}

/* Until it is not due any more: it has everything, or it fails. */
void run(struct place *place)
{
	while (adapter_task_due(&place->task, clock_mono())) {
		step(place);
		watch(place);
	}
}

struct record_adapter stored(struct place *place)
{
	struct record_adapter row;

	assert_int_equal(record_adapter_get(place->db, "a", &row, &place->err), DB_OK);
	return row;
}

uint64_t counted(const struct place *place, enum counter counter)
{
	return atomic_load(&place->page.counters[counter]);
}
