#include "odbc/gram.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>
#include <unistring/version.h>

enum {
	RULES = 1,
	WIDTH = 3,	   /* letters of a gram */
	LETTERS = 5,	   /* of what it becomes */
	VALUES = 11881376, /* 26 to the power of LETTERS */
	GRAMS_MAX = 16384, /* of a text; with more it is found by everything */
	QUERY_GRAMS = 48,  /* of all words of a query; more would hardly narrow it further */
};

/* The grams of a text, as numbers. */
struct grams {
	uint32_t *item; /* owned */
	size_t count, size;
	bool failed;
};

/* The case folding and the classes of letters come from the library. */
int64_t gram_rules(void)
{
	return RULES * INT64_C(1000000) + _libunistring_version;
}

/* --- Letters without case and accents. --- */

static bool is_ascii(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] >= 0x80)
			return false;
	return true;
}

static uint32_t lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (uint32_t)(c + 'a' - 'A') : (uint32_t)(unsigned char)c;
}

static uint32_t *strip_ascii(const char *text, size_t length)
{
	uint32_t *letters = malloc((length + 1) * sizeof(*letters));

	for (size_t i = 0; letters && i < length; i++)
		letters[i] = lower(text[i]);
	return letters;
}

/*
 * Decomposed, so that accents are marks of their own, which are left out: what a letter becomes
 * does not depend on what stands beside it, and a part of a text becomes a part of what it becomes.
 */
static uint32_t *strip(const char *text, size_t length, size_t *count_r)
{
	size_t size = 0, count = 0;
	uint8_t *folded;
	uint32_t *letters;

	*count_r = length;
	if (is_ascii(text, length))
		return strip_ascii(text, length);
	if (u8_check((const uint8_t *)text, length))
		return NULL;
	folded = u8_casefold((const uint8_t *)text, length, "", UNINORM_NFD, NULL, &size);
	letters = folded ? u8_to_u32(folded, size, NULL, count_r) : NULL;
	free(folded);
	for (size_t i = 0; letters && i < *count_r; i++)
		if (uc_combining_class(letters[i]) == 0)
			letters[count++] = letters[i];
	*count_r = count;
	return letters;
}

/* --- Grams. --- */

static bool is_blank(uint32_t letter)
{
	return letter == ' ' || (letter >= '\t' && letter <= '\r');
}

/* Signs of which one is a word or a syllable: Chinese, Japanese, Korean; pictures, too. */
static bool is_sign(uint32_t letter)
{
	return letter >= 0x2e80;
}

/* The parts into which syllables of Korean fall, too. */
static bool is_dense(uint32_t letter)
{
	return is_sign(letter) || (letter >= 0x1100 && letter <= 0x11ff);
}

static uint32_t value_of(const uint32_t *letter, size_t width)
{
	uint64_t value = width;

	for (size_t i = 0; i < width; i++) {
		value = (value ^ letter[i]) * UINT64_C(0x9e3779b97f4a7c15);
		value ^= value >> 32;
	}
	return (uint32_t)(value % VALUES);
}

static void add(struct grams *grams, const uint32_t *letter, size_t width)
{
	if (grams->count == grams->size) {
		const size_t size = grams->size ? 2 * grams->size : 256;
		uint32_t *item = realloc(grams->item, size * sizeof(*item));

		grams->failed = grams->failed || !item;
		if (!item)
			return;
		grams->item = item;
		grams->size = size;
	}
	grams->item[grams->count++] = value_of(letter, width);
}

static void add_short(struct grams *grams, const uint32_t *letter, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (is_sign(letter[i]))
			add(grams, letter + i, 1);
		if (i + 1 < length && is_dense(letter[i]) && is_dense(letter[i + 1]))
			add(grams, letter + i, 2);
	}
}

static void add_long(struct grams *grams, const uint32_t *letter, size_t length)
{
	for (size_t i = 0; i + WIDTH <= length; i++)
		add(grams, letter + i, WIDTH);
}

/* Short ones of a query's words are of use only where there are no long ones. */
static void add_word(struct grams *grams, const uint32_t *letter, size_t length, bool is_query)
{
	add_long(grams, letter, length);
	if (!is_query)
		add_short(grams, letter, length);
	else if (length == 2 && is_dense(letter[0]) && is_dense(letter[1]))
		add(grams, letter, 2);
	else if (length == 1 && is_sign(letter[0]))
		add(grams, letter, 1);
}

static bool add_text(struct grams *grams, const char *text, size_t length, bool is_query)
{
	size_t count = 0, begin = 0;
	uint32_t *letters;

	if (length == 0)
		return true;
	letters = strip(text, length, &count);
	for (size_t i = 0; letters && i <= count; i++)
		if (i == count || is_blank(letters[i])) {
			add_word(grams, letters + begin, i - begin, is_query);
			begin = i + 1;
		}
	free(letters);
	return letters && !grams->failed;
}

static int compare(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void sort(struct grams *grams)
{
	size_t kept = 0;

	if (grams->count > 0)
		qsort(grams->item, grams->count, sizeof(*grams->item), compare);
	for (size_t i = 0; i < grams->count; i++)
		if (kept == 0 || grams->item[kept - 1] != grams->item[i])
			grams->item[kept++] = grams->item[i];
	grams->count = kept;
}

static char *put(char *out, uint32_t gram)
{
	for (unsigned i = 0; i < LETTERS; i++, gram /= 26)
		*out++ = (char)('a' + gram % 26);
	return out;
}

/* --- What they are called. --- */

static char *list(const struct grams *grams)
{
	char *text, *out;

	if (grams->count > GRAMS_MAX)
		return strdup(GRAM_ANY);
	out = text = malloc(grams->count * (LETTERS + 1) + 1);
	for (size_t i = 0; text && i < grams->count; i++) {
		if (i > 0)
			*out++ = ' ';
		out = put(out, grams->item[i]);
	}
	if (text)
		*out = '\0';
	return text;
}

bool gram_text(const char *title, size_t title_length, const char *text, size_t text_length,
	       char **grams_r, size_t *length_r)
{
	struct grams grams = {0};

	*grams_r = NULL;
	if (add_text(&grams, title, title_length, false) &&
	    add_text(&grams, text, text_length, false)) {
		sort(&grams);
		*grams_r = list(&grams);
	}
	free(grams.item);
	if (*grams_r)
		*length_r = strlen(*grams_r);
	return *grams_r != NULL;
}

/* "(a&b)" of a word, at most `most` of its grams, from all over it. *some_r: it has any. */
static bool put_word(FILE *out, const char *word, size_t most, const char *before, bool *some_r)
{
	struct grams grams = {0};
	const bool done = add_text(&grams, word, strlen(word), true);
	size_t shown;

	sort(&grams);
	shown = grams.count < most ? grams.count : most;
	for (size_t i = 0; done && i < shown; i++) {
		char gram[LETTERS + 1] = "";

		put(gram, grams.item[i * grams.count / shown]);
		fprintf(out, "%s%s", i == 0 ? before : "&", gram);
	}
	if (shown > 0)
		fputc(')', out);
	*some_r = shown > 0;
	free(grams.item);
	return done;
}

static bool put_words(FILE *out, const char *const *word, unsigned count, bool any, bool *useful_r)
{
	const size_t share = count > 0 ? QUERY_GRAMS / count : 0, most = share > 2 ? share : 2;
	unsigned shown = 0;

	for (unsigned i = 0; i < count; i++) {
		bool some;

		if (!put_word(out, word[i], most, shown == 0 ? "(" : any ? "|(" : "&(", &some))
			return false;
		shown += some;
	}
	*useful_r = shown > 0 && (!any || shown == count);
	return true;
}

bool gram_query(const char *const *word, unsigned count, bool any, char **query_r)
{
	bool useful = false, done;
	char *query = NULL;
	size_t size;
	FILE *out = open_memstream(&query, &size);

	*query_r = NULL;
	if (!out)
		return false;
	fputs("((", out);
	done = put_words(out, word, count, any, &useful);
	fputs(")|" GRAM_ANY ")", out);
	done = fclose(out) == 0 && done;
	if (done && useful)
		*query_r = query;
	else
		free(query);
	return done;
}
