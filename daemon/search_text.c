#include "daemon/search_text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "odbc/fold.h"

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Copies a text with one blank in the place of several, and none at its ends. */
static size_t squeeze(const char *from, size_t length, char *to)
{
	size_t size = 0;

	for (size_t i = 0; i < length; i++) {
		if (!is_blank(from[i]))
			to[size++] = from[i];
		else if (size > 0 && to[size - 1] != ' ')
			to[size++] = ' ';
	}
	while (size > 0 && to[size - 1] == ' ')
		size--;
	to[size] = '\0';
	return size;
}

static bool is_ascii(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] >= 0x80)
			return false;
	return true;
}

/* A copy in the form in which texts are compared; the caller frees. NULL: no UTF-8, or no memory. */
static char *normal(const struct search_text *search, const char *text, size_t length)
{
	char *copy = NULL, *folded;
	size_t size = length;

	if (!search->sensitive && !is_ascii(text, length)) {
		if (!fold_text(text, length, &folded, &size))
			return NULL;
		squeeze(folded, size, folded);
		return folded;
	}
	copy = malloc(length + 1);
	if (!copy)
		return NULL;
	size = squeeze(text, length, copy);
	for (size_t i = 0; i < size && !search->sensitive; i++)
		copy[i] = (char)tolower((unsigned char)copy[i]);
	return copy;
}

static bool split(struct search_text *search)
{
	char *rest = search->words, *word;

	if (*rest == '\0')
		return true;
	if (search->match == SEARCH_PHRASE) {
		search->word[search->count++] = rest;
		return true;
	}
	while ((word = strsep(&rest, " "))) {
		if (search->count == SEARCH_WORDS_MAX)
			return false;
		search->word[search->count++] = word;
	}
	return true;
}

bool search_text_init(struct search_text *search, enum search_match match, bool sensitive,
		      const char *text, size_t length)
{
	*search = (struct search_text){.match = match, .sensitive = sensitive};
	if (length > SEARCH_TEXT_SIZE)
		return false;
	search->words = normal(search, text, length);
	if (search->words && split(search))
		return true;
	search_text_fini(search);
	return false;
}

void search_text_fini(struct search_text *search)
{
	free(search->words);
	search->words = NULL;
	search->count = 0;
}

/* Blanks in the words are single, so the two texts have to be in the same form. */
static bool finds(const struct search_text *search, const char *title, const char *text)
{
	const bool any = search->match == SEARCH_ANY;

	for (unsigned i = 0; i < search->count; i++) {
		const bool found = strstr(text, search->word[i]) || strstr(title, search->word[i]);

		if (found == any)
			return any;
	}
	return !any;
}

bool search_text_finds(const struct search_text *search, struct db_bytes title,
		       struct db_bytes text)
{
	char *normal_title, *normal_text;
	bool found;

	if (search->count == 0)
		return true;
	normal_title = normal(search, title.length ? title.data : "", title.length);
	normal_text = normal(search, text.data, text.length);
	found = normal_title && normal_text && finds(search, normal_title, normal_text);
	free(normal_title);
	free(normal_text);
	return found;
}
