#include "worker/names.h"

#include <stdlib.h>
#include <string.h>

enum form { FORM_USER, FORM_SENDER, FORMS };

struct name {
	uint32_t id;
	uint16_t uri_length, name_length;
	struct text item[FORMS][FRONT_ENDS]; /* owned; as front ends write it, once it was wanted */
	char data[];
};

static void view(const struct name *name, struct name_view *view_r)
{
	view_r->uri = (struct text){name->data, name->uri_length};
	view_r->name = (struct text){name->data + name->uri_length, name->name_length};
}

static struct name *name_new(const struct principal_view *p)
{
	struct name *name = calloc(1, sizeof(*name) + p->uri_length + p->name_length);

	if (name == NULL)
		return NULL;
	name->id = p->id;
	name->uri_length = p->uri_length;
	name->name_length = p->name_length;
	memcpy(name->data, p->uri, p->uri_length);
	memcpy(name->data + p->uri_length, p->name, p->name_length);
	return name;
}

static void name_free(struct name **place)
{
	if (*place == NULL)
		return;
	for (unsigned form = 0; form < FORMS; form++)
		for (unsigned i = 0; i < FRONT_ENDS; i++)
			free((char *)(*place)->item[form][i].data);
	free(*place);
	*place = NULL;
}

static int look_up(struct names *names, const struct cache *cache, uint32_t principal,
		   struct name **name_r)
{
	struct name **place = &names->place[principal % NAMES];
	struct principal_view found;
	int code = CODE_OK;

	if (*place == NULL || (*place)->id != principal) {
		code = cache_principal(cache, principal, &found);
		if (code != CODE_OK)
			return code;
		name_free(place);
		*place = name_new(&found);
	}
	*name_r = *place;
	return *place == NULL ? CODE_BUSY : CODE_OK;
}

int names_get(struct names *names, const struct cache *cache, uint32_t principal,
	      struct name_view *view_r)
{
	struct name *name;
	int code = look_up(names, cache, principal, &name);

	memset(view_r, 0, sizeof(*view_r));
	if (code == CODE_OK)
		view(name, view_r);
	return code;
}

static bool write_item(const struct name *name, enum form form, const struct front_end *front,
		       struct text *item_r)
{
	struct name_view both;
	struct buf buf;
	char *item;

	view(name, &both);
	buf_init(&buf);
	if (form == FORM_USER)
		front->user(&buf, both.uri, both.name);
	else
		front->sender(&buf, both.uri, both.name);
	item = buf.failed ? NULL : malloc(buf_used(&buf));
	if (item != NULL) {
		memcpy(item, buf_text(&buf), buf_used(&buf));
		*item_r = (struct text){item, buf_used(&buf)};
	}
	buf_fini(&buf);
	return item != NULL;
}

static int item_of(struct names *names, const struct cache *cache, uint32_t principal,
		   enum form form, const struct front_end *front, struct text *item_r)
{
	struct name *name;
	struct text *item;
	int code = look_up(names, cache, principal, &name);

	*item_r = (struct text){"", 0};
	if (code != CODE_OK)
		return code;
	item = &name->item[form][front->number];
	if (item->data == NULL && !write_item(name, form, front, item))
		return CODE_BUSY;
	*item_r = *item;
	return CODE_OK;
}

int names_item(struct names *names, const struct cache *cache, uint32_t principal,
	       const struct front_end *front, struct text *item_r)
{
	return item_of(names, cache, principal, FORM_USER, front, item_r);
}

int names_sender(struct names *names, const struct cache *cache, uint32_t principal,
		 const struct front_end *front, struct text *item_r)
{
	return item_of(names, cache, principal, FORM_SENDER, front, item_r);
}

void names_forget(struct names *names, uint32_t principal)
{
	struct name **place = &names->place[principal % NAMES];

	if (*place != NULL && (*place)->id == principal)
		name_free(place);
}

void names_fini(struct names *names)
{
	for (unsigned i = 0; i < NAMES; i++)
		name_free(&names->place[i]);
}
