#include "worker/kept.h"

#include <stdlib.h>
#include <string.h>

#include "worker/page.h"

static struct kept_page *place_of(struct kept *kept, const struct page *page)
{
	return &kept->page[page->room % KEPT_PAGES];
}

static bool is_same(const struct kept_page *have, const struct front_end *front,
		    const struct page *page, uint32_t version)
{
	return have->front == front && have->room == page->room && have->version == version &&
	       have->low == page->low && have->high == page->high;
}

static void drop(struct kept_page *have)
{
	free(have->text);
	memset(have, 0, sizeof(*have));
}

bool kept_get(const struct kept *kept, const struct front_end *front, const struct page *page,
	      uint32_t version, struct buf *rows)
{
	const struct kept_page *have = &kept->page[page->room % KEPT_PAGES];

	if (have->text == NULL || !is_same(have, front, page, version))
		return false;
	buf_add(rows, have->text, have->size);
	return true;
}

void kept_put(struct kept *kept, const struct front_end *front, const struct page *page,
	      uint32_t version, const struct buf *rows)
{
	struct kept_page *have = place_of(kept, page);
	const uint32_t size = buf_used(rows);

	if (!is_same(have, front, page, version)) {
		drop(have);
		*have = (struct kept_page){.front = front,
					   .low = page->low,
					   .high = page->high,
					   .room = page->room,
					   .version = version};
		return;
	}
	if (have->text != NULL || rows->failed || size == 0 || size > KEPT_SIZE)
		return;
	have->text = malloc(size);
	if (have->text == NULL)
		return;
	memcpy(have->text, buf_text(rows), size);
	have->size = size;
}

/* --- Lists of users. --- */

static void drop_roster(struct kept_roster *have)
{
	free(have->text);
	memset(have, 0, sizeof(*have));
}

bool kept_roster_get(const struct kept *kept, const struct front_end *front, uint32_t room,
		     struct text *list_r, uint32_t *users_r)
{
	const struct kept_roster *have = &kept->roster[room % KEPT_ROSTERS];

	if (have->text == NULL || have->front != front || have->room != room)
		return false;
	*list_r = (struct text){have->text, have->size};
	*users_r = have->users;
	return true;
}

void kept_roster_put(struct kept *kept, const struct front_end *front, uint32_t room,
		     const struct buf *list, uint32_t users)
{
	struct kept_roster *have = &kept->roster[room % KEPT_ROSTERS];
	const uint32_t size = buf_used(list);

	if (list->failed || size == 0 || size > KEPT_ROSTER_SIZE)
		return;
	drop_roster(have);
	have->text = malloc(size);
	if (have->text == NULL)
		return;
	memcpy(have->text, buf_text(list), size);
	have->front = front;
	have->room = room;
	have->size = size;
	have->users = users;
}

void kept_roster_forget(struct kept *kept, uint32_t room)
{
	struct kept_roster *have = &kept->roster[room % KEPT_ROSTERS];

	if (have->room == room)
		drop_roster(have);
}

void kept_forget(struct kept *kept)
{
	for (unsigned i = 0; i < KEPT_PAGES; i++)
		drop(&kept->page[i]);
	for (unsigned i = 0; i < KEPT_ROSTERS; i++)
		drop_roster(&kept->roster[i]);
}
