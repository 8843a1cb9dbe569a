#include <stdio.h>

#include "conf/hex.h"
#include "daemon/compliance_state.h"
#include "daemon/fragment.h"

/* Objects as rows of the compliance database; their whole state as JSON, by the names that the
 * protocol has for it. */

static struct db_bytes bytes(struct text text)
{
	return (struct db_bytes){.data = text.data, .length = text.length};
}

static struct db_bytes written(const struct fragment *detail)
{
	return (struct db_bytes){.data = detail->data, .length = detail->used};
}

static void member(struct fragment *out, const char *name)
{
	fragment_text(out, out->used > 1 ? ",\"" : "\"");
	fragment_text(out, name);
	fragment_text(out, "\":");
}

static void put_text(struct fragment *out, const char *name, struct text text)
{
	member(out, name);
	fragment_string(out, text.data, text.length);
}

static void put_word(struct fragment *out, const char *name, const char *word)
{
	member(out, name);
	fragment_text(out, "\"");
	fragment_text(out, word);
	fragment_text(out, "\"");
}

static void put_flag(struct fragment *out, const char *name, bool value)
{
	member(out, name);
	fragment_text(out, value ? "true" : "false");
}

static void put_number(struct fragment *out, const char *name, uint64_t value)
{
	member(out, name);
	fragment_number(out, value);
}

/* "ma-chan://example.test/UUID" */
static struct db_bytes node_uri(const char *scheme, const char *domain, const uint8_t uuid[16],
				char uri[STATE_URI])
{
	char text[HEX_UUID];

	hex_uuid_encode(uuid, text);
	return (struct db_bytes){
		.data = uri,
		.length = (size_t)snprintf(uri, STATE_URI, "%s://%s/%s", scheme, domain, text)};
}

static const char *kind_word(unsigned kind)
{
	switch (kind) {
	case PRINCIPAL_DOMAIN:
		return "domain";
	case PRINCIPAL_GROUP:
		return "group";
	case PRINCIPAL_FOLDER:
		return "folder";
	default:
		return "user";
	}
}

struct record_object state_principal(const struct event_principal *event, struct fragment *detail)
{
	static const char *const states[] = {"active", "disabled", "deleted"};

	fragment_text(detail, "{");
	put_word(detail, "kind", kind_word(event->kind));
	put_text(detail, "uri", event->uri);
	put_text(detail, "name", event->name);
	put_word(detail, "state", states[event->state <= PRINCIPAL_DELETED ? event->state : 2]);
	fragment_text(detail, "}");
	return (struct record_object){.kind = RECORD_PRINCIPAL,
				      .id = event->id,
				      .uri = bytes(event->uri),
				      .name = bytes(event->name),
				      .detail = written(detail)};
}

static const char *privacy_word(unsigned privacy)
{
	return privacy == PRIVACY_OPEN ? "open" : privacy == PRIVACY_SECRET ? "secret" : "closed";
}

struct record_object state_room(const char *domain, const struct event_room *event,
				char uri[STATE_URI], struct fragment *detail)
{
	fragment_text(detail, "{");
	put_text(detail, "name", event->name);
	put_text(detail, "description", event->description);
	put_number(detail, "category", event->category);
	put_word(detail, "privacy", privacy_word(event->privacy));
	put_word(detail, "type", event->behavior == BEHAVIOR_AUDITORIUM ? "auditorium" : "normal");
	put_flag(detail, "invitations", event->invitations != 0);
	put_number(detail, "addin", event->addin);
	put_flag(detail, "disabled", event->disabled != 0);
	put_number(detail, "revision", event->revision);
	fragment_text(detail, "}");
	return (struct record_object){.kind = RECORD_ROOM,
				      .id = event->id,
				      .parent = event->category,
				      .uri = node_uri("ma-chan", domain, event->uuid, uri),
				      .name = bytes(event->name),
				      .description = bytes(event->description),
				      .detail = written(detail)};
}

struct record_object state_category(const char *domain, const struct event_category *event,
				    char uri[STATE_URI], struct fragment *detail)
{
	fragment_text(detail, "{");
	put_text(detail, "name", event->name);
	put_text(detail, "description", event->description);
	put_flag(detail, "invitations", event->flags & CATEGORY_INVITATIONS);
	put_flag(detail, "files", event->flags & CATEGORY_FILES);
	put_flag(detail, "history", event->flags & CATEGORY_HISTORY);
	put_flag(detail, "authors_remove", event->flags & CATEGORY_AUTHORS_REMOVE);
	put_flag(detail, "members_leave", event->flags & CATEGORY_MEMBERS_LEAVE);
	put_flag(detail, "requests", event->flags & CATEGORY_REQUESTS);
	put_number(detail, "revision", event->revision);
	fragment_text(detail, "}");
	return (struct record_object){.kind = RECORD_CATEGORY,
				      .id = event->id,
				      .flags = event->flags,
				      .uri = node_uri("ma-cat", domain, event->uuid, uri),
				      .name = bytes(event->name),
				      .description = bytes(event->description),
				      .detail = written(detail)};
}

struct record_object state_addin(const struct event_addin *event, struct fragment *detail)
{
	fragment_text(detail, "{");
	put_text(detail, "name", event->name);
	put_text(detail, "url", event->url);
	fragment_text(detail, "}");
	return (struct record_object){.kind = RECORD_ADDIN,
				      .id = event->id,
				      .uri = bytes(event->url),
				      .name = bytes(event->name),
				      .detail = written(detail)};
}
