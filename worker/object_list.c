#include <string.h>

#include "worker/match.h"
#include "worker/object_find.h"

/* Lists of categories, add-ins and groups by name. */

enum { TRIES = 32 };

union row {
	struct category_view category;
	struct addin_view addin;
	struct principal_view principal;
};

/* What a list is of: how to walk its table, what a row is called, how it is written. A function
 * returns CODE_BUSY for a row that is being changed just now. */
struct kind {
	int (*next)(const struct cache *cache, uint32_t *position, union row *row_r);
	int (*get)(const struct cache *cache, uint32_t id, union row *row_r);
	/* Takes the row into the list if the session may see it. */
	int (*consider)(const struct session *session, const struct match_text *text,
			const union row *row, struct matches *all);
	void (*write)(const struct session *session, struct buf *list, const union row *row);
};

static struct text as_text(const char *data, size_t length)
{
	return (struct text){data, (uint32_t)length};
}

/* --- Categories: to users only those in which they may make rooms. --- */

static int next_category(const struct cache *cache, uint32_t *position, union row *row_r)
{
	return cache_categories_next(cache, position, &row_r->category);
}

static int get_category(const struct cache *cache, uint32_t id, union row *row_r)
{
	return cache_category(cache, id, &row_r->category);
}

static int consider_category(const struct session *session, const struct match_text *text,
			     const union row *row, struct matches *all)
{
	const struct category_view *c = &row->category;
	struct text name = as_text(c->name, c->name_length);
	bool may = session->admin;
	int code = CODE_BUSY;

	if (!match_text(text, name, as_text(c->description, c->description_length)))
		return CODE_OK;
	for (unsigned i = 0; !session->admin && i < TRIES && code == CODE_BUSY; i++)
		code = cache_may_create(session->chat->cache, session->principal, c->id, &may);
	if (!session->admin && code == CODE_BUSY)
		return code;
	if (may)
		matches_add(all, c->id, name);
	return CODE_OK;
}

static void write_category(const struct session *session, struct buf *list, const union row *row)
{
	session->front->object->category(session->chat, list, &row->category);
}

/* --- Add-ins. --- */

static int next_addin(const struct cache *cache, uint32_t *position, union row *row_r)
{
	return cache_addins_next(cache, position, &row_r->addin);
}

static int get_addin(const struct cache *cache, uint32_t id, union row *row_r)
{
	return cache_addin(cache, id, &row_r->addin);
}

static int consider_addin(const struct session *session, const struct match_text *text,
			  const union row *row, struct matches *all)
{
	const struct addin_view *a = &row->addin;
	struct text name = as_text(a->name, a->name_length);

	(void)session;
	if (match_text(text, name, as_text(a->url, a->url_length)))
		matches_add(all, a->id, name);
	return CODE_OK;
}

static void write_addin(const struct session *session, struct buf *list, const union row *row)
{
	session->front->object->addin(list, &row->addin);
}

/* --- Groups. --- */

static int next_group(const struct cache *cache, uint32_t *position, union row *row_r)
{
	return cache_principals_next(cache, position, &row_r->principal);
}

static int get_group(const struct cache *cache, uint32_t id, union row *row_r)
{
	return cache_principal(cache, id, &row_r->principal);
}

static int consider_group(const struct session *session, const struct match_text *text,
			  const union row *row, struct matches *all)
{
	const struct principal_view *p = &row->principal;
	struct text name = as_text(p->name, p->name_length);

	(void)session;
	if (p->kind != PRINCIPAL_USER && match_text(text, name, as_text(p->uri, p->uri_length)))
		matches_add(all, p->id, name);
	return CODE_OK;
}

static void write_group(const struct session *session, struct buf *list, const union row *row)
{
	session->front->object->group(list, &row->principal);
}

/* --- All of them. --- */

static const struct kind kinds[] = {
	[OBJECT_CATEGORIES] = {next_category, get_category, consider_category, write_category},
	[OBJECT_ADDINS] = {next_addin, get_addin, consider_addin, write_addin},
	[OBJECT_GROUPS] = {next_group, get_group, consider_group, write_group},
};

static int next(const struct kind *kind, const struct cache *cache, uint32_t *position,
		union row *row_r)
{
	uint32_t place = *position;
	int code = CODE_BUSY;

	for (unsigned i = 0; i < TRIES && code == CODE_BUSY; i++) {
		*position = place;
		code = kind->next(cache, position, row_r);
	}
	return code;
}

static int find(const struct session *session, const struct kind *kind, struct text text,
		struct matches *all)
{
	struct match_text wanted;
	uint32_t position = 0;
	union row row;
	int code;

	match_text_init(&wanted, text);
	while ((code = next(kind, session->chat->cache, &position, &row)) == CODE_OK) {
		code = kind->consider(session, &wanted, &row, all);
		if (code != CODE_OK)
			return code;
	}
	matches_sort(all);
	return code == CODE_BUSY || all->failed ? CODE_BUSY : CODE_OK;
}

/* A page of the matches; one that vanished is left out. */
static int write_page(const struct session *session, const struct kind *kind,
		      const struct matches *all, uint32_t limit, uint32_t offset, struct buf *list)
{
	for (size_t i = offset; i < all->count && i - offset < limit; i++) {
		union row row;
		int code = CODE_BUSY;

		for (unsigned k = 0; k < TRIES && code == CODE_BUSY; k++)
			code = kind->get(session->chat->cache, matches_id(all, i), &row);
		if (code == CODE_BUSY)
			return code;
		if (code == CODE_OK)
			kind->write(session, list, &row);
	}
	return CODE_OK;
}

void object_list(struct session *session, const struct chat_id *id, enum object_list kind,
		 struct text text, uint32_t limit, uint32_t offset)
{
	struct matches all = {0};
	struct buf list;
	int code = find(session, &kinds[kind], text, &all);

	buf_init(&list);
	if (code == CODE_OK)
		code = write_page(session, &kinds[kind], &all, limit, offset, &list);
	if (code == CODE_OK)
		session->front->object->listed(session, id, kind, &list,
					       all.count > (uint64_t)offset + limit);
	else
		session_refuse(session, id, code);
	buf_fini(&list);
	matches_fini(&all);
}
