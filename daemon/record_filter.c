#include "daemon/record_filter.h"

#include <stdlib.h>
#include <string.h>

static const char *const types[] = {
	"access_request", "addin", "affiliation", "category", "chat", "delete", "discovery",
	"download", "expire", "file_granted", "file_removed", "gap", "grant", "hold", "import",
	"join", "key", "lost", "part", "principal", "purge", "purge_request", "refused",
	"release", "remove", "replace", "restored", "resume", "role", "room", "search",
	"setting", "sign_in", "sign_out", "start", "unreadable", "upload", "view",
};

bool record_type_exists(const char *type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i], type) == 0)
			return true;
	return false;
}

bool record_list_add(struct record_list *list, const char *text, size_t length)
{
	char *own = list->count < RECORD_FILTER_ITEMS ? strndup(text, length) : NULL;

	if (own)
		list->item[list->count++] = own;
	return own != NULL;
}

static void clear(struct record_list *list)
{
	while (list->count > 0)
		free(list->item[--list->count]);
}

void record_filter_fini(struct record_filter *filter)
{
	clear(&filter->users);
	clear(&filter->rooms);
	clear(&filter->types);
	if (filter->has_words)
		search_text_fini(&filter->words);
	*filter = (struct record_filter){0};
}

static bool is(struct db_bytes text, const char *word)
{
	return text.length == strlen(word) && memcmp(text.data, word, text.length) == 0;
}

static bool has(const struct record_list *list, struct db_bytes text)
{
	for (unsigned i = 0; i < list->count; i++)
		if (is(text, list->item[i]))
			return true;
	return false;
}

/* In the detail, which is JSON, a URI is a whole string: no character of it needs an escape. */
bool record_concerns(const struct record_row *row, const char *user)
{
	const size_t length = strlen(user);
	const char *at = row->detail.data, *end = at + row->detail.length;

	if (is(row->user_uri, user) || (row->user_uri.length == 0 && is(row->user_name, user)))
		return true;
	while (at < end && (at = memmem(at, (size_t)(end - at), user, length))) {
		if (at > row->detail.data && at[-1] == '"' && at + length < end &&
		    at[length] == '"')
			return true;
		at++;
	}
	return false;
}

static bool is_of_users(const struct record_list *users, const struct record_row *row)
{
	for (unsigned i = 0; i < users->count; i++)
		if (record_concerns(row, users->item[i]))
			return true;
	return users->count == 0;
}

/* Rather too much than too little: the rich part may say what the text does not, and the detail has
 * the names of what was changed. */
static bool has_words(const struct search_text *words, const struct record_row *row)
{
	const struct db_bytes none = {"", 0};

	return search_text_finds(words, row->title, row->content) ||
	       (row->rich.length > 0 && search_text_finds(words, none, row->rich)) ||
	       (row->detail.length > 0 && search_text_finds(words, none, row->detail));
}

bool record_filter_finds(const struct record_filter *filter, const struct record_row *row)
{
	if (is(row->type, "expired") || row->number < filter->from ||
	    (filter->to != 0 && row->number > filter->to) || row->time < filter->start ||
	    (filter->end != 0 && row->time > filter->end))
		return false;
	if ((filter->types.count > 0 && !has(&filter->types, row->type)) ||
	    (filter->rooms.count > 0 && !has(&filter->rooms, row->room)))
		return false;
	return is_of_users(&filter->users, row) &&
	       (!filter->has_words || has_words(&filter->words, row));
}
