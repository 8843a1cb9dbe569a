/* Events: what is put into a payload comes out again, and nothing malformed gets in or out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/event.h"

enum { BUFFER = EVENT_PAYLOAD_MAX + 64 };

/* A text of so many bytes, in memory of its own so that a sanitizer sees each byte read beyond. */
static struct text text_of(uint32_t length, char byte)
{
	char *data = malloc(length + 1);

	assert_non_null(data);
	memset(data, byte, length);
	return (struct text){.data = data, .length = length};
}

static void text_free(struct text *text)
{
	free((void *)(uintptr_t)text->data);
	*text = (struct text){0};
}

static void assert_text(const struct text *text, const struct text *expected)
{
	assert_int_equal(text->length, expected->length);
	assert_memory_equal(text->data, expected->data, expected->length);
}

/* A payload in a block of exactly its size. */
static struct record *record_of(const void *payload, uint32_t size)
{
	struct record *record = calloc(1, sizeof(*record) + size);

	assert_non_null(record);
	record->payload = size;
	memcpy(record + 1, payload, size);
	return record;
}

static void a_user_comes_out_as_it_was_put_in(void **state)
{
	struct event_principal in = {.id = 7,
				     .kind = PRINCIPAL_USER,
				     .epoch = 3,
				     .state = PRINCIPAL_DISABLED},
			       out;
	uint8_t buffer[BUFFER];
	struct record *record;
	uint32_t size;

	(void)state;
	in.uri = text_of(EVENT_URI_MAX, 'u');
	in.name = text_of(EVENT_NAME_MAX, 'n');
	size = event_principal_put(&in, buffer, sizeof(buffer));
	assert_int_equal(size, 16 + EVENT_URI_MAX + EVENT_NAME_MAX);
	record = record_of(buffer, size);
	assert_true(event_principal_get(record, &out));
	assert_int_equal(out.id, in.id);
	assert_int_equal(out.kind, in.kind);
	assert_int_equal(out.state, in.state);
	assert_int_equal(out.epoch, in.epoch);
	assert_text(&out.uri, &in.uri);
	assert_text(&out.name, &in.name);
	free(record);
	text_free(&in.uri);
	text_free(&in.name);
}

static void a_room_comes_out_as_it_was_put_in(void **state)
{
	struct event_room in = {.id = 9,
				.uuid = "0123456789abcde",
				.disabled = 1,
				.category = 3,
				.addin = 4,
				.privacy = PRIVACY_SECRET,
				.behavior = BEHAVIOR_AUDITORIUM,
				.invitations = 1,
				.created = UINT64_C(1) << 60,
				.revision = 7},
			  out;
	uint8_t buffer[BUFFER];
	struct record *record;
	uint32_t size;

	(void)state;
	in.name = text_of(5, 'n');
	in.description = text_of(0, 'd');
	size = event_room_put(&in, buffer, sizeof(buffer));
	record = record_of(buffer, size);
	assert_true(event_room_get(record, &out));
	assert_int_equal(out.id, in.id);
	assert_memory_equal(out.uuid, in.uuid, sizeof(in.uuid));
	assert_int_equal(out.disabled, 1);
	assert_int_equal(out.category, in.category);
	assert_int_equal(out.addin, in.addin);
	assert_int_equal(out.privacy, in.privacy);
	assert_int_equal(out.behavior, in.behavior);
	assert_int_equal(out.invitations, in.invitations);
	assert_int_equal(out.created, in.created);
	assert_int_equal(out.revision, in.revision);
	assert_text(&out.name, &in.name);
	assert_text(&out.description, &in.description);
	free(record);
	in.privacy = 1;
	assert_int_equal(event_room_put(&in, buffer, sizeof(buffer)), 0);
	text_free(&in.name);
	text_free(&in.description);
}

static void categories_and_add_ins_come_out_as_they_were_put_in(void **state)
{
	struct event_category category = {.id = 1,
					  .uuid = "0123456789abcde",
					  .flags = CATEGORY_HISTORY | CATEGORY_FILES,
					  .created = 2,
					  .revision = 3,
					  .name = {"General", 7},
					  .description = {"for all", 7}},
			      category_r;
	struct event_addin addin = {.id = 4,
				    .uuid = "fedcba987654321",
				    .name = {"Wiki", 4},
				    .url = {"http://a.test/", 14}},
			   addin_r;
	uint8_t buffer[BUFFER];

	(void)state;
	assert_true(event_category_parse(
		buffer, event_category_put(&category, buffer, sizeof(buffer)), &category_r));
	assert_int_equal(category_r.flags, category.flags);
	assert_int_equal(category_r.revision, 3);
	assert_memory_equal(category_r.uuid, category.uuid, sizeof(category.uuid));
	assert_text(&category_r.name, &category.name);
	assert_text(&category_r.description, &category.description);
	category.flags = CATEGORY_FLAGS + 1;
	assert_int_equal(event_category_put(&category, buffer, sizeof(buffer)), 0);
	assert_true(event_addin_parse(buffer, event_addin_put(&addin, buffer, sizeof(buffer)),
				      &addin_r));
	assert_int_equal(addin_r.id, 4);
	assert_text(&addin_r.name, &addin.name);
	assert_text(&addin_r.url, &addin.url);
}

static void roles_are_of_the_kind_of_node_that_has_them(void **state)
{
	uint8_t buffer[BUFFER];

	(void)state;
	for (unsigned kind = 0; kind < 5; kind++)
		for (unsigned role = 0; role < 9; role++) {
			struct event_role event = {(uint8_t)kind, (uint8_t)role, 1, 2, 3}, event_r;
			bool of_category = role >= ROLE_ALLOWED && role <= ROLE_CREATOR;
			bool of_room = role >= ROLE_MEMBER && role <= ROLE_PRESENTER;
			uint32_t size = event_role_put(&event, buffer, sizeof(buffer));

			assert_int_equal(size != 0, (kind == NODE_CATEGORY && of_category) ||
							    (kind == NODE_ROOM && of_room));
			if (size == 0)
				continue;
			assert_true(event_role_parse(buffer, size, &event_r));
			assert_int_equal(event_r.kind, kind);
			assert_int_equal(event_r.role, role);
			assert_int_equal(event_r.present, 1);
			assert_int_equal(event_r.node, 2);
			assert_int_equal(event_r.principal, 3);
			assert_false(event_role_parse(buffer, size - 1, &event_r));
		}
}

static void sessions_and_messages_come_out_as_they_were_put_in(void **state)
{
	struct event_session session = {.address = {"127.0.0.1:50000", 15},
					.name = {"unix:root", 9}},
			     session_r;
	struct event_message message = {.id = {"m-1", 3}, .text = {"hello", 5}}, message_r;
	struct event_message large = {.text = text_of(EVENT_TEXT_MAX, 't')};
	uint8_t *buffer = malloc(BUFFER);
	uint32_t size;

	(void)state;
	assert_non_null(buffer);
	size = event_session_put(&session, buffer, BUFFER);
	assert_true(event_session_parse(buffer, size, &session_r));
	assert_text(&session_r.address, &session.address);
	assert_text(&session_r.name, &session.name);
	size = event_message_put(&message, buffer, BUFFER);
	assert_true(event_message_parse(buffer, size, &message_r));
	assert_text(&message_r.id, &message.id);
	assert_text(&message_r.text, &message.text);
	size = event_message_put(&large, buffer, BUFFER);
	assert_true(event_message_parse(buffer, size, &message_r));
	assert_text(&message_r.text, &large.text);
	assert_int_equal(message_r.id.length, 0);
	text_free(&large.text);
	free(buffer);
}

static void the_same_event_gives_the_same_bytes(void **state)
{
	struct event_room event = {.id = 1,
				   .privacy = PRIVACY_OPEN,
				   .behavior = BEHAVIOR_NORMAL,
				   .name = {"a", 1},
				   .description = {"bc", 2}};
	uint8_t one[64], two[64];
	uint32_t size;

	(void)state;
	memset(one, 0x55, sizeof(one));
	memset(two, 0xaa, sizeof(two));
	size = event_room_put(&event, one, sizeof(one));
	assert_int_equal(size, event_room_put(&event, two, sizeof(two)));
	assert_memory_equal(one, two, size);
}

static void nothing_over_its_maximum_is_put(void **state)
{
	struct text uri = text_of(EVENT_URI_MAX + 1, 'x'), name = text_of(EVENT_NAME_MAX + 1, 'x');
	struct text text = text_of(EVENT_TEXT_MAX + 1, 'x'), huge = {name.data, UINT32_MAX};
	uint8_t *buffer = malloc(BUFFER);

	(void)state;
	assert_non_null(buffer);
#define REFUSED(kind, ...) \
	assert_int_equal(event_##kind##_put(&(struct event_##kind){__VA_ARGS__}, buffer, BUFFER), 0)
	REFUSED(principal, .uri = uri);
	REFUSED(principal, .name = name);
	REFUSED(principal, .name = huge);
	REFUSED(principal, .state = PRINCIPAL_DELETED + 1);
	REFUSED(room, .name = name);
	REFUSED(room, .description = name);
	REFUSED(room, .disabled = 2);
	REFUSED(session, .address = {name.data, EVENT_ADDRESS_MAX + 1});
	REFUSED(session, .name = {name.data, EVENT_ADMIN_NAME_MAX + 1});
	REFUSED(message, .id = {name.data, EVENT_MESSAGE_ID_MAX + 1});
	REFUSED(message, .text = text);
	REFUSED(message, .text = huge);
#undef REFUSED
	text_free(&uri);
	text_free(&name);
	text_free(&text);
	free(buffer);
}

static void a_text_with_a_nul_byte_is_refused_both_ways(void **state)
{
	struct event_message event = {.id = {"id", 2}, .text = {"a\0b", 3}}, out;
	uint8_t buffer[64];
	uint32_t size;

	(void)state;
	assert_int_equal(event_message_put(&event, buffer, sizeof(buffer)), 0);
	event.text.data = "axb";
	size = event_message_put(&event, buffer, sizeof(buffer));
	assert_int_not_equal(size, 0);
	buffer[size - 2] = 0;
	assert_false(event_message_parse(buffer, size, &out));
}

static void a_buffer_that_is_too_small_by_a_byte_is_not_written(void **state)
{
	struct event_message event = {.id = {"id", 2}, .text = {"hello", 5}};
	uint8_t buffer[19];

	(void)state;
	for (uint32_t size = 0; size < 19; size++) {
		buffer[size] = 0x77;
		assert_int_equal(event_message_put(&event, buffer, size), 0);
		assert_int_equal(buffer[size], 0x77);
	}
	assert_int_equal(event_message_put(&event, buffer, 19), 19);
}

static void a_story_with_a_rich_part_comes_out_as_it_went_in(void **state)
{
	const struct event_message event = {.id = {"id", 2},
					    .title = {"Title", 5},
					    .text = {"Once upon", 9},
					    .rich_type = {"text/html", 9},
					    .rich = {"<b>Once</b>", 11}};
	struct event_message out;
	struct text body;
	uint8_t buffer[64];
	const uint32_t size = event_message_put(&event, buffer, sizeof(buffer));

	(void)state;
	assert_true(event_message_parse(buffer, size, &out));
	assert_int_equal(out.title.length, 5);
	assert_memory_equal(out.title.data, "Title", 5);
	assert_int_equal(out.rich.length, 11);
	assert_memory_equal(out.rich.data, "<b>Once</b>", 11);
	body = event_message_body(&out);
	assert_int_equal(body.length, 34);
	assert_memory_equal(body.data, "TitleOnce upontext/html<b>Once</b>", 34);
}

static void a_rich_part_and_its_type_come_together(void **state)
{
	struct event_message event = {.text = {"a", 1}, .rich = {"<b>", 3}};
	uint8_t buffer[64];

	(void)state;
	assert_int_equal(event_message_put(&event, buffer, sizeof(buffer)), 0);
	event.rich_type = (struct text){"text/html", 9};
	assert_int_not_equal(event_message_put(&event, buffer, sizeof(buffer)), 0);
	event.rich.length = 0;
	assert_int_equal(event_message_put(&event, buffer, sizeof(buffer)), 0);
}

static void a_payload_cut_off_or_extended_anywhere_is_malformed(void **state)
{
	struct event_principal event = {.id = 1, .uri = {"sip:a@b", 7}, .name = {"A", 1}};
	struct event_principal out;
	uint8_t buffer[64] = {0};
	struct record *record;
	uint32_t size;

	(void)state;
	size = event_principal_put(&event, buffer, sizeof(buffer));
	for (uint32_t cut = 0; cut < sizeof(buffer); cut++) {
		record = record_of(buffer, cut);
		assert_int_equal(event_principal_get(record, &out), cut == size);
		free(record);
	}
}

static void history_comes_out_as_it_went_in(void **state)
{
	struct event_history in = {.what = HISTORY_MESSAGE, .author = 3, .time = 5},
			     end = {.what = HISTORY_END, .removals = 7}, out;
	uint8_t buffer[256];
	struct record *record;
	uint32_t size;

	(void)state;
	in.message.text = text_of(20, 't');
	size = event_history_put(&in, buffer, sizeof(buffer));
	assert_int_equal(size, 24 + 12 + 20);
	assert_int_equal(event_history_put(&in, buffer, size - 1), 0);
	for (uint32_t cut = 0; cut < size; cut++) {
		record = record_of(buffer, cut);
		assert_false(event_history_get(record, &out));
		free(record);
	}
	record = record_of(buffer, size);
	assert_true(event_history_get(record, &out));
	assert_int_equal(out.author, 3);
	assert_int_equal(out.time, 5);
	assert_text(&out.message.text, &in.message.text);
	free(record);
	size = event_history_put(&end, buffer, sizeof(buffer));
	record = record_of(buffer, size);
	assert_true(event_history_get(record, &out));
	assert_int_equal(out.removals, 7);
	free(record);
	record = record_of(buffer, size + 1);
	assert_false(event_history_get(record, &out));
	free(record);
	in.what = 3;
	assert_int_equal(event_history_put(&in, buffer, sizeof(buffer)), 0);
	text_free(&in.message.text);
}

static void settings_and_grants_come_out_as_they_were_put_in(void **state)
{
	const struct event_setting setting = {.kind = SCOPED_POLICY,
					      .present = 1,
					      .scope = {"tag:staff", 9},
					      .name = {"enabled", 7},
					      .value = {"yes", 3}};
	const struct event_grant grant = {.principal = 7, .policy = {"staff", 5}};
	struct event_setting setting_r;
	struct event_grant grant_r;
	uint8_t buffer[64] = {0};
	uint32_t size = event_setting_put(&setting, buffer, sizeof(buffer));

	(void)state;
	for (uint32_t cut = 0; cut < sizeof(buffer); cut++)
		assert_int_equal(event_setting_parse(buffer, cut, &setting_r), cut == size);
	assert_true(event_setting_parse(buffer, size, &setting_r));
	assert_int_equal(setting_r.kind, SCOPED_POLICY);
	assert_int_equal(setting_r.present, 1);
	assert_text(&setting_r.scope, &setting.scope);
	assert_text(&setting_r.name, &setting.name);
	assert_text(&setting_r.value, &setting.value);
	buffer[0] = 0;
	assert_false(event_setting_parse(buffer, size, &setting_r));
	memset(buffer, 0, sizeof(buffer));
	size = event_grant_put(&grant, buffer, sizeof(buffer));
	for (uint32_t cut = 0; cut < sizeof(buffer); cut++)
		assert_int_equal(event_grant_parse(buffer, cut, &grant_r), cut == size);
	assert_true(event_grant_parse(buffer, size, &grant_r));
	assert_int_equal(grant_r.principal, 7);
	assert_text(&grant_r.policy, &grant.policy);
	assert_int_equal(event_grant_put(&(struct event_grant){0}, buffer, sizeof(buffer)), 0);
}

static void random_payloads_never_lead_outside(void **state)
{
	uint8_t bytes[96];
	struct record *record;
	struct event_principal principal;
	struct event_room room;
	struct event_session session;
	struct event_view view;
	struct event_refused refused;
	struct event_message message;
	struct event_history history;
	struct event_setting setting;
	struct event_grant grant;
	uint32_t size;

	(void)state;
	srandom(2);
	for (unsigned i = 0; i < 100000; i++) {
		size = (uint32_t)random() % sizeof(bytes);
		/* Mostly small numbers, so that lengths are often nearly right. */
		for (uint32_t k = 0; k < size; k++)
			bytes[k] = (uint8_t)(random() % 3 ? random() % 2 : random());
		record = record_of(bytes, size);
		if (event_principal_get(record, &principal))
			assert_in_range(principal.uri.length + principal.name.length, 0, size);
		if (event_room_get(record, &room))
			assert_in_range(room.name.length + room.description.length, 0, size);
		if (event_session_get(record, &session))
			assert_in_range(session.address.length, 0, size);
		if (event_message_get(record, &message))
			assert_in_range(message.id.length + message.text.length, 0, size);
		if (event_view_get(record, &view))
			assert_in_range(view.request.length, 0, size);
		if (event_refused_get(record, &refused))
			assert_in_range(refused.user.length + refused.address.length, 0, size);
		if (event_setting_get(record, &setting))
			assert_in_range(setting.scope.length + setting.name.length +
						setting.value.length,
					0, size);
		if (event_grant_get(record, &grant))
			assert_in_range(grant.policy.length, 0, size);
		if (event_history_get(record, &history))
			assert_in_range(history.message.text.length, 0, size);
		free(record);
	}
}

static void views_and_refusals_come_out_as_they_were_put_in(void **state)
{
	const struct event_view view = {.kind = VIEW_SEARCH, .request = {"{\"words\":1}", 11}};
	const struct event_refused refused = {
		.code = -32600, .command = 14, .user = {"bob", 3}, .address = {"127.0.0.1:1", 11},
		.method = {"user.add", 8}};
	struct event_refused refused_r;
	struct event_view view_r;
	uint8_t buffer[128];
	uint32_t size = event_view_put(&view, buffer, sizeof(buffer));

	(void)state;
	assert_true(event_view_parse(buffer, size, &view_r));
	assert_int_equal(view_r.kind, VIEW_SEARCH);
	assert_memory_equal(view_r.request.data, view.request.data, view.request.length);
	assert_false(event_view_parse(buffer, size - 1, &view_r));
	buffer[0] = VIEW_KINDS;
	assert_false(event_view_parse(buffer, size, &view_r));
	size = event_refused_put(&refused, buffer, sizeof(buffer));
	assert_true(event_refused_parse(buffer, size, &refused_r));
	assert_int_equal(refused_r.code, -32600);
	assert_int_equal(refused_r.command, 14);
	assert_memory_equal(refused_r.user.data, "bob", 3);
	assert_memory_equal(refused_r.address.data, "127.0.0.1:1", 11);
	assert_int_equal(refused_r.method.length, 8);
	assert_memory_equal(refused_r.method.data, "user.add", 8);
	assert_false(event_refused_parse(buffer, size + 1, &refused_r));
}

static void every_type_has_a_name(void **state)
{
	(void)state;
	for (unsigned type = EVENT_PAD; type < EVENT_TYPES; type++)
		if (type < 21 || type > 23) /* which are not given to any */
			assert_string_not_equal(event_name(type), "unknown");
	assert_string_equal(event_name(0), "unknown");
	assert_string_equal(event_name(EVENT_TYPES), "unknown");
	assert_string_equal(event_name(UINT32_MAX), "unknown");
	assert_string_equal(event_name(EVENT_MESSAGE), "message");
}

static void rooms_come_out_with_the_session_whose_places_are_taken(void **state)
{
	struct event_rooms in = {.count = 2,
				 .from = {.slot = SLOT_WORKER, .generation = 3, .session = 9},
				 .place = {{.room = 1, .flags = EVENT_TAKEN}, {.room = 2}}},
			   out;
	uint8_t buffer[EVENT_ROOMS_SIZE];
	uint32_t size = event_rooms_put(&in, buffer, sizeof(buffer));

	(void)state;
	assert_int_equal(size, event_rooms_size(2));
	assert_true(event_rooms_parse(buffer, size, &out));
	assert_int_equal(out.count, 2);
	assert_memory_equal(&out.from, &in.from, sizeof(in.from));
	assert_memory_equal(out.place, in.place, 2 * sizeof(in.place[0]));
	assert_false(event_rooms_parse(buffer, size - 1, &out));
	assert_int_equal(event_rooms_put(&in, buffer, size - 1), 0);
	in.from.session = 0; /* taken from nobody */
	assert_int_equal(event_rooms_put(&in, buffer, sizeof(buffer)), 0);
	in.from.session = 9;
	in.place[0].flags = EVENT_TAKEN | EVENT_FIRST;
	assert_int_equal(event_rooms_put(&in, buffer, sizeof(buffer)), 0);
	in.place[0].flags = EVENT_NO_ACCESS;
	assert_int_equal(event_rooms_put(&in, buffer, sizeof(buffer)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_user_comes_out_as_it_was_put_in),
		cmocka_unit_test(a_room_comes_out_as_it_was_put_in),
		cmocka_unit_test(categories_and_add_ins_come_out_as_they_were_put_in),
		cmocka_unit_test(roles_are_of_the_kind_of_node_that_has_them),
		cmocka_unit_test(sessions_and_messages_come_out_as_they_were_put_in),
		cmocka_unit_test(the_same_event_gives_the_same_bytes),
		cmocka_unit_test(nothing_over_its_maximum_is_put),
		cmocka_unit_test(a_text_with_a_nul_byte_is_refused_both_ways),
		cmocka_unit_test(a_buffer_that_is_too_small_by_a_byte_is_not_written),
		cmocka_unit_test(a_story_with_a_rich_part_comes_out_as_it_went_in),
		cmocka_unit_test(a_rich_part_and_its_type_come_together),
		cmocka_unit_test(a_payload_cut_off_or_extended_anywhere_is_malformed),
		cmocka_unit_test(history_comes_out_as_it_went_in),
		cmocka_unit_test(settings_and_grants_come_out_as_they_were_put_in),
		cmocka_unit_test(random_payloads_never_lead_outside),
		cmocka_unit_test(views_and_refusals_come_out_as_they_were_put_in),
		cmocka_unit_test(every_type_has_a_name),
		cmocka_unit_test(rooms_come_out_with_the_session_whose_places_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
