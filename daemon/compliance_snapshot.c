#include "daemon/compliance.h"

#include <string.h>

#include "conf/log.h"
#include "daemon/fragment.h"

/*
 * Users, rooms and so on that were there before compliance was: what they are called, and what they
 * are like before they are changed. The sequencer waits for this before it goes on. Doing it again
 * does no harm.
 */
enum { CHUNK = 1000, TRIES = 1000 };

struct snapshot {
	struct compliance *c;
	uint64_t objects;
};

static struct text text_of(const char *data, size_t length)
{
	return (struct text){data, (uint32_t)length};
}

/* --- From the cache's rows: CODE_OK, CODE_BUSY, or another at the end. --- */

typedef int next_fn(const struct compliance *c, uint32_t *position, char uri[STATE_URI],
		    struct fragment *detail, struct record_object *object_r);

static int next_principal(const struct compliance *c, uint32_t *position, char uri[STATE_URI],
			  struct fragment *detail, struct record_object *object_r)
{
	static struct principal_view view; /* whose texts are borrowed */
	const int code = cache_principals_next(c->cache, position, &view);

	(void)uri;
	if (code == CODE_OK)
		*object_r = state_principal(
			&(struct event_principal){.id = view.id,
						  .kind = view.kind,
						  .state = view.state,
						  .uri = text_of(view.uri, view.uri_length),
						  .name = text_of(view.name, view.name_length)},
			detail);
	return code;
}

static int next_room(const struct compliance *c, uint32_t *position, char uri[STATE_URI],
		     struct fragment *detail, struct record_object *object_r)
{
	static struct room_view view;
	const int code = cache_rooms_next(c->cache, position, &view);
	struct event_room event;

	if (code != CODE_OK)
		return code;
	event = (struct event_room){.id = view.id,
				    .disabled = view.disabled,
				    .category = view.category,
				    .addin = view.addin,
				    .privacy = view.privacy,
				    .behavior = view.behavior,
				    .invitations = view.invitations,
				    .revision = view.revision,
				    .name = text_of(view.name, view.name_length),
				    .description =
					    text_of(view.description, view.description_length)};
	memcpy(event.uuid, view.uuid, sizeof(event.uuid));
	*object_r = state_room(c->child.conf->domain, &event, uri, detail);
	return CODE_OK;
}

static int next_category(const struct compliance *c, uint32_t *position, char uri[STATE_URI],
			 struct fragment *detail, struct record_object *object_r)
{
	static struct category_view view;
	const int code = cache_categories_next(c->cache, position, &view);
	struct event_category event;

	if (code != CODE_OK)
		return code;
	event = (struct event_category){.id = view.id,
					.flags = view.flags,
					.revision = view.revision,
					.name = text_of(view.name, view.name_length),
					.description =
						text_of(view.description, view.description_length)};
	memcpy(event.uuid, view.uuid, sizeof(event.uuid));
	*object_r = state_category(c->child.conf->domain, &event, uri, detail);
	return CODE_OK;
}

static int next_addin(const struct compliance *c, uint32_t *position, char uri[STATE_URI],
		      struct fragment *detail, struct record_object *object_r)
{
	static struct addin_view view;
	const int code = cache_addins_next(c->cache, position, &view);

	(void)uri;
	if (code == CODE_OK)
		*object_r = state_addin(
			&(struct event_addin){.id = view.id,
					      .name = text_of(view.name, view.name_length),
					      .url = text_of(view.url, view.url_length)},
			detail);
	return code;
}

/* --- Into the database. --- */

/* DB_END: that was the last one. */
static enum db_result put_one(struct snapshot *s, next_fn *next, uint32_t *position, unsigned *busy,
			      struct err *err)
{
	struct fragment detail = {0};
	struct record_object object;
	enum db_result result = DB_OK;
	const uint32_t here = *position;
	char uri[STATE_URI];
	const int code = next(s->c, position, uri, &detail, &object);

	if (code == CODE_BUSY && ++*busy < TRIES) {
		*position = here;
	} else if (code == CODE_OK && detail.failed) {
		err_set(err, "could not write what there is: out of memory");
		result = DB_RETRY;
	} else if (code == CODE_OK) {
		result = record_object_put(s->c->db, &object, err);
		s->objects++;
	} else if (code != CODE_BUSY) {
		result = DB_END;
	}
	fragment_free(&detail);
	return result;
}

static enum db_result put_table(struct snapshot *s, next_fn *next, struct err *err)
{
	enum db_result result = DB_OK;
	unsigned busy = 0;
	uint32_t position = 0;

	while (result == DB_OK) {
		result = db_begin(s->c->db, err);
		for (unsigned i = 0; i < CHUNK && result == DB_OK; i++)
			result = put_one(s, next, &position, &busy, err);
		if (result == DB_OK || result == DB_END) {
			const enum db_result committed = db_commit(s->c->db, err);

			result = committed == DB_OK ? result : committed;
		}
		proc_heartbeat(&s->c->child.proc);
	}
	return result == DB_END ? DB_OK : result;
}

enum db_result compliance_snapshot(struct compliance *c, struct err *err)
{
	static next_fn *const tables[] = {next_principal, next_category, next_addin, next_room};
	struct snapshot s = {.c = c};
	enum db_result result = DB_OK;

	for (unsigned i = 0; i < sizeof(tables) / sizeof(tables[0]) && result == DB_OK; i++)
		result = put_table(&s, tables[i], err);
	if (result == DB_OK)
		log_info("the compliance database was given %llu users, rooms and so on",
			 (unsigned long long)s.objects);
	return result;
}
