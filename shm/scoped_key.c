#include "shm/scoped.h"

#include <stdio.h>
#include <string.h>
#include <unistr.h>

#include "conf/hex.h"

/*
 * Every setting that there is. pchatctl(8) describes them; t/unit/scoped_test.c finds the one that
 * is missing there.
 */
static const struct scoped_key keys[] = {
	{SCOPED_CONFIG, SCOPED_NUMBER, "history", 1, 500, NULL},
	{SCOPED_CONFIG, SCOPED_NUMBER, "file_size", 0, UINT64_C(1) << 40, NULL},
	{SCOPED_CONFIG, SCOPED_NUMBER, "participant_update_limit", 0, 100000, NULL},
	{SCOPED_CONFIG, SCOPED_URL, "room_management_url", 0, 255, NULL},

	{SCOPED_POLICY, SCOPED_YES_NO, "enabled", 0, 0, "yes"},
	{SCOPED_POLICY, SCOPED_TEXT, "description", 0, 256, NULL},

	{SCOPED_ENDPOINT, SCOPED_TEXT, "name", 0, 256, ""},

	{SCOPED_POOL, SCOPED_TEXT, "name", 0, 256, NULL},
	{SCOPED_POOL, SCOPED_WORD, "state", 0, 0, "normal failed_over"},
	{SCOPED_POOL, SCOPED_PLACES, "active", 1, CONF_WORKERS_MAX, NULL},

	{SCOPED_TOPOLOGY, SCOPED_TEXT, "document", 1, EVENT_VALUE_MAX, NULL},

	/* 0: without a limit, though a wider scope has one. */
	{SCOPED_RETENTION, SCOPED_TIME, "age", 0, UINT64_C(36500) * 86400, NULL},
	{SCOPED_RETENTION, SCOPED_NUMBER, "messages", 0, UINT64_C(1) << 40, NULL},
	{SCOPED_RETENTION, SCOPED_NUMBER, "bytes", 0, UINT64_C(1) << 50, NULL},
};
enum { KEYS = sizeof(keys) / sizeof(keys[0]) };

static bool equals(struct text text, const char *word)
{
	return text.length == strlen(word) && memcmp(text.data, word, text.length) == 0;
}

const struct scoped_key *scoped_key_find(unsigned kind, struct text name)
{
	for (unsigned i = 0; i < KEYS; i++)
		if (keys[i].kind == kind && equals(name, keys[i].name))
			return &keys[i];
	return NULL;
}

const struct scoped_key *scoped_key_at(unsigned kind, unsigned number)
{
	for (unsigned i = 0; i < KEYS; i++)
		if (keys[i].kind == kind && number-- == 0)
			return &keys[i];
	return NULL;
}

/* --- Values. --- */

static bool is_number(struct text value, uint64_t *number_r)
{
	*number_r = 0;
	for (uint32_t i = 0; i < value.length; i++) {
		if (value.data[i] < '0' || value.data[i] > '9' ||
		    __builtin_mul_overflow(*number_r, 10, number_r) ||
		    __builtin_add_overflow(*number_r, (uint64_t)(value.data[i] - '0'), number_r))
			return false;
	}
	return value.length > 0;
}

uint64_t scoped_number(struct text value)
{
	uint64_t number;

	return is_number(value, &number) ? number : 0;
}

/* A number without a unit is one of seconds. */
static bool is_time(struct text value, uint64_t *seconds_r)
{
	static const char units[] = "smhd";
	static const uint64_t factors[] = {1, 60, 3600, 86400};
	const char last = value.length > 0 ? value.data[value.length - 1] : '0';
	const char *unit = last != '\0' ? strchr(units, last) : NULL;

	if (unit)
		value.length--;
	return is_number(value, seconds_r) &&
	       !__builtin_mul_overflow(*seconds_r, unit ? factors[unit - units] : 1, seconds_r);
}

uint64_t scoped_seconds(struct text value)
{
	uint64_t seconds;

	return is_time(value, &seconds) ? seconds : 0;
}

uint32_t scoped_places(struct text value)
{
	uint32_t places = 0;

	for (uint32_t i = 0; i < value.length; i += 2) {
		const unsigned place = (unsigned)(value.data[i] - '0');

		if (place >= CONF_PLACES_MAX || places >> place & 1 ||
		    (i + 1 < value.length && (value.data[i + 1] != ',' || i + 2 == value.length)))
			return 0;
		places |= UINT32_C(1) << place;
	}
	return places;
}

uint32_t scoped_places_of(const struct conf *conf, uint32_t set)
{
	const uint32_t all = (UINT32_C(1) << (conf->workers.active + conf->workers.standby)) - 1;

	return (set & all) != 0 ? set & all : (UINT32_C(1) << conf->workers.active) - 1;
}

static bool is_clean(struct text value, uint64_t characters)
{
	if (u8_check((const uint8_t *)value.data, value.length) != NULL ||
	    u8_mbsnlen((const uint8_t *)value.data, value.length) > characters)
		return false;
	for (uint32_t i = 0; i < value.length; i++)
		if ((uint8_t)value.data[i] < 0x20 || value.data[i] == 0x7f)
			return false;
	return true;
}

static bool begins(struct text value, const char *with)
{
	return value.length > strlen(with) && memcmp(value.data, with, strlen(with)) == 0;
}

static bool is_word(struct text value, const char *words)
{
	while (*words) {
		const size_t length = strcspn(words, " ");

		if (value.length == length && memcmp(value.data, words, length) == 0)
			return true;
		words += length + (words[length] == ' ');
	}
	return false;
}

bool scoped_value_valid(const struct scoped_key *key, struct text value)
{
	uint64_t number;

	switch (key->type) {
	case SCOPED_NUMBER:
		return is_number(value, &number) && number >= key->min && number <= key->max;
	case SCOPED_TIME:
		return is_time(value, &number) && number >= key->min && number <= key->max;
	case SCOPED_YES_NO:
		return equals(value, "yes") || equals(value, "no");
	case SCOPED_PLACES:
		number = (uint64_t)__builtin_popcount(scoped_places(value));
		return number >= key->min && number <= key->max;
	case SCOPED_WORD:
		return is_word(value, key->values);
	case SCOPED_URL:
		return value.length == 0 ||
		       (is_clean(value, key->max) &&
			memchr(value.data, ' ', value.length) == NULL &&
			(begins(value, "http://") || begins(value, "https://")));
	default:
		return value.length >= key->min && is_clean(value, key->max);
	}
}

/* --- Scopes. --- */

/* A name in a scope: no upper case of ASCII, so that there is one way only to write it. */
static bool is_scope_name(struct text name)
{
	if (name.length == 0 || !is_clean(name, EVENT_SCOPE_MAX))
		return false;
	for (uint32_t i = 0; i < name.length; i++)
		if (name.data[i] >= 'A' && name.data[i] <= 'Z')
			return false;
	return name.data[0] != ' ' && name.data[name.length - 1] != ' ';
}

static bool is_prefixed(struct text scope, const char *prefix)
{
	const uint32_t length = (uint32_t)strlen(prefix);

	return begins(scope, prefix) &&
	       is_scope_name((struct text){scope.data + length, scope.length - length});
}

/* --- Revisions. --- */

/* FNV-1a. Nobody gains anything by two states of a scope that have the same number: it only saves
 * administrators from each other. The length keeps name and value apart. */
static uint64_t mix(uint64_t revision, struct text text)
{
	for (unsigned i = 0; i < 4; i++)
		revision = (revision ^ (text.length >> 8 * i & 0xff)) * UINT64_C(0x100000001b3);
	for (uint32_t i = 0; i < text.length; i++)
		revision = (revision ^ (uint8_t)text.data[i]) * UINT64_C(0x100000001b3);
	return revision;
}

uint64_t scoped_revision_add(uint64_t revision, struct text name, struct text value)
{
	return mix(mix(revision, name), value);
}

uint64_t scoped_revision_end(uint64_t revision)
{
	return (revision >> 11) + 1;
}

/* --- Categories. --- */

static const char category_scheme[] = "ma-cat://";
enum { UUID_TEXT = HEX_UUID - 1 };

struct text scoped_category(const struct conf *conf, const uint8_t uuid[16],
			    char out[EVENT_SCOPE_MAX])
{
	int used = snprintf(out, EVENT_SCOPE_MAX, "%s%.300s/", category_scheme, conf->domain);

	hex_uuid_encode(uuid, out + used);
	return (struct text){out, (uint32_t)used + UUID_TEXT};
}

/* A category has one scope: upper-case digits would be another one for it. */
bool scoped_category_parse(struct text scope, uint8_t uuid_r[16])
{
	const char *at = scope.data + scope.length - UUID_TEXT;
	char text[HEX_UUID];

	if (!begins(scope, category_scheme) || scope.length < sizeof(category_scheme) + UUID_TEXT ||
	    at[-1] != '/' || !hex_uuid_decode(at, UUID_TEXT, uuid_r))
		return false;
	hex_uuid_encode(uuid_r, text);
	return memcmp(at, text, UUID_TEXT) == 0;
}

bool scoped_scope_valid(unsigned kind, struct text scope)
{
	const bool wide = equals(scope, "global") || is_prefixed(scope, "site:") ||
			  is_prefixed(scope, "pool:");
	uint8_t uuid[16];

	switch (kind) {
	case SCOPED_CONFIG:
		return wide;
	case SCOPED_POLICY:
		return wide || (is_prefixed(scope, "tag:") && scope.length <= 4 + EVENT_POLICY_MAX);
	case SCOPED_ENDPOINT:
		return is_prefixed(scope, "sip:") && memchr(scope.data, '@', scope.length) &&
		       memchr(scope.data, ' ', scope.length) == NULL;
	case SCOPED_POOL:
		return is_scope_name(scope) && memchr(scope.data, ' ', scope.length) == NULL;
	case SCOPED_RETENTION:
		return equals(scope, "global") || scoped_category_parse(scope, uuid);
	default:
		return equals(scope, "published");
	}
}

struct text scoped_pool(const struct conf *conf)
{
	const char *name = conf->pool && *conf->pool ? conf->pool : conf->domain;

	return (struct text){name ? name : "", name ? (uint32_t)strlen(name) : 0};
}

bool scoped_is_given(unsigned kind, struct text scope, const struct conf *conf)
{
	const struct text pool = scoped_pool(conf);

	if (kind == SCOPED_CONFIG || kind == SCOPED_POLICY || kind == SCOPED_RETENTION)
		return equals(scope, "global");
	if (kind == SCOPED_TOPOLOGY)
		return equals(scope, "published");
	return kind == SCOPED_POOL && scope.length == pool.length &&
	       memcmp(scope.data, pool.data, pool.length) == 0;
}
