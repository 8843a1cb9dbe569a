#include <string.h>

#include "conf/code.h"
#include "stub_calls.h"
#include "worker/object.h"
#include "worker/person.h"
#include "worker/scoped.h"

/* The calls of object.h, person.h and scoped.h. */

/* --- object.h --- */

void object_category(struct session *session, const struct chat_id *id,
		     const struct object_key *key, const struct command_change *change,
		     const struct event_category *wanted)
{
	stub_called(session, "category", wanted->name, change->fields);
	if (key == NULL)
		session->front->object->category_made(session, id, stub_uuid);
	else
		session->front->done(session, id);
}

void object_addin(struct session *session, const struct chat_id *id, struct text addin,
		  const struct command_change *change, const struct event_addin *wanted)
{
	stub_called(session, "addin", wanted->name, change->fields);
	if (addin.length == 0)
		session->front->object->addin_made(session, id, wanted->name);
	else
		session->front->done(session, id);
}

void object_room(struct session *session, const struct chat_id *id, const struct object_key *key,
		 const struct command_change *change, const struct event_room *wanted,
		 const struct object_key *category, struct text addin)
{
	(void)category;
	(void)addin;
	stub_called(session, "room", wanted->name, change->fields);
	if (key == NULL)
		session->front->room_added(session, id, stub_uuid);
	else
		session->front->done(session, id);
}

void object_remove(struct session *session, const struct chat_id *id, enum node_kind kind,
		   const struct object_key *key)
{
	stub_called(session, "remove", key->by_name ? key->name : stub_nothing, kind);
	session->front->done(session, id);
}

void object_roles(struct session *session, const struct chat_id *id, enum node_kind kind,
		  const struct object_key *key, const struct object_edits *edits)
{
	(void)key;
	(void)kind;
	stub_called(session, "roles", edits->count > 0 ? edits->list[0].principal : stub_nothing,
	       edits->count);
	session->front->done(session, id);
}

/* Three lists of two each. */
static void put_lists(struct session *session, struct buf *lists)
{
	for (unsigned i = 0; i < OBJECT_LISTS; i++) {
		buf_init(&lists[i]);
		session->front->object->principal(&lists[i], (struct text){"*", 1});
		session->front->object->principal(&lists[i], (struct text){"sip:\"@b", 7});
	}
}

static void drop_lists(struct buf *lists)
{
	for (unsigned i = 0; i < OBJECT_LISTS; i++)
		buf_fini(&lists[i]);
}

void object_get(struct session *session, const struct chat_id *id, enum node_kind kind,
		const struct object_key *key)
{
	static const struct category_view category = {.name_length = 5, .name = "C\"\\\n\t"};
	static const struct room_view view = {.name_length = 5, .name = "Lobby"};
	static const struct object_room room = {.room = &view, .rights = 15};
	struct buf lists[OBJECT_LISTS];

	stub_called(session, "get", key->by_name ? key->name : stub_nothing, kind);
	put_lists(session, lists);
	if (kind == NODE_CATEGORY)
		session->front->object->category_whole(session, id, &category, lists, true);
	else
		session->front->object->room_whole(session, id, &room, lists, false);
	drop_lists(lists);
}

void object_list(struct session *session, const struct chat_id *id, enum object_list kind,
		 struct text text, uint32_t limit, uint32_t offset)
{
	static const struct category_view category = {.name_length = 1, .name = "c"};
	static const struct addin_view addin = {.name_length = 1, .name = "a"};
	static const struct principal_view group = {.uri_length = 8, .uri = "ma-grp:g"};
	const struct object_front *object = session->front->object;
	struct buf list;

	stub_called(session, "list", text, limit);
	buf_init(&list);
	for (unsigned i = 0; i < 2; i++) {
		if (kind == OBJECT_CATEGORIES)
			object->category(session->chat, &list, &category);
		else if (kind == OBJECT_ADDINS)
			object->addin(&list, &addin);
		else
			object->group(&list, &group);
	}
	object->listed(session, id, kind, &list, offset > 0);
	buf_fini(&list);
}

void object_addin_get(struct session *session, const struct chat_id *id, struct text name)
{
	static const struct addin_view addin = {.name_length = 1, .name = "m"};

	stub_called(session, "addin_get", name, 0);
	session->front->object->addin_whole(session, id, &addin);
}

void object_group_add(struct session *session, const struct chat_id *id, struct text uri,
		      struct text name, enum principal_kind kind)
{
	stub_called(session, "group_add", name, kind);
	session->front->account_added(session, id, uri, 7);
}

void object_principal_get(struct session *session, const struct chat_id *id, struct text uri,
			  bool group)
{
	static const struct principal_view known[] = {
		{.uri_length = 7, .uri = "sip:a@b", .kind = PRINCIPAL_USER},
		{.uri_length = 8, .uri = "ma-grp:g", .kind = PRINCIPAL_GROUP}};
	struct buf lists[OBJECT_LISTS];

	stub_called(session, "principal_get", uri, group);
	put_lists(session, lists);
	session->front->object->principal_whole(session, id, &known[group], lists, false);
	drop_lists(lists);
}

void object_group_edit(struct session *session, const struct chat_id *id, struct text uri,
		       const struct object_edits *edits)
{
	stub_called(session, "group_edit", uri, edits->count);
	session->front->done(session, id);
}

void object_principal_state(struct session *session, const struct chat_id *id, struct text uri,
			    bool group, enum principal_state state)
{
	(void)group;
	stub_called(session, "state", uri, state);
	session->front->done(session, id);
}

void object_principal_name(struct session *session, const struct chat_id *id, struct text uri,
			   bool group, struct text name)
{
	(void)uri;
	stub_called(session, "name", name, group);
	session->front->done(session, id);
}

void object_eligible(struct session *session, const struct chat_id *id, enum node_kind kind,
		     const struct object_key *key, bool presenters, struct text text, uint32_t limit,
		     uint32_t offset)
{
	struct buf list;

	(void)key;
	stub_called(session, "eligible", text, kind + presenters + limit + offset);
	buf_init(&list);
	session->front->accounts(session, id, &list, false);
	buf_fini(&list);
}

/* --- object_find.h, which knows what is below the front ends. --- */

int object_find_category(const struct chat *chat, const struct object_key *key,
			 struct category_view *category_r);

int object_find_category(const struct chat *chat, const struct object_key *key,
			 struct category_view *category_r)
{
	(void)chat;
	*category_r = (struct category_view){.id = 1, .name_length = 7, .name = "General"};
	memcpy(category_r->uuid, stub_uuid, sizeof(category_r->uuid));
	return key->by_name ? CODE_NO_SUCH_NODE : CODE_OK;
}

/* --- person.h --- */

void person_invitations(struct session *session, const struct chat_id *id, uint64_t since,
			uint32_t limit)
{
	static const struct room_view room = {.name_length = 5, .name = "Lobby"};
	const struct person_invitation invitation = {.id = 3, .time = 1, .room = &room};
	struct buf list;

	stub_called(session, "invitations", stub_nothing, since + limit);
	buf_init(&list);
	session->front->person->invitation(session->chat, &list, &invitation);
	session->front->person->invitations(session, id, &list, 3, 3, false);
	buf_fini(&list);
}

void person_invitation_read(struct session *session, const struct chat_id *id, uint64_t number)
{
	stub_called(session, "invitation_read", stub_nothing, number);
	session->front->done(session, id);
}

void person_marker(struct session *session, const struct chat_id *id, const struct object_key *room,
		   uint64_t seq)
{
	(void)room;
	stub_called(session, "marker", stub_nothing, seq);
	session->front->person->marked(session, id, seq, 1);
}

void person_quit(struct session *session, const struct chat_id *id, const struct object_key *room)
{
	(void)room;
	stub_called(session, "quit", stub_nothing, 0);
	session->front->done(session, id);
}

void person_access(struct session *session, const struct chat_id *id, const struct object_key *room,
		   enum person_what what, struct text user, struct text text)
{
	(void)room;
	stub_called(session, "access", user.length > 0 ? user : text, what);
	session->front->done(session, id);
}

void person_requests(struct session *session, const struct chat_id *id,
		     const struct object_key *room, uint32_t limit, uint32_t offset)
{
	struct buf list;

	stub_called(session, "requests", stub_nothing, room == NULL ? limit : offset);
	buf_init(&list);
	session->front->person->requests(session, id, &list, false);
	buf_fini(&list);
}

void person_feeds(struct session *session, const struct chat_id *id)
{
	struct buf list;

	stub_called(session, "feeds", stub_nothing, 0);
	buf_init(&list);
	session->front->person->feeds(session, id, &list);
	buf_fini(&list);
}

void person_feed_put(struct session *session, const struct chat_id *id,
		     const struct person_feed *feed)
{
	stub_called(session, "feed_put", feed->words, feed->flags);
	session->front->person->feed_made(session, id, feed->number);
}

void person_feed_remove(struct session *session, const struct chat_id *id, uint32_t number)
{
	stub_called(session, "feed_remove", stub_nothing, number);
	session->front->done(session, id);
}

/* --- scoped.h --- */

const struct scoped_effective *scoped_effective(struct chat *chat)
{
	static struct scoped_effective effective = {.state = "normal"};

	effective.history = chat->conf->limits.history;
	return &effective;
}

bool scoped_name(const struct chat *chat, unsigned kind, struct text scope,
		 char scope_r[EVENT_SCOPE_MAX], struct text *name_r)
{
	(void)chat;
	(void)kind;
	if (scope.length > EVENT_SCOPE_MAX)
		return false;
	memcpy(scope_r, scope.data, scope.length);
	*name_r = (struct text){scope_r, scope.length};
	return true;
}

void scoped_change(struct session *session, const struct chat_id *id,
		   const struct scoped_change *change)
{
	stub_called(session, "scoped_change", change->list[change->count - 1].value, change->what);
	session->front->done(session, id);
}

void scoped_get(struct session *session, const struct chat_id *id, unsigned kind, struct text scope)
{
	const struct scoped_front *front = session->front->scoped;
	struct buf item;

	stub_called(session, "scoped_get", scope, kind);
	buf_init(&item);
	front->scope(&item, kind, scope);
	front->value(&item, scoped_key_at(kind, 0), (struct text){"7", 1});
	front->end(&item, 7);
	front->one(session, id, &item);
	buf_fini(&item);
}

void scoped_list(struct session *session, const struct chat_id *id, unsigned kind, uint32_t limit,
		 uint32_t offset)
{
	struct buf list;

	stub_called(session, "scoped_list", stub_nothing, limit + offset);
	buf_init(&list);
	session->front->scoped->listed(session, id, kind, &list, false);
	buf_fini(&list);
}

void scoped_show(struct session *session, const struct chat_id *id)
{
	stub_called(session, "scoped_show", stub_nothing, 0);
	session->front->scoped->effective(session, id, scoped_effective(session->chat));
}

void scoped_grant(struct session *session, const struct chat_id *id, struct text user,
		  struct text policy)
{
	stub_called(session, "scoped_grant", policy, user.length);
	session->front->done(session, id);
}

void scoped_policy_of(struct session *session, const struct chat_id *id, struct text user)
{
	stub_called(session, "scoped_policy_of", user, 0);
	session->front->scoped->policy(session, id, user, stub_nothing, stub_nothing, true);
}
