#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/conf.h"
#include "daemon/ctl_status.h"
#include "daemon/ctl_table.h"
#include "odbc/record.h"
#include "odbc/record_adapter.h"
#include "shm/fdpass.h"

/* Where the adapters stand, as the compliance database has it, and running them at once. */

enum { ANSWER_TIMEOUT_MS = 10000, LOOK_MS = 100, ASK_AGAIN_MS = 10000 };

/* --- adapters --- */

struct listing {
	const struct ctl *ctl;	/* borrowed */
	const char *only;	/* borrowed: as is_meant has it; NULL: also what is not configured */
	json_t *document;	/* owned */
	uint64_t last;		/* number of the newest record */
};

static const char *state_of(const struct listing *listing, const struct record_adapter *row)
{
	if (!conf_adapter(listing->ctl->conf, row->name))
		return "not configured";
	if (row->failing != 0)
		return "failing";
	return row->batch != 0 ? "under way" : "good";
}

static json_t *time_or_null(uint64_t utc)
{
	char text[CLOCK_TEXT];

	return utc == 0 ? json_null() : json_string(clock_format(utc, text));
}

static json_t *document_of(const struct listing *listing, const struct record_adapter *row)
{
	const uint64_t lag = listing->last > row->done ? listing->last - row->done : 0;
	json_t *object = json_pack("{s:s, s:s, s:I, s:I, s:o}", "adapter", row->name, "state",
				   state_of(listing, row), "done", (json_int_t)row->done, "lag",
				   (json_int_t)lag, "ran", time_or_null(row->ran));

	if (row->batch != 0)
		json_object_set_new(object, "batch", json_integer((json_int_t)row->batch));
	if (row->failing == 0)
		return object;
	json_object_set_new(object, "failing", time_or_null(row->failing));
	json_object_set_new(object, "failures", json_integer((json_int_t)row->failures));
	json_object_set_new(object, "error", json_string(row->error));
	return object;
}

static void add_row(struct ctl_table *table, const json_t *object)
{
	const char *ran = json_string_value(json_object_get(object, "ran"));
	const char *error = json_string_value(json_object_get(object, "error"));

	ctl_table_add(table, "%s", json_string_value(json_object_get(object, "adapter")));
	ctl_table_add(table, "%s", json_string_value(json_object_get(object, "state")));
	ctl_table_add(table, "%" JSON_INTEGER_FORMAT,
		      json_integer_value(json_object_get(object, "done")));
	ctl_table_add(table, "%" JSON_INTEGER_FORMAT,
		      json_integer_value(json_object_get(object, "lag")));
	ctl_table_add(table, "%s", ran ? ran : "-");
	ctl_table_add(table, "%s", error ? error : "");
}

static int print_rows(const struct ctl *ctl, const json_t *document)
{
	static const char *const heads[] = {"ADAPTER", "STATE",	   "DONE UP TO",
					    "LAG",     "LAST RUN", "ERROR"};
	struct ctl_table *table = ctl_table_new("llrrll", heads);
	json_t *object;
	size_t i;

	json_array_foreach(document, i, object)
		add_row(table, object);
	return ctl_print_table(ctl, table);
}

static void take_row(struct listing *listing, const struct record_adapter *row)
{
	json_array_append_new(listing->document, document_of(listing, row));
}

/* By its name, or by none. */
static bool is_meant(const char *only, const struct conf_adapter *adapter)
{
	return *only == '\0' || strcmp(adapter->name, only) == 0;
}

/* Those that are configured, whether they ever ran or not. */
static enum db_result list_configured(struct listing *listing, struct db *db, struct err *err)
{
	const struct conf *conf = listing->ctl->conf;

	for (unsigned i = 0; i < conf->adapters.count; i++) {
		const struct conf_adapter *adapter = &conf->adapters.item[i];
		struct record_adapter row;
		enum db_result result;

		if (listing->only && !is_meant(listing->only, adapter))
			continue;
		result = record_adapter_get(db, adapter->name, &row, err);
		if (result != DB_OK && result != DB_END)
			return result;
		take_row(listing, &row);
	}
	return DB_OK;
}

static enum db_result list_others(struct listing *listing, struct db *db, struct err *err)
{
	struct record_adapter row = {.name = ""};
	char above[CONF_ADAPTER_NAME];
	enum db_result result;

	do {
		memcpy(above, row.name, sizeof(above));
		result = record_adapter_next(db, above, &row, err);
		if (result == DB_OK && !conf_adapter(listing->ctl->conf, row.name))
			take_row(listing, &row);
	} while (result == DB_OK);
	return result == DB_END ? DB_OK : result;
}

static int show(struct listing *listing, struct db *db)
{
	const struct ctl *ctl = listing->ctl;
	struct record_cursor cursor;
	struct err err;
	enum db_result result = record_cursor_get(db, &cursor, &err);

	if (result == DB_OK) {
		listing->last = cursor.number;
		result = list_configured(listing, db, &err);
	}
	if (result == DB_OK && !listing->only)
		result = list_others(listing, db, &err);
	if (result != DB_OK)
		return ctl_fail(ctl, EX_UNAVAILABLE, "%s", err.text);
	return ctl->json ? ctl_print_json(ctl, listing->document)
			 : print_rows(ctl, listing->document);
}

static int list_adapters(const struct ctl *ctl, const char *only)
{
	struct listing listing = {.ctl = ctl, .only = only};
	struct db *db;
	int code = ctl_compliance_open(ctl, &db);

	if (code != EX_OK)
		return code;
	listing.document = json_array();
	code = show(&listing, db);
	json_decref(listing.document);
	db_free(&db);
	return code;
}

int ctl_compliance_adapters(const struct ctl *ctl)
{
	return list_adapters(ctl, NULL);
}

/* --- run --- */

static int ask(const struct ctl *ctl, int sock, const struct status_run *request)
{
	struct pollfd wait = {.fd = sock, .events = POLLIN};
	struct status_reply reply;
	int fds[FDPASS_MAX];
	unsigned count = 0;
	ssize_t size;

	if (fdpass_send(sock, request, sizeof(*request), NULL, 0) == -1 && errno != EPIPE &&
	    errno != ECONNRESET)
		return ctl_fail(ctl, EX_OSERR, "could not ask the server: %s", strerror(errno));
	if (poll(&wait, 1, ANSWER_TIMEOUT_MS) != 1)
		return ctl_fail(ctl, EX_TEMPFAIL, "timeout: the master does not answer");
	size = fdpass_receive(sock, &reply, sizeof(reply), fds, &count);
	if (size != sizeof(reply) || count != 0 ||
	    memcmp(reply.word, STATUS_RUN, sizeof(reply.word)) != 0)
		return ctl_fail(ctl, EX_NOPERM, "the server does not answer to this user");
	if (reply.count == 0)
		return ctl_fail(ctl, EX_UNAVAILABLE, "the server runs no adapters");
	return EX_OK;
}

/* One request, on a connection of its own. */
static int request_run(const struct ctl *ctl, const struct status_run *request)
{
	int sock, code = ctl_control_open(ctl, &sock);

	if (code != EX_OK)
		return code;
	code = ask(ctl, sock, request);
	close(sock);
	return code;
}

/* What is waited for: until all of these have that record, or have failed anew. */
struct waiting {
	const struct status_run *request; /* borrowed */
	struct db *db;			  /* owned */
	uint64_t number;
	uint64_t failures[CONF_ADAPTERS_MAX]; /* before */
};

static int note_before(const struct ctl *ctl, struct waiting *waiting)
{
	const struct conf *conf = ctl->conf;
	struct record_cursor cursor;
	struct record_adapter row;
	struct err err;
	enum db_result result = record_cursor_get(waiting->db, &cursor, &err);

	waiting->number = cursor.number;
	for (unsigned i = 0; i < conf->adapters.count && result == DB_OK; i++) {
		result = record_adapter_get(waiting->db, conf->adapters.item[i].name, &row, &err);
		waiting->failures[i] = row.failures;
		result = result == DB_END ? DB_OK : result;
	}
	return result == DB_OK ? EX_OK : ctl_fail(ctl, EX_UNAVAILABLE, "%s", err.text);
}

/* EX_TEMPFAIL: one has failed. *left_r: how many are still at it. */
static int look(const struct ctl *ctl, const struct waiting *waiting, unsigned *left_r)
{
	int code = EX_OK;

	*left_r = 0;
	for (unsigned i = 0; i < ctl->conf->adapters.count; i++) {
		const struct conf_adapter *adapter = &ctl->conf->adapters.item[i];
		struct record_adapter row;
		enum db_result result;
		struct err err;

		if (!is_meant(waiting->request->adapter, adapter))
			continue;
		result = record_adapter_get(waiting->db, adapter->name, &row, &err);
		if (result != DB_OK && result != DB_END)
			return ctl_fail(ctl, EX_UNAVAILABLE, "%s", err.text);
		if (row.done >= waiting->number)
			continue;
		if (row.failures > waiting->failures[i])
			code = ctl_fail(ctl, EX_TEMPFAIL, "adapter \"%s\" failed: %s", row.name,
					row.error);
		else
			++*left_r;
	}
	return code;
}

/* Asks again from time to time: the process that was asked may have been replaced. */
static int run_and_wait(const struct ctl *ctl, struct waiting *waiting)
{
	unsigned left = 1;
	int code = note_before(ctl, waiting);

	for (unsigned turn = 0; code == EX_OK && left > 0; turn++) {
		if (turn % (ASK_AGAIN_MS / LOOK_MS) == 0)
			code = request_run(ctl, waiting->request);
		if (code == EX_OK)
			code = look(ctl, waiting, &left);
		if (code == EX_OK && left > 0)
			poll(NULL, 0, LOOK_MS);
	}
	return code;
}

int ctl_compliance_run(const struct ctl *ctl)
{
	struct status_run request = {.word = STATUS_RUN};
	struct waiting waiting = {.request = &request};
	const char *name = ctl->count > 0 ? ctl->arguments[0] : "";
	int code;

	if (strlen(name) >= sizeof(request.adapter) ||
	    (*name && ctl->conf && !conf_adapter(ctl->conf, name)))
		return ctl_fail(ctl, EX_USAGE, "there is no adapter \"%.64s\"", name);
	memcpy(request.adapter, name, strlen(name));
	if (ctl->option[CTL_DRY_RUN])
		return list_adapters(ctl, name);
	if (!ctl->option[CTL_WAIT])
		return request_run(ctl, &request);
	code = ctl_compliance_open(ctl, &waiting.db);
	if (code == EX_OK)
		code = run_and_wait(ctl, &waiting);
	db_free(&waiting.db);
	return code;
}
