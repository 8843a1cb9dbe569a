#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/code.h"
#include "conf/hex.h"
#include "daemon/ctl_status.h"
#include "daemon/store_object.h"
#include "odbc/content_file.h"

/*
 * pchatctl data verify: whether the database and the running server's cache say the same. What was
 * applied may not be stored yet, and either may change while it is looked at. So the store is
 * waited for, what differs is looked at again, and only what differs each time counts.
 *
 * The database's rows come as the events that would make them (store_object.h): each is compared
 * with the cache and its id is marked; then the cache is walked for what has no mark.
 */
enum {
	PASSES = 3,
	TRIES = 5, /* where the database is busy */
	PAUSE_US = 200000,
	STORE_US = 20000000, /* how long the store may take to catch up */
	SHOWN = 1000,	     /* differences that are kept */
	LIST_MAX = 100000,   /* roles of one node, groups of one principal */
	RECENT = 50,	     /* messages of a room that are compared */
};

enum mark { PRINCIPALS, CATEGORIES, ADDINS, ROOMS, MEMBERS, CATEGORY_ROLES, ROOM_ROLES, MARKS };

struct verify {
	const struct ctl *ctl;
	struct ctl_view view;
	struct db *db;
	json_t *found; /* owned: what differs, and how */
	uint64_t rows;
	struct {
		uint8_t *bits; /* owned: a bit for each id */
		uint64_t ids;
	} mark[MARKS];

	/* Lists of the cache that were read last; owned. */
	struct role_view *role;
	uint32_t roles, role_node;
	uint8_t role_kind;
	uint32_t *group, groups, group_member;
	uint32_t people[EVENT_TYPES]; /* rows that both have, by type of event */
	uint32_t settings, grants;    /* the same, of these */
	struct message_view recent[RECENT];
	char *texts;
	size_t texts_size;
};

__attribute__((format(printf, 4, 5))) static void differs(struct verify *v, const char *kind,
							  uint32_t id, const char *fmt, ...)
{
	char what[96], how[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(how, sizeof(how), fmt, ap);
	va_end(ap);
	snprintf(what, sizeof(what), "%s %" PRIu32, kind, id);
	if (json_object_size(v->found) < SHOWN)
		json_object_set_new(v->found, what, json_string(how));
}

/* --- Marks. --- */

static void mark(struct verify *v, enum mark kind, uint32_t id)
{
	if (id < v->mark[kind].ids)
		v->mark[kind].bits[id / 8] |= (uint8_t)(1 << id % 8);
}

static bool is_marked(const struct verify *v, enum mark kind, uint32_t id)
{
	return id < v->mark[kind].ids && (v->mark[kind].bits[id / 8] & 1 << id % 8);
}

static bool same(struct text stored, const char *cached, size_t length)
{
	return stored.length == length && (length == 0 || memcmp(stored.data, cached, length) == 0);
}

/* --- Row by row. --- */

static void on_principal(struct verify *v, const struct store_object *object)
{
	struct event_principal row;
	struct principal_view cached;

	if (!event_principal_parse(object->payload, object->size, &row))
		return;
	mark(v, PRINCIPALS, row.id);
	if (cache_principal(v->view.cache, row.id, &cached) != CODE_OK)
		differs(v, "principal", row.id, "is in the database only");
	else if (cached.kind != row.kind || cached.state != row.state ||
		 cached.epoch != row.epoch || !same(row.uri, cached.uri, cached.uri_length) ||
		 !same(row.name, cached.name, cached.name_length))
		differs(v, "principal", row.id, "has other properties in the database");
}

static void on_category(struct verify *v, const struct store_object *object)
{
	struct event_category row;
	struct category_view cached;

	if (!event_category_parse(object->payload, object->size, &row))
		return;
	mark(v, CATEGORIES, row.id);
	if (cache_category(v->view.cache, row.id, &cached) != CODE_OK)
		differs(v, "category", row.id, "is in the database only");
	else if (memcmp(cached.uuid, row.uuid, sizeof(row.uuid)) != 0 ||
		 cached.flags != row.flags || cached.revision != row.revision ||
		 !same(row.name, cached.name, cached.name_length) ||
		 !same(row.description, cached.description, cached.description_length))
		differs(v, "category", row.id, "has other properties in the database");
}

static void on_addin(struct verify *v, const struct store_object *object)
{
	struct event_addin row;
	struct addin_view cached;

	if (!event_addin_parse(object->payload, object->size, &row))
		return;
	mark(v, ADDINS, row.id);
	if (cache_addin(v->view.cache, row.id, &cached) != CODE_OK)
		differs(v, "add-in", row.id, "is in the database only");
	else if (!same(row.name, cached.name, cached.name_length) ||
		 !same(row.url, cached.url, cached.url_length))
		differs(v, "add-in", row.id, "has other properties in the database");
}

static bool is_same_room(const struct event_room *row, const struct room_view *cached)
{
	return memcmp(cached->uuid, row->uuid, sizeof(row->uuid)) == 0 &&
	       cached->disabled == (row->disabled != 0) && cached->category == row->category &&
	       cached->addin == row->addin && cached->privacy == row->privacy &&
	       cached->behavior == row->behavior && cached->invitations == row->invitations &&
	       cached->revision == row->revision &&
	       same(row->name, cached->name, cached->name_length) &&
	       same(row->description, cached->description, cached->description_length);
}

static void on_room(struct verify *v, const struct store_object *object)
{
	struct event_room row;
	struct room_view cached;

	if (!event_room_parse(object->payload, object->size, &row))
		return;
	mark(v, ROOMS, row.id);
	if (cache_room(v->view.cache, row.id, &cached) != CODE_OK)
		differs(v, "room", row.id, "is in the database only");
	else if (!is_same_room(&row, &cached))
		differs(v, "room", row.id, "has other properties in the database");
	else if (cached.last_seq != object->last_seq)
		differs(v, "room", row.id, "has %" PRIu64 " messages, in the database %" PRIu64,
			cached.last_seq, object->last_seq);
	else if (cached.removals != object->removals)
		differs(v, "room", row.id, "has %" PRIu64 " removals, in the database %" PRIu64,
			cached.removals, object->removals);
}

/* What is left of the lists that were read when the rows about them have all come. */
static void finish_roles(struct verify *v)
{
	for (uint32_t i = 0; i < v->roles && i < LIST_MAX; i++)
		if (v->role[i].roles != 0)
			differs(v, v->role_kind == NODE_ROOM ? "room" : "category", v->role_node,
				"does not give principal %" PRIu32 " all its roles in the database",
				v->role[i].principal);
	v->roles = 0;
}

static void finish_groups(struct verify *v)
{
	for (uint32_t i = 0; i < v->groups && i < LIST_MAX; i++)
		if (v->group[i] != 0)
			differs(v, "principal", v->group_member,
				"is not in group %" PRIu32 " in the database", v->group[i]);
	v->groups = 0;
}

/* Rows come node by node, so a node's list is read once. */
static void on_role(struct verify *v, const struct store_object *object)
{
	struct event_role row;
	unsigned roles = 0;

	if (!event_role_parse(object->payload, object->size, &row))
		return;
	mark(v, row.kind == NODE_ROOM ? ROOM_ROLES : CATEGORY_ROLES, row.node);
	if (v->role_kind != row.kind || v->role_node != row.node) {
		finish_roles(v);
		v->role_kind = row.kind;
		v->role_node = row.node;
		if (cache_roles(v->view.cache, row.kind, row.node, v->role, LIST_MAX, &v->roles) !=
		    CODE_OK)
			v->roles = 0;
	}
	for (uint32_t i = 0; i < v->roles && i < LIST_MAX; i++) {
		if (v->role[i].principal == row.principal) {
			roles = v->role[i].roles;
			v->role[i].roles &= (uint8_t) ~(1u << row.role);
		}
	}
	if (!(roles & 1u << row.role))
		differs(v, row.kind == NODE_ROOM ? "room" : "category", row.node,
			"gives principal %" PRIu32 " role %u in the database only", row.principal,
			row.role);
}

static void on_affiliation(struct verify *v, const struct store_object *object)
{
	struct event_affiliation row;
	bool found = false;

	if (!event_affiliation_parse(object->payload, object->size, &row))
		return;
	mark(v, MEMBERS, row.member);
	if (v->group_member != row.member) {
		finish_groups(v);
		v->group_member = row.member;
		if (cache_groups(v->view.cache, row.member, v->group, LIST_MAX, &v->groups) !=
		    CODE_OK)
			v->groups = 0;
	}
	for (uint32_t i = 0; i < v->groups && i < LIST_MAX; i++) {
		if (v->group[i] == row.group) {
			found = true;
			v->group[i] = 0;
		}
	}
	if (!found)
		differs(v, "principal", row.member, "is in group %" PRIu32 " in the database only",
			row.group);
}

/* What users have of their own. The row without an item counts invitations. */
static void on_person(struct verify *v, const struct store_object *object)
{
	char name[EVENT_FEED_NAME_MAX], text[EVENT_WORDS_MAX];
	uint32_t name_length = 0, text_length = 0;
	struct person_view cached = {0};
	struct event_person row;
	int code;

	if (!event_person_parse(object->payload, object->size, &row))
		return;
	code = cache_person_item(v->view.cache, object->type, row.principal, row.item, &cached,
				 name, &name_length, text, &text_length);
	v->people[object->type] += code == CODE_OK;
	if (code == CODE_NO_SUCH_NODE)
		differs(v, "principal", row.principal, "has %s %" PRIu32 " in the database only",
			event_name(object->type), row.item);
	else if (code == CODE_OK &&
		 (cached.who != row.who || cached.room != row.room || cached.flags != row.flags ||
		  cached.number != row.number || cached.time != row.time ||
		  name_length != row.name.length || text_length != row.text.length ||
		  memcmp(name, row.name.data, name_length) != 0 ||
		  memcmp(text, row.text.data, text_length) != 0))
		differs(v, "principal", row.principal, "has another %s %" PRIu32 " in the database",
			event_name(object->type), row.item);
}

static void on_setting(struct verify *v, const struct store_object *object)
{
	struct setting_view cached;
	struct event_setting row;
	uint32_t position = 0;
	int code;

	if (!event_setting_parse(object->payload, object->size, &row))
		return;
	while ((code = cache_settings_next(v->view.cache, &position, &cached)) != CODE_NO_SUCH_NODE)
		if (code == CODE_OK && cached.kind == row.kind &&
		    same(row.scope, cached.scope, cached.scope_length) &&
		    same(row.name, cached.name, cached.name_length))
			break;
	v->settings += code == CODE_OK;
	if (code != CODE_OK)
		differs(v, "setting of kind", row.kind, "%.*s %.*s is in the database only",
			(int)row.scope.length, row.scope.data, (int)row.name.length, row.name.data);
	else if (!same(row.value, cached.value, cached.value_length))
		differs(v, "setting of kind", row.kind, "%.*s %.*s has another value in the database",
			(int)row.scope.length, row.scope.data, (int)row.name.length, row.name.data);
}

static void on_grant(struct verify *v, const struct store_object *object)
{
	char policy[EVENT_POLICY_MAX];
	struct event_grant row;
	uint32_t length = 0;

	if (!event_grant_parse(object->payload, object->size, &row))
		return;
	v->grants++;
	if (cache_grant(v->view.cache, row.principal, policy, &length) != CODE_OK ||
	    !same(row.policy, policy, length))
		differs(v, "principal", row.principal, "has another policy in the database");
}

static bool take(const struct store_object *object, void *arg)
{
	static void (*const by_type[EVENT_TYPES])(struct verify *, const struct store_object *) = {
		[EVENT_PRINCIPAL] = on_principal, [EVENT_CATEGORY] = on_category,
		[EVENT_ADDIN] = on_addin,	  [EVENT_ROOM] = on_room,
		[EVENT_ROLE] = on_role,		  [EVENT_AFFILIATION] = on_affiliation,
		[EVENT_INVITATION] = on_person,	  [EVENT_MARKER] = on_person,
		[EVENT_FEED] = on_person,	  [EVENT_ACCESS_REQUEST] = on_person,
		[EVENT_SETTING] = on_setting,	  [EVENT_GRANT] = on_grant,
	};
	struct verify *v = arg;

	v->rows++;
	if (object->type < EVENT_TYPES && by_type[object->type])
		by_type[object->type](v, object);
	return true;
}

/* --- What the cache has and the database has not. --- */

static void walk_principals(struct verify *v)
{
	uint32_t position = 0, groups, granted = 0, length;
	char policy[EVENT_POLICY_MAX];
	struct principal_view cached;
	int code;

	while ((code = cache_principals_next(v->view.cache, &position, &cached)) !=
	       CODE_NO_SUCH_PRINCIPAL) {
		if (code != CODE_OK)
			continue;
		if (!is_marked(v, PRINCIPALS, cached.id))
			differs(v, "principal", cached.id, "is not in the database: %.*s",
				(int)cached.uri_length, cached.uri);
		else if (!is_marked(v, MEMBERS, cached.id) &&
			 cache_groups(v->view.cache, cached.id, v->group, LIST_MAX, &groups) ==
				 CODE_OK &&
			 groups > 0)
			differs(v, "principal", cached.id, "is in no group in the database");
		if (cache_grant(v->view.cache, cached.id, policy, &length) == CODE_OK && length > 0)
			granted++;
	}
	if (granted != v->grants)
		differs(v, "grants", 0, "are %" PRIu32 ", in the database %" PRIu32, granted,
			v->grants);
}

static void walk_node(struct verify *v, enum node_kind kind, uint32_t id)
{
	const bool is_room = kind == NODE_ROOM;
	uint32_t roles;

	if (!is_marked(v, is_room ? ROOMS : CATEGORIES, id))
		differs(v, is_room ? "room" : "category", id, "is not in the database");
	else if (!is_marked(v, is_room ? ROOM_ROLES : CATEGORY_ROLES, id) &&
		 cache_roles(v->view.cache, kind, id, v->role, LIST_MAX, &roles) == CODE_OK &&
		 roles > 0)
		differs(v, is_room ? "room" : "category", id,
			"gives nobody a role in the database");
}

static void walk_categories(struct verify *v)
{
	struct category_view category;
	struct addin_view addin;
	uint32_t position = 0;
	int code;

	while ((code = cache_categories_next(v->view.cache, &position, &category)) !=
	       CODE_NO_SUCH_NODE)
		if (code == CODE_OK)
			walk_node(v, NODE_CATEGORY, category.id);
	position = 0;
	while ((code = cache_addins_next(v->view.cache, &position, &addin)) != CODE_NO_SUCH_NODE)
		if (code == CODE_OK && !is_marked(v, ADDINS, addin.id))
			differs(v, "add-in", addin.id, "is not in the database");
}

static bool is_same_message(const struct content_message *row, const struct message_view *cached)
{
	const struct text text = {row->text.data, (uint32_t)row->text.length};
	const struct text title = {row->title.data, (uint32_t)row->title.length};
	const unsigned flags = EVENT_ALERT | EVENT_REPLACED;

	return row->seq == cached->seq && row->time == cached->time &&
	       row->author == cached->author && (row->flags & flags) == (cached->flags & flags) &&
	       same(text, cached->text.data, cached->text.length) &&
	       same(title, cached->title.data, cached->title.length);
}

/* A room's newest messages, from the newest back; numbers that are gone have no row. */
static enum db_result compare_messages(struct verify *v, const struct room_view *room,
				       unsigned count, struct err *err)
{
	const struct content_page page = {.room = room->id,
					  .after = v->recent[0].seq - 1,
					  .before = room->last_seq + 1,
					  .limit = RECENT};
	struct content_history_row row;
	enum db_result result = content_history(v->db, &page, err);

	while (result == DB_OK) {
		result = content_history_next(v->db, &page, &row, err);
		if (result != DB_OK)
			break;
		while (count > 0 && (v->recent[count - 1].flags & EVENT_GONE) &&
		       v->recent[count - 1].seq > row.message.seq)
			count--;
		if (count == 0 || !is_same_message(&row.message, &v->recent[count - 1]))
			differs(v, "room", room->id, "message %" PRIu64 " differs",
				row.message.seq);
		count -= count > 0;
	}
	while (count > 0 && (v->recent[count - 1].flags & EVENT_GONE))
		count--;
	if (result == DB_END && count > 0)
		differs(v, "room", room->id, "message %" PRIu64 " is not in the database",
			v->recent[count - 1].seq);
	return result == DB_END ? DB_OK : result;
}

/* Rows of the cache that the database does not have are not looked for, but noticed. */
static void count_people(struct verify *v)
{
	struct cache_use use[TABLE_COUNT];

	cache_use(v->view.cache, use);
	if (use[TABLE_SETTING].used != v->settings)
		differs(v, "settings", 0, "are %" PRIu64 ", of which the database has %" PRIu32,
			use[TABLE_SETTING].used, v->settings);
	for (unsigned kind = EVENT_INVITATION; kind <= EVENT_ACCESS_REQUEST; kind++) {
		const struct cache_use *table = &use[TABLE_INVITATION + kind - EVENT_INVITATION];

		if (table->used != v->people[kind])
			differs(v, table->name, 0,
				"are %" PRIu64 ", of which the database has %" PRIu32, table->used,
				v->people[kind]);
	}
}

static enum db_result walk_rooms(struct verify *v, struct err *err)
{
	enum db_result result = DB_OK;
	struct room_view room;
	uint32_t position = 0;
	unsigned count;
	int code;

	while (result == DB_OK &&
	       (code = cache_rooms_next(v->view.cache, &position, &room)) != CODE_NO_SUCH_NODE) {
		if (code != CODE_OK)
			continue;
		walk_node(v, NODE_ROOM, room.id);
		code = cache_history(v->view.cache, room.id, 0, room.last_seq + 1, UINT64_MAX,
				     v->recent, RECENT, v->texts, v->texts_size, &count);
		if (code == CODE_OK && count > 0)
			result = compare_messages(v, &room, count, err);
	}
	return result;
}

/* --- Files, of which the cache knows nothing but their rooms and authors. --- */

static const char *compare_file(const struct verify *v, const struct content_file_row *row)
{
	struct principal_view author;
	struct room_view room;

	if (row->removed == 0 && cache_room(v->view.cache, row->file.room, &room) != CODE_OK)
		return "is of a room that is not in the cache";
	if (row->file.author != 0 &&
	    cache_principal(v->view.cache, row->file.author, &author) != CODE_OK)
		return "is of a user who is not in the cache";
	return NULL;
}

static void on_file(struct verify *v, const struct content_file_row *row, bool malformed)
{
	const char *how = malformed ? "has a malformed hash" : compare_file(v, row);
	char what[48], uuid[HEX_UUID];

	if (!how || json_object_size(v->found) >= SHOWN)
		return;
	hex_uuid_encode(row->file.uuid, uuid);
	snprintf(what, sizeof(what), "file %s", uuid);
	json_object_set_new(v->found, what, json_string(how));
}

static enum db_result walk_files(struct verify *v, struct err *err)
{
	struct content_file_row row;
	enum db_result result;
	uint8_t above[16];
	bool found = false;

	do {
		result = content_export_files(v->db, found ? above : NULL, err);
		found = false;
		while (result == DB_OK || result == DB_BAD_DATA) {
			result = content_export_files_next(v->db, &row, err);
			if (result != DB_OK && result != DB_BAD_DATA)
				break;
			memcpy(above, row.file.uuid, sizeof(above));
			found = true;
			v->rows++;
			on_file(v, &row, result == DB_BAD_DATA);
		}
	} while (result == DB_END && found);
	return result == DB_END ? DB_OK : result;
}

/* --- All of it. --- */

static int failed(const struct verify *v, enum db_result result, const struct err *err)
{
	return ctl_fail(v->ctl, result == DB_FATAL ? EX_SOFTWARE : EX_TEMPFAIL,
			"the content database failed: %s", err->text);
}

static enum db_result read_cursor(struct verify *v, struct content_cursor *cursor_r,
				  struct err *err)
{
	enum db_result result = db_connect(v->db, err);

	if (result == DB_OK)
		result = content_check(v->db, err);
	return result == DB_OK ? content_cursor_get(v->db, cursor_r, err) : result;
}

static int connect_database(struct verify *v, const struct conf *conf)
{
	struct content_cursor cursor = {0};
	enum db_result result;
	struct err err;

	v->db = db_new(&conf->content.dsn, &err);
	if (!v->db)
		return failed(v, DB_FATAL, &err);
	for (unsigned i = 0; (result = read_cursor(v, &cursor, &err)) == DB_RETRY && i < TRIES; i++)
		usleep(PAUSE_US);
	if (result != DB_OK)
		return failed(v, result, &err);
	/* More may be made while this goes on; they are looked at in the next pass, if at all. */
	v->mark[PRINCIPALS].ids = v->mark[MEMBERS].ids = cursor.last_principal + UINT64_C(10000);
	v->mark[CATEGORIES].ids = v->mark[CATEGORY_ROLES].ids =
		cursor.last_category + UINT64_C(10000);
	v->mark[ROOMS].ids = v->mark[ROOM_ROLES].ids = cursor.last_room + UINT64_C(10000);
	v->mark[ADDINS].ids = cursor.last_addin + UINT64_C(10000);
	return EX_OK;
}

static int allocate(struct verify *v)
{
	bool failed_any = false;

	for (unsigned i = 0; i < MARKS; i++) {
		v->mark[i].bits = malloc(v->mark[i].ids / 8 + 1);
		failed_any = failed_any || !v->mark[i].bits;
	}
	v->texts_size = RECENT * (size_t)EVENT_TEXT_MAX / 8;
	v->role = calloc(LIST_MAX, sizeof(*v->role));
	v->group = calloc(LIST_MAX, sizeof(*v->group));
	v->texts = malloc(v->texts_size);
	return failed_any || !v->role || !v->group || !v->texts
		       ? ctl_fail(v->ctl, EX_OSERR, "could not get memory")
		       : EX_OK;
}

/* Until the store has what is durable now. */
static int wait_for_store(const struct verify *v)
{
	const struct proc_page *store = v->view.page[SLOT_STORE];
	const struct proc_page *sequencer = v->view.page[SLOT_SEQUENCER];
	const uint64_t end = clock_mono() + STORE_US;
	uint64_t durable;

	if (!store || !sequencer || !v->view.cache)
		return ctl_fail(v->ctl, EX_UNAVAILABLE, "the server has not loaded yet");
	durable = atomic_load_explicit(&sequencer->durable, memory_order_acquire);
	while (atomic_load_explicit(&store->cursor, memory_order_acquire) < durable) {
		if (clock_mono() > end)
			return ctl_fail(v->ctl, EX_TEMPFAIL,
					"the store lags behind: nothing was compared");
		usleep(PAUSE_US / 10);
	}
	return EX_OK;
}

static enum db_result read_all(struct verify *v, struct err *err)
{
	enum db_result result;

	v->rows = 0;
	v->role_node = v->group_member = v->roles = v->groups = 0;
	memset(v->people, 0, sizeof(v->people));
	v->settings = v->grants = 0;
	for (unsigned i = 0; i < MARKS; i++)
		memset(v->mark[i].bits, 0, v->mark[i].ids / 8 + 1);
	json_object_clear(v->found);
	result = store_objects(v->db, take, v, err);
	finish_roles(v);
	finish_groups(v);
	if (result == DB_END) {
		walk_principals(v);
		walk_categories(v);
		count_people(v);
		result = walk_rooms(v, err);
		if (result == DB_OK)
			result = walk_files(v, err);
	}
	return result;
}

/* A database that was locked or went away for a moment is read from the beginning. */
static int one_pass(struct verify *v)
{
	enum db_result result = DB_OK;
	struct err err;
	int code = wait_for_store(v);

	if (code != EX_OK)
		return code;
	for (unsigned i = 0; i <= TRIES; i++) {
		if (i > 0) {
			usleep(PAUSE_US);
			result = db_connect(v->db, &err);
		}
		if (result == DB_OK)
			result = read_all(v, &err);
		if (result != DB_RETRY)
			break;
	}
	return result == DB_OK ? EX_OK : failed(v, result, &err);
}

/* Of what was found before, only what was found now, too. */
static void keep_common(json_t *now, const json_t *before)
{
	const char *what;
	json_t *how;
	void *next;

	json_object_foreach_safe(now, next, what, how) if (!json_object_get(before, what))
		json_object_del(now, what);
}

static int compare(struct verify *v)
{
	json_t *before = NULL;
	int code = EX_OK;

	for (unsigned pass = 0; pass < PASSES && code == EX_OK; pass++) {
		v->found = json_object();
		code = one_pass(v);
		if (before)
			keep_common(v->found, before);
		json_decref(before);
		before = v->found;
		if (json_object_size(v->found) == 0)
			break;
		usleep(PAUSE_US);
	}
	return code;
}

static int report(const struct verify *v)
{
	const size_t count = json_object_size(v->found);
	const char *what;
	json_t *how, *document;
	int code = EX_OK;

	if (v->ctl->json) {
		document = json_pack("{s:I, s:O}", "rows", (json_int_t)v->rows, "differences",
				     v->found);
		code = ctl_print_json(v->ctl, document);
		json_decref(document);
	} else {
		json_object_foreach(v->found, what, how)
			ctl_say("%s %s", what, json_string_value(how));
		printf("%" PRIu64 " rows compared, %zu%s difference%s\n", v->rows, count,
		       count == SHOWN ? " or more" : "", count == 1 ? "" : "s");
	}
	return code != EX_OK ? code : count > 0 ? EX_DATAERR : EX_OK;
}

int ctl_data_verify(const struct ctl *ctl)
{
	struct verify v = {.ctl = ctl};
	int code;

	if (!ctl->conf)
		return ctl_fail(ctl, EX_USAGE,
				"the configuration is needed, which says where the "
				"database is: use --config");
	code = ctl_view_open(ctl, &v.view);
	if (code == EX_OK)
		code = connect_database(&v, ctl->conf);
	if (code == EX_OK)
		code = allocate(&v);
	if (code == EX_OK)
		code = compare(&v);
	if (code == EX_OK)
		code = report(&v);
	for (unsigned i = 0; i < MARKS; i++)
		free(v.mark[i].bits);
	free(v.role);
	free(v.group);
	free(v.texts);
	json_decref(v.found);
	db_free(&v.db);
	ctl_view_close(&v.view);
	return code;
}
