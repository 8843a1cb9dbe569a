#include "daemon/ctl_option.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum kind {
	TEXT,
	YES_NO,
	NUMBER,
	MEGABYTES, /* bytes as a parameter */
	FLAG,	   /* without a value; true as a parameter */
	SWITCH,	   /* without a value; no parameter, as is the next */
	OURS,
};

enum { MEGABYTE_SHIFT = 20 /* of 1048576 bytes */ };

static const struct {
	const char *name, *member;
	enum kind kind;
	const char *help;
} table[CTL_MEMBERS] = {
	[CTL_PASSWORD_FILE] = {"password-file", NULL, OURS,
			       "FILE: one line; \"-\": standard input"},
	[CTL_NAME] = {"name", "name", TEXT, "NAME: what others see"},
	[CTL_DESCRIPTION] = {"description", "description", TEXT, "TEXT"},
	[CTL_CATEGORY] = {"category", "category", TEXT, "CATEGORY: its name or URI"},
	[CTL_PRIVACY] = {"privacy", "privacy", TEXT, "open|closed|secret"},
	[CTL_TYPE] = {"type", "type", TEXT, "normal|auditorium"},
	[CTL_INVITATIONS] = {"invitations", "invitations", YES_NO, "yes|no"},
	[CTL_FILES] = {"files", "files", YES_NO, "yes|no: files may be sent"},
	[CTL_HISTORY] = {"history", "history", YES_NO, "yes|no: messages are kept"},
	[CTL_AUTHORS_REMOVE] = {"authors-remove", "authors_remove", YES_NO,
				"yes|no: authors may remove what they posted"},
	[CTL_MEMBERS_LEAVE] = {"members-leave", "members_leave", YES_NO,
			       "yes|no: members may leave a room's list"},
	[CTL_REQUESTS] = {"requests", "requests", YES_NO, "yes|no: users may ask to be members"},
	[CTL_ADDIN] = {"addin", "addin", TEXT, "NAME: an add-in; empty: none"},
	[CTL_URL] = {"url", "url", TEXT, "URL: http or https"},
	[CTL_KIND] = {"kind", "kind", TEXT, "group|folder|domain"},
	[CTL_MEMBER] = {"member", "member", TEXT, "USER: rooms with this member"},
	[CTL_MANAGER] = {"manager", "manager", TEXT, "USER: rooms with this manager"},
	[CTL_DISABLED] = {"disabled", "disabled", YES_NO, "yes|no: whether the room is"},
	[CTL_LIMIT] = {"limit", NULL, NUMBER, "N: rows at most; all by default"},
	[CTL_OFFSET] = {"offset", NULL, NUMBER, "N: rows left out at the start"},
	[CTL_IF_REVISION] = {"if-revision", "if_revision", NUMBER,
			     "N: only if nobody has changed it since"},
	[CTL_DRY_RUN] = {"dry-run", NULL, SWITCH, "check it and say what would be done"},
	[CTL_YES] = {"yes", NULL, SWITCH, "do not ask"},
	[CTL_REPLACE] = {"text", "replace", TEXT, "TEXT: what is to stand there"},
	[CTL_THROUGH] = {"through", "seq", NUMBER, "N: up to this message"},
	[CTL_WORDS] = {"words", "words", TEXT, "TEXT: messages with these words"},
	[CTL_MATCH] = {"match", "match", TEXT, "all|any|phrase: of the words"},
	[CTL_CASE] = {"case", "case", YES_NO, "yes|no: whether case matters"},
	[CTL_FROM] = {"from", "from", TEXT, "USER: messages of this author"},
	[CTL_TO] = {"to", NULL, OURS, "N: up to this record"},
	[CTL_ROOM] = {"room", NULL, OURS, "ROOM,...: in these rooms"},
	[CTL_USER] = {"user", NULL, OURS, "USER,...: by or about these people"},
	[CTL_CONTEXT] = {"context", NULL, NUMBER, "N: messages around each that is found"},
	[CTL_REASON] = {"reason", NULL, OURS, "TEXT: why"},
	[CTL_PUBLIC_KEY] = {"public-key", NULL, OURS, "FILE: PEM; of the checkpoints"},
	[CTL_START] = {"start", "start", TEXT, "TIME: messages from then on"},
	[CTL_END] = {"end", "end", TEXT, "TIME: messages up to then"},
	[CTL_DIRECTION] = {"direction", "direction", TEXT, "newest|oldest: which come first"},
	[CTL_LEVEL] = {"level", NULL, OURS, "user|category|room-directory|content|all"},
	[CTL_REPORT] = {"report", NULL, OURS, "FILE: what was done is written there, too"},
	[CTL_CREDENTIALS] = {"credentials", NULL, SWITCH, "with the secrets of passwords"},
	[CTL_AS] = {"as", "as", TEXT, "member|presenter"},
	[CTL_TRUST] = {"trust", NULL, OURS, "FILE|any: certificates that are taken"},
	[CTL_ACCEPT_LOSS] = {"accept-loss", NULL, SWITCH, "use a database that is too old"},
	[CTL_ACTOR] = {"actor", "actor", TEXT, "TEXT: what those with this in their names did"},
	[CTL_OBJECT] = {"object", "object", TEXT, "TEXT: what was done to objects with this in their names"},
	[CTL_WHAT] = {"what", "what", TEXT, "TEXT: changes of this kind, as room or room.update"},
	[CTL_WAIT] = {"wait", NULL, SWITCH, "until it is done"},
	[CTL_CONTENT_EXCEEDS] = {"content-exceeds", "content_exceeds", MEGABYTES,
				 "MB: rooms with messages of more megabytes"},
	[CTL_REMOVED] = {"removed", "removed", FLAG, "those that were removed, too"},
	[CTL_LOST] = {"lost", "lost", FLAG, "also where its content is not there"},
	[CTL_CONTENTS] = {"contents", NULL, SWITCH, "read them all and compare their SHA-256"},
	[CTL_METRICS] = {"metrics", NULL, SWITCH, "as Prometheus takes it"},
	[CTL_UNTIL] = {"until", "time", TEXT, "TIME: up to then, 2026-11-21 or with T09:30:00Z"},
};

enum { ADD, REMOVE, REPLACE, EDITS };

static const char *const edits[EDITS] = {"add", "remove", "replace"};
static const char *const lists[] = {"members", "managers", "presenters",
				    "allowed", "denied",   "creators"};
enum { LISTS = sizeof(lists) / sizeof(lists[0]) };
static_assert(CTL_MEMBERS + LISTS * EDITS == CTL_OPTIONS, "each list has three options");

void ctl_option_name(enum ctl_option option, struct ctl_option_name *name_r)
{
	const unsigned edit = option - CTL_MEMBERS;

	if (option < CTL_MEMBERS) {
		snprintf(name_r->name, sizeof(name_r->name), "%s", table[option].name);
		name_r->takes_value = table[option].kind != SWITCH && table[option].kind != FLAG;
		return;
	}
	snprintf(name_r->name, sizeof(name_r->name), "%s-%s", edits[edit % EDITS],
		 lists[edit / EDITS]);
	name_r->takes_value = true;
}

const char *ctl_option_help(enum ctl_option option, const char *noun)
{
	static const struct {
		enum ctl_option option;
		const char *noun, *help;
	} others[] = {
		{CTL_KIND, "compliance", "KIND,...: chat, view and so on"},
		{CTL_CASE, "compliance", "NAME: of the case"},
		{CTL_WORDS, "compliance", "TEXT: records with these words"},
		{CTL_FROM, "compliance", "N: from this record on"},
		{CTL_START, "compliance", "TIME: records from then on"},
		{CTL_END, "compliance", "TIME: records up to then"},
		{CTL_CONTEXT, "compliance", "N: records around each that is found"},
		{CTL_START, "audit", "TIME: changes from then on"},
		{CTL_END, "audit", "TIME: changes up to then"},
		{CTL_LIMIT, "audit", "N: changes at most; 100 by default"},
	};

	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (others[i].option == option && strcmp(others[i].noun, noun) == 0)
			return others[i].help;
	return option < CTL_MEMBERS ? table[option].help : "USER,...";
}

static bool parse_number(const char *text, uint64_t *number_r)
{
	char *end;

	errno = 0;
	*number_r = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && errno == 0 && *number_r <= INT64_MAX;
}

/* Of an export it is the name of a case, and a parameter of no request. */
static bool is_case_name(const struct ctl *ctl, unsigned option)
{
	return option == CTL_CASE && strcmp(ctl->verb->noun, "compliance") == 0;
}

static bool is_yes_or_no(const char *text)
{
	return strcmp(text, "yes") == 0 || strcmp(text, "no") == 0;
}

int ctl_option_check(const struct ctl *ctl)
{
	for (unsigned i = 0; i < CTL_MEMBERS; i++) {
		uint64_t number;

		if (!ctl->option[i])
			continue;
		if (table[i].kind == YES_NO && !is_case_name(ctl, i) &&
		    !is_yes_or_no(ctl->option[i]))
			return ctl_fail(ctl, EX_USAGE, "--%s is yes or no", table[i].name);
		if (table[i].kind == NUMBER && !parse_number(ctl->option[i], &number))
			return ctl_fail(ctl, EX_USAGE, "--%s is a number", table[i].name);
		if (table[i].kind == MEGABYTES && (!parse_number(ctl->option[i], &number) ||
						   number > INT64_MAX >> MEGABYTE_SHIFT))
			return ctl_fail(ctl, EX_USAGE, "--%s is a number of megabytes",
					table[i].name);
	}
	return EX_OK;
}

uint64_t ctl_option_number(const struct ctl *ctl, enum ctl_option option, uint64_t otherwise)
{
	uint64_t number;

	return ctl->option[option] && parse_number(ctl->option[option], &number) ? number :
										    otherwise;
}

int ctl_option_record(const struct ctl *ctl, enum ctl_option option, uint64_t *number_r)
{
	const char *text = ctl->option[option];

	*number_r = 0;
	if (!text || (parse_number(text, number_r) && *number_r > 0))
		return EX_OK;
	return ctl_fail(ctl, EX_USAGE, "--from and --to are numbers of records, from 1 on");
}

unsigned ctl_option_count(const struct ctl *ctl, bool of_edits)
{
	unsigned count = 0;

	for (unsigned i = of_edits ? CTL_MEMBERS : 0;
	     i < (of_edits ? (unsigned)CTL_OPTIONS : (unsigned)CTL_MEMBERS); i++) {
		if (ctl->option[i] && i != CTL_IF_REVISION && (of_edits || table[i].member))
			count++;
	}
	return count;
}

/* NULL where the text is not UTF-8. */
static json_t *value_of(enum kind kind, const char *text)
{
	uint64_t number = 0;

	switch (kind) {
	case FLAG:
		return json_true();
	case YES_NO:
		return json_boolean(strcmp(text, "yes") == 0);
	case NUMBER:
		parse_number(text, &number);
		return json_integer((json_int_t)number);
	case MEGABYTES:
		parse_number(text, &number);
		return json_integer((json_int_t)(number << MEGABYTE_SHIFT));
	default:
		return json_string(text);
	}
}

/* "a,b" as ["a","b"]; "" as []. */
static json_t *split(const char *text)
{
	json_t *list = json_array();

	while (list && *text) {
		const size_t length = strcspn(text, ",");

		if (length > 0 && json_array_append_new(list, json_stringn(text, length)) == -1) {
			json_decref(list);
			return NULL;
		}
		text += length + (text[length] == ',');
	}
	return list;
}

/* The edits of one list: members of params itself for a group, which has but one. */
static int add_edits(const struct ctl *ctl, unsigned list, json_t *params)
{
	const bool alone = strcmp(ctl->verb->noun, "group") == 0;
	json_t *edit = alone ? json_incref(params) : json_object();
	int failed = 0;

	for (unsigned i = 0; i < EDITS; i++) {
		const char *value = ctl->option[CTL_MEMBERS + list * EDITS + i];

		if (value)
			failed |= json_object_set_new(edit, edits[i], split(value));
	}
	if (!alone && json_object_size(edit) > 0)
		failed |= json_object_set(params, lists[list], edit);
	json_decref(edit);
	return failed;
}

static int add_argument(const struct ctl *ctl, json_t *params)
{
	if (!ctl->verb->parameter || ctl->count == 0)
		return 0;
	return json_object_set_new(params, ctl->verb->parameter, json_string(ctl->arguments[0]));
}

json_t *ctl_option_params(const struct ctl *ctl, bool of_edits)
{
	json_t *params = json_object();
	int failed = add_argument(ctl, params);

	for (unsigned i = 0; i < CTL_MEMBERS; i++) {
		if (!ctl->option[i] || !table[i].member || (of_edits && i != CTL_IF_REVISION))
			continue;
		failed |= json_object_set_new(params, table[i].member,
					      value_of(table[i].kind, ctl->option[i]));
	}
	for (unsigned i = 0; of_edits && i < LISTS; i++)
		failed |= add_edits(ctl, i, params);
	if (!failed)
		return params;
	json_decref(params);
	ctl_fail(ctl, EX_DATAERR, "a value is not UTF-8");
	return NULL;
}
