#include "worker/scoped.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/object_find.h"
#include "worker/object_send.h"

enum { TRIES = 32 };

static struct text text_of(const char *string)
{
	return (struct text){string, (uint32_t)strlen(string)};
}

static bool is(struct text text, const char *word)
{
	return text.length == strlen(word) && memcmp(text.data, word, text.length) == 0;
}

/* --- All settings of a kind, or of one scope of it. --- */

struct found {
	const struct scoped_key *key;
	char *text; /* owned: scope and value */
	uint32_t scope_length, value_length;
};

struct finding {
	struct found *list; /* owned */
	size_t count, size;
};

static void finding_free(struct finding *all)
{
	for (size_t i = 0; i < all->count; i++)
		free(all->list[i].text);
	free(all->list);
	*all = (struct finding){0};
}

static bool keep(struct finding *all, const struct scoped_key *key, const struct setting_view *view)
{
	struct found *found;

	if (all->count == all->size) {
		const size_t size = all->size ? 2 * all->size : 16;
		struct found *list = reallocarray(all->list, size, sizeof(*list));

		if (list == NULL)
			return false;
		all->list = list;
		all->size = size;
	}
	found = &all->list[all->count];
	found->text = malloc(view->scope_length + view->value_length + 1u);
	if (found->text == NULL)
		return false;
	memcpy(found->text, view->scope, view->scope_length);
	memcpy(found->text + view->scope_length, view->value, view->value_length);
	found->key = key;
	found->scope_length = view->scope_length;
	found->value_length = view->value_length;
	all->count++;
	return true;
}

static struct text scope_of(const struct found *found)
{
	return (struct text){found->text, found->scope_length};
}

static struct text value_of(const struct found *found)
{
	return (struct text){found->text + found->scope_length, found->value_length};
}

static int compare(struct text a, struct text b)
{
	const uint32_t length = a.length < b.length ? a.length : b.length;
	const int order = memcmp(a.data, b.data, length);

	return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static int by_scope(const void *one, const void *other)
{
	const struct found *a = one, *b = other;
	const int order = compare(scope_of(a), scope_of(b));

	return order != 0 ? order : (a->key > b->key) - (a->key < b->key);
}

static int next(const struct cache *cache, uint32_t *position, struct setting_view *view)
{
	const uint32_t place = *position;
	int code = CODE_BUSY;

	for (unsigned i = 0; i < TRIES && code == CODE_BUSY; i++) {
		*position = place;
		code = cache_settings_next(cache, position, view);
	}
	return code;
}

/* scope empty: all. The caller frees what was found. CODE_OK or CODE_BUSY. */
static int find(const struct chat *chat, unsigned kind, struct text scope, struct finding *all)
{
	struct setting_view view;
	uint32_t position = 0;
	int code;

	while ((code = next(chat->cache, &position, &view)) == CODE_OK) {
		const struct scoped_key *key =
			scoped_key_find(kind, (struct text){view.name, view.name_length});

		if (view.kind != kind || key == NULL ||
		    (scope.length > 0 &&
		     compare(scope, (struct text){view.scope, view.scope_length}) != 0))
			continue;
		if (!keep(all, key, &view))
			return CODE_BUSY;
	}
	if (all->count > 0)
		qsort(all->list, all->count, sizeof(*all->list), by_scope);
	return code == CODE_BUSY ? code : CODE_OK;
}

/* --- What counts here. --- */

/* How near a scope is to this server; SCOPED_BUILT_IN: it is another's. */
static enum scoped_source nearness(const struct conf *conf, struct text scope)
{
	const struct text pool = scoped_pool(conf);
	const char *site = conf->site ? conf->site : "";

	if (is(scope, "global"))
		return SCOPED_GLOBAL;
	if (scope.length <= 5)
		return SCOPED_BUILT_IN;
	if (memcmp(scope.data, "pool:", 5) == 0 &&
	    compare(pool, (struct text){scope.data + 5, scope.length - 5}) == 0)
		return SCOPED_OWN_POOL;
	if (memcmp(scope.data, "site:", 5) == 0 &&
	    compare(text_of(site), (struct text){scope.data + 5, scope.length - 5}) == 0)
		return SCOPED_SITE;
	return SCOPED_BUILT_IN;
}

static unsigned number_of(const struct scoped_key *key)
{
	unsigned number = 0;

	while (scoped_key_at(key->kind, number) != key)
		number++;
	return number;
}

static void put_string(char *out, size_t size, struct text value)
{
	snprintf(out, size, "%.*s", (int)value.length, value.data);
}

static void take_config(const struct conf *conf, const struct found *found,
			struct scoped_effective *e)
{
	const enum scoped_source source = nearness(conf, scope_of(found));
	const unsigned number = number_of(found->key);
	const struct text value = value_of(found);

	if (source == SCOPED_BUILT_IN || source <= e->source[number])
		return;
	e->source[number] = (uint8_t)source;
	if (strcmp(found->key->name, "history") == 0)
		e->history = (uint32_t)scoped_number(value);
	else if (strcmp(found->key->name, "file_size") == 0)
		e->file_size = scoped_number(value);
	else if (strcmp(found->key->name, "participant_update_limit") == 0)
		e->participant_update_limit = (uint32_t)scoped_number(value);
	else
		put_string(e->room_management_url, sizeof(e->room_management_url), value);
}

static void take_pool(const struct found *found, struct scoped_effective *e)
{
	if (strcmp(found->key->name, "state") == 0)
		put_string(e->state, sizeof(e->state), value_of(found));
	else if (strcmp(found->key->name, "name") == 0)
		put_string(e->pool_name, sizeof(e->pool_name), value_of(found));
}

static int work_out(struct chat *chat, struct scoped_effective *e)
{
	const struct conf *conf = chat->conf;
	struct finding all = {0};
	int code;

	*e = (struct scoped_effective){.history = conf->limits.history,
				       .participant_update_limit =
					       conf->limits.participant_update_limit,
				       .file_size = conf->limits.file_size,
				       .state = "normal"};
	code = find(chat, SCOPED_CONFIG, (struct text){"", 0}, &all);
	for (size_t i = 0; i < all.count; i++)
		take_config(conf, &all.list[i], e);
	finding_free(&all);
	if (code == CODE_OK)
		code = find(chat, SCOPED_POOL, scoped_pool(conf), &all);
	for (size_t i = 0; i < all.count; i++)
		take_pool(&all.list[i], e);
	finding_free(&all);
	return code;
}

/* The version is read before the settings: what changes meanwhile is seen the next time. */
const struct scoped_effective *scoped_effective(struct chat *chat)
{
	const uint32_t version = cache_settings_version(chat->cache);
	struct scoped_effective now;

	if (chat->effective.known && chat->effective.version == version)
		return &chat->effective;
	if (work_out(chat, &now) == CODE_OK || !chat->effective.known) {
		now.version = version;
		now.known = true;
		chat->effective = now;
	}
	return &chat->effective;
}

int scoped_pool_places(const struct chat *chat, uint32_t *set_r, uint64_t *revision_r)
{
	uint64_t revision = SCOPED_REVISION;
	struct finding all = {0};
	const int code = find(chat, SCOPED_POOL, scoped_pool(chat->conf), &all);

	*set_r = 0;
	for (size_t i = 0; i < all.count; i++) {
		const struct scoped_key *key = all.list[i].key;

		if (key->type == SCOPED_PLACES)
			*set_r = scoped_places(value_of(&all.list[i]));
		revision = scoped_revision_add(revision, text_of(key->name),
					       value_of(&all.list[i]));
	}
	*revision_r = scoped_revision_end(revision);
	finding_free(&all);
	return code;
}

void scoped_show(struct session *session, const struct chat_id *id)
{
	session->front->scoped->effective(session, id, scoped_effective(session->chat));
}

/* --- Scopes as clients write them. --- */

bool scoped_name(const struct chat *chat, unsigned kind, struct text text,
		 char scope_r[EVENT_SCOPE_MAX], struct text *name_r)
{
	const bool tag = kind == SCOPED_POLICY && text.length > 0 && !is(text, "global") &&
			 memchr(text.data, ':', text.length) == NULL;
	char uri[USER_URI_SIZE];
	uint32_t used = tag ? 4 : 0;

	if (text.length == 0)
		text = kind == SCOPED_POOL	 ? scoped_pool(chat->conf)
		       : kind == SCOPED_TOPOLOGY ? text_of("published")
						 : text_of("global");
	if (kind == SCOPED_ENDPOINT) {
		if (!user_uri_make(text.data, text.length, chat->conf->domain, uri))
			return false;
		text = text_of(uri);
	}
	if (text.length > EVENT_SCOPE_MAX - used)
		return false;
	memcpy(scope_r, "tag:", 4);
	for (uint32_t i = 0; i < text.length; i++) {
		const char c = text.data[i];

		scope_r[used++] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
	}
	*name_r = (struct text){scope_r, used};
	return scoped_scope_valid(kind, *name_r);
}

/* --- Changes. --- */

static uint32_t put_change(const struct event_setting *list, unsigned count, uint8_t *out,
			   uint32_t size)
{
	uint32_t used = 0;

	for (unsigned i = 0; i < count; i++) {
		uint32_t length = event_setting_put(&list[i], out + used + sizeof(length),
						    size - used - (uint32_t)sizeof(length));

		if (length == 0)
			return 0;
		memcpy(out + used, &length, sizeof(length));
		used += (uint32_t)sizeof(length) + length;
	}
	return used;
}

static int send_change(struct session *session, uint32_t tag, const struct scoped_change *change)
{
	const struct command_settings head = {.what = (uint8_t)change->what,
					      .count = change->count,
					      .if_revision = change->if_revision,
					      .check = change->check};
	const struct event_setting *list = change->list;
	const struct command command = {.type = COMMAND_SETTING};
	uint32_t size = sizeof(head), used;
	uint8_t *payload;
	int code = CODE_INVALID_ARGUMENT;

	for (unsigned i = 0; i < change->count; i++)
		size += 32 + list[i].scope.length + list[i].name.length + list[i].value.length;
	payload = malloc(size);
	if (payload == NULL)
		return CODE_BUSY;
	memcpy(payload, &head, sizeof(head));
	used = put_change(list, change->count, payload + sizeof(head), size - (uint32_t)sizeof(head));
	if (used > 0)
		code = chat_command(session->chat, &command, session->number, tag, payload,
				    (uint32_t)sizeof(head) + used);
	free(payload);
	return code;
}

void scoped_change(struct session *session, const struct chat_id *id,
		   const struct scoped_change *change)
{
	struct request *request = request_begin(session, id, sizeof(*request), object_done);
	int code;

	if (request == NULL)
		return;
	code = send_change(session, request->base.tag, change);
	if (code != CODE_OK)
		request_refuse(request, code);
}

/* --- Shown. --- */

static size_t write_item(const struct session *session, unsigned kind, const struct finding *all,
			 size_t from, struct buf *out)
{
	const struct scoped_front *front = session->front->scoped;
	const struct text scope = scope_of(&all->list[from]);
	uint64_t revision = SCOPED_REVISION;
	size_t i = from;

	front->scope(out, kind, scope);
	for (; i < all->count && compare(scope_of(&all->list[i]), scope) == 0; i++) {
		const struct scoped_key *key = all->list[i].key;

		front->value(out, key, value_of(&all->list[i]));
		revision = scoped_revision_add(revision, text_of(key->name),
					       value_of(&all->list[i]));
	}
	front->end(out, scoped_revision_end(revision));
	return i;
}

void scoped_get(struct session *session, const struct chat_id *id, unsigned kind, struct text scope)
{
	const struct scoped_front *front = session->front->scoped;
	struct finding all = {0};
	struct buf item;
	int code = find(session->chat, kind, scope, &all);

	buf_init(&item);
	if (code == CODE_OK && all.count > 0) {
		write_item(session, kind, &all, 0, &item);
	} else if (code == CODE_OK && scoped_is_given(kind, scope, session->chat->conf)) {
		front->scope(&item, kind, scope);
		front->end(&item, scoped_revision_end(SCOPED_REVISION));
	} else if (code == CODE_OK) {
		code = CODE_NO_SUCH_NODE;
	}
	if (code == CODE_OK)
		front->one(session, id, &item);
	else
		session_refuse(session, id, code);
	buf_fini(&item);
	finding_free(&all);
}

void scoped_list(struct session *session, const struct chat_id *id, unsigned kind, uint32_t limit,
		 uint32_t offset)
{
	struct finding all = {0};
	struct buf list, unwanted;
	uint64_t number = 0;
	int code = find(session->chat, kind, (struct text){"", 0}, &all);

	buf_init(&list);
	for (size_t i = 0; code == CODE_OK && i < all.count; number++) {
		const bool wanted = number >= offset && number - offset < limit;

		buf_init(&unwanted);
		i = write_item(session, kind, &all, i, wanted ? &list : &unwanted);
		buf_fini(&unwanted);
	}
	if (code == CODE_OK)
		session->front->scoped->listed(session, id, kind, &list,
					       number > (uint64_t)offset + limit);
	else
		session_refuse(session, id, code);
	buf_fini(&list);
	finding_free(&all);
}

/* --- Who has which policy. --- */

void scoped_grant(struct session *session, const struct chat_id *id, struct text user,
		  struct text policy)
{
	struct request *request = request_begin(session, id, sizeof(*request), object_done);
	const struct command command = {.type = COMMAND_GRANT};
	uint8_t payload[64 + EVENT_POLICY_MAX];
	struct event_grant event = {.policy = policy};
	struct principal_view known;
	uint32_t size = 0;
	int code;

	if (request == NULL)
		return;
	code = object_find_user(session->chat, user, &known);
	if (code == CODE_OK) {
		event.principal = known.id;
		size = event_grant_put(&event, payload, sizeof(payload));
		code = size == 0 ? CODE_INVALID_ARGUMENT
				 : chat_command(session->chat, &command, session->number,
						request->base.tag, payload, size);
	}
	if (code != CODE_OK)
		request_refuse(request, code);
}

/* What decides for a user: the narrowest policy that is there. As scoped_may_use of the sequencer.
 */
struct judgement {
	char from[EVENT_SCOPE_MAX];
	uint32_t from_length;
	unsigned rank;
	bool enabled;
};

static void judge(const struct conf *conf, struct text granted, const struct found *found,
		  struct judgement *j)
{
	const struct text scope = scope_of(found);
	unsigned rank = nearness(conf, scope);

	if (strcmp(found->key->name, "enabled") != 0)
		return;
	if (scope.length > 4 && memcmp(scope.data, "tag:", 4) == 0 && granted.length > 0 &&
	    compare(granted, (struct text){scope.data + 4, scope.length - 4}) == 0)
		rank = SCOPED_OWN_POOL + 1;
	if (rank <= j->rank)
		return;
	j->rank = rank;
	j->enabled = is(value_of(found), "yes");
	j->from_length = scope.length;
	memcpy(j->from, scope.data, scope.length);
}

void scoped_policy_of(struct session *session, const struct chat_id *id, struct text user)
{
	struct judgement j = {.rank = SCOPED_BUILT_IN, .enabled = true};
	const struct chat *chat = session->chat;
	struct principal_view known;
	struct finding all = {0};
	char policy[EVENT_POLICY_MAX];
	uint32_t length = 0;
	int code = object_find_user(chat, user, &known);

	if (code == CODE_OK)
		code = cache_grant(chat->cache, known.id, policy, &length);
	if (code == CODE_OK)
		code = find(chat, SCOPED_POLICY, (struct text){"", 0}, &all);
	for (size_t i = 0; code == CODE_OK && i < all.count; i++)
		judge(chat->conf, (struct text){policy, length}, &all.list[i], &j);
	if (code == CODE_OK)
		session->front->scoped->policy(session, id,
					       (struct text){known.uri, known.uri_length},
					       (struct text){policy, length},
					       (struct text){j.from, j.from_length}, j.enabled);
	else
		session_refuse(session, id, code);
	finding_free(&all);
}
