#include "worker/names.h"

#include <stdlib.h>
#include <string.h>

struct name {
	uint32_t id;
	uint16_t uri_length, name_length;
	char data[];
};

static void view(const struct name *name, struct name_view *view_r)
{
	view_r->uri = (struct text){name->data, name->uri_length};
	view_r->name = (struct text){name->data + name->uri_length, name->name_length};
}

static struct name *name_new(const struct principal_view *p)
{
	struct name *name = malloc(sizeof(*name) + p->uri_length + p->name_length);

	if (name == NULL)
		return NULL;
	name->id = p->id;
	name->uri_length = p->uri_length;
	name->name_length = p->name_length;
	memcpy(name->data, p->uri, p->uri_length);
	memcpy(name->data + p->uri_length, p->name, p->name_length);
	return name;
}

int names_get(struct names *names, const struct cache *cache, uint32_t principal,
	      struct name_view *view_r)
{
	struct name **place = &names->place[principal % NAMES];
	struct principal_view found;
	int code;

	memset(view_r, 0, sizeof(*view_r));
	if (*place != NULL && (*place)->id == principal) {
		view(*place, view_r);
		return CODE_OK;
	}
	code = cache_principal(cache, principal, &found);
	if (code != CODE_OK)
		return code;
	free(*place);
	*place = name_new(&found);
	if (*place == NULL)
		return CODE_BUSY;
	view(*place, view_r);
	return CODE_OK;
}

void names_forget(struct names *names, uint32_t principal)
{
	struct name **place = &names->place[principal % NAMES];

	if (*place != NULL && (*place)->id == principal) {
		free(*place);
		*place = NULL;
	}
}

void names_fini(struct names *names)
{
	for (unsigned i = 0; i < NAMES; i++) {
		free(names->place[i]);
		names->place[i] = NULL;
	}
}
