#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "odbc/content_schema.h"
#include "odbc/dialect.h"
#include "t/unit/place.h"

/* --- Settings by scope, and grants. --- */

static void expect_settings(struct place *place, const char *const *lines)
{
	struct content_setting above = {.kind = 0, .scope = BYTES(""), .name = BYTES("")}, row;
	char line[128];

	assert_int_equal(content_settings(place->db, &above, &place->err), DB_OK);
	while (content_settings_next(place->db, &row, &place->err) == DB_OK) {
		snprintf(line, sizeof(line), "%u %.*s %.*s %.*s", (unsigned)row.kind,
			 (int)row.scope.length, row.scope.data, (int)row.name.length, row.name.data,
			 (int)row.value.length, row.value.data);
		assert_non_null(*lines);
		assert_string_equal(line, *lines++);
	}
	assert_null(*lines);
}

static void put_setting(struct place *place, unsigned kind, const char *scope, const char *name,
			const char *value)
{
	const struct content_setting setting = {.kind = kind,
						.scope = {scope, strlen(scope)},
						.name = {name, strlen(name)},
						.value = {value ? value : "", value ? strlen(value) : 0}};

	assert_int_equal(content_setting_put(place->db, &setting, value != NULL, &place->err), DB_OK);
}

static void test_settings_are_stored_by_kind_scope_and_name(void **state)
{
	static const char *const first[] = {"1 global history 50", "1 site:\xc3\xa4 history 60",
					    "2 global enabled no", NULL};
	static const char *const then[] = {"1 global history 51", "2 global enabled no", NULL};
	struct place *place = *state;

	put_setting(place, 2, "global", "enabled", "no");
	put_setting(place, 1, "site:\xc3\xa4", "history", "60");
	put_setting(place, 1, "global", "history", "50");
	expect_settings(place, first);
	put_setting(place, 1, "global", "history", "51");
	put_setting(place, 1, "site:\xc3\xa4", "history", NULL);
	put_setting(place, 1, "site:\xc3\xa4", "history", NULL);
	expect_settings(place, then);
}

static void test_a_user_has_one_policy_at_most(void **state)
{
	struct place *place = *state;
	const struct content_grant grants[] = {
		{7, BYTES("staff")}, {3, BYTES("sales")}, {7, BYTES("crew")}, {3, BYTES("")}};
	struct content_grant row;

	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(content_grant_put(place->db, &grants[i], &place->err), DB_OK);
	assert_int_equal(content_grants(place->db, 0, &place->err), DB_OK);
	assert_int_equal(content_grants_next(place->db, &row, &place->err), DB_OK);
	assert_int_equal(row.principal, 7);
	assert_bytes(row.policy, "crew");
	assert_int_equal(content_grants_next(place->db, &row, &place->err), DB_END);
}

/* --- The schema. --- */

static void expect_general(struct place *place)
{
	struct content_category category;
	struct content_role role;

	assert_db(content_categories(place->db, 0, &place->err), DB_OK);
	assert_db(content_categories_next(place->db, &category, &place->err), DB_OK);
	assert_int_equal(category.id, 1);
	assert_bytes(category.name, "General");
	assert_bytes(category.description, "");
	assert_int_equal(category.flags, 7);
	assert_int_equal(category.revision, 1);
	assert_true(category.created > UINT64_C(1700000000000000));
	assert_int_equal(category.uuid[6] >> 4, 4);
	assert_int_equal(category.uuid[8] >> 6, 2);
	assert_db(content_categories_next(place->db, &category, &place->err), DB_END);
	assert_db(content_roles(place->db, &(struct content_role){0}, &place->err), DB_OK);
	assert_db(content_roles_next(place->db, &role, &place->err), DB_OK);
	assert_int_equal(role.kind, CONTENT_CATEGORY);
	assert_int_equal(role.node, 1);
	assert_int_equal(role.principal, UINT32_MAX);
	assert_int_equal(role.role, 1);
	assert_db(content_roles_next(place->db, &role, &place->err), DB_END);
}

static void test_new_database_has_a_category_that_allows_everybody(void **state)
{
	static const uint8_t zeros[16];
	struct place *place = *state;
	struct content_cursor cursor;

	expect_general(place);
	assert_db(content_cursor_get(place->db, &cursor, &place->err), DB_OK);
	assert_memory_equal(cursor.journal, zeros, 16);
	assert_int_equal(cursor.lsn, 0);
	assert_int_equal(cursor.last_category, 1);
	assert_int_equal(cursor.last_addin, 0);
}

static void run(struct place *place, const char *sql)
{
	assert_db(db_run(place->db, sql, &place->err), DB_OK);
}

/* The database of a server that knew of version 1 only. */
static void make_version_1(struct place *place)
{
	assert_db(schema_upgrade_to(place->db, &schema_content, 1, &place->err), DB_OK);
	run(place,
	    "INSERT INTO pc_cursor (reader, journal_id, lsn, last_principal, last_room,"
	    " last_time) VALUES ('content', '000102030405060708090a0b0c0d0e0f', 4096, 2, 9, 5)");
	run(place, "INSERT INTO pc_principal (id, kind, state, epoch, uri, name)"
		   " VALUES (2, 5, 0, 3, 'sip:alice@example.test', 'Alice')");
	run(place,
	    "INSERT INTO pc_room (id, uuid, name, description, disabled, created, last_seq,"
	    " folded) VALUES (7, '00000000-0000-4000-8000-000000000007', 'Lobby', 'all', 0, 77,"
	    " 2, 'lobby\nall')");
	run(place,
	    "INSERT INTO pc_room (id, uuid, name, description, disabled, created, last_seq,"
	    " folded) VALUES (9, '00000000-0000-4000-8000-000000000009', 'Old', '', 1, 99, 0,"
	    " 'old\n')");
	run(place, "INSERT INTO pc_message (room, seq, time, author, flags, client_id, body)"
		   " VALUES (7, 1, 1000, 2, 0, 'a', 'one'), (7, 2, 1001, 2, 0, 'b', 'two')");
}

static void test_rooms_of_version_1_become_open_and_normal(void **state)
{
	struct place *place = *state;
	struct content_room room;

	make_version_1(place);
	assert_db(content_check(place->db, &place->err), DB_RETRY);
	assert_db(content_open(place->db, &place->err), DB_OK);
	assert_db(content_check(place->db, &place->err), DB_OK);
	expect_general(place);
	assert_db(content_rooms(place->db, 0, &place->err), DB_OK);
	for (uint32_t id = 7; id <= 9; id += 2) {
		assert_db(content_rooms_next(place->db, &room, &place->err), DB_OK);
		assert_int_equal(room.id, id);
		assert_int_equal(room.uuid[15], id);
		assert_int_equal(room.category, 1);
		assert_int_equal(room.addin, 0);
		assert_int_equal(room.privacy, 6);
		assert_int_equal(room.behavior, 4);
		assert_int_equal(room.invitations, 1);
		assert_int_equal(room.revision, 1);
		assert_int_equal(room.created, 11 * id);
		assert_int_equal(room.disabled, id == 9);
		assert_int_equal(room.last_seq, id == 7 ? 2 : 0);
	}
	assert_db(content_rooms_next(place->db, &room, &place->err), DB_END);
}

/* Empties the database and makes one that has been used by the program of each earlier version. */
static void make_earlier(struct place *place, unsigned version)
{
	database_close(&place->database, &place->db);
	place->db = database_open(&place->database, NULL, &place->err);
	assert_non_null(place->db);
	make_version_1(place);
	assert_db(schema_upgrade_to(place->db, &schema_content, version, &place->err), DB_OK);
	run(place, "INSERT INTO pc_message (room, seq, time, author, flags, client_id, body)"
		   " VALUES (7, 3, 1002, 2, 0, 'c', 'of that version')");
}

static void test_every_earlier_version_is_upgraded_with_its_data(void **state)
{
	const struct content_page page = {.room = 7, .before = 100, .limit = 10};
	struct content_history_row row;
	struct content_cursor cursor;
	struct place *place = *state;
	unsigned version;

	for (unsigned v = 1; v < schema_content.step_count; v++) {
		make_earlier(place, v);
		assert_db(content_check(place->db, &place->err), DB_RETRY);
		assert_db(content_open(place->db, &place->err), DB_OK);
		assert_db(schema_version(place->db, &schema_content, &version, &place->err), DB_OK);
		assert_int_equal(version, schema_content.step_count);
		assert_db(content_cursor_get(place->db, &cursor, &place->err), DB_OK);
		assert_int_equal(cursor.lsn, 4096);
		assert_db(content_history(place->db, &page, &place->err), DB_OK);
		for (uint64_t seq = 3; seq >= 1; seq--) {
			assert_db(content_history_next(place->db, &page, &row, &place->err), DB_OK);
			assert_int_equal(row.message.seq, seq);
			assert_bytes(row.author_name, "Alice");
		}
		assert_db(content_history_next(place->db, &page, &row, &place->err), DB_END);
		expect(place, "SELECT COUNT(*) FROM pc_room", "2");
	}
}

/* What a step has done is undone with it: the program that comes next begins it again. */
static void test_upgrade_that_was_interrupted_goes_on(void **state)
{
	struct place *place = *state;

	for (unsigned v = 1; v < schema_content.step_count; v++) {
		make_earlier(place, v);
		assert_db(db_begin(place->db, &place->err), DB_OK);
		for (const char *const *sql = schema_content.steps[v]; *sql; sql++) {
			char *text = dialect_expand(db_dialect(place->db), *sql, &place->err);

			if (*text)
				run(place, text);
			free(text);
		}
		db_disconnect(place->db);
		assert_db(db_connect(place->db, &place->err), DB_OK);
		assert_db(content_open(place->db, &place->err), DB_OK);
		expect(place, "SELECT COUNT(*) FROM pc_message", "3");
	}
}

static void test_upgrade_keeps_cursor_users_and_messages(void **state)
{
	struct place *place = *state;
	struct content_cursor cursor;

	make_version_1(place);
	assert_db(content_open(place->db, &place->err), DB_OK);
	assert_db(content_cursor_get(place->db, &cursor, &place->err), DB_OK);
	assert_int_equal(cursor.journal[15], 15);
	assert_int_equal(cursor.lsn, 4096);
	assert_int_equal(cursor.last_principal, 2);
	assert_int_equal(cursor.last_room, 9);
	assert_int_equal(cursor.last_category, 1);
	assert_int_equal(cursor.last_addin, 0);
	assert_int_equal(cursor.time, 5);
	expect(place, "SELECT COUNT(*), MAX(body) FROM pc_message", "2|two");
	expect(place, "SELECT uri, epoch FROM pc_principal", "sip:alice@example.test|3");
	expect(place, "SELECT version FROM pc_schema ORDER BY version", "1,2,3,4,5,6,7,8,9,10,11");
	expect(place,
	       "SELECT r.id FROM pc_room AS r INNER JOIN pc_category AS c ON c.id = r.category "
	       "WHERE r.folded LIKE '%lob%'",
	       "7");
}

/* --- Objects. --- */

static void test_category_comes_back_as_it_was_put(void **state)
{
	struct place *place = *state;
	struct content_category category = {.id = UINT32_MAX,
					    .uuid = {0xff, 1},
					    .flags = 15,
					    .created = INT64_MAX,
					    .revision = 1,
					    .name = BYTES("Verk\xc3\xa4ufe"),
					    .description = BYTES("")};
	struct content_category got;

	assert_db(content_category_put(place->db, &category, &place->err), DB_OK);
	category.description = (struct db_bytes)BYTES("all of them");
	category.revision = 2;
	assert_db(content_category_put(place->db, &category, &place->err), DB_OK);
	assert_db(content_categories(place->db, 1, &place->err), DB_OK);
	assert_db(content_categories_next(place->db, &got, &place->err), DB_OK);
	assert_int_equal(got.id, UINT32_MAX);
	assert_memory_equal(got.uuid, category.uuid, 16);
	assert_int_equal(got.flags, 15);
	assert_int_equal(got.created, INT64_MAX);
	assert_int_equal(got.revision, 2);
	assert_bytes(got.name, "Verk\xc3\xa4ufe");
	assert_bytes(got.description, "all of them");
	assert_db(content_categories_next(place->db, &got, &place->err), DB_END);
	category.name = (struct db_bytes)BYTES("\xff");
	assert_db(content_category_put(place->db, &category, &place->err), DB_BAD_DATA);
	assert_true(db_connected(place->db));
}

static void test_addin_comes_back_as_it_was_put(void **state)
{
	struct place *place = *state;
	struct content_addin addin = {.id = 4,
				      .uuid = {9},
				      .name = BYTES("Board"),
				      .url = BYTES("https://a.test/?x=%25")};
	struct content_addin got;

	assert_db(content_addin_put(place->db, &addin, &place->err), DB_OK);
	addin.name = (struct db_bytes)BYTES("Blackboard");
	assert_db(content_addin_put(place->db, &addin, &place->err), DB_OK);
	assert_db(content_addins(place->db, 0, &place->err), DB_OK);
	assert_db(content_addins_next(place->db, &got, &place->err), DB_OK);
	assert_int_equal(got.id, 4);
	assert_memory_equal(got.uuid, addin.uuid, 16);
	assert_bytes(got.name, "Blackboard");
	assert_bytes(got.url, "https://a.test/?x=%25");
	assert_db(content_addins_next(place->db, &got, &place->err), DB_END);
	assert_db(content_addin_remove(place->db, 4, &place->err), DB_OK);
	assert_db(content_addins(place->db, 0, &place->err), DB_OK);
	assert_db(content_addins_next(place->db, &got, &place->err), DB_END);
}

static void put_room(struct place *place, uint32_t id)
{
	struct content_room room = {.id = id,
				    .disabled = true,
				    .category = 5,
				    .addin = 6,
				    .privacy = 2,
				    .behavior = 5,
				    .invitations = 1,
				    .created = 8,
				    .revision = 1000,
				    .name = BYTES("Room"),
				    .description = BYTES("d")};

	memset(room.uuid, (int)id, sizeof(room.uuid));
	assert_db(content_room_put(place->db, &room, &place->err), DB_OK);
}

/* Characters of which SQL Server counts each as two. */
static void test_names_of_the_longest_kind_come_back_whole(void **state)
{
	enum { CHARACTERS = 256, BYTES = 4 };
	static char text[CHARACTERS * BYTES];
	struct place *place = *state;
	struct content_principal principal = {.id = 2, .uri = {"sip:alice@example.test", 22}};
	struct content_room room = {.id = 7, .uuid = {7}, .category = 1};
	struct content_category category = {.id = 2, .uuid = {2}};
	struct content_addin addin = {.id = 3, .uuid = {3}, .url = {"", 0}};
	struct content_message message = {.room = 7, .seq = 1, .time = 1, .author = 2};

	for (unsigned i = 0; i < CHARACTERS; i++)
		memcpy(text + i * BYTES, "\U0001f600", BYTES);
	principal.name = room.name = room.description = category.name = category.description =
		message.title = (struct db_bytes){text, sizeof(text)};
	addin.name = (struct db_bytes){text, 50 * BYTES};
	message.id = message.text = (struct db_bytes){"", 0};
	assert_db(content_principal_put(place->db, &principal, &place->err), DB_OK);
	assert_db(content_category_put(place->db, &category, &place->err), DB_OK);
	assert_db(content_addin_put(place->db, &addin, &place->err), DB_OK);
	assert_db(content_room_put(place->db, &room, &place->err), DB_OK);
	assert_db(content_messages_put(place->db, &message, 1, &place->err), DB_OK);
	assert_db(content_rooms(place->db, 0, &place->err), DB_OK);
	assert_db(content_rooms_next(place->db, &room, &place->err), DB_OK);
	assert_int_equal(room.name.length, sizeof(text));
	assert_memory_equal(room.description.data, text, sizeof(text));
	assert_db(content_principals(place->db, 1, &place->err), DB_OK);
	assert_db(content_principals_next(place->db, &principal, &place->err), DB_OK);
	assert_memory_equal(principal.name.data, text, sizeof(text));
}

static void test_room_keeps_all_its_properties(void **state)
{
	struct place *place = *state;
	struct content_room got;

	put_room(place, 1);
	put_room(place, 1);
	assert_db(content_rooms(place->db, 0, &place->err), DB_OK);
	assert_db(content_rooms_next(place->db, &got, &place->err), DB_OK);
	assert_true(got.disabled);
	assert_int_equal(got.category, 5);
	assert_int_equal(got.addin, 6);
	assert_int_equal(got.privacy, 2);
	assert_int_equal(got.behavior, 5);
	assert_int_equal(got.invitations, 1);
	assert_int_equal(got.created, 8);
	assert_int_equal(got.revision, 1000);
	assert_int_equal(got.last_seq, 0);
	assert_db(content_rooms_next(place->db, &got, &place->err), DB_END);
}

static void put_role(struct place *place, uint8_t kind, uint32_t node, uint32_t principal,
		     uint8_t role, bool present)
{
	const struct content_role row = {kind, role, node, principal};

	assert_db(content_role_put(place->db, &row, present, &place->err), DB_OK);
}

static void test_role_is_there_once_or_not_at_all(void **state)
{
	struct place *place = *state;

	put_role(place, CONTENT_ROOM, 3, 4, 5, true);
	put_role(place, CONTENT_ROOM, 3, 4, 5, true);
	put_role(place, CONTENT_ROOM, 3, 4, 6, true);
	expect(place, "SELECT COUNT(*) FROM pc_role WHERE kind = 2", "2");
	put_role(place, CONTENT_ROOM, 3, 4, 5, false);
	put_role(place, CONTENT_ROOM, 3, 4, 5, false);
	expect(place, "SELECT COUNT(*), MAX(role) FROM pc_role WHERE kind = 2", "1|6");
}

static void test_affiliation_is_there_once_or_not_at_all(void **state)
{
	const struct content_affiliation pair = {7, 8};
	struct place *place = *state;
	struct content_affiliation got;

	assert_db(content_affiliation_put(place->db, &pair, true, &place->err), DB_OK);
	assert_db(content_affiliation_put(place->db, &pair, true, &place->err), DB_OK);
	assert_db(content_affiliations(place->db, &(struct content_affiliation){0}, &place->err),
		  DB_OK);
	assert_db(content_affiliations_next(place->db, &got, &place->err), DB_OK);
	assert_int_equal(got.member, 7);
	assert_int_equal(got.group, 8);
	assert_db(content_affiliations_next(place->db, &got, &place->err), DB_END);
	assert_db(content_affiliation_put(place->db, &pair, false, &place->err), DB_OK);
	assert_db(content_affiliations(place->db, &(struct content_affiliation){0}, &place->err),
		  DB_OK);
	assert_db(content_affiliations_next(place->db, &got, &place->err), DB_END);
}

static void test_roles_are_loaded_page_by_page_each_once(void **state)
{
	struct place *place = *state;
	const unsigned rooms = 3 * CONTENT_LOAD_PAGE / 10, count = 1 + 10 * rooms;
	struct content_role row = {0};
	unsigned seen = 0, in_page;
	uint64_t last = 0;

	assert_db(db_begin(place->db, &place->err), DB_OK);
	for (unsigned i = 0; i < 10 * rooms; i++)
		put_role(place, CONTENT_ROOM, 1 + i / 10, 1 + i / 2 % 5, (uint8_t)(4 + i % 2),
			 true);
	assert_db(db_commit(place->db, &place->err), DB_OK);
	do {
		in_page = 0;
		assert_db(content_roles(place->db, &row, &place->err), DB_OK);
		while (content_roles_next(place->db, &row, &place->err) == DB_OK) {
			const uint64_t key = (uint64_t)row.kind << 56 | (uint64_t)row.node << 40 |
					     (uint64_t)(row.principal & 0xffff) << 8 | row.role;

			assert_true(key > last);
			last = key;
			in_page++;
		}
		assert_true(in_page <= CONTENT_LOAD_PAGE);
		seen += in_page;
	} while (in_page > 0);
	assert_int_equal(seen, count);
}

static void test_affiliations_are_loaded_page_by_page_each_once(void **state)
{
	struct place *place = *state;
	const unsigned count = 2 * CONTENT_LOAD_PAGE + 7;
	struct content_affiliation row = {0};
	unsigned seen = 0, in_page;

	assert_db(db_begin(place->db, &place->err), DB_OK);
	for (unsigned i = 0; i < count; i++)
		assert_db(content_affiliation_put(
				  place->db, &(struct content_affiliation){1 + i / 3, 1 + i % 3},
				  true, &place->err),
			  DB_OK);
	assert_db(db_commit(place->db, &place->err), DB_OK);
	do {
		in_page = 0;
		assert_db(content_affiliations(place->db, &row, &place->err), DB_OK);
		while (content_affiliations_next(place->db, &row, &place->err) == DB_OK) {
			assert_int_equal(row.member, 1 + seen / 3);
			assert_int_equal(row.group, 1 + seen % 3);
			seen++;
			in_page++;
		}
	} while (in_page > 0);
	assert_int_equal(seen, count);
}

static void test_malformed_row_is_told_with_its_id_and_the_next_can_be_taken(void **state)
{
	struct place *place = *state;
	struct content_category category = {.id = 0};
	struct content_addin addin = {.id = 0};

	run(place, "UPDATE pc_category SET uuid = 'x'");
	run(place, "INSERT INTO pc_addin VALUES (3, 'x', '', ''),"
		   " (4, '00000000-0000-4000-8000-000000000009', 'n', 'u')");
	assert_db(content_categories(place->db, 0, &place->err), DB_OK);
	assert_db(content_categories_next(place->db, &category, &place->err), DB_BAD_DATA);
	assert_int_equal(category.id, 1);
	assert_non_null(strstr(place->err.text, "category 1"));
	assert_db(content_addins(place->db, 0, &place->err), DB_OK);
	assert_db(content_addins_next(place->db, &addin, &place->err), DB_BAD_DATA);
	assert_int_equal(addin.id, 3);
	assert_db(content_addins_next(place->db, &addin, &place->err), DB_OK);
	assert_int_equal(addin.id, 4);
}

/* --- Removal. --- */

static void test_removed_category_takes_its_own_roles_with_it(void **state)
{
	struct place *place = *state;

	put_role(place, CONTENT_CATEGORY, 2, 1, 1, true);
	put_role(place, CONTENT_CATEGORY, 2, 1, 2, true);
	put_role(place, CONTENT_CATEGORY, 3, 1, 1, true);
	put_role(place, CONTENT_ROOM, 2, 1, 4, true);
	assert_db(content_category_remove(place->db, 2, &place->err), DB_OK);
	assert_db(content_category_remove(place->db, 2, &place->err), DB_OK);
	expect(place, "SELECT kind, node FROM pc_role ORDER BY kind, node", "1|1,1|3,2|2");
}

static void put_messages(struct place *place, uint32_t room, uint64_t first, unsigned count)
{
	assert_db(db_begin(place->db, &place->err), DB_OK);
	for (unsigned i = 0; i < count; i++) {
		const struct content_message message = {
			.room = room, .seq = first + i, .author = 1, .text = BYTES("text")};

		assert_db(content_messages_put(place->db, &message, 1, &place->err), DB_OK);
	}
	assert_db(db_commit(place->db, &place->err), DB_OK);
}

static void test_messages_of_a_removed_room_go_slice_by_slice(void **state)
{
	struct place *place = *state;
	bool more;

	put_room(place, 1);
	put_room(place, 2);
	put_role(place, CONTENT_ROOM, 1, 1, 4, true);
	put_messages(place, 1, 11, 25); /* older ones are gone, as by a purge */
	put_messages(place, 2, 1, 5);
	assert_db(content_sweep(place->db, 10, &more, &place->err), DB_OK);
	assert_false(more);
	assert_db(content_room_remove(place->db, 1, &place->err), DB_OK);
	expect(place, "SELECT id FROM pc_room", "2");
	expect(place, "SELECT COUNT(*) FROM pc_role WHERE kind = 2", "0");
	expect(place, "SELECT COUNT(*) FROM pc_message", "30");
	assert_db(content_sweep(place->db, 10, &more, &place->err), DB_OK);
	assert_true(more);
	expect(place, "SELECT COUNT(*), MIN(seq) FROM pc_message WHERE room = 1", "15|21");
	while (more)
		assert_db(content_sweep(place->db, 10, &more, &place->err), DB_OK);
	expect(place, "SELECT COUNT(*), MIN(room) FROM pc_message", "5|2");
	expect(place, "SELECT COUNT(*) FROM pc_remains", "0");
}

static void test_sweep_that_was_interrupted_goes_on(void **state)
{
	struct place *place = *state;
	bool more = true;

	for (uint32_t room = 1; room <= 3; room++) {
		put_room(place, room);
		put_messages(place, room, 1, 3);
		assert_db(content_room_remove(place->db, room, &place->err), DB_OK);
	}
	assert_db(content_room_remove(place->db, 2, &place->err), DB_OK);
	assert_db(content_sweep(place->db, 2, &more, &place->err), DB_OK);
	assert_db(db_connect(place->db, &place->err), DB_OK);
	while (more)
		assert_db(content_sweep(place->db, 2, &more, &place->err), DB_OK);
	expect(place, "SELECT COUNT(*) FROM pc_message", "0");
	expect(place, "SELECT COUNT(*) FROM pc_remains", "0");
}

static void test_removal_is_undone_with_its_transaction(void **state)
{
	struct place *place = *state;
	bool more;

	put_room(place, 1);
	put_messages(place, 1, 1, 3);
	assert_db(db_begin(place->db, &place->err), DB_OK);
	assert_db(content_room_remove(place->db, 1, &place->err), DB_OK);
	db_rollback(place->db);
	assert_db(content_sweep(place->db, 10, &more, &place->err), DB_OK);
	assert_false(more);
	expect(place, "SELECT COUNT(*) FROM pc_message", "3");
	expect(place, "SELECT COUNT(*) FROM pc_room", "1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_one, place_end)
#define TEST_EMPTY(name) cmocka_unit_test_setup_teardown(name, place_empty, place_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_settings_are_stored_by_kind_scope_and_name),
		TEST(test_a_user_has_one_policy_at_most),
		TEST(test_new_database_has_a_category_that_allows_everybody),
		TEST_EMPTY(test_rooms_of_version_1_become_open_and_normal),
		TEST_EMPTY(test_upgrade_keeps_cursor_users_and_messages),
		TEST_EMPTY(test_every_earlier_version_is_upgraded_with_its_data),
		TEST_EMPTY(test_upgrade_that_was_interrupted_goes_on),
		TEST(test_category_comes_back_as_it_was_put),
		TEST(test_addin_comes_back_as_it_was_put),
		TEST(test_names_of_the_longest_kind_come_back_whole),
		TEST(test_room_keeps_all_its_properties),
		TEST(test_role_is_there_once_or_not_at_all),
		TEST(test_affiliation_is_there_once_or_not_at_all),
		TEST(test_roles_are_loaded_page_by_page_each_once),
		TEST(test_affiliations_are_loaded_page_by_page_each_once),
		TEST(test_malformed_row_is_told_with_its_id_and_the_next_can_be_taken),
		TEST(test_removed_category_takes_its_own_roles_with_it),
		TEST(test_messages_of_a_removed_room_go_slice_by_slice),
		TEST(test_sweep_that_was_interrupted_goes_on),
		TEST(test_removal_is_undone_with_its_transaction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
