#include <stdlib.h>

#include "worker/match.h"
#include "worker/object_find.h"
#include "worker/scan.h"

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
	int code = CODE_OK;

	if (!match_text(text, name, as_text(c->description, c->description_length)))
		return CODE_OK;
	if (!session->admin)
		code = cache_may_create(session->chat->cache, session->principal, c->id, &may);
	if (code == CODE_OK && may)
		matches_add(all, c->id, name);
	return code == CODE_BUSY ? code : CODE_OK;
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

struct list {
	struct scan scan;
	enum object_list kind;
	struct match_text text;
	uint32_t limit, offset;
	struct matches all; /* owned */
};

static void list_free(struct pending *pending)
{
	struct list *one = (struct list *)pending;

	session_request_ended(pending->session);
	matches_fini(&one->all);
	free(one);
}

static int look(struct scan *scan)
{
	struct list *one = (struct list *)scan;
	const struct session *session = scan->base.base.session;
	const struct kind *kind = &kinds[one->kind];
	union row row;
	int code = kind->next(session->chat->cache, &scan->position, &row);

	if (code != CODE_OK)
		return scan_code(code);
	code = kind->consider(session, &one->text, &row, &one->all);
	return one->all.failed ? CODE_BUSY : code;
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

static void answer(struct scan *scan)
{
	struct list *one = (struct list *)scan;
	struct session *session = scan->base.base.session;
	struct buf list;
	int code;

	buf_init(&list);
	matches_sort(&one->all);
	code = write_page(session, &kinds[one->kind], &one->all, one->limit, one->offset, &list);
	if (code == CODE_OK)
		session->front->object->listed(session, &scan->base.id, one->kind, &list,
					       one->all.count > (uint64_t)one->offset + one->limit);
	else
		session_refuse(session, &scan->base.id, code);
	buf_fini(&list);
	request_end(&scan->base);
}

void object_list(struct session *session, const struct chat_id *id, enum object_list kind,
		 struct text text, uint32_t limit, uint32_t offset)
{
	struct list *one =
		(struct list *)scan_begin(session, id, sizeof(*one), look, answer, list_free);

	if (one == NULL)
		return;
	one->kind = kind;
	one->limit = limit;
	one->offset = offset;
	match_text_init(&one->text, text);
	scan_run(&one->scan);
}
