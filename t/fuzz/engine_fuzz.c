/*
 * Bytes as commands of processes that have been taken over: well-formed, nearly well-formed and not
 * at all, to a cache that is soon full. The engine goes on, its tables stay sound, and the events that
 * it wrote give the same cache again.
 */
#include <string.h>

#include "fuzz.h"
#include "shm/apply.h"
#include "t/fuzz/engine_stage.h"

enum { STEPS = 120 };

struct input {
	const uint8_t *at;
	size_t left;
};

static uint8_t take(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

/* Mostly one that there may be. */
static uint32_t take_id(struct input *in)
{
	static const uint32_t odd[] = {PRINCIPAL_ANY_USER, UINT32_MAX - 1, 1u << 31, 65536};
	const uint8_t id = take(in);

	return id >= 252 ? odd[id - 252] : id % 8;
}

static uint64_t take_number(struct input *in)
{
	static const uint64_t odd[] = {UINT64_MAX, INT64_MAX, (uint64_t)INT64_MAX + 1, 1ull << 53,
				       1ull << 32, 1ull << 20};
	const uint8_t number = take(in);

	return number >= 250 ? odd[number - 250] : number % 8;
}

/* One of a few names, so that they meet; or of a length at which something changes; or no text. */
static struct text take_text(struct input *in)
{
	static const char *const names[] = {
		"",	   "n",	      "General", "lobby",  "Lobby",	"sip:alice@example.test",
		"enabled", "yes",     "no",	 "global", "tag:one",	"one",
		"age",	   "1d",      "http://a/", "state", "normal",	"published",
		"history", "30",      "name",	 "\xff",   "\xc3\xa9",	"pool:example.test",
		"sip:a@b", "a/b",     "..",	 "a\nb",   "document",	"site:berlin",
		"5",	   "text/plain"};
	static const uint16_t lengths[] = {41, 60, 61, 64, 127, 128, 256, 257, 300, 454, 512, 1024};
	static char as[1024], bs[1024];
	const uint8_t chosen = take(in);
	const uint8_t count = sizeof(names) / sizeof(names[0]);

	if (as[0] == 0) {
		memset(as, 'a', sizeof(as));
		memset(bs, 'B', sizeof(bs));
	}
	if (chosen < 2 * count)
		return (struct text){names[chosen % count], (uint32_t)strlen(names[chosen % count])};
	if (chosen < 128)
		return (struct text){as, chosen % 5 + 1u};
	return (struct text){chosen & 1 ? as : bs,
			     lengths[chosen % (sizeof(lengths) / sizeof(lengths[0]))]};
}

/* --- Payloads: well-formed ones of every event. --- */

static void take_uuid(struct input *in, uint8_t uuid[16])
{
	memset(uuid, 0, 16);
	uuid[0] = take(in) % 8;
}

static uint32_t put_principal(struct input *in, uint8_t *out)
{
	static const uint16_t kinds[] = {PRINCIPAL_USER, PRINCIPAL_GROUP, PRINCIPAL_FOLDER, 7};
	const struct event_principal event = {.id = take_id(in),
					      .kind = kinds[take(in) % 4],
					      .state = take(in) % 3,
					      .epoch = take_id(in),
					      .uri = take_text(in),
					      .name = take_text(in)};

	return event_principal_put(&event, out, STAGE_PAYLOAD / 2);
}

static uint32_t put_room(struct input *in, uint8_t *out)
{
	static const uint8_t privacies[] = {PRIVACY_OPEN, PRIVACY_CLOSED, PRIVACY_SECRET};
	const uint8_t bits = take(in);
	struct event_room event = {.id = take_id(in),
				   .disabled = bits & 1,
				   .invitations = bits >> 1 & 1,
				   .behavior = bits & 4 ? BEHAVIOR_AUDITORIUM : BEHAVIOR_NORMAL,
				   .privacy = privacies[(bits >> 3) % 3],
				   .category = take_id(in),
				   .addin = take_id(in),
				   .created = take_number(in),
				   .revision = take_number(in),
				   .name = take_text(in),
				   .description = take_text(in)};

	take_uuid(in, event.uuid);
	return event_room_put(&event, out, STAGE_PAYLOAD / 2);
}

static uint32_t put_category(struct input *in, uint8_t *out)
{
	struct event_category event = {.id = take_id(in),
				       .flags = take(in) & CATEGORY_FLAGS,
				       .created = take_number(in),
				       .revision = take_number(in),
				       .name = take_text(in),
				       .description = take_text(in)};

	take_uuid(in, event.uuid);
	return event_category_put(&event, out, STAGE_PAYLOAD / 2);
}

static uint32_t put_addin(struct input *in, uint8_t *out)
{
	struct event_addin event = {
		.id = take_id(in), .name = take_text(in), .url = take_text(in)};

	take_uuid(in, event.uuid);
	return event_addin_put(&event, out, STAGE_PAYLOAD / 2);
}

static uint32_t put_role(struct input *in, uint8_t *out)
{
	const struct event_role event = {.kind = 1 + take(in) % 2,
					 .role = 1 + take(in) % 6,
					 .present = take(in) % 2,
					 .node = take_id(in),
					 .principal = take_id(in)};

	return event_role_put(&event, out, STAGE_PAYLOAD / 2);
}

static uint32_t put_affiliation(struct input *in, uint8_t *out)
{
	const struct event_affiliation event = {take_id(in), take_id(in), take(in) % 2};

	return event_affiliation_put(&event, out, STAGE_PAYLOAD / 2);
}

static uint32_t put_removed(struct input *in, uint8_t *out)
{
	const struct event_removed event = {.kind = 1 + take(in) % 3, .id = take_id(in)};

	return event_removed_put(&event, out, STAGE_PAYLOAD / 2);
}

static uint32_t put_person(struct input *in, uint8_t *out)
{
	const struct event_person event = {.principal = take_id(in),
					   .item = take_id(in),
					   .who = take_id(in),
					   .room = take_id(in),
					   .number = take_number(in),
					   .time = take_number(in),
					   .what = 1 + take(in) % 6,
					   .flags = take(in) % 8,
					   .name = take_text(in),
					   .text = take_text(in)};

	return event_person_put(&event, out, STAGE_PAYLOAD / 2);
}

static uint32_t put_setting(struct input *in, uint8_t *out)
{
	const struct event_setting event = {.kind = 1 + take(in) % 6,
					    .present = take(in) % 2,
					    .scope = take_text(in),
					    .name = take_text(in),
					    .value = take_text(in)};

	return event_setting_put(&event, out, STAGE_PAYLOAD / 2);
}

static uint32_t put_grant(struct input *in, uint8_t *out)
{
	const struct event_grant event = {.principal = take_id(in), .policy = take_text(in)};

	return event_grant_put(&event, out, STAGE_PAYLOAD / 2);
}

static struct event_message take_message(struct input *in)
{
	const struct text rich = take_text(in);

	return (struct event_message){.id = take_text(in),
				      .title = take_text(in),
				      .text = take_text(in),
				      .rich_type = rich.length ? take_text(in) : rich,
				      .rich = rich};
}

static uint32_t put_message(struct input *in, uint8_t *out)
{
	const struct event_message event = take_message(in);

	return event_message_put(&event, out, STAGE_PAYLOAD / 2);
}

static uint32_t put_history(struct input *in, uint8_t *out)
{
	const struct event_history event = {.what = 1 + take(in) % 2,
					    .author = take_id(in),
					    .time = take_number(in),
					    .removals = take_number(in),
					    .message = take_message(in)};

	return event_history_put(&event, out, STAGE_PAYLOAD / 2);
}

static uint32_t put_replacement(struct input *in, uint8_t *out)
{
	const struct event_replacement event = {.author = take_id(in), .text = take_text(in)};

	return event_replacement_put(&event, out, STAGE_PAYLOAD / 2);
}

static uint32_t put_view(struct input *in, uint8_t *out)
{
	const struct event_view event = {.kind = 1 + take(in) % 6, .request = take_text(in)};

	return event_view_put(&event, out, STAGE_PAYLOAD / 2);
}

static uint32_t put_refused(struct input *in, uint8_t *out)
{
	const struct event_refused event = {.code = take(in),
					    .command = take(in),
					    .user = take_text(in),
					    .address = take_text(in)};

	return event_refused_put(&event, out, STAGE_PAYLOAD / 2);
}

static uint32_t put_file(struct input *in, uint8_t *out)
{
	struct event_file event = {.size = take_number(in),
				   .time = take_number(in),
				   .author = take_id(in),
				   .name = take_text(in),
				   .type = take_text(in)};

	take_uuid(in, event.uuid);
	take_uuid(in, event.token_hash);
	take_uuid(in, event.sha256);
	return event_file_put(&event, out, STAGE_PAYLOAD / 2);
}

static uint32_t put_session(struct input *in, uint8_t *out)
{
	const struct event_session event = {.address = take_text(in), .name = take_text(in)};

	return event_session_put(&event, out, STAGE_PAYLOAD / 2);
}

/* --- What stands before an event. --- */

static uint32_t put_bytes(uint8_t *out, const void *bytes, size_t size)
{
	memcpy(out, bytes, size);
	return (uint32_t)size;
}

static uint32_t put_change(struct input *in, uint8_t *out)
{
	const struct command_change change = {.if_revision = take(in) < 224 ? 0 : take_number(in),
					      .fields = (uint32_t)(take(in) | take(in) << 8),
					      .mask = take(in)};

	return put_bytes(out, &change, sizeof(change));
}

static uint32_t put_roles(struct input *in, uint8_t *out)
{
	struct command_roles head = {.kind = 1 + take(in) % 2,
				     .replace = take(in) < 128 ? 0 : take(in),
				     .count = take(in) % 5,
				     .node = take_id(in)};
	uint32_t size = put_change(in, out);

	size += put_bytes(out + size, &head, sizeof(head));
	for (unsigned i = 0; i < head.count; i++) {
		const struct command_role role = {
			.principal = take_id(in), .role = 1 + take(in) % 6, .present = take(in) % 2};

		size += put_bytes(out + size, &role, sizeof(role));
	}
	return size;
}

static uint32_t put_members(struct input *in, uint8_t *out)
{
	struct command_members head = {
		.group = take_id(in), .count = take(in) % 5, .replace = take(in) % 2};
	uint32_t size = put_change(in, out);

	size += put_bytes(out + size, &head, sizeof(head));
	for (unsigned i = 0; i < head.count; i++) {
		const struct command_member member = {take_id(in), take(in) % 2};

		size += put_bytes(out + size, &member, sizeof(member));
	}
	return size;
}

static uint32_t put_message_remove(struct input *in, uint8_t *out)
{
	const struct command_message_remove head = {.count = take(in) % 4};
	uint32_t size = put_bytes(out, &head, sizeof(head));

	for (uint32_t i = 0; i < head.count; i++) {
		const uint64_t number = take_number(in);

		size += put_bytes(out + size, &number, sizeof(number));
	}
	return size + put_replacement(in, out + size);
}

static uint32_t put_views(struct input *in, uint8_t *out)
{
	const struct command_view head = {.count = take(in) % 4};
	uint32_t size = put_bytes(out, &head, sizeof(head));

	for (uint32_t i = 0; i < head.count; i++) {
		const uint32_t room = take_id(in);

		size += put_bytes(out + size, &room, sizeof(room));
	}
	return size + put_view(in, out + size);
}

static uint32_t put_settings(struct input *in, uint8_t *out)
{
	const struct command_settings head = {.what = 1 + take(in) % 3,
					      .check = take(in) > 250,
					      .count = 1 + take(in) % 3};
	uint32_t size = put_bytes(out, &head, sizeof(head));

	for (uint32_t i = 0; i < head.count; i++) {
		const uint32_t one = put_setting(in, out + size + sizeof(one));

		size += put_bytes(out + size, &one, sizeof(one)) + one;
	}
	return size;
}

static uint32_t put_purge(struct input *in, uint8_t *out)
{
	const struct command_purge purge = {.through = take_number(in)};

	return put_bytes(out, &purge, sizeof(purge));
}

static uint32_t put_rekey(struct input *in, uint8_t *out)
{
	const struct command_rekey rekey = {.principal = take_id(in)};

	return put_bytes(out, &rekey, sizeof(rekey));
}

static uint32_t put_session_open(struct input *in, uint8_t *out)
{
	const struct command_session who = {.principal = take_id(in), .epoch = take(in) % 2};
	const uint32_t size = put_bytes(out, &who, sizeof(who));

	return size + put_session(in, out + size);
}

static uint32_t put_fill(struct input *in, uint8_t *out)
{
	const struct command_fill fill = {.seq = take_number(in),
					  .time = take_number(in),
					  .asked = take_number(in) << 16,
					  .author = take_id(in),
					  .flags = take(in) & 1 ? EVENT_GONE : 0};
	const uint32_t size = put_bytes(out, &fill, sizeof(fill));

	return size + put_message(in, out + size);
}

typedef uint32_t put_fn(struct input *in, uint8_t *out);

static uint32_t put_import(struct input *in, uint8_t *out)
{
	static const struct {
		uint16_t type;
		put_fn *put;
	} parts[] = {
		{EVENT_PRINCIPAL, put_principal}, {EVENT_AFFILIATION, put_affiliation},
		{EVENT_CATEGORY, put_category},	  {EVENT_ADDIN, put_addin},
		{EVENT_ROOM, put_room},		  {EVENT_ROLE, put_role},
		{EVENT_INVITATION, put_person},	  {EVENT_MARKER, put_person},
		{EVENT_FEED, put_person},	  {EVENT_ACCESS_REQUEST, put_person},
		{EVENT_HISTORY, put_history},	  {EVENT_SETTING, put_setting},
		{EVENT_GRANT, put_grant},	  {EVENT_FILE, put_file},
	};
	const unsigned part = take(in) % (sizeof(parts) / sizeof(parts[0]));
	const struct command_import head = {.type = parts[part].type,
					    .check = take(in) > 240,
					    .disabled = take(in) % 2,
					    .seq = take_number(in),
					    .after = take_number(in),
					    .revision = take_number(in)};
	const uint32_t size = put_bytes(out, &head, sizeof(head));

	return size + parts[part].put(in, out + size);
}

/* --- Commands. --- */

static uint32_t put_none(struct input *in, uint8_t *out)
{
	(void)in;
	(void)out;
	return 0;
}

static uint32_t put_rooms(struct input *in, uint8_t *out)
{
	struct event_rooms event = {.count = 1 + take(in) % 8u};

	for (uint32_t i = 0; i < event.count; i++)
		event.place[i] = (struct event_place){.room = 1 + take_id(in)};
	return event_rooms_put(&event, out, EVENT_ROOMS_SIZE);
}

/* What nobody would send. */
static uint32_t put_rubbish(struct input *in, uint8_t *out)
{
	uint32_t size = take(in), done = 0;

	while (done < size && in->left > 0)
		out[done++] = take(in);
	return done;
}

static const struct {
	uint16_t type;
	uint8_t mail_slot;
	bool change; /* a struct command_change comes first */
	put_fn *put;
} commands[] = {
	{COMMAND_MESSAGE, SLOT_WORKER, false, put_message},
	{COMMAND_JOIN, SLOT_WORKER, false, put_none},
	{COMMAND_LEAVE, SLOT_WORKER, false, put_none},
	{COMMAND_SESSION_CLOSE, SLOT_WORKER, false, put_none},
	{COMMAND_PRINCIPAL, SLOT_WORKER, true, put_principal},
	{COMMAND_ROOM, SLOT_WORKER, true, put_room},
	{COMMAND_CATEGORY, SLOT_WORKER, true, put_category},
	{COMMAND_ADDIN, SLOT_WORKER, true, put_addin},
	{COMMAND_ROLES, SLOT_WORKER, false, put_roles},
	{COMMAND_MEMBERS, SLOT_WORKER, false, put_members},
	{COMMAND_REMOVE, SLOT_WORKER, true, put_removed},
	{COMMAND_MESSAGE_REMOVE, SLOT_WORKER, false, put_message_remove},
	{COMMAND_PURGE, SLOT_WORKER, false, put_purge},
	{COMMAND_INVITATION_READ, SLOT_WORKER, false, put_person},
	{COMMAND_MARKER, SLOT_WORKER, false, put_person},
	{COMMAND_FEED, SLOT_WORKER, false, put_person},
	{COMMAND_ACCESS, SLOT_WORKER, false, put_person},
	{COMMAND_QUIT, SLOT_WORKER, false, put_none},
	{COMMAND_VIEW, SLOT_WORKER, false, put_views},
	{COMMAND_SETTING, SLOT_WORKER, false, put_settings},
	{COMMAND_GRANT, SLOT_WORKER, false, put_grant},
	{COMMAND_IMPORT, SLOT_WORKER, false, put_import},
	{COMMAND_FILE_UPLOAD, SLOT_WORKER, false, put_file},
	{COMMAND_FILE_STORED, SLOT_FILE, false, put_file},
	{COMMAND_FILE_READ, SLOT_FILE, false, put_file},
	{COMMAND_FILE_REMOVE, SLOT_FILE, false, put_file},
	{COMMAND_SESSION_OPEN, SLOT_AUTH, false, put_session_open},
	{COMMAND_REKEY, SLOT_AUTH, false, put_rekey},
	{COMMAND_REFUSED, SLOT_AUTH, false, put_refused},
	{COMMAND_REFUSED, SLOT_WORKER, false, put_refused},
	{COMMAND_RETAIN, SLOT_STORE, false, put_purge},
	{COMMAND_FILL, SLOT_READER, false, put_fill},
	{COMMAND_JOIN_ROOMS, SLOT_WORKER, false, put_rooms},
	{0, SLOT_WORKER, false, put_rubbish},
};
enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static unsigned mail_slot_of(unsigned slot, uint8_t odd)
{
	if (odd < 240)
		return slot == SLOT_WORKER ? SLOT_WORKER + (odd > 200) : slot;
	return odd % SLOTS;
}

static void fill_head(struct input *in, struct command *head)
{
	static const uint16_t flags[] = {
		0, COMMAND_LOST, EVENT_ALERT, EVENT_REPLACED, EVENT_ADMIN,
		EVENT_ADMIN | EVENT_READER, 0xffff, 64};
	const uint8_t slot = take(in);

	head->room = take_id(in);
	head->flags = flags[take(in) % (sizeof(flags) / sizeof(flags[0]))];
	head->origin = (struct origin){.slot = (uint16_t)(SLOT_WORKER + (slot > 200)),
				       .session = 1 + take_id(in),
				       .request = take(in)};
	if (slot > 250)
		head->origin.slot = slot;
	if (head->origin.slot >= SLOTS)
		head->origin.slot = SLOTS - 1;
}

/* What is nobody's command. */
static void happen(struct stage *stage, uint8_t what)
{
	if (what > 200)
		stage_end_lost(stage);
	else
		stage_replace_worker(stage, SLOT_WORKER + what % 2);
}

static void step(struct stage *stage, struct input *in)
{
	const unsigned chosen = take(in) % (COMMANDS + 1);
	uint8_t *payload = stage_payload(stage);
	uint32_t size = 0;
	unsigned mail_slot;

	if (chosen == COMMANDS) {
		happen(stage, take(in));
		return;
	}
	mail_slot = mail_slot_of(commands[chosen].mail_slot, take(in));
	fill_head(in, &stage->mail.command);
	stage->mail.command.type = commands[chosen].type;
	if (commands[chosen].type == 0)
		stage->mail.command.type = take(in) % 48;
	if (commands[chosen].change)
		size = put_change(in, payload);
	size += commands[chosen].put(in, payload + size);
	/* Cut off, or with more behind it. */
	if (take(in) == 255)
		size = size / 2 + take(in);
	if (commands[chosen].type == COMMAND_FILL) {
		stage->mail.command.payload = size;
		engine_fill(&stage->engine, &stage->shared, &stage->mail.command);
	} else {
		stage_send(stage, mail_slot, size);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stage stage;
	struct input in = {data, size};

	if (!stage.events)
		stage_init(&stage);
	stage_reset(&stage);
	for (unsigned i = 0; i < STEPS && in.left > 0; i++)
		step(&stage, &in);
	stage_check(&stage);
	return 0;
}
