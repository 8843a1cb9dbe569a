#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "conf/clock.h"
#include "conf/code.h"
#include "conf/log.h"
#include "daemon/ctl_import.h"
#include "daemon/ctl_option.h"

/*
 * pchatctl data import: the archive is read twice. The first time all of it is checked, by itself
 * and against what the server has; only if nothing stands in the way is it read again and sent, a
 * line at a time, to the running server, which makes events of it. So import ends as if all this
 * had happened here, only adds, and can be repeated when it was interrupted.
 */
enum column { LINES, MADE, THERE, REFUSED };

struct limits {
	uint64_t message, story, rich; /* bytes */
};

struct import_run {
	const struct ctl *ctl; /* borrowed */
	const char *path;
	bool check; /* the first time */
	struct archive_reader *reader;
	struct import_sender sender;
	struct import_secrets *secrets; /* NULL until there is a line of them */
	enum archive_level level;
	struct limits limits;
	json_t *categories, *addins; /* owned: uuid -> name */
	json_t *history;	     /* owned: the line of the room whose messages come; or NULL */
	uint64_t after;		     /* the last message of that room */
	enum archive_kind last;	     /* kind of the line before */
	struct archive_report report;
};

/* --- What stands in the way. --- */

static const char *quoted(const json_t *value, char out[LOG_QUOTED])
{
	const char *text = json_string_value(value);

	return text ? log_quote(text, json_string_length(value), out) : "?";
}

/* What an administrator set here is not overwritten. */
static void note_collision(struct import_run *run, const struct import_item *item)
{
	const json_t *line = json_object_get(item->params, "line");
	const json_t *first = json_object_get(line, archive_kind_name(item->kind));
	const json_t *scope = json_object_get(line, "scope");
	char one[LOG_QUOTED], two[LOG_QUOTED], three[LOG_QUOTED];

	if (!scope)
		scope = json_object_get(line, "category");
	if (item->kind == KIND_GRANT)
		archive_note(&run->report,
			     "line %" PRIu64 ": %s was granted another policy here than %s",
			     item->line, quoted(first, one),
			     quoted(json_object_get(line, "policy"), two));
	else
		archive_note(&run->report, "line %" PRIu64 ": %s of %s %s has another value here",
			     item->line, quoted(json_object_get(line, "name"), one),
			     quoted(first, two), quoted(scope, three));
}

static void note_refusal(struct import_run *run, const struct import_item *item)
{
	const json_t *line = json_object_get(item->params, "line");
	const json_t *name = json_object_get(line, "name");
	char text[LOG_QUOTED];

	if (!name)
		name = json_object_get(line, archive_kind_name(item->kind));
	if (item->kind == KIND_HISTORY && item->code == CODE_INVALID_FLOW_OF_OPERATIONS)
		archive_note(&run->report,
			     "line %" PRIu64 ": room %s is in use and has not got all of these "
			     "messages: disable it while they are imported",
			     item->line, quoted(name, text));
	else if (item->code == CODE_DATA_COLLISION)
		note_collision(run, item);
	else
		archive_note(&run->report, "line %" PRIu64 ": %s %s: %s: %s", item->line,
			     archive_kind_name(item->kind), quoted(name, text),
			     code_name(item->code), code_text(item->code));
}

/* Whose other end is gone here is left out; anything else ends the import. */
static bool may_be_left_out(const struct import_item *item)
{
	return item->code == CODE_NO_SUCH_PRINCIPAL &&
	       (item->kind == KIND_ROLE || item->kind == KIND_MEMBER ||
		(item->kind >= KIND_INVITED && item->kind <= KIND_REQUEST) ||
		item->kind == KIND_MARKER || item->kind == KIND_GRANT ||
		item->kind == KIND_FILE);
}

/* A room that is in the archive, too, is not here yet when its messages are checked. */
static bool is_to_come(const struct import_run *run, const struct import_item *item)
{
	return run->check && run->level == LEVEL_ALL && item->kind == KIND_HISTORY &&
	       item->code == CODE_NO_SUCH_NODE;
}

static int settle(struct import_run *run)
{
	struct import_sender *sender = &run->sender;
	int code = import_send(sender);

	for (unsigned i = 0; i < sender->count && code == EX_OK; i++) {
		const struct import_item *item = &sender->item[i];
		const bool good = item->code == CODE_OK || is_to_come(run, item);
		uint64_t *count = run->report.count[item->kind];

		count[!good ? REFUSED : item->made || item->code != CODE_OK ? MADE : THERE]++;
		if (good)
			continue;
		note_refusal(run, item);
		if (!run->check && !may_be_left_out(item))
			code = ctl_fail(run->ctl, EX_DATAERR, "stopped at line %" PRIu64 ": %s: %s",
					item->line, code_name(item->code), code_text(item->code));
	}
	import_sender_clear(sender);
	return code;
}

/* take_params is taken. size: about how many bytes it is. */
static int put(struct import_run *run, enum archive_kind kind, json_t *take_params, size_t size)
{
	struct import_sender *sender = &run->sender;

	if (!take_params)
		return ctl_fail(run->ctl, EX_OSERR, "could not get memory");
	if (run->check)
		json_object_set_new(take_params, "check", json_true());
	sender->item[sender->count++] = (struct import_item){
		.params = take_params, .kind = kind, .line = archive_line(run->reader)};
	sender->bytes += size;
	return sender->count == IMPORT_BATCH || sender->bytes > IMPORT_BATCH_BYTES ? settle(run)
										   : EX_OK;
}

static json_t *params_of(enum archive_kind kind, json_t *line)
{
	return json_pack("{s:s, s:O}", "kind", archive_kind_name(kind), "line", line);
}

/* --- Lines that are more than themselves. --- */

/* What is referred to by uuid may be here under another one, and is then found by its name. */
static int keep_name(struct import_run *run, json_t *names, enum archive_kind kind, json_t *line)
{
	const char *uuid = json_string_value(json_object_get(line, archive_kind_name(kind)));
	json_t *name = json_object_get(line, "name");

	if (!uuid || !json_is_string(name) || json_object_set(names, uuid, name) == -1)
		return ctl_fail(run->ctl, EX_DATAERR, "line %" PRIu64 " is malformed",
				archive_line(run->reader));
	return EX_OK;
}

static void add_name(json_t *params, const char *member, const json_t *names, const json_t *uuid)
{
	json_t *name =
		json_is_string(uuid) ? json_object_get(names, json_string_value(uuid)) : NULL;

	if (name)
		json_object_set(params, member, name);
}

static int put_room(struct import_run *run, json_t *line, size_t size)
{
	json_t *params = params_of(KIND_ROOM, line);
	const json_int_t last = json_integer_value(json_object_get(line, "last_seq"));

	add_name(params, "category", run->categories, json_object_get(line, "category"));
	add_name(params, "addin", run->addins, json_object_get(line, "addin"));
	if (run->level == LEVEL_ALL && last > 0)
		json_object_set_new(params, "filling", json_true());
	return put(run, KIND_ROOM, params, size);
}

/* A role, or a setting. */
static int put_of_category(struct import_run *run, enum archive_kind kind, json_t *line,
			   size_t size)
{
	json_t *params = params_of(kind, line);

	add_name(params, "category", run->categories, json_object_get(line, "category"));
	return put(run, kind, params, size);
}

/* The room is whole when its messages are, so its line is sent behind them. */
static int end_history(struct import_run *run)
{
	json_t *params;

	if (!run->history)
		return EX_OK;
	params = params_of(KIND_HISTORY, run->history);
	json_decref(run->history);
	run->history = NULL;
	json_object_set_new(params, "after", json_integer((json_int_t)run->after));
	return put(run, KIND_HISTORY, params, 256);
}

static int begin_history(struct import_run *run, json_t *line)
{
	const json_t *last = json_object_get(line, "last_seq");

	if (!json_is_string(json_object_get(line, "history")) || !json_is_integer(last))
		return ctl_fail(run->ctl, EX_DATAERR, "line %" PRIu64 " is malformed",
				archive_line(run->reader));
	run->history = json_incref(line);
	run->after = 0;
	return EX_OK;
}

static size_t bytes_of(const json_t *line, const char *name)
{
	return json_string_length(json_object_get(line, name));
}

static int check_size(struct import_run *run, const json_t *line)
{
	const bool story = bytes_of(line, "title") > 0;
	const uint64_t most = story ? run->limits.story : run->limits.message;

	if (bytes_of(line, "text") <= most && bytes_of(line, "rich") <= run->limits.rich)
		return EX_OK;
	run->report.count[KIND_MESSAGE][REFUSED]++;
	archive_note(&run->report, "line %" PRIu64 ": a message is larger than limits.%s allows",
		     archive_line(run->reader),
		     bytes_of(line, "text") > most ? story ? "story_size" : "message_size"
						   : "rich_size");
	return EX_OK;
}

static int put_message(struct import_run *run, json_t *line, size_t size)
{
	const json_int_t seq = json_integer_value(json_object_get(line, "message"));
	const uint64_t after = run->after;
	json_t *params;

	if (!run->history || seq <= 0 || (uint64_t)seq <= after ||
	    seq > json_integer_value(json_object_get(run->history, "last_seq")))
		return ctl_fail(run->ctl, EX_DATAERR,
				"line %" PRIu64 ": a message is not in the order of its room",
				archive_line(run->reader));
	run->after = (uint64_t)seq;
	if (run->check)
		return check_size(run, line);
	params = params_of(KIND_MESSAGE, line);
	json_object_set(params, "room", json_object_get(run->history, "history"));
	json_object_set_new(params, "after", json_integer((json_int_t)after));
	return put(run, KIND_MESSAGE, params, size);
}

static int put_secret(struct import_run *run, const json_t *line)
{
	bool made;
	int code;

	if (!run->secrets)
		run->secrets = import_secrets_new(run->ctl);
	if (!run->secrets)
		return EX_CONFIG;
	if (run->check)
		return EX_OK;
	code = import_secret(run->secrets, line, &made);
	if (code == EX_OK)
		run->report.count[KIND_CREDENTIAL][made ? MADE : THERE]++;
	return code;
}

/* --- Every line. --- */

static int put_kind(struct import_run *run, enum archive_kind kind, json_t *line, size_t size)
{
	int code = EX_OK;

	switch (kind) {
	case KIND_CREDENTIAL:
		return put_secret(run, line);
	case KIND_ROOM:
		return put_room(run, line, size);
	case KIND_HISTORY:
		return begin_history(run, line);
	case KIND_MESSAGE:
		return put_message(run, line, size);
	case KIND_CATEGORY:
		code = keep_name(run, run->categories, kind, line);
		break;
	case KIND_ADDIN:
		code = keep_name(run, run->addins, kind, line);
		break;
	case KIND_ROLE:
		return run->check ? EX_OK : put_of_category(run, kind, line, size);
	case KIND_SETTING:
		return put_of_category(run, kind, line, size);
	case KIND_USER:
	case KIND_GROUP:
	case KIND_GRANT:
		break;
	default:
		if (run->check)
			return EX_OK;
		break;
	}
	return code == EX_OK ? put(run, kind, params_of(kind, line), size) : code;
}

static enum archive_kind kind_of(const json_t *line)
{
	const char *name = json_object_iter_key(json_object_iter((json_t *)line));
	unsigned kind = 0;

	while (kind < KINDS && (!name || strcmp(name, archive_kind_name(kind)) != 0))
		kind++;
	return (enum archive_kind)kind;
}

/* What lines refer to must be here before they come: each kind waits for the one before it. Users
 * and groups stand mixed, and so do rooms' messages. */
static bool is_same_part(enum archive_kind a, enum archive_kind b)
{
	const bool principals = a <= KIND_GROUP && b <= KIND_GROUP;
	const bool messages = (a == KIND_MESSAGE || a == KIND_HISTORY) &&
			      (b == KIND_MESSAGE || b == KIND_HISTORY);

	return a == b || principals || messages;
}

static int take_line(struct import_run *run, json_t *line, size_t size)
{
	const enum archive_kind kind = kind_of(line);
	int code = EX_OK;

	if (kind == KINDS)
		return ctl_fail(run->ctl, EX_DATAERR,
				"line %" PRIu64 " is of no kind that is known",
				archive_line(run->reader));
	if (run->check)
		run->report.count[kind][LINES]++;
	if (kind != KIND_MESSAGE)
		code = end_history(run);
	if (code == EX_OK && !is_same_part(kind, run->last))
		code = settle(run);
	run->last = kind;
	return code == EX_OK ? put_kind(run, kind, line, size) : code;
}

static int take_head(struct import_run *run, const json_t *line)
{
	const json_t *version = json_object_get(line, "pchat-archive");
	const char *level = json_string_value(json_object_get(line, "level"));

	if (!json_is_integer(version) || !level)
		return ctl_fail(run->ctl, EX_DATAERR, "%s is no archive", run->path);
	if (json_integer_value(version) != ARCHIVE_VERSION)
		return ctl_fail(run->ctl, EX_DATAERR,
				"the archive has version %" JSON_INTEGER_FORMAT
				", this program knows %d",
				json_integer_value(version), ARCHIVE_VERSION);
	run->level = archive_level_of(level);
	run->report.level = archive_level_name(run->level);
	return run->level < LEVELS ? EX_OK
				   : ctl_fail(run->ctl, EX_DATAERR, "the archive has no level");
}

static int take_text(struct import_run *run, const char *text, size_t length)
{
	json_t *line = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
	int code;

	if (!json_is_object(line))
		code = ctl_fail(run->ctl, EX_DATAERR, "line %" PRIu64 " is no object of JSON",
				archive_line(run->reader));
	else if (archive_line(run->reader) == 1)
		code = take_head(run, line);
	else
		code = take_line(run, line, length);
	json_decref(line);
	return code;
}

/* The archive once from its beginning to its end. */
static int pass(struct import_run *run, bool check)
{
	struct err err;
	size_t length;
	int code = EX_OK, got = 0;
	char *text;

	run->check = check;
	run->last = KIND_USER;
	run->reader = archive_open(run->path, &err);
	if (!run->reader)
		return ctl_fail(run->ctl, EX_NOINPUT, "%s", err.text);
	while (code == EX_OK && (got = archive_next(run->reader, &text, &length, &err)) == 1)
		code = take_text(run, text, length);
	if (code == EX_OK && got == -1)
		code = ctl_fail(run->ctl, EX_DATAERR, "%s", err.text);
	else if (code == EX_OK && archive_line(run->reader) == 0)
		code = ctl_fail(run->ctl, EX_DATAERR, "%s is no archive", run->path);
	if (code == EX_OK)
		code = end_history(run);
	if (code == EX_OK)
		code = settle(run);
	archive_reader_free(&run->reader);
	json_decref(run->history);
	run->history = NULL;
	return code;
}

/* --- All of it. --- */

static uint64_t limit_of(const json_t *limits, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(limits, name));
}

static int ask_limits(struct import_run *run)
{
	const json_t *limits;
	json_t *info = NULL;
	const int code = ctl_call(run->ctl, "server.info", json_object(), &info);

	limits = json_object_get(info, "limits");
	run->limits = (struct limits){.message = limit_of(limits, "message_size"),
				      .story = limit_of(limits, "story_size"),
				      .rich = limit_of(limits, "rich_size")};
	json_decref(info);
	return code;
}

static uint64_t refusals(const struct import_run *run)
{
	uint64_t sum = 0;

	for (unsigned kind = 0; kind < KINDS; kind++)
		sum += run->report.count[kind][REFUSED];
	return sum;
}

static void forget_counts(struct import_run *run)
{
	for (unsigned kind = 0; kind < KINDS; kind++)
		for (unsigned column = MADE; column <= REFUSED; column++)
			run->report.count[kind][column] = 0;
}

static int import(struct import_run *run)
{
	int code = ask_limits(run);

	if (code == EX_OK)
		code = pass(run, true);
	if (code != EX_OK || refusals(run) > 0 || run->ctl->option[CTL_DRY_RUN])
		return code;
	forget_counts(run);
	return pass(run, false);
}

int ctl_data_import(const struct ctl *ctl)
{
	static const char *const done[] = {"lines", "made", "there", "refused", NULL};
	static const char *const would[] = {"lines", "new", "there", "refused", NULL};
	const uint64_t began = clock_mono();
	struct import_run run = {.ctl = ctl,
				 .path = ctl->arguments[0],
				 .categories = json_object(),
				 .addins = json_object()};
	int code, told = EX_OK;

	import_sender_init(&run.sender, ctl);
	run.report.heads = ctl->option[CTL_DRY_RUN] ? would : done;
	code = import(&run);
	if (run.report.level) {
		run.report.file = run.path;
		run.report.us = clock_mono() - began;
		told = archive_report_print(ctl, &run.report);
	}
	if (code == EX_OK && refusals(&run) > 0)
		code = run.check ? ctl_fail(ctl, EX_DATAERR, "nothing was imported")
				 : ctl_fail(ctl, EX_DATAERR, "not everything could be imported");
	import_sender_fini(&run.sender);
	import_secrets_free(&run.secrets);
	json_decref(run.categories);
	json_decref(run.addins);
	json_decref(run.report.notes);
	return code != EX_OK ? code : told;
}
