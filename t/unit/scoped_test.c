#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/cache.h"
#include "shm/command.h"
#include "shm/scoped.h"
#include "t/unit/engine_bench.h"

/* What the engine decides about scoped settings and policies. The administrator is session 1, alice
 * 2 and bob 3; the server stands in the site "berlin" and the pool "example.test". */

enum { ADMIN = 1, ALICE_SESSION, BOB_SESSION, ALICE = 1, BOB = 2 };

/* "NAME=VALUE", or "-NAME" to take it away; up to two of them. */
static int change(struct bench *b, uint32_t session, enum settings_what what, unsigned kind,
		  const char *scope, const char *one, const char *two)
{
	const char *const words[] = {one, two};
	struct command_settings head = {.what = (uint8_t)what};
	uint8_t *at = b->mail.bytes + sizeof(struct command) + sizeof(head);

	for (unsigned i = 0; i < 2 && words[i]; i++) {
		const char *equals = strchr(words[i], '=');
		struct event_setting event = {
			.kind = (uint8_t)kind, .present = equals != NULL, .scope = text(scope)};
		uint32_t size;

		event.value = text(equals ? equals + 1 : "");
		event.name = text(words[i] + (*words[i] == '-'));
		if (equals)
			event.name.length = (uint32_t)(equals - words[i]);
		size = event_setting_put(&event, at + sizeof(size), 8192);
		memcpy(at, &size, sizeof(size));
		at += sizeof(size) + size;
		head.count++;
	}
	memcpy(b->mail.bytes + sizeof(struct command), &head, sizeof(head));
	return send_as(b, SLOT_WORKER, SLOT_WORKER, session, COMMAND_SETTING, 0,
		       (uint32_t)(at - b->mail.bytes - sizeof(struct command)));
}

static int set(struct bench *b, unsigned kind, const char *scope, const char *word)
{
	return change(b, ADMIN, SETTINGS_SET, kind, scope, word, NULL);
}

static int create(struct bench *b, unsigned kind, const char *scope, const char *word)
{
	return change(b, ADMIN, SETTINGS_CREATE, kind, scope, word, NULL);
}

static int drop(struct bench *b, unsigned kind, const char *scope)
{
	return change(b, ADMIN, SETTINGS_REMOVE, kind, scope, "", NULL);
}

static int grant(struct bench *b, uint32_t session, uint32_t principal, const char *policy)
{
	const struct event_grant event = {.principal = principal, .policy = text(policy)};

	return send_as(b, SLOT_WORKER, SLOT_WORKER, session, COMMAND_GRANT, 0,
		       event_grant_put(&event, b->mail.bytes + sizeof(struct command), 4096));
}

static void police(struct bench *b)
{
	while (b->engine.policing)
		engine_police(&b->engine);
}

static bool is_in(struct bench *b, uint32_t session)
{
	return find_session(&b->engine.cache, SLOT_WORKER, GENERATION, session) != 0;
}

static const char *value_of(struct bench *b, unsigned kind, const char *scope, const char *name)
{
	static char value[EVENT_VALUE_MAX + 1];
	const uint32_t row = scoped_find(&b->engine.cache, kind, text(scope), text(name));
	const struct setting_row *setting;

	if (row == 0)
		return NULL;
	setting = table_row(&b->engine.cache, TABLE_SETTING, row);
	blob_copy(&b->engine.cache, TABLE_TEXT, setting->value, value, EVENT_VALUE_MAX);
	value[setting->value.length] = '\0';
	return value;
}

static void test_a_value_is_set_changed_and_taken_away(void **state)
{
	struct bench *b = *state;

	populate(b);
	assert_int_equal(set(b, SCOPED_CONFIG, "global", "history=50"), DECIDED);
	assert_string_equal(value_of(b, SCOPED_CONFIG, "global", "history"), "50");
	assert_int_equal(set(b, SCOPED_CONFIG, "global", "history=60"), DECIDED);
	assert_string_equal(value_of(b, SCOPED_CONFIG, "global", "history"), "60");
	assert_int_equal(change(b, ADMIN, SETTINGS_SET, SCOPED_CONFIG, "site:berlin", "file_size=0",
				"room_management_url=https://example.test/"),
			 DECIDED);
	assert_int_equal(set(b, SCOPED_CONFIG, "site:berlin", "-file_size"), DECIDED);
	assert_null(value_of(b, SCOPED_CONFIG, "site:berlin", "file_size"));
	assert_int_equal(drop(b, SCOPED_CONFIG, "site:berlin"), DECIDED);
	assert_null(value_of(b, SCOPED_CONFIG, "site:berlin", "room_management_url"));
	assert_int_equal(drop(b, SCOPED_CONFIG, "site:berlin"), REFUSED(CODE_NO_SUCH_NODE));
	assert_int_equal(drop(b, SCOPED_CONFIG, "global"), DECIDED);
	assert_int_equal(drop(b, SCOPED_CONFIG, "global"), DECIDED);
	assert_int_equal(b->engine.cache.header->table[TABLE_SETTING].used, 0);
}

static void test_what_makes_no_sense_changes_nothing(void **state)
{
	static const struct {
		unsigned kind;
		const char *scope, *word;
	} bad[] = {
		{SCOPED_CONFIG, "global", "history=0"},
		{SCOPED_CONFIG, "global", "history=501"},
		{SCOPED_CONFIG, "global", "history="},
		{SCOPED_CONFIG, "global", "history=5x"},
		{SCOPED_CONFIG, "global", "history=99999999999999999999999"},
		{SCOPED_CONFIG, "global", "participant_update_limit=100001"},
		{SCOPED_CONFIG, "global", "room_management_url=ftp://x"},
		{SCOPED_CONFIG, "global", "room_management_url=https://a b"},
		{SCOPED_CONFIG, "global", "colour=red"},
		{SCOPED_CONFIG, "world", "history=5"},
		{SCOPED_CONFIG, "site:", "history=5"},
		{SCOPED_CONFIG, "site:Berlin", "history=5"},
		{SCOPED_CONFIG, "tag:sales", "history=5"},
		{SCOPED_POLICY, "global", "enabled=perhaps"},
		{SCOPED_POLICY, "global", "description=a\nb"},
		{SCOPED_POOL, "example.test", "state=broken"},
		{SCOPED_POOL, "example.test", "active=0,0"},
		{SCOPED_POOL, "example.test", "active=0,7"},
		{SCOPED_ENDPOINT, "alice", "name=x"},
	};
	struct bench *b = *state;

	populate(b);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(set(b, bad[i].kind, bad[i].scope, bad[i].word),
				 REFUSED(CODE_INVALID_ARGUMENT));
	assert_int_equal(
		change(b, ADMIN, SETTINGS_SET, SCOPED_CONFIG, "global", "history=5", "history=6"),
		REFUSED(CODE_INVALID_ARGUMENT));
	assert_int_equal(
		change(b, ADMIN, SETTINGS_SET, SCOPED_CONFIG, "global", "history=5", "file_size=x"),
		REFUSED(CODE_INVALID_ARGUMENT));
	assert_int_equal(
		change(b, ALICE_SESSION, SETTINGS_SET, SCOPED_CONFIG, "global", "history=5", NULL),
		REFUSED(CODE_ERROR_PERMISSION));
	assert_int_equal(simple(b, COMMAND_SETTING, ADMIN, 0), REFUSED(CODE_INVALID_ARGUMENT));
	assert_int_equal(in_batch(b, EVENT_SETTING, NULL), 0);
}

static void test_a_revision_stands_for_what_a_scope_has(void **state)
{
	struct bench *b = *state;
	uint64_t empty, one, other;

	populate(b);
	empty = scoped_revision(&b->engine.cache, SCOPED_CONFIG, text("global"));
	assert_in_range(empty, 1, UINT64_C(1) << 53);
	assert_int_equal(set(b, SCOPED_CONFIG, "global", "history=5"), DECIDED);
	one = scoped_revision(&b->engine.cache, SCOPED_CONFIG, text("global"));
	assert_int_equal(set(b, SCOPED_CONFIG, "global", "history=6"), DECIDED);
	other = scoped_revision(&b->engine.cache, SCOPED_CONFIG, text("global"));
	assert_true(empty != one && one != other && empty != other);
	assert_int_equal(set(b, SCOPED_CONFIG, "global", "history=5"), DECIDED);
	assert_int_equal(scoped_revision(&b->engine.cache, SCOPED_CONFIG, text("global")), one);
	assert_int_equal(drop(b, SCOPED_CONFIG, "global"), DECIDED);
	assert_int_equal(scoped_revision(&b->engine.cache, SCOPED_CONFIG, text("global")), empty);
}

static void test_a_full_table_refuses_and_says_so(void **state)
{
	struct bench *b = *state;

	populate(b);
	b->engine.cache.header->table[TABLE_SETTING].rows = 8;
	assert_int_equal(set(b, SCOPED_CONFIG, "global", "history=5"),
			 REFUSED(CODE_LIMIT_EXCEEDED));
	assert_int_equal(in_batch(b, EVENT_SETTING, NULL), 0);
}

static void test_policies_are_made_once_and_then_changed(void **state)
{
	struct bench *b = *state;

	populate(b);
	assert_int_equal(set(b, SCOPED_POLICY, "tag:sales", "enabled=no"),
			 REFUSED(CODE_NO_SUCH_NODE));
	assert_int_equal(create(b, SCOPED_POLICY, "tag:sales", "description=all of them"), DECIDED);
	assert_string_equal(value_of(b, SCOPED_POLICY, "tag:sales", "enabled"), "yes");
	assert_int_equal(create(b, SCOPED_POLICY, "tag:sales", "enabled=no"),
			 REFUSED(CODE_DUPLICATE_ROOM_NAME));
	assert_int_equal(set(b, SCOPED_POLICY, "tag:sales", "-enabled"),
			 REFUSED(CODE_INVALID_ARGUMENT));
	assert_int_equal(set(b, SCOPED_POLICY, "tag:sales", "-description"), DECIDED);
	assert_int_equal(set(b, SCOPED_POLICY, "site:berlin", "description=x"), DECIDED);
	assert_string_equal(value_of(b, SCOPED_POLICY, "site:berlin", "enabled"), "yes");
}

static void test_who_is_granted_a_policy_keeps_it_from_being_removed(void **state)
{
	struct bench *b = *state;

	populate(b);
	assert_int_equal(grant(b, ADMIN, ALICE, "sales"), REFUSED(CODE_NO_SUCH_NODE));
	assert_int_equal(create(b, SCOPED_POLICY, "tag:sales", "enabled=yes"), DECIDED);
	assert_int_equal(grant(b, ALICE_SESSION, ALICE, "sales"), REFUSED(CODE_ERROR_PERMISSION));
	assert_int_equal(grant(b, ADMIN, 9, "sales"), REFUSED(CODE_NO_SUCH_PRINCIPAL));
	assert_int_equal(grant(b, ADMIN, ALICE, "sales"), DECIDED);
	assert_int_equal(grant(b, ADMIN, ALICE, "sales"), REFUSED(CODE_OK));
	assert_int_equal(drop(b, SCOPED_POLICY, "tag:sales"),
			 REFUSED(CODE_INVALID_FLOW_OF_OPERATIONS));
	assert_int_equal(put_user(b, ADMIN, ALICE, "sip:alice@example.test", PRINCIPAL_DELETED),
			 DECIDED);
	assert_int_equal(drop(b, SCOPED_POLICY, "tag:sales"), DECIDED);
	assert_int_equal(put_group(b, "ma-grp:staff"), DECIDED);
	assert_int_equal(create(b, SCOPED_POLICY, "tag:sales", "enabled=yes"), DECIDED);
	assert_int_equal(grant(b, ADMIN, 3, "sales"), REFUSED(CODE_INVALID_ARGUMENT));
}

static void test_the_narrowest_policy_decides_who_may_sign_in(void **state)
{
	struct bench *b = *state;

	populate(b);
	assert_int_equal(create(b, SCOPED_POLICY, "tag:on", "enabled=yes"), DECIDED);
	assert_int_equal(create(b, SCOPED_POLICY, "tag:off", "enabled=no"), DECIDED);
	assert_int_equal(grant(b, ADMIN, ALICE, "on"), DECIDED);
	assert_int_equal(set(b, SCOPED_POLICY, "global", "enabled=no"), DECIDED);
	police(b);
	assert_true(is_in(b, ADMIN));
	assert_true(is_in(b, ALICE_SESSION));
	assert_false(is_in(b, BOB_SESSION));
	assert_int_equal(in_batch(b, EVENT_LEAVE, NULL), 1);
	assert_int_equal(sign_in(b, SLOT_WORKER, 4, BOB, 0, false), REFUSED(CODE_ERROR_PERMISSION));
	assert_int_equal(set(b, SCOPED_POLICY, "site:berlin", "enabled=yes"), DECIDED);
	assert_int_equal(set(b, SCOPED_POLICY, "site:bonn", "enabled=no"), DECIDED);
	police(b);
	assert_int_equal(sign_in(b, SLOT_WORKER, 4, BOB, 0, false), DECIDED);
	assert_int_equal(set(b, SCOPED_POLICY, "pool:example.test", "enabled=no"), DECIDED);
	police(b);
	assert_false(is_in(b, 4));
	assert_true(is_in(b, ALICE_SESSION));
	assert_int_equal(grant(b, ADMIN, ALICE, "off"), DECIDED);
	police(b);
	assert_false(is_in(b, ALICE_SESSION));
	assert_int_equal(drop(b, SCOPED_POLICY, "pool:example.test"), DECIDED);
	assert_int_equal(grant(b, ADMIN, ALICE, ""), DECIDED);
	assert_int_equal(sign_in(b, SLOT_WORKER, 5, ALICE, 0, false), DECIDED);
	assert_int_equal(sign_in(b, SLOT_WORKER, 6, 0, 0, true), DECIDED);
}

/* --- Retention. --- */

static const char *scope_of(struct bench *b, uint32_t category)
{
	static char scope[EVENT_SCOPE_MAX + 1];
	const struct category_row *row = table_row(&b->engine.cache, TABLE_CATEGORY,
						   find_category(&b->engine.cache, category));
	const struct text name = scoped_category(&b->conf, row->uuid, scope);

	scope[name.length] = '\0';
	return scope;
}

static int retain(struct bench *b, unsigned slot, uint32_t room, uint64_t through)
{
	const struct command_purge purge = {.through = through};

	memcpy(b->mail.bytes + sizeof(struct command), &purge, sizeof(purge));
	return send_as(b, slot, slot, slot == SLOT_STORE ? 0 : ADMIN, COMMAND_RETAIN, room,
		       sizeof(purge));
}

static void test_store_purges_only_where_there_is_a_limit(void **state)
{
	struct bench *b = *state;
	uint16_t flags;
	uint32_t room;

	populate(b);
	room = b->engine.cache.header->last_room;
	assert_int_equal(put_room(b, ADMIN, 0, "Kept", false), DECIDED);
	room = b->engine.cache.header->last_room;
	assert_int_equal(simple(b, COMMAND_JOIN, ALICE_SESSION, room), DECIDED);
	assert_int_equal(post(b, ALICE_SESSION, room, "1", "one"), DECIDED);
	assert_int_equal(post(b, ALICE_SESSION, room, "2", "two"), DECIDED);
	assert_int_equal(retain(b, SLOT_STORE, room, 1), REFUSED(CODE_ERROR_PERMISSION));
	assert_int_equal(set(b, SCOPED_RETENTION, "global", "age=90d"), DECIDED);
	assert_int_equal(retain(b, SLOT_STORE, room, 0), REFUSED(CODE_INVALID_ARGUMENT));
	assert_int_equal(retain(b, SLOT_STORE, room, 3), REFUSED(CODE_INVALID_ARGUMENT));
	assert_int_equal(retain(b, SLOT_STORE, 9999, 1), REFUSED(CODE_NO_SUCH_NODE));
	assert_int_equal(retain(b, SLOT_WORKER, room, 1), REFUSED(CODE_INVALID_REQUEST));
	assert_int_equal(in_batch(b, EVENT_PURGE, &flags), 0);
	assert_int_equal(retain(b, SLOT_STORE, room, 2), DECIDED);
	assert_int_equal(in_batch(b, EVENT_PURGE, &flags), 1);
	assert_int_equal(drop(b, SCOPED_RETENTION, "global"), DECIDED);
	assert_int_equal(retain(b, SLOT_STORE, room, 2), REFUSED(CODE_ERROR_PERMISSION));
}

static void test_limits_of_a_category_go_with_it(void **state)
{
	struct bench *b = *state;
	const char *scope;
	uint32_t category;

	populate(b);
	assert_int_equal(put_category(b, ADMIN, 0, "Sales"), DECIDED);
	category = b->engine.cache.header->last_category;
	scope = scope_of(b, category);
	assert_int_equal(set(b, SCOPED_RETENTION, scope, "messages=100"), DECIDED);
	assert_int_equal(set(b, SCOPED_RETENTION, scope, "age=1h"), DECIDED);
	assert_string_equal(value_of(b, SCOPED_RETENTION, scope, "age"), "1h");
	assert_int_equal(remove_node(b, ADMIN, NODE_CATEGORY, category), DECIDED);
	assert_false(scoped_any(&b->engine.cache, SCOPED_RETENTION, text(scope)));
	assert_int_equal(set(b, SCOPED_RETENTION, scope, "age=1h"), REFUSED(CODE_NO_SUCH_NODE));
	assert_int_equal(set(b, SCOPED_RETENTION, "ma-cat://other.test/x", "age=1h"),
			 REFUSED(CODE_INVALID_ARGUMENT));
	assert_int_equal(set(b, SCOPED_RETENTION, "site:berlin", "age=1h"),
			 REFUSED(CODE_INVALID_ARGUMENT));
}

static void test_places_are_numbers_with_commas(void **state)
{
	static const struct {
		const char *value;
		uint32_t places;
		bool valid;
	} cases[] = {
		{"0", 1, true},	    {"7", 128, true},	{"3,1", 10, true},  {"0,1,2,3", 15, true},
		{"", 0, false},	    {"8", 0, false},	{"0,", 0, false},   {",0", 0, false},
		{"0,,1", 0, false}, {"00", 0, false},	{"1,1", 0, false},  {"-1", 0, false},
		{"0 1", 0, false},  {"0,1,2,3,4", 31, false},
	};
	const struct scoped_key *key = scoped_key_find(SCOPED_POOL, text("active"));
	const struct conf conf = {.workers = {.active = 2, .standby = 1}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(scoped_places(text(cases[i].value)), cases[i].places);
		if (scoped_value_valid(key, text(cases[i].value)) != cases[i].valid)
			fail_msg("\"%s\"", cases[i].value);
	}
	assert_int_equal(scoped_places_of(&conf, 0), 3);
	assert_int_equal(scoped_places_of(&conf, 4), 4);
	assert_int_equal(scoped_places_of(&conf, 6 | 128), 6);
	assert_int_equal(scoped_places_of(&conf, 128), 3);
}

static void test_times_have_units(void **state)
{
	static const struct {
		const char *value;
		bool valid;
		uint64_t seconds;
	} cases[] = {
		{"0", true, 0},	      {"7", true, 7},	      {"7s", true, 7},
		{"3m", true, 180},    {"2h", true, 7200},     {"90d", true, 7776000},
		{"", false, 0},	      {"d", false, 0},	      {"-1d", false, 0},
		{"1w", false, 0},     {"1.5h", false, 0},     {"36501d", false, 0},
		{"1 d", false, 0},    {"99999999999999999999d", false, 0},
	};
	const struct scoped_key *key = scoped_key_find(SCOPED_RETENTION, text("age"));

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (scoped_value_valid(key, text(cases[i].value)) != cases[i].valid)
			fail_msg("\"%s\"", cases[i].value);
		if (cases[i].valid)
			assert_int_equal(scoped_seconds(text(cases[i].value)), cases[i].seconds);
	}
}

static void test_every_setting_is_in_the_manual(void **state)
{
	static const char *const sections[] = {NULL,	   "config", "policy",
					       "endpoint", "pool",   NULL,
					       "retention"};
	FILE *page = fopen(PCHAT_SOURCE "/man/pchatctl.8", "r");
	char *all = NULL;
	size_t size = 0;

	(void)state;
	assert_non_null(page);
	assert_true(getdelim(&all, &size, '\0', page) > 0);
	fclose(page);
	for (unsigned kind = SCOPED_CONFIG; kind <= SCOPED_RETENTION; kind++) {
		const struct scoped_key *key;

		for (unsigned i = 0; sections[kind] && (key = scoped_key_at(kind, i)); i++) {
			char line[64];

			snprintf(line, sizeof(line), ".It Cm %s %s\n", sections[kind], key->name);
			if (!strstr(all, line))
				fail_msg("man/pchatctl.8 has no line \"%s\"", line);
		}
	}
	free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_value_is_set_changed_and_taken_away),
		TEST(test_what_makes_no_sense_changes_nothing),
		TEST(test_a_revision_stands_for_what_a_scope_has),
		TEST(test_a_full_table_refuses_and_says_so),
		TEST(test_policies_are_made_once_and_then_changed),
		TEST(test_who_is_granted_a_policy_keeps_it_from_being_removed),
		TEST(test_the_narrowest_policy_decides_who_may_sign_in),
		TEST(test_store_purges_only_where_there_is_a_limit),
		TEST(test_limits_of_a_category_go_with_it),
		cmocka_unit_test(test_places_are_numbers_with_commas),
		cmocka_unit_test(test_times_have_units),
		cmocka_unit_test(test_every_setting_is_in_the_manual),
	};

	return cmocka_run_group_tests_name("scoped", tests, NULL, NULL);
}
