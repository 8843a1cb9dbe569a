#include <string.h>

#include "shm/role.h"
#include "worker/json_object.h"
#include "worker/json_text.h"

/* --- Parts. --- */

static void comma(struct buf *list)
{
	if (buf_used(list) > 0)
		buf_char(list, ',');
}

/* ,"NAME": */
static void put_name(struct buf *buf, const char *name)
{
	buf_string(buf, ",\"");
	buf_string(buf, name);
	buf_string(buf, "\":");
}

static void put_text(struct buf *buf, const char *name, const char *data, size_t length)
{
	put_name(buf, name);
	json_put_string(buf, data, length);
}

static void put_word(struct buf *buf, const char *name, const char *word)
{
	put_text(buf, name, word, strlen(word));
}

static void put_number(struct buf *buf, const char *name, uint64_t number)
{
	put_name(buf, name);
	buf_number(buf, number);
}

static void put_bool(struct buf *buf, const char *name, bool value)
{
	put_name(buf, name);
	buf_string(buf, value ? "true" : "false");
}

static void put_time(struct buf *buf, const char *name, uint64_t time)
{
	put_name(buf, name);
	json_put_time(buf, time);
}

static void put_lists(struct buf *buf, const char *const *names, unsigned count,
		      const struct buf *lists, bool cut)
{
	for (unsigned i = 0; i < count; i++) {
		put_name(buf, names[i]);
		buf_char(buf, '[');
		buf_append(buf, &lists[i]);
		buf_char(buf, ']');
	}
	if (cut)
		put_bool(buf, "more", true);
}

/* --- Rooms. --- */

static const char *privacy_word(unsigned privacy)
{
	switch (privacy) {
	case PRIVACY_OPEN:
		return "open";
	case PRIVACY_SECRET:
		return "secret";
	default:
		return "closed";
	}
}

void json_put_kind(struct buf *buf, const struct room_view *room)
{
	put_word(buf, "privacy", privacy_word(room->privacy));
	put_word(buf, "type", room->behavior == BEHAVIOR_AUDITORIUM ? "auditorium" : "normal");
}

void json_put_object_room(struct buf *buf, const struct chat *chat, const struct object_room *room)
{
	const struct room_view *view = room->room;

	buf_string(buf, "\"room\":");
	json_put_room(buf, chat, view->uuid);
	put_text(buf, "name", view->name, view->name_length);
	put_text(buf, "description", view->description, view->description_length);
	put_name(buf, "category");
	json_put_category(buf, chat, room->category);
	json_put_kind(buf, view);
	put_bool(buf, "invitations", view->invitations != 0);
	put_bool(buf, "files", room->files);
	put_text(buf, "addin", room->addin.data == NULL ? "" : room->addin.data,
		 room->addin.length);
	put_bool(buf, "disabled", view->disabled);
	put_time(buf, "created", view->created);
	put_number(buf, "revision", view->revision);
	put_number(buf, "last_seq", view->last_seq);
	put_number(buf, "participants", view->participants);
}

static void put_rights(struct buf *buf, unsigned rights)
{
	static const struct {
		enum right right;
		const char *name;
	} names[] = {
		{RIGHT_SEE, "see"},
		{RIGHT_JOIN, "join"},
		{RIGHT_POST, "post"},
		{RIGHT_MANAGE, "manage"},
	};
	bool first = true;

	put_name(buf, "rights");
	buf_char(buf, '[');
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!(rights & names[i].right))
			continue;
		if (!first)
			buf_char(buf, ',');
		first = false;
		json_put_string(buf, names[i].name, strlen(names[i].name));
	}
	buf_char(buf, ']');
}

static void room_whole(struct session *session, const struct chat_id *id,
		       const struct object_room *room, const struct buf *lists, bool cut)
{
	static const char *const names[] = {"members", "managers", "presenters"};
	struct buf buf;

	buf_init(&buf);
	json_result(&buf, id);
	buf_char(&buf, '{');
	json_put_object_room(&buf, session->chat, room);
	put_rights(&buf, room->rights);
	put_lists(&buf, names, 3, lists, cut);
	buf_char(&buf, '}');
	json_finish(session, &buf);
}

/* --- Categories. --- */

static void put_category(struct buf *buf, const struct chat *chat, const struct category_view *c)
{
	buf_string(buf, "{\"category\":");
	json_put_category(buf, chat, c->uuid);
	put_text(buf, "name", c->name, c->name_length);
	put_text(buf, "description", c->description, c->description_length);
	put_number(buf, "rooms", c->rooms);
}

static void item_category(const struct chat *chat, struct buf *list, const struct category_view *c)
{
	comma(list);
	put_category(list, chat, c);
	buf_char(list, '}');
}

static void category_whole(struct session *session, const struct chat_id *id,
			   const struct category_view *c, const struct buf *lists, bool cut)
{
	static const char *const names[] = {"allowed", "denied", "creators"};
	struct buf buf;

	buf_init(&buf);
	json_result(&buf, id);
	put_category(&buf, session->chat, c);
	put_bool(&buf, "invitations", (c->flags & CATEGORY_INVITATIONS) != 0);
	put_bool(&buf, "files", (c->flags & CATEGORY_FILES) != 0);
	put_bool(&buf, "history", (c->flags & CATEGORY_HISTORY) != 0);
	put_bool(&buf, "authors_remove", (c->flags & CATEGORY_AUTHORS_REMOVE) != 0);
	put_bool(&buf, "members_leave", (c->flags & CATEGORY_MEMBERS_LEAVE) != 0);
	put_bool(&buf, "requests", (c->flags & CATEGORY_REQUESTS) != 0);
	put_time(&buf, "created", c->created);
	put_number(&buf, "revision", c->revision);
	put_lists(&buf, names, 3, lists, cut);
	buf_char(&buf, '}');
	json_finish(session, &buf);
}

static void category_made(struct session *session, const struct chat_id *id, const uint8_t uuid[16])
{
	struct buf buf;

	buf_init(&buf);
	json_result(&buf, id);
	buf_string(&buf, "{\"category\":");
	json_put_category(&buf, session->chat, uuid);
	buf_char(&buf, '}');
	json_finish(session, &buf);
}

/* --- Add-ins. --- */

static void item_addin(struct buf *list, const struct addin_view *addin)
{
	comma(list);
	buf_string(list, "{\"name\":");
	json_put_string(list, addin->name, addin->name_length);
	put_text(list, "url", addin->url, addin->url_length);
	buf_char(list, '}');
}

static void addin_whole(struct session *session, const struct chat_id *id,
			const struct addin_view *addin)
{
	struct buf buf, item;

	buf_init(&item);
	item_addin(&item, addin);
	buf_init(&buf);
	json_result(&buf, id);
	buf_append(&buf, &item);
	buf_fini(&item);
	json_finish(session, &buf);
}

static void addin_made(struct session *session, const struct chat_id *id, struct text name)
{
	struct buf buf;

	buf_init(&buf);
	json_result(&buf, id);
	buf_string(&buf, "{\"name\":");
	json_put_string(&buf, name.data, name.length);
	buf_char(&buf, '}');
	json_finish(session, &buf);
}

/* --- Users and groups. --- */

static const char *kind_word(unsigned kind)
{
	switch (kind) {
	case PRINCIPAL_DOMAIN:
		return "domain";
	case PRINCIPAL_FOLDER:
		return "folder";
	case PRINCIPAL_USER:
		return "user";
	default:
		return "group";
	}
}

static void put_principal(struct buf *buf, const struct principal_view *group)
{
	static const char *const states[] = {"active", "disabled", "deleted"};

	buf_string(buf, "{\"uri\":");
	json_put_string(buf, group->uri, group->uri_length);
	put_text(buf, "name", group->name, group->name_length);
	put_word(buf, "kind", kind_word(group->kind));
	put_word(buf, "state",
		 group->state <= PRINCIPAL_DELETED ? states[group->state] : "unknown");
}

static void item_group(struct buf *list, const struct principal_view *group)
{
	comma(list);
	put_principal(list, group);
	buf_char(list, '}');
}

static void item_principal(struct buf *list, struct text uri)
{
	comma(list);
	json_put_string(list, uri.data, uri.length);
}

static void principal_whole(struct session *session, const struct chat_id *id,
			    const struct principal_view *principal, const struct buf *lists,
			    bool cut)
{
	static const char *const names[] = {"members", "groups"};
	const unsigned first = principal->kind == PRINCIPAL_USER;
	struct buf buf;

	buf_init(&buf);
	json_result(&buf, id);
	put_principal(&buf, principal);
	put_lists(&buf, names + first, 2 - first, lists + first, cut);
	buf_char(&buf, '}');
	json_finish(session, &buf);
}

/* --- Lists. --- */

static void listed(struct session *session, const struct chat_id *id, enum object_list kind,
		   const struct buf *list, bool more)
{
	static const char *const names[] = {
		[OBJECT_CATEGORIES] = "{\"categories\":[",
		[OBJECT_ADDINS] = "{\"addins\":[",
		[OBJECT_GROUPS] = "{\"groups\":[",
	};
	struct buf buf;

	buf_init(&buf);
	json_result(&buf, id);
	buf_string(&buf, names[kind]);
	buf_append(&buf, list);
	buf_char(&buf, ']');
	put_bool(&buf, "more", more);
	buf_char(&buf, '}');
	json_finish(session, &buf);
}

static void imported(struct session *session, const struct chat_id *id, bool made)
{
	struct buf buf;

	buf_init(&buf);
	json_result(&buf, id);
	buf_string(&buf, made ? "{\"made\":true}" : "{\"made\":false}");
	json_finish(session, &buf);
}

const struct object_front json_object_front = {
	.category = item_category,
	.addin = item_addin,
	.group = item_group,
	.principal = item_principal,
	.listed = listed,
	.category_made = category_made,
	.addin_made = addin_made,
	.addin_whole = addin_whole,
	.imported = imported,
	.category_whole = category_whole,
	.room_whole = room_whole,
	.principal_whole = principal_whole,
};
