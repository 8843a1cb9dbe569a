#include <string.h>

#include "conf/clock.h"
#include "conf/hex.h"
#include "worker/import.h"
#include "worker/json_edit.h"
#include "worker/json_text.h"

/* Lines of an archive, pchat-archive(5): {"line": as it stands there, and what belongs to it}. */

struct parsing {
	const json_t *line, *params;
	struct import_line *out;
	int code; /* CODE_OK, or the first that was wrong */
};

/* --- Members of a line. --- */

static struct text text(struct parsing *p, const char *name, bool required)
{
	struct text value = {"", 0};

	if (p->code == CODE_OK)
		p->code = json_get_text(p->line, name, required, &value);
	return value;
}

static uint64_t number(struct parsing *p, const char *name, bool required)
{
	uint64_t value = 0;

	if (p->code == CODE_OK && required && !json_has(p->line, name))
		p->code = CODE_INVALID_ARGUMENT;
	if (p->code == CODE_OK)
		p->code = json_get_number(p->line, name, 0, INT64_MAX, &value);
	return value;
}

static uint32_t short_number(struct parsing *p, const char *name, bool required)
{
	const uint64_t value = number(p, name, required);

	if (p->code == CODE_OK && value > UINT32_MAX)
		p->code = CODE_INVALID_ARGUMENT;
	return (uint32_t)value;
}

static bool flag(struct parsing *p, const char *name)
{
	bool value = false;

	if (p->code == CODE_OK)
		p->code = json_get_bool(p->line, name, &value);
	return value;
}

static uint64_t moment(struct parsing *p, const char *name)
{
	const struct text value = text(p, name, true);
	uint64_t utc = 0;

	if (p->code == CODE_OK && !clock_parse(value.data, value.length, &utc))
		p->code = CODE_INVALID_ARGUMENT;
	return utc;
}

static unsigned word(struct parsing *p, const char *name, const char *const *words, unsigned count)
{
	unsigned index = count;

	if (p->code == CODE_OK)
		p->code = json_get_word(p->line, name, words, count, &index);
	if (index == count)
		p->code = CODE_INVALID_ARGUMENT;
	return index == count ? 0 : index;
}

static void uuid(struct parsing *p, const char *name, uint8_t uuid_r[16])
{
	const struct text value = text(p, name, true);

	if (p->code == CODE_OK && !hex_uuid_decode(value.data, value.length, uuid_r))
		p->code = CODE_INVALID_ARGUMENT;
}

static void node(struct parsing *p, const char *name)
{
	uuid(p, name, p->out->node);
	p->out->has_node = true;
}

/* A member of the parameters beside the line. */
static struct text beside(struct parsing *p, const char *name)
{
	struct text value = {"", 0};

	if (p->code == CODE_OK)
		p->code = json_get_text(p->params, name, false, &value);
	return value;
}

/* --- Lines, by their first member. --- */

static const char *const states[] = {"active", "disabled", "deleted"};

static void take_user(struct parsing *p)
{
	p->out->principal = (struct event_principal){
		.kind = PRINCIPAL_USER,
		.uri = text(p, "user", true),
		.name = text(p, "name", true),
		.state = (uint16_t)word(p, "state", states, 3),
		.epoch = short_number(p, "epoch", false),
	};
}

static void take_group(struct parsing *p)
{
	static const char *const words[] = {"group", "folder", "domain"};
	static const uint16_t kinds[] = {PRINCIPAL_GROUP, PRINCIPAL_FOLDER, PRINCIPAL_DOMAIN};

	p->out->principal = (struct event_principal){
		.kind = kinds[word(p, "kind", words, 3)],
		.uri = text(p, "group", true),
		.name = text(p, "name", true),
		.state = (uint16_t)word(p, "state", states, 3),
	};
}

static void take_member(struct parsing *p)
{
	p->out->user = text(p, "member", true);
	p->out->other = text(p, "of", true);
	p->out->affiliation.present = 1;
}

static void take_category(struct parsing *p)
{
	static const struct {
		const char *name;
		enum category_flag flag;
	} flags[] = {
		{"invitations", CATEGORY_INVITATIONS},
		{"files", CATEGORY_FILES},
		{"history", CATEGORY_HISTORY},
		{"authors_remove", CATEGORY_AUTHORS_REMOVE},
		{"members_leave", CATEGORY_MEMBERS_LEAVE},
		{"requests", CATEGORY_REQUESTS},
	};
	struct event_category *category = &p->out->category;

	uuid(p, "category", category->uuid);
	category->name = text(p, "name", true);
	category->description = text(p, "description", true);
	category->created = moment(p, "created");
	category->revision = number(p, "revision", true);
	for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (flag(p, flags[i].name))
			category->flags |= (uint32_t)flags[i].flag;
}

static void take_addin(struct parsing *p)
{
	uuid(p, "addin", p->out->addin.uuid);
	p->out->addin.name = text(p, "name", true);
	p->out->addin.url = text(p, "url", true);
}

/* "filling": its messages are to come. */
static void take_room(struct parsing *p)
{
	static const char *const privacies[] = {"open", "closed", "secret"};
	static const uint8_t privacy[] = {PRIVACY_OPEN, PRIVACY_CLOSED, PRIVACY_SECRET};
	static const char *const types[] = {"normal", "auditorium"};
	struct event_room *room = &p->out->room;
	bool filling = false;

	uuid(p, "room", room->uuid);
	uuid(p, "category", p->out->of_category);
	room->name = text(p, "name", true);
	room->description = text(p, "description", true);
	room->privacy = privacy[word(p, "privacy", privacies, 3)];
	room->behavior = word(p, "type", types, 2) == 0 ? BEHAVIOR_NORMAL : BEHAVIOR_AUDITORIUM;
	room->invitations = flag(p, "invitations");
	room->created = moment(p, "created");
	room->revision = number(p, "revision", true);
	room->disabled = flag(p, "disabled");
	p->out->category_name = beside(p, "category");
	p->out->addin_name = beside(p, "addin");
	if (p->code == CODE_OK)
		p->code = json_get_bool(p->params, "filling", &filling);
	if (filling) {
		room->revision = 0;
		room->disabled = 1;
	}
}

static void take_role(struct parsing *p)
{
	static const char *const words[] = {"allowed", "denied",  "creator",
					    "member",  "manager", "presenter"};
	const bool in_room = json_has(p->line, "room");

	p->out->role = (struct event_role){
		.kind = in_room ? NODE_ROOM : NODE_CATEGORY,
		.role = (uint8_t)(word(p, "role", words, 6) + ROLE_ALLOWED),
		.present = 1,
	};
	node(p, in_room ? "room" : "category");
	p->out->category_name = beside(p, "category");
	p->out->user = text(p, "who", true);
}

static void take_invited(struct parsing *p)
{
	p->out->user = text(p, "invited", true);
	p->out->person = (struct event_person){
		.number = number(p, "last", true),
		.time = number(p, "read", true),
		.what = PERSON_STATE,
	};
}

static void take_invitation(struct parsing *p)
{
	p->out->user = text(p, "invitation", true);
	p->out->other = text(p, "from", false);
	p->out->person = (struct event_person){
		.number = number(p, "number", true),
		.time = moment(p, "time"),
		.what = PERSON_PUT,
	};
	node(p, "room");
}

static void take_feed(struct parsing *p)
{
	static const char *const words[] = {"all", "any", "phrase"};
	static const uint8_t flags[] = {0, FEED_ANY, FEED_PHRASE};

	p->out->user = text(p, "feed", true);
	p->out->other = text(p, "from", false);
	p->out->person = (struct event_person){
		.item = short_number(p, "number", true),
		.what = PERSON_PUT,
		.flags = flags[word(p, "match", words, 3)],
		.name = text(p, "name", true),
		.text = text(p, "words", true),
	};
	if (flag(p, "ego"))
		p->out->person.flags |= FEED_EGO;
	if (json_has(p->line, "room"))
		node(p, "room");
}

static void take_request(struct parsing *p)
{
	p->out->user = text(p, "request", true);
	p->out->person = (struct event_person){
		.time = moment(p, "time"),
		.what = PERSON_PUT,
		.text = text(p, "reason", true),
	};
	node(p, "room");
}

static void take_marker(struct parsing *p)
{
	p->out->user = text(p, "marker", true);
	p->out->person =
		(struct event_person){.number = number(p, "seq", true), .what = PERSON_PUT};
	node(p, "room");
}

static void take_after(struct parsing *p)
{
	uint64_t after = 0;

	if (p->code == CODE_OK)
		p->code = json_get_number(p->params, "after", 0, INT64_MAX, &after);
	p->out->head.after = after;
}

/* The end of a room's messages. */
static void take_history(struct parsing *p)
{
	node(p, "history");
	p->out->head.seq = number(p, "last_seq", true);
	p->out->head.revision = number(p, "revision", true);
	p->out->head.disabled = flag(p, "disabled");
	p->out->history = (struct event_history){.what = HISTORY_END,
						 .removals = number(p, "removals", true)};
	take_after(p);
}

static void take_message(struct parsing *p)
{
	const struct text room = beside(p, "room");

	if (p->code == CODE_OK && !hex_uuid_decode(room.data, room.length, p->out->node))
		p->code = CODE_INVALID_ARGUMENT;
	p->out->has_node = true;
	p->out->other = text(p, "from", false);
	p->out->head.seq = number(p, "message", true);
	p->out->flags = (uint16_t)((flag(p, "alert") ? EVENT_ALERT : 0) |
				   (flag(p, "replaced") ? EVENT_REPLACED : 0));
	p->out->history = (struct event_history){
		.what = HISTORY_MESSAGE,
		.time = moment(p, "time"),
		.message = {.id = text(p, "id", false),
			    .title = text(p, "title", false),
			    .text = text(p, "text", true),
			    .rich_type = text(p, "rich_type", false),
			    .rich = text(p, "rich", false)},
	};
	take_after(p);
}

static void sha256(struct parsing *p, const char *name, uint8_t hash_r[FILE_HASH])
{
	const struct text value = text(p, name, true);

	if (p->code == CODE_OK && !hex_decode(value.data, value.length, hash_r, 32))
		p->code = CODE_INVALID_ARGUMENT;
}

static void take_file(struct parsing *p)
{
	struct event_file *file = &p->out->file;

	uuid(p, "file", file->uuid);
	sha256(p, "sha256", file->sha256);
	file->size = number(p, "size", true);
	file->time = moment(p, "time");
	file->name = text(p, "name", true);
	file->type = text(p, "type", false);
	p->out->other = text(p, "from", false);
	node(p, "room");
}

/* By scope; or of a category, which may have another scope here. */
static void take_setting(struct parsing *p)
{
	static const char *const words[] = {"config", "policy",	  "endpoint",
					    "pool",   "topology", "retention"};
	const bool of_category = json_has(p->line, "category");

	p->out->setting = (struct event_setting){
		.kind = (uint8_t)(word(p, "setting", words, 6) + SCOPED_CONFIG),
		.present = 1,
		.scope = text(p, "scope", !of_category),
		.name = text(p, "name", true),
		.value = text(p, "value", true),
	};
	if (of_category)
		node(p, "category");
	p->out->category_name = beside(p, "category");
}

static void take_grant(struct parsing *p)
{
	p->out->user = text(p, "grant", true);
	p->out->grant = (struct event_grant){.policy = text(p, "policy", true)};
}

static const struct {
	const char *member;
	uint16_t type;
	void (*take)(struct parsing *p);
} kinds[] = {
	{"user", EVENT_PRINCIPAL, take_user},
	{"group", EVENT_PRINCIPAL, take_group},
	{"member", EVENT_AFFILIATION, take_member},
	{"category", EVENT_CATEGORY, take_category},
	{"addin", EVENT_ADDIN, take_addin},
	{"room", EVENT_ROOM, take_room},
	{"role", EVENT_ROLE, take_role},
	{"invited", EVENT_INVITATION, take_invited},
	{"invitation", EVENT_INVITATION, take_invitation},
	{"feed", EVENT_FEED, take_feed},
	{"request", EVENT_ACCESS_REQUEST, take_request},
	{"history", EVENT_HISTORY, take_history},
	{"message", EVENT_HISTORY, take_message},
	{"marker", EVENT_MARKER, take_marker},
	{"setting", EVENT_SETTING, take_setting},
	{"grant", EVENT_GRANT, take_grant},
	{"file", EVENT_FILE, take_file},
};

static int data_import(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct import_line line = {0};
	struct parsing p = {
		.line = json_object_get(params, "line"), .params = params, .out = &line};
	struct text kind = {"", 0};
	bool check = false;

	if (!json_is_object(p.line))
		return CODE_INVALID_ARGUMENT;
	p.code = json_get_text(params, "kind", true, &kind);
	if (p.code == CODE_OK)
		p.code = json_get_bool(params, "check", &check);
	line.head.check = check;
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && p.code == CODE_OK; i++) {
		if (strcmp(kinds[i].member, kind.data) != 0)
			continue;
		line.type = kinds[i].type;
		kinds[i].take(&p);
	}
	if (p.code == CODE_OK && line.type == 0)
		p.code = CODE_INVALID_ARGUMENT;
	if (p.code == CODE_OK)
		chat_import(&peer->session, id, &line);
	return p.code;
}

const struct json_method json_import_methods[] = {
	{"data.import", JSON_LOCAL, data_import},
	{NULL, JSON_ANYBODY, NULL},
};
