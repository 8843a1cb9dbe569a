#ifndef PCHAT_DAEMON_SEARCH_TEXT_H
#define PCHAT_DAEMON_SEARCH_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "odbc/content.h"

/*
 * What is searched for in messages. A word is found wherever it stands, also within a longer one,
 * which needs no dictionary and works in every language. Without `sensitive`, case does not matter
 * (Unicode case folding). Words are separated by blanks; a phrase is all of them with one blank
 * between each two, as is the text it is looked for in.
 */
enum search_match { SEARCH_ALL, SEARCH_ANY, SEARCH_PHRASE };

enum { SEARCH_WORDS_MAX = 32, SEARCH_TEXT_SIZE = 1024 /* bytes of all words */ };

struct search_text {
	enum search_match match;
	bool sensitive;
	unsigned count; /* 0: everything is found */
	char *words;	/* owned: all of them, each terminated */
	const char *word[SEARCH_WORDS_MAX];
};

/* False: the text is no UTF-8, too long, or has too many words; or memory is short. */
bool search_text_init(struct search_text *search, enum search_match match, bool sensitive,
		      const char *text, size_t length);
void search_text_fini(struct search_text *search);

/* Whether a message with this title and text is found. False, too, where memory is short. */
bool search_text_finds(const struct search_text *search, struct db_bytes title,
		       struct db_bytes text);

#endif
