#include "conf/setting.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "conf/log.h"

enum { TEXT_MAX = 2000 };

static_assert(sizeof(unsigned) == sizeof(uint32_t), "a count is either");

static const struct setting_word booleans[] = {
	{ "true", 1 }, { "false", 0 }, { "yes", 1 }, { "no", 0 }, { "on", 1 }, { "off", 0 },
	{ NULL, 0 },
};
static const struct setting_word destinations[] = {
	{ "syslog", 1 }, { "stderr", 0 }, { NULL, 0 },
};
static const struct setting_word syncs[] = {
	{ "always", 1 }, { "interval", 0 }, { NULL, 0 },
};
static const struct setting_word levels[] = {
	{ "error", LOG_ERR }, { "warning", LOG_WARNING }, { "notice", LOG_NOTICE },
	{ "info", LOG_INFO }, { "debug", LOG_DEBUG },	  { NULL, 0 },
};
static const struct setting_word facilities[] = {
	{ "daemon", LOG_DAEMON }, { "user", LOG_USER },	    { "auth", LOG_AUTH },
	{ "local0", LOG_LOCAL0 }, { "local1", LOG_LOCAL1 }, { "local2", LOG_LOCAL2 },
	{ "local3", LOG_LOCAL3 }, { "local4", LOG_LOCAL4 }, { "local5", LOG_LOCAL5 },
	{ "local6", LOG_LOCAL6 }, { "local7", LOG_LOCAL7 }, { NULL, 0 },
};
static const struct setting_word forms[] = {
	{ "xml", ADAPTER_XML }, { "actiance", ADAPTER_ACTIANCE }, { "eml", ADAPTER_EML },
	{ "csv", ADAPTER_CSV }, { "jsonl", ADAPTER_JSONL },	  { "exec", ADAPTER_EXEC },
	{ "none", ADAPTER_NONE }, { NULL, 0 },
};

#define K UINT64_C(1024)
#define M (1024 * K)
#define G (1024 * M)
#define MS UINT64_C(1000)
#define S (1000 * MS)
#define MIN (60 * S)
#define H (60 * MIN)
#define D (24 * H)

#define ROOT(kind, name, value, min, max)                                                          \
	{ "root", #name, SETTING_##kind, offsetof(struct conf, name), value, min, max, NULL }
#define STRING(kind, section, name, value)                                                         \
	{ #section, #name, SETTING_##kind, offsetof(struct conf, section.name), value, 0, 0, NULL }
#define NUMBER(kind, section, name, value, min, max)                                               \
	{ #section, #name, SETTING_##kind, offsetof(struct conf, section.name), value, min, max,   \
	  NULL }
#define CHOICE(kind, section, name, field, value, words)                                           \
	{ #section, #name, SETTING_##kind, offsetof(struct conf, section.field), value, 0, 0,      \
	  words }

/*
 * Memory that no process has touched costs nothing, so the cache is sized for a large host: 40,000
 * rooms with 30 messages of 450 bytes each. What is used follows what is really there.
 */
const struct setting settings[] = {
	ROOT(TEXT, domain, "", 0, 0),
	ROOT(TEXT, site, "", 0, 0),
	ROOT(TEXT, pool, "", 0, 0),
	ROOT(TEXT, user, "pchat", 0, 0),
	ROOT(TEXT, worker_user, "pchat-worker", 0, 0),
	ROOT(TEXT, admin_user, "pchat-admin", 0, 0),
	ROOT(PATH, state_directory, "/var/lib/pchat", 0, 0),
	ROOT(PATH, run_directory, "/run/pchat", 0, 0),
	ROOT(TIME, stop_timeout, "30s", S, H),

	CHOICE(FLAG, log, destination, syslog, "syslog", destinations),
	CHOICE(WORD, log, level, level, "info", levels),
	CHOICE(WORD, log, facility, facility, "daemon", facilities),

	STRING(PATH, journal, file, ""), /* state_directory/journal */
	NUMBER(SIZE, journal, size, "256M", M, 1024 * G),
	CHOICE(FLAG, journal, sync, sync_always, "always", syncs),
	NUMBER(TIME, journal, sync_interval, "100ms", MS, 10 * S),

	NUMBER(COUNT, workers, active, "4", 1, CONF_WORKERS_MAX),
	NUMBER(COUNT, workers, standby, "1", 0, CONF_STANDBY_MAX),
	NUMBER(TIME, workers, drain, "10s", 0, 24 * H),
	NUMBER(SIZE, workers, mailbox, "1M", 64 * K, 64 * M),

	NUMBER(COUNT, cache, rooms, "40000", 16, 10000000),
	NUMBER(COUNT, cache, principals, "150000", 16, 10000000),
	NUMBER(COUNT, cache, sessions, "150000", 16, 10000000),
	NUMBER(COUNT, cache, participants, "2000000", 16, 100000000),
	NUMBER(COUNT, cache, messages, "1200000", 16, 100000000),
	NUMBER(COUNT, cache, categories, "1000", 16, 10000000),
	NUMBER(COUNT, cache, addins, "1000", 16, 10000000),
	NUMBER(COUNT, cache, roles, "2000000", 16, 100000000),
	NUMBER(COUNT, cache, affiliations, "2000000", 16, 100000000),
	NUMBER(COUNT, cache, invitations, "2000000", 16, 100000000),
	NUMBER(COUNT, cache, markers, "2000000", 16, 100000000),
	NUMBER(COUNT, cache, feeds, "100000", 16, 10000000),
	NUMBER(COUNT, cache, requests, "10000", 16, 1000000),
	NUMBER(COUNT, cache, settings, "1000", 16, 100000),
	NUMBER(SIZE, cache, text, "128M", 64 * K, 64 * G),
	NUMBER(SIZE, cache, history, "512M", M, 1024 * G),

	NUMBER(COUNT, limits, history, "30", 1, 500),
	NUMBER(COUNT, limits, message_size, "8192", 256, 65536),
	NUMBER(COUNT, limits, story_size, "32768", 256, 524288),
	NUMBER(COUNT, limits, rich_size, "16384", 0, 524288),
	NUMBER(COUNT, limits, search, "999", 1, 1000),
	NUMBER(COUNT, limits, rooms_per_session, "1024", 1, 65536),
	NUMBER(COUNT, limits, participant_update_limit, "75", 0, 100000),
	NUMBER(COUNT, limits, feeds, "20", 0, 1000),
	NUMBER(COUNT, limits, requests, "20", 0, 1000),
	NUMBER(SIZE, limits, file_size, "20000k", 0, 1024 * G),
	NUMBER(TIME, limits, delivery_delay, "500ms", MS, H),
	NUMBER(TIME, limits, linger, "30s", 0, H),

	STRING(LIST, json, listen, "0.0.0.0:8010"),
	CHOICE(FLAG, json, tls, tls, "true", booleans),
	STRING(PATH, json, certificate, ""),
	STRING(PATH, json, key, ""),
	NUMBER(COUNT, json, connections, "50000", 1, 1000000),
	NUMBER(SIZE, json, frame_size, "64k", 4 * K, 16 * M),
	NUMBER(SIZE, json, output_size, "1M", 16 * K, G),
	NUMBER(TIME, json, handshake_timeout, "10s", 100 * MS, 10 * MIN),
	NUMBER(TIME, json, idle_timeout, "5m", 100 * MS, D),
	NUMBER(TIME, json, ping_interval, "1m", 50 * MS, H),

	STRING(LIST, admin, users, ""),
	STRING(LIST, admin, operators, ""),
	STRING(LIST, admin, readers, ""),
	STRING(LIST, admin, compliance, ""),
	STRING(LIST, admin, listen, ""),
	STRING(PATH, admin, certificate, ""), /* json.certificate */
	STRING(PATH, admin, key, ""),	      /* json.key */
	STRING(PATH, admin, ca, ""),
	STRING(PATH, admin, crl, ""),
	NUMBER(LIST, admin, access, "", 0, CONF_LIST_MAX),
	NUMBER(COUNT, admin, connections, "64", 1, 10000),
	NUMBER(TIME, admin, handshake_timeout, "10s", 100 * MS, 10 * MIN),

	STRING(LIST, content, dsn, ""), /* SQLite in state_directory/content.db */
	NUMBER(COUNT, content, readers, "2", 1, CONF_READERS_MAX),
	NUMBER(TIME, content, query_timeout, "10s", 100 * MS, H),
	NUMBER(TIME, content, audit_retention, "400d", D, 36500 * D),
	NUMBER(COUNT, content, batch_rows, "2000", 1, 100000),
	NUMBER(TIME, content, retention_interval, "1h", S, 30 * D),
	CHOICE(FLAG, content, search_index, search_index, "true", booleans),

	CHOICE(FLAG, compliance, enabled, enabled, "false", booleans),
	STRING(TEXT, compliance, user, "pchat-compliance"),
	STRING(LIST, compliance, dsn, ""), /* SQLite in state_directory/compliance/records.db */
	NUMBER(COUNT, compliance, batch_rows, "1000", 1, 100000),
	CHOICE(FLAG, compliance, refused, refused, "true", booleans),
	STRING(PATH, compliance, checkpoint_key, ""),
	NUMBER(TIME, compliance, checkpoint_interval, "1h", S, 30 * D),
	NUMBER(TIME, compliance, retention, "0", 0, 36500 * D),
	NUMBER(TIME, compliance, purge_interval, "1h", 0, 30 * D),

	STRING(PATH, files, directory, ""),
	NUMBER(SIZE, files, total, "0", 0, 1024 * 1024 * G),
	NUMBER(TIME, files, keep_removed, "0", 0, 36500 * D),
	NUMBER(COUNT, files, grants, "4096", 1, 1000000),
	NUMBER(COUNT, files, transfers, "64", 1, 10000),

	STRING(LIST, auth, mechanisms, "SCRAM-SHA-256 PLAIN"),
	NUMBER(TIME, auth, token_lifetime, "12h", S, 30 * D),
	NUMBER(COUNT, auth, iterations, "10000", 4096, CONF_ITERATIONS_MAX),
};
const unsigned setting_count = sizeof(settings) / sizeof(settings[0]);

#define ADAPTER(kind, name, value, min, max)                                                       \
	{ "adapter", #name, SETTING_##kind, offsetof(struct conf_adapter, name), value, min, max,  \
	  NULL }
#define ADAPTER_CHOICE(kind, name, value, words)                                                   \
	{ "adapter", #name, SETTING_##kind, offsetof(struct conf_adapter, name), value, 0, 0, words }

const struct setting adapter_settings[] = {
	ADAPTER_CHOICE(WORD, form, "none", forms),
	ADAPTER(PATH, directory, "", 0, 0),
	ADAPTER(TIME, run_interval, "15m", MIN, 30 * D),
	ADAPTER_CHOICE(FLAG, one_room_per_file, "false", booleans),
	ADAPTER_CHOICE(FLAG, add_room_details, "false", booleans),
	ADAPTER_CHOICE(FLAG, add_user_details, "false", booleans),
	ADAPTER_CHOICE(FLAG, attachments_manifest, "false", booleans),
	ADAPTER(PATH, stylesheet, "", 0, 0),
	ADAPTER(TEXT, mail_from, "", 0, 0),
	ADAPTER(TEXT, mail_to, "", 0, 0),
	ADAPTER(LIST, program, "", 0, 0),
	ADAPTER_CHOICE(WORD, format, "jsonl", forms),
	ADAPTER(TIME, time_limit, "10m", S, D),
	ADAPTER(COUNT, batch_records, "10000", 1, 1000000),
	ADAPTER(SIZE, batch_size, "8M", 64 * K, G),
	ADAPTER(SIZE, memory, "1G", 64 * M, 1024 * G),
};
static_assert(sizeof(adapter_settings) / sizeof(adapter_settings[0]) == ADAPTER_SETTINGS,
	      "ADAPTER_SETTINGS is their number");

/* Units from small to large; the first one needs not be written. */
struct unit {
	const char *name;
	uint64_t factor;
};
static const struct unit one[] = { { "", 1 }, { NULL, 0 } };
static const struct unit sizes[] = {
	{ "", 1 }, { "K", K }, { "k", K }, { "M", M }, { "G", G }, { NULL, 0 },
};
static const struct unit times[] = {
	{ "us", 1 }, { "ms", MS }, { "s", S }, { "m", MIN }, { "h", H }, { "d", D }, { NULL, 0 },
};

static const struct unit *units_of(enum setting_kind kind)
{
	return kind == SETTING_SIZE ? sizes : kind == SETTING_TIME ? times : one;
}

const struct setting *setting_find(const char *section, const char *name)
{
	for (unsigned i = 0; i < setting_count; i++)
		if (strcmp(settings[i].section, section) == 0 &&
		    strcmp(settings[i].name, name) == 0)
			return &settings[i];
	for (unsigned i = 0; strcmp(section, "adapter") == 0 && i < ADAPTER_SETTINGS; i++)
		if (strcmp(adapter_settings[i].name, name) == 0)
			return &adapter_settings[i];
	return NULL;
}

const char *setting_name(const struct setting *setting, char out[SETTING_NAME])
{
	bool root = strcmp(setting->section, "root") == 0;

	snprintf(out, SETTING_NAME, "%s%s%s", root ? "" : setting->section, root ? "" : ".",
		 setting->name);
	return out;
}

/* A number in the largest unit that leaves no rest. */
static const char *amount(enum setting_kind kind, uint64_t number, char out[32])
{
	const struct unit *best = units_of(kind);

	for (const struct unit *unit = best; unit->name; unit++)
		if (number >= unit->factor && number % unit->factor == 0)
			best = unit;
	snprintf(out, 32, "%" PRIu64 "%s", number / best->factor, best->name);
	return out;
}

/* -1: not a number with one of the units. 1: larger than 64 bits hold. */
static int parse_amount(enum setting_kind kind, const char *text, uint64_t *number_r)
{
	const struct unit *unit = units_of(kind);
	char *rest;

	if (!isdigit((unsigned char)text[0]))
		return -1;
	errno = 0;
	*number_r = strtoull(text, &rest, 10);
	if (errno == ERANGE)
		return 1;
	if (*rest == '\0')
		return 0;
	while (unit->name && strcmp(unit->name, rest) != 0)
		unit++;
	if (!unit->name)
		return -1;
	return __builtin_mul_overflow(*number_r, unit->factor, number_r) ? 1 : 0;
}

static const char *kind_text(enum setting_kind kind)
{
	return kind == SETTING_SIZE   ? "a number of bytes such as 4096, 64k, 16M or 1G" :
	       kind == SETTING_TIME ? "a time such as 500us, 20ms, 10s, 5m, 12h or 1d" :
				      "a whole number";
}

static int set_number(const struct setting *setting, void *field, const char *text,
		      struct err *err)
{
	char name[SETTING_NAME], quoted[LOG_QUOTED], low[32], high[32];
	uint64_t number;
	uint32_t count;
	int result = parse_amount(setting->kind, text, &number);

	setting_name(setting, name);
	if (result < 0)
		return err_set(err, "%s must be %s, not %s", name, kind_text(setting->kind),
			       log_quote(text, strlen(text), quoted));
	if (result > 0 || number < setting->min || number > setting->max)
		return err_set(err, "%s must be between %s and %s, not %s", name,
			       amount(setting->kind, setting->min, low),
			       amount(setting->kind, setting->max, high),
			       log_quote(text, strlen(text), quoted));
	count = (uint32_t)number;
	if (setting->kind == SETTING_COUNT)
		memcpy(field, &count, sizeof(count));
	else
		memcpy(field, &number, sizeof(number));
	return 0;
}

static int set_word(const struct setting *setting, void *field, const char *text, struct err *err)
{
	char name[SETTING_NAME], quoted[LOG_QUOTED], known[256];
	const struct setting_word *word = setting->words;
	size_t used = 0;

	for (; word->name; word++) {
		if (strcmp(word->name, text) == 0) {
			if (setting->kind == SETTING_FLAG)
				*(bool *)field = word->value;
			else
				*(int *)field = word->value;
			return 0;
		}
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s",
					 used ? ", " : "", word->name);
	}
	return err_set(err, "%s must be one of %s, not %s", setting_name(setting, name), known,
		       log_quote(text, strlen(text), quoted));
}

static bool has_control(const char *text)
{
	while (*text && !iscntrl((unsigned char)*text))
		text++;
	return *text != '\0';
}

static int set_string(const struct setting *setting, char **field, const char *text,
		      struct err *err)
{
	char name[SETTING_NAME], quoted[LOG_QUOTED], *copy;

	setting_name(setting, name);
	if (setting->kind == SETTING_PATH && text[0] != '/' && text[0] != '\0')
		return err_set(err, "%s must be an absolute path, not %s", name,
			       log_quote(text, strlen(text), quoted));
	if (strlen(text) > TEXT_MAX)
		return err_set(err, "%s must have at most %d bytes", name, TEXT_MAX);
	if (has_control(text))
		return err_set(err, "%s contains a control character", name);
	copy = strdup(text);
	if (!copy)
		return err_errno(err, "could not set %s", name);
	free(*field);
	*field = copy;
	return 0;
}

static int add_item(const struct setting *setting, struct conf_list *list, const char *text,
		    struct err *err)
{
	const unsigned most = setting->max > 0 ? (unsigned)setting->max : CONF_ITEMS_MAX;
	char name[SETTING_NAME], *copy = NULL;

	setting_name(setting, name);
	if (list->count == most)
		return err_set(err, "%s can have at most %u items", name, most);
	if (text[0] == '\0')
		return err_set(err, "%s has an empty item", name);
	if (set_string(setting, &copy, text, err) < 0)
		return -1;
	list->item[list->count++] = copy;
	return 0;
}

int setting_set(const struct setting *setting, void *conf, const char *text,
		struct err *err)
{
	void *field = (char *)conf + setting->offset;

	switch (setting->kind) {
	case SETTING_TEXT:
	case SETTING_PATH:
		return set_string(setting, field, text, err);
	case SETTING_LIST:
		return add_item(setting, field, text, err);
	case SETTING_FLAG:
	case SETTING_WORD:
		return set_word(setting, field, text, err);
	default:
		return set_number(setting, field, text, err);
	}
}

int setting_set_default(const struct setting *setting, void *conf, struct err *err)
{
	char items[128], *rest = items, *item;

	if (setting->kind != SETTING_LIST)
		return setting_set(setting, conf, setting->value, err);
	snprintf(items, sizeof(items), "%s", setting->value);
	setting_clear(setting, conf);
	while ((item = strsep(&rest, " ")))
		if (*item && setting_set(setting, conf, item, err) < 0)
			return -1;
	return 0;
}

void setting_clear(const struct setting *setting, void *conf)
{
	void *field = (char *)conf + setting->offset;

	if (setting->kind == SETTING_TEXT || setting->kind == SETTING_PATH) {
		free(*(char **)field);
		*(char **)field = NULL;
	}
	if (setting->kind == SETTING_LIST) {
		struct conf_list *list = field;

		while (list->count > 0)
			free(list->item[--list->count]);
	}
}

/* In single quotes libconfuse takes every byte as it stands, but for these two. */
static void print_string(const char *text, FILE *out)
{
	fputc('\'', out);
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('\'', out);
}

static void print_list(const struct conf_list *list, FILE *out)
{
	fputs("{ ", out);
	for (unsigned i = 0; i < list->count; i++) {
		fputs(i ? ", " : "", out);
		print_string(list->item[i], out);
	}
	fputs(" }", out);
}

static void print_word(const struct setting *setting, const void *field, FILE *out)
{
	int value = setting->kind == SETTING_FLAG ? *(const bool *)field : *(const int *)field;

	for (const struct setting_word *word = setting->words; word->name; word++) {
		if (word->value == value) {
			fputs(word->name, out);
			return;
		}
	}
}

static void print_number(const struct setting *setting, const void *field, FILE *out)
{
	char text[32];
	uint64_t number;

	number = setting->kind == SETTING_COUNT ? *(const uint32_t *)field :
						  *(const uint64_t *)field;
	fputs(amount(setting->kind, number, text), out);
}

void setting_print(const struct setting *setting, const void *conf, FILE *out)
{
	const void *field = (const char *)conf + setting->offset;

	fprintf(out, "%s = ", setting->name);
	switch (setting->kind) {
	case SETTING_TEXT:
	case SETTING_PATH:
		print_string(*(char *const *)field, out);
		break;
	case SETTING_LIST:
		print_list(field, out);
		break;
	case SETTING_FLAG:
	case SETTING_WORD:
		print_word(setting, field, out);
		break;
	default:
		print_number(setting, field, out);
	}
	fputc('\n', out);
}
