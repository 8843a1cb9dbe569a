#include "worker/match.h"

#include <stdlib.h>
#include <string.h>
#include <unicase.h>

struct match {
	uint32_t id;
	uint16_t length;
	char name[]; /* folded */
};

/* Text made fit for comparison without regard to case; *length_r bytes at out, cut off at size. */
static void fold(struct text text, char *out, size_t size, size_t *length_r)
{
	uint8_t *folded;

	*length_r = size;
	folded = u8_casefold((const uint8_t *)text.data, text.length, NULL, NULL, (uint8_t *)out,
			     length_r);
	if (folded == NULL)
		*length_r = 0;
	if (folded == NULL || folded == (uint8_t *)out)
		return;
	if (*length_r > size)
		*length_r = size;
	memcpy(out, folded, *length_r);
	free(folded);
}

void match_text_init(struct match_text *wanted, struct text text)
{
	fold(text, wanted->text, sizeof(wanted->text), &wanted->length);
}

static bool contains(struct text text, const struct match_text *wanted)
{
	char folded[2 * EVENT_DESCRIPTION_MAX];
	size_t length;

	fold(text, folded, sizeof(folded), &length);
	return memmem(folded, length, wanted->text, wanted->length) != NULL;
}

bool match_text(const struct match_text *wanted, struct text name, struct text description)
{
	return wanted->length == 0 || contains(name, wanted) || contains(description, wanted);
}

static bool grow(struct matches *all)
{
	size_t size = all->size == 0 ? 64 : all->size * 2;
	struct match **larger;

	if (all->count < all->size)
		return true;
	larger = reallocarray(all->list, size, sizeof(struct match *));
	if (larger == NULL)
		return false;
	all->list = larger;
	all->size = size;
	return true;
}

void matches_add(struct matches *all, uint32_t id, struct text name)
{
	char folded[2 * EVENT_NAME_MAX];
	struct match *match = NULL;
	size_t length;

	fold(name, folded, sizeof(folded), &length);
	if (grow(all))
		match = malloc(sizeof(*match) + length);
	if (match == NULL) {
		all->failed = true;
		return;
	}
	match->id = id;
	match->length = (uint16_t)length;
	memcpy(match->name, folded, length);
	all->list[all->count++] = match;
}

static int by_name(const void *a, const void *b)
{
	const struct match *x = *(const struct match *const *)a;
	const struct match *y = *(const struct match *const *)b;
	int order = memcmp(x->name, y->name, x->length < y->length ? x->length : y->length);

	if (order != 0)
		return order;
	if (x->length != y->length)
		return x->length < y->length ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

void matches_sort(struct matches *all)
{
	if (all->count > 0)
		qsort(all->list, all->count, sizeof(struct match *), by_name);
}

uint32_t matches_id(const struct matches *all, size_t i)
{
	return all->list[i]->id;
}

void matches_fini(struct matches *all)
{
	for (size_t i = 0; i < all->count; i++)
		free(all->list[i]);
	free(all->list);
	*all = (struct matches){0};
}
