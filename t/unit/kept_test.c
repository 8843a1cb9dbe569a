/* Kept pages: what is found again, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "worker/page.h"

static const struct front_end front = {.number = 0}, other_front = {.number = 1};
static const struct page page = {.room = 7, .low = 71, .high = 100};

/* Asked for once, with such rows. */
static void ask(struct kept *kept, const struct page *wanted, uint32_t version, const char *rows)
{
	struct buf buf;

	buf_init(&buf);
	buf_string(&buf, rows);
	kept_put(kept, &front, wanted, version, &buf);
	buf_fini(&buf);
}

static void is_kept(const struct kept *kept, const struct page *wanted, uint32_t version,
		    const char *rows)
{
	struct buf buf;

	buf_init(&buf);
	assert_int_equal(kept_get(kept, &front, wanted, version, &buf), rows != NULL);
	assert_int_equal(buf_used(&buf), rows == NULL ? 0 : strlen(rows));
	if (rows != NULL)
		assert_memory_equal(buf_text(&buf), rows, strlen(rows));
	buf_fini(&buf);
}

static void a_page_that_is_wanted_twice_is_kept(void **state)
{
	struct kept kept = {0};

	(void)state;
	is_kept(&kept, &page, 4, NULL);
	ask(&kept, &page, 4, "rows");
	is_kept(&kept, &page, 4, NULL);
	ask(&kept, &page, 4, "rows");
	is_kept(&kept, &page, 4, "rows");
	kept_forget(&kept);
	is_kept(&kept, &page, 4, NULL);
}

static void what_has_changed_since_is_not_found(void **state)
{
	struct kept kept = {0};
	struct page longer = page, later = page, elsewhere = page;
	struct buf buf;

	(void)state;
	longer.low--;
	later.high++;
	elsewhere.room += KEPT_PAGES;
	ask(&kept, &page, 4, "rows");
	ask(&kept, &page, 4, "rows");
	is_kept(&kept, &page, 6, NULL);
	is_kept(&kept, &longer, 4, NULL);
	is_kept(&kept, &later, 4, NULL);
	is_kept(&kept, &elsewhere, 4, NULL);
	buf_init(&buf);
	assert_false(kept_get(&kept, &other_front, &page, 4, &buf));
	buf_fini(&buf);
	ask(&kept, &elsewhere, 4, "others");
	ask(&kept, &elsewhere, 4, "others");
	is_kept(&kept, &elsewhere, 4, "others");
	is_kept(&kept, &page, 4, NULL);
	kept_forget(&kept);
}

static void users_are(const struct kept *kept, uint32_t room, const char *list)
{
	uint32_t users = 0;
	struct text text;

	assert_int_equal(kept_roster_get(kept, &front, room, &text, &users), list != NULL);
	if (list == NULL)
		return;
	assert_int_equal(users, 2);
	assert_int_equal(text.length, strlen(list));
	assert_memory_equal(text.data, list, strlen(list));
}

static void list_users(struct kept *kept, uint32_t room, const char *list)
{
	struct buf buf;

	buf_init(&buf);
	buf_string(&buf, list);
	kept_roster_put(kept, &front, room, &buf, 2);
	buf_fini(&buf);
}

static void a_list_of_users_is_kept_until_somebody_comes_or_goes(void **state)
{
	struct kept kept = {0};

	(void)state;
	users_are(&kept, 7, NULL);
	list_users(&kept, 7, "a,b");
	users_are(&kept, 7, "a,b");
	kept_roster_forget(&kept, 7 + KEPT_ROSTERS);
	users_are(&kept, 7, "a,b");
	users_are(&kept, 7 + KEPT_ROSTERS, NULL);
	kept_roster_forget(&kept, 7);
	users_are(&kept, 7, NULL);
	list_users(&kept, 7, "a,c");
	users_are(&kept, 7, "a,c");
	list_users(&kept, 7 + KEPT_ROSTERS, "d");
	users_are(&kept, 7, NULL);
	users_are(&kept, 7 + KEPT_ROSTERS, "d");
	kept_forget(&kept);
}

static void a_large_page_is_not_kept(void **state)
{
	static char rows[KEPT_SIZE + 2];
	struct kept kept = {0};

	(void)state;
	memset(rows, 'x', sizeof(rows) - 1);
	for (int i = 0; i < 3; i++)
		ask(&kept, &page, 4, rows);
	is_kept(&kept, &page, 4, NULL);
	rows[KEPT_SIZE] = '\0';
	ask(&kept, &page, 4, rows);
	is_kept(&kept, &page, 4, rows);
	kept_forget(&kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_that_is_wanted_twice_is_kept),
		cmocka_unit_test(what_has_changed_since_is_not_found),
		cmocka_unit_test(a_list_of_users_is_kept_until_somebody_comes_or_goes),
		cmocka_unit_test(a_large_page_is_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
