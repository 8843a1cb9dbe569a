#ifndef PCHAT_ODBC_GRAM_H
#define PCHAT_ODBC_GRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the index of the messages' texts is made of. A text is cut into grams: each three letters
 * that stand side by side in a word, and of scripts that need few letters for a word also each two
 * and each one. So a word is found within longer ones, in every language, and a database needs to
 * know nothing about words.
 *
 * A gram stands for letters without case and accents: a text that contains another one, in any
 * sense of daemon/search_text.h, has all grams of that other one. The reverse does not hold, so an
 * index finds candidates, never answers. A gram becomes five letters from a to z, which no
 * database takes apart; different ones may become the same, which only makes more candidates.
 */

/* Grows with each change of what texts become; an index that was made by others is made anew. */
int64_t gram_rules(void);

/* Two texts, one blank between each two grams. Very long texts become GRAM_ANY, which is found by
 * every query. The caller frees *grams_r; it may be empty. False: no UTF-8, or no memory. */
#define GRAM_ANY "zzzzzz"
bool gram_text(const char *title, size_t title_length, const char *text, size_t text_length,
	       char **grams_r, size_t *length_r);

/*
 * What candidates must have: grams with & and | between them, and parentheses. Of the words all, or
 * any of them, are searched for. The caller frees *query_r; NULL: an index is of no use for these
 * words. False: no UTF-8, or no memory.
 */
bool gram_query(const char *const *word, unsigned count, bool any, char **query_r);

#endif
