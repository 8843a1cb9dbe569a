#ifndef PCHAT_UNIT_ADAPTERS_H
#define PCHAT_UNIT_ADAPTERS_H

#include "daemon/adapter_task.h"
#include "t/unit/database.h"

/*
 * pchat-adapter without a server: records are put into a database, and a task makes files of them.
 * The processes that write them are the test program itself, started with -w.
 */
struct place {
	struct database database;
	struct db *db;
	char directory[64], files[96]; /* the latter in the former: of the adapter */
	struct conf *conf;
	struct proc proc;
	struct proc_page page;
	struct adapter_shared shared;
	struct adapter_task task;
	uint64_t last; /* record */
	struct err err;
};

int setup(void **state);
int teardown(void **state);

#define BYTES(text)                  \
	(struct db_bytes)            \
	{                            \
		(text), strlen(text) \
	}

/* The only adapter, "a", with these settings besides its directory. */
void configure(struct place *place, const char *settings);

/* Records of what somebody wrote, and the cursor row behind them. */
void record(struct place *place, unsigned count, const char *text);

/* The names in the adapter's directory, sorted, a space behind each. */
const char *files(const struct place *place);

/* What the file has; name: from the place's directory on. */
const char *content(const struct place *place, const char *name);

/* Makes a shell script "program" in the place's directory. */
void program(const struct place *place, const char *text);

/* One step; the end of the writer, if there is one; both until nothing is due any more. */
void step(struct place *place);
void watch(struct place *place);
void run(struct place *place);

/* The adapter's row, and what was counted. */
struct record_adapter stored(struct place *place);
uint64_t counted(const struct place *place, enum counter counter);

#define FIRST "a-00000000000000000001-" /* begins the names of the first files */

#endif
