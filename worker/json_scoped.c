#include <stdio.h>
#include <string.h>

#include "worker/json_edit.h"
#include "worker/json_text.h"
#include "worker/object_find.h"
#include "worker/scoped.h"

/* Scoped settings and policies: what administrators call, and the answers. */

/* What the scope of a kind is called, and a list of that kind. */
static const struct {
	const char *scope, *list;
} words[] = {
	[SCOPED_CONFIG] = {"scope", "configs"},	     [SCOPED_POLICY] = {"scope", "policies"},
	[SCOPED_ENDPOINT] = {"uri", "endpoints"},    [SCOPED_POOL] = {"pool", "pools"},
	[SCOPED_TOPOLOGY] = {"scope", "topologies"}, [SCOPED_RETENTION] = {"category", "retentions"},
};

/* --- Requests. --- */

/* A category by URI or name, or "global", which it is where none is given. */
static int get_category_scope(const struct json_peer *peer, const json_t *params,
			      char scope[EVENT_SCOPE_MAX], struct text *name_r)
{
	const struct chat *chat = peer->session.chat;
	struct category_view view;
	struct object_key key;
	struct text text = {"", 0};
	int code = json_get_text(params, "category", false, &text);

	*name_r = (struct text){"global", 6};
	if (code != CODE_OK || !json_has(params, "category") ||
	    (text.length == name_r->length && memcmp(text.data, name_r->data, text.length) == 0))
		return code;
	code = json_get_category(peer, params, "category", &key);
	if (code == CODE_OK)
		code = object_find_category(chat, &key, &view);
	if (code == CODE_OK)
		*name_r = scoped_category(chat_conf(chat), view.uuid, scope);
	return code;
}

static int get_scope(const struct json_peer *peer, const json_t *params, unsigned kind,
		     char scope[EVENT_SCOPE_MAX], struct text *name_r)
{
	struct text text = {"", 0};
	const bool required = kind == SCOPED_ENDPOINT || kind == SCOPED_POLICY;
	int code = json_get_text(params, words[kind].scope, required, &text);

	if (kind == SCOPED_RETENTION)
		return get_category_scope(peer, params, scope, name_r);
	if (code != CODE_OK)
		return code;
	if (required && text.length == 0)
		return CODE_INVALID_ARGUMENT;
	return scoped_name(peer->session.chat, kind, text, scope, name_r) ? CODE_OK
									  : CODE_INVALID_ARGUMENT;
}

enum { NUMBER = 24 };

/* A value as text; null: it has none any more. */
static bool take_value(const json_t *value, char number[NUMBER], struct event_setting *setting)
{
	setting->present = !json_is_null(value);
	setting->value = (struct text){"", 0};
	if (json_is_string(value)) {
		setting->value = (struct text){json_string_value(value),
					       (uint32_t)json_string_length(value)};
	} else if (json_is_boolean(value)) {
		setting->value =
			json_is_true(value) ? (struct text){"yes", 3} : (struct text){"no", 2};
	} else if (json_is_integer(value)) {
		const int length = snprintf(number, NUMBER, "%" JSON_INTEGER_FORMAT,
					    json_integer_value(value));

		setting->value = (struct text){number, (uint32_t)length};
	} else if (!json_is_null(value)) {
		return false;
	}
	return setting->value.length <= EVENT_VALUE_MAX;
}

static int get_values(const json_t *params, unsigned kind, struct text scope,
		      char numbers[COMMAND_SETTINGS_MAX][NUMBER], struct scoped_change *change)
{
	json_t *values = json_object_get(params, "values"), *value;
	const char *name;

	if (values == NULL || json_is_null(values))
		return CODE_OK;
	if (!json_is_object(values) || json_object_size(values) > COMMAND_SETTINGS_MAX)
		return CODE_INVALID_ARGUMENT;
	json_object_foreach(values, name, value)
	{
		struct event_setting *one = &change->list[change->count];

		*one = (struct event_setting){.kind = (uint8_t)kind,
					      .scope = scope,
					      .name = {name, (uint32_t)strlen(name)}};
		if (one->name.length == 0 || one->name.length > EVENT_SETTING_MAX ||
		    !take_value(value, numbers[change->count], one))
			return CODE_INVALID_ARGUMENT;
		change->count++;
	}
	return CODE_OK;
}

/* What is new may have all that every new one has; one of it stands for all. What is removed is named
 * by its scope alone. */
static void put_scope_alone(struct scoped_change *change, unsigned kind, struct text scope)
{
	const struct scoped_key *key = scoped_key_at(kind, 0);
	struct event_setting *one = &change->list[0];

	*one = (struct event_setting){
		.kind = (uint8_t)kind, .scope = scope, .name = {"", 0}, .value = {"", 0}};
	if (change->what == SETTINGS_CREATE && key->values != NULL) {
		one->present = 1;
		one->name = (struct text){key->name, (uint32_t)strlen(key->name)};
		one->value = (struct text){key->values, (uint32_t)strcspn(key->values, " ")};
	}
	change->count = 1;
}

static int change(struct json_peer *peer, const struct chat_id *id, const json_t *params,
		  unsigned kind, enum settings_what what)
{
	char numbers[COMMAND_SETTINGS_MAX][NUMBER];
	struct scoped_change wanted = {.what = what};
	char scope[EVENT_SCOPE_MAX];
	struct text name;
	int code = get_scope(peer, params, kind, scope, &name);

	if (code == CODE_OK)
		code = json_get_revision(params, &wanted.if_revision);
	if (code == CODE_OK)
		code = json_get_bool(params, "check", &wanted.check);
	if (code == CODE_OK && what != SETTINGS_REMOVE)
		code = get_values(params, kind, name, numbers, &wanted);
	if (code != CODE_OK)
		return code;
	if (wanted.count == 0 && what == SETTINGS_SET)
		return CODE_INVALID_ARGUMENT;
	if (wanted.count == 0)
		put_scope_alone(&wanted, kind, name);
	scoped_change(&peer->session, id, &wanted);
	return CODE_OK;
}

static int get(struct json_peer *peer, const struct chat_id *id, const json_t *params,
	       unsigned kind)
{
	char scope[EVENT_SCOPE_MAX];
	struct text name;
	int code = get_scope(peer, params, kind, scope, &name);

	if (code == CODE_OK)
		scoped_get(&peer->session, id, kind, name);
	return code;
}

static int list(struct json_peer *peer, const struct chat_id *id, const json_t *params,
		unsigned kind)
{
	uint32_t limit, offset;
	int code = json_get_page(params, &limit, &offset);

	if (code == CODE_OK)
		scoped_list(&peer->session, id, kind, limit, offset);
	return code;
}

#define CHANGES(noun, kind, verb, what)                                            \
	static int noun##_##verb(struct json_peer *peer, const struct chat_id *id, \
				 const json_t *params)                             \
	{                                                                          \
		return change(peer, id, params, kind, what);                       \
	}
#define SHOWS(noun, kind, verb)                                                    \
	static int noun##_##verb(struct json_peer *peer, const struct chat_id *id, \
				 const json_t *params)                             \
	{                                                                          \
		return verb(peer, id, params, kind);                               \
	}

CHANGES(config, SCOPED_CONFIG, set, SETTINGS_SET)
CHANGES(config, SCOPED_CONFIG, remove, SETTINGS_REMOVE)
SHOWS(config, SCOPED_CONFIG, get)
SHOWS(config, SCOPED_CONFIG, list)
CHANGES(policy, SCOPED_POLICY, create, SETTINGS_CREATE)
CHANGES(policy, SCOPED_POLICY, set, SETTINGS_SET)
CHANGES(policy, SCOPED_POLICY, remove, SETTINGS_REMOVE)
SHOWS(policy, SCOPED_POLICY, get)
SHOWS(policy, SCOPED_POLICY, list)
CHANGES(endpoint, SCOPED_ENDPOINT, create, SETTINGS_CREATE)
CHANGES(endpoint, SCOPED_ENDPOINT, set, SETTINGS_SET)
CHANGES(endpoint, SCOPED_ENDPOINT, remove, SETTINGS_REMOVE)
SHOWS(endpoint, SCOPED_ENDPOINT, get)
SHOWS(endpoint, SCOPED_ENDPOINT, list)
CHANGES(topology, SCOPED_TOPOLOGY, set, SETTINGS_SET)
SHOWS(topology, SCOPED_TOPOLOGY, get)
CHANGES(retention, SCOPED_RETENTION, set, SETTINGS_SET)
CHANGES(retention, SCOPED_RETENTION, remove, SETTINGS_REMOVE)
SHOWS(retention, SCOPED_RETENTION, get)
SHOWS(retention, SCOPED_RETENTION, list)
CHANGES(pool, SCOPED_POOL, set, SETTINGS_SET)
SHOWS(pool, SCOPED_POOL, get)

static int config_effective(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	(void)params;
	scoped_show(&peer->session, id);
	return CODE_OK;
}

static int policy_grant(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct text user, policy = {"", 0}, scope = {"", 0};
	char name[EVENT_SCOPE_MAX];
	int code = json_get_text(params, "uri", true, &user);

	if (code == CODE_OK)
		code = json_get_text(params, "policy", false, &policy);
	if (code == CODE_OK && policy.length > 0 &&
	    (!scoped_name(peer->session.chat, SCOPED_POLICY, policy, name, &scope) ||
	     scope.length <= 4 || memcmp(scope.data, "tag:", 4) != 0))
		code = CODE_INVALID_ARGUMENT;
	if (code == CODE_OK && policy.length > 0)
		policy = (struct text){scope.data + 4, scope.length - 4};
	if (code == CODE_OK)
		scoped_grant(&peer->session, id, user, policy);
	return code;
}

static int policy_effective(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct text user;
	int code = json_get_text(params, "uri", true, &user);

	if (code == CODE_OK)
		scoped_policy_of(&peer->session, id, user);
	return code;
}

const struct json_method json_scoped_methods[] = {
	{"config.effective", JSON_LOCAL, config_effective},
	{"config.get", JSON_LOCAL, config_get},
	{"config.list", JSON_LOCAL, config_list},
	{"config.remove", JSON_LOCAL, config_remove},
	{"config.set", JSON_LOCAL, config_set},
	{"endpoint.create", JSON_LOCAL, endpoint_create},
	{"endpoint.get", JSON_LOCAL, endpoint_get},
	{"endpoint.list", JSON_LOCAL, endpoint_list},
	{"endpoint.remove", JSON_LOCAL, endpoint_remove},
	{"endpoint.set", JSON_LOCAL, endpoint_set},
	{"policy.create", JSON_LOCAL, policy_create},
	{"policy.effective", JSON_LOCAL, policy_effective},
	{"policy.get", JSON_LOCAL, policy_get},
	{"policy.grant", JSON_LOCAL, policy_grant},
	{"policy.list", JSON_LOCAL, policy_list},
	{"policy.remove", JSON_LOCAL, policy_remove},
	{"policy.set", JSON_LOCAL, policy_set},
	{"pool.get", JSON_LOCAL, pool_get},
	{"pool.set", JSON_LOCAL, pool_set},
	{"retention.get", JSON_LOCAL, retention_get},
	{"retention.list", JSON_LOCAL, retention_list},
	{"retention.remove", JSON_LOCAL, retention_remove},
	{"retention.set", JSON_LOCAL, retention_set},
	{"topology.get", JSON_LOCAL, topology_get},
	{"topology.set", JSON_LOCAL, topology_set},
	{NULL, JSON_ANYBODY, NULL},
};

/* --- Answers. --- */

static void put_name(struct buf *buf, const char *name)
{
	json_put_string(buf, name, strlen(name));
	buf_char(buf, ':');
}

static void put_scope(struct buf *buf, unsigned kind, struct text scope)
{
	if (buf_used(buf) > 0)
		buf_char(buf, ',');
	buf_char(buf, '{');
	put_name(buf, words[kind].scope);
	json_put_string(buf, scope.data, scope.length);
}

static void put_value(struct buf *buf, const struct scoped_key *key, struct text value)
{
	buf_char(buf, ',');
	put_name(buf, key->name);
	if (key->type == SCOPED_NUMBER)
		buf_number(buf, scoped_number(value));
	else if (key->type == SCOPED_YES_NO)
		buf_string(buf, value.length == 3 ? "true" : "false");
	else
		json_put_string(buf, value.data, value.length);
}

static void put_end(struct buf *buf, uint64_t revision)
{
	buf_string(buf, ",\"revision\":");
	buf_number(buf, revision);
	buf_char(buf, '}');
}

static void answer_one(struct session *session, const struct chat_id *id, const struct buf *item)
{
	struct buf buf;

	buf_init(&buf);
	json_result(&buf, id);
	buf_append(&buf, item);
	json_finish(session, &buf);
}

static void answer_list(struct session *session, const struct chat_id *id, unsigned kind,
			const struct buf *items, bool more)
{
	struct buf buf;

	buf_init(&buf);
	json_result(&buf, id);
	buf_char(&buf, '{');
	put_name(&buf, words[kind].list);
	buf_char(&buf, '[');
	buf_append(&buf, items);
	buf_string(&buf, more ? "],\"more\":true}" : "],\"more\":false}");
	json_finish(session, &buf);
}

/* The scope from which a value comes. */
static void put_source(struct buf *buf, const struct conf *conf, enum scoped_source source)
{
	const struct text pool = scoped_pool(conf);
	char text[EVENT_SCOPE_MAX];

	switch (source) {
	case SCOPED_GLOBAL:
		snprintf(text, sizeof(text), "global");
		break;
	case SCOPED_SITE:
		snprintf(text, sizeof(text), "site:%s", conf->site);
		break;
	case SCOPED_OWN_POOL:
		snprintf(text, sizeof(text), "pool:%.*s", (int)pool.length, pool.data);
		break;
	default:
		snprintf(text, sizeof(text), "file");
	}
	json_put_string(buf, text, strlen(text));
}

static void answer_effective(struct session *session, const struct chat_id *id,
			     const struct scoped_effective *e)
{
	const struct conf *conf = chat_conf(session->chat);
	const struct text pool = scoped_pool(conf);
	const char *site = conf->site ? conf->site : "";
	const struct scoped_key *key;
	struct buf buf;

	buf_init(&buf);
	json_result(&buf, id);
	buf_string(&buf, "{\"pool\":");
	json_put_string(&buf, pool.data, pool.length);
	buf_string(&buf, ",\"site\":");
	json_put_string(&buf, site, strlen(site));
	buf_string(&buf, ",\"history\":");
	buf_number(&buf, e->history);
	buf_string(&buf, ",\"file_size\":");
	buf_number(&buf, e->file_size);
	buf_string(&buf, ",\"participant_update_limit\":");
	buf_number(&buf, e->participant_update_limit);
	buf_string(&buf, ",\"room_management_url\":");
	json_put_string(&buf, e->room_management_url, strlen(e->room_management_url));
	buf_string(&buf, ",\"from\":{");
	for (unsigned i = 0; (key = scoped_key_at(SCOPED_CONFIG, i)) != NULL; i++) {
		if (i > 0)
			buf_char(&buf, ',');
		put_name(&buf, key->name);
		put_source(&buf, conf, (enum scoped_source)e->source[i]);
	}
	buf_string(&buf, "}}");
	json_finish(session, &buf);
}

static void answer_policy(struct session *session, const struct chat_id *id, struct text uri,
			  struct text policy, struct text from, bool enabled)
{
	struct buf buf;

	buf_init(&buf);
	json_result(&buf, id);
	buf_string(&buf, "{\"uri\":");
	json_put_string(&buf, uri.data, uri.length);
	buf_string(&buf, ",\"policy\":");
	json_put_string(&buf, policy.data, policy.length);
	buf_string(&buf, ",\"from\":");
	json_put_string(&buf, from.data, from.length);
	buf_string(&buf, enabled ? ",\"enabled\":true}" : ",\"enabled\":false}");
	json_finish(session, &buf);
}

const struct scoped_front json_scoped_front = {
	.scope = put_scope,
	.value = put_value,
	.end = put_end,
	.one = answer_one,
	.listed = answer_list,
	.effective = answer_effective,
	.policy = answer_policy,
};
