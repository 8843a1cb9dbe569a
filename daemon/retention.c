#include "daemon/retention.h"

#include <stdlib.h>
#include <string.h>

#include "conf/hex.h"
#include "shm/scoped.h"

enum { PART = 500 /* messages of one statement */ };

enum limit { AGE = 1, MESSAGES = 2, BYTES = 4 };

/* What one scope says. */
struct retention_scope {
	bool global;
	uint8_t category[16]; /* uuid */
	unsigned said;	      /* enum limit */
	struct retention_limits limits;
};

/* --- Limits. --- */

static struct retention_scope *scope_of(struct retention *retention, struct text name)
{
	struct retention_scope scope = {.global = false};

	scope.global = !scoped_category_parse(name, scope.category);
	for (unsigned i = 0; i < retention->scopes; i++)
		if (retention->scope[i].global == scope.global &&
		    memcmp(retention->scope[i].category, scope.category, 16) == 0)
			return &retention->scope[i];
	if (retention->scopes == retention->size) {
		const unsigned size = retention->size ? 2 * retention->size : 16;
		struct retention_scope *list = reallocarray(retention->scope, size, sizeof(*list));

		if (!list)
			return NULL;
		retention->scope = list;
		retention->size = size;
	}
	retention->scope[retention->scopes] = scope;
	return &retention->scope[retention->scopes++];
}

static struct text text_of(struct db_bytes bytes)
{
	return (struct text){bytes.data, (uint32_t)bytes.length};
}

static bool is(struct text text, const char *word)
{
	return text.length == strlen(word) && memcmp(text.data, word, text.length) == 0;
}

static bool take(struct retention *retention, const struct content_setting *setting)
{
	struct retention_scope *scope = scope_of(retention, text_of(setting->scope));
	const struct text name = text_of(setting->name), value = text_of(setting->value);

	if (!scope)
		return false;
	if (is(name, "age")) {
		scope->said |= AGE;
		scope->limits.age = scoped_seconds(value) * 1000000;
	} else if (is(name, "messages")) {
		scope->said |= MESSAGES;
		scope->limits.messages = scoped_number(value);
	} else if (is(name, "bytes")) {
		scope->said |= BYTES;
		scope->limits.bytes = scoped_number(value);
	}
	return true;
}

/* The key of the last setting that was read, whose texts the next statement takes away. */
struct place {
	char scope[EVENT_SCOPE_MAX], name[EVENT_SETTING_MAX];
	struct content_setting above;
};

static struct db_bytes copy(char *out, size_t size, struct db_bytes bytes)
{
	const size_t length = bytes.length < size ? bytes.length : size;

	memcpy(out, bytes.data, length);
	return (struct db_bytes){out, length};
}

/* One page of them; *count_r: how many it had. */
static enum db_result read_page(struct retention *retention, struct db *db, struct place *place,
				unsigned *count_r, struct err *err)
{
	struct content_setting setting;
	enum db_result result = content_settings(db, &place->above, err);

	*count_r = 0;
	while (result == DB_OK) {
		result = content_settings_next(db, &setting, err);
		if (result != DB_OK)
			break;
		if (setting.kind == SCOPED_RETENTION && !take(retention, &setting)) {
			err_set(err, "could not read the limits of retention: no memory");
			return DB_RETRY;
		}
		place->above.kind = setting.kind;
		place->above.scope = copy(place->scope, sizeof(place->scope), setting.scope);
		place->above.name = copy(place->name, sizeof(place->name), setting.name);
		++*count_r;
	}
	return result == DB_END ? DB_OK : result;
}

enum db_result retention_begin(struct retention *retention, struct db *db, uint64_t now,
			       struct err *err)
{
	struct place place = {.above = {.kind = SCOPED_RETENTION}};
	enum db_result result = DB_OK;
	unsigned count = CONTENT_LOAD_PAGE;

	retention->scopes = 0;
	retention->above = 0;
	retention->count = retention->next = 0;
	retention->begun = false;
	retention->now = now;
	while (result == DB_OK && count == CONTENT_LOAD_PAGE)
		result = read_page(retention, db, &place, &count, err);
	return result;
}

void retention_fini(struct retention *retention)
{
	free(retention->scope);
	retention->scope = NULL;
	retention->scopes = retention->size = 0;
}

bool retention_any(const struct retention *retention)
{
	return retention->scopes > 0;
}

static void apply(struct retention_limits *limits, const struct retention_scope *scope)
{
	if (scope->said & AGE)
		limits->age = scope->limits.age;
	if (scope->said & MESSAGES)
		limits->messages = scope->limits.messages;
	if (scope->said & BYTES)
		limits->bytes = scope->limits.bytes;
}

struct retention_limits retention_of(const struct retention *retention, const char *category)
{
	struct retention_limits limits = {0};
	uint8_t uuid[16];
	const bool known = hex_uuid_decode(category, strlen(category), uuid);

	for (unsigned i = 0; i < retention->scopes; i++)
		if (retention->scope[i].global)
			apply(&limits, &retention->scope[i]);
	for (unsigned i = 0; known && i < retention->scopes; i++)
		if (!retention->scope[i].global &&
		    memcmp(retention->scope[i].category, uuid, sizeof(uuid)) == 0)
			apply(&limits, &retention->scope[i]);
	return limits;
}

/* --- Looking at a room. --- */

static void begin_room(struct retention *retention, const struct content_retained *room)
{
	retention->begun = true;
	retention->limits = retention_of(retention, room->category);
	retention->old = retention->large = room->purged;
	retention->old_known = retention->limits.age == 0 || retention->limits.age > retention->now;
	retention->large_known = retention->limits.bytes == 0;
	retention->below = INT64_MAX;
	retention->sum = 0;
	retention->times_limit = 1; /* as a rule the oldest one is not old enough */
}

/* From the oldest on, as long as they are too old: of one that came in between by an import, and of
 * what is behind it, nothing goes. */
static enum db_result look_at_times(struct retention *retention, struct db *db,
				    const struct content_retained *room, struct err *err)
{
	const uint64_t oldest = retention->now - retention->limits.age;
	struct content_measure list[PART];
	unsigned count, i = 0;
	const enum db_result result = content_retained_times(
		db, room->room, retention->old, retention->times_limit, list, &count, err);

	if (result != DB_OK)
		return result;
	while (i < count && list[i].value < oldest)
		retention->old = list[i++].seq;
	retention->old_known = i < retention->times_limit;
	retention->times_limit = PART;
	return DB_OK;
}

static void note_known(struct retention *retention, const struct content_retained *room,
		       uint64_t bytes)
{
	retention->known[room->room % RETENTION_KNOWN] =
		(struct retention_known){room->room, room->last_seq, bytes};
	retention->large_known = true;
}

/* From the newest back, until they are too much; or down to what was summed up before. */
static enum db_result look_at_sizes(struct retention *retention, struct db *db,
				    const struct content_retained *room, struct err *err)
{
	struct retention_known *known = &retention->known[room->room % RETENTION_KNOWN];
	const bool helps = known->room == room->room && known->seq > room->purged &&
			   known->seq < retention->below;
	struct content_measure list[PART];
	unsigned count;
	const enum db_result result =
		content_retained_sizes(db, room->room, helps ? known->seq : room->purged,
				       retention->below, PART, list, &count, err);

	for (unsigned i = 0; result == DB_OK && i < count; i++) {
		if (retention->sum + list[i].value > retention->limits.bytes) {
			retention->large = list[i].seq;
			note_known(retention, room, retention->sum);
			return DB_OK;
		}
		retention->sum += list[i].value;
		retention->below = list[i].seq;
	}
	if (result != DB_OK || count == PART)
		return result;
	if (!helps)
		note_known(retention, room, retention->sum);
	else if (retention->sum + known->bytes <= retention->limits.bytes)
		note_known(retention, room, retention->sum + known->bytes);
	else
		known->room = 0; /* it has to be summed up */
	return DB_OK;
}

static uint64_t max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static enum retention_found end_room(struct retention *retention,
				     const struct content_retained *room, uint64_t *through_r)
{
	const uint64_t most = retention->limits.messages;

	*through_r = max(retention->old, retention->large);
	if (most > 0 && room->last_seq > most)
		*through_r = max(*through_r, room->last_seq - most);
	retention->begun = false;
	retention->next++;
	return *through_r > room->purged ? RETENTION_PURGE : RETENTION_MORE;
}

enum db_result retention_step(struct retention *retention, struct db *db,
			      enum retention_found *found_r, uint32_t *room_r, uint64_t *through_r,
			      struct err *err)
{
	const struct content_retained *room = &retention->page[retention->next];
	enum db_result result = DB_OK;

	*found_r = RETENTION_MORE;
	if (retention->next == retention->count) {
		result = content_retained_rooms(db, retention->above, RETENTION_PAGE,
						retention->page, &retention->count, err);
		retention->next = 0;
		if (result == DB_OK && retention->count == 0)
			*found_r = RETENTION_END;
		else if (result == DB_OK)
			retention->above = retention->page[retention->count - 1].room;
		return result;
	}
	if (!retention->begun)
		begin_room(retention, room);
	if (!retention->old_known)
		return look_at_times(retention, db, room, err);
	if (!retention->large_known)
		return look_at_sizes(retention, db, room, err);
	*room_r = room->room;
	*found_r = end_room(retention, room, through_r);
	return DB_OK;
}
