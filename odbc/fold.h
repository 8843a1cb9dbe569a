#ifndef PCHAT_ODBC_FOLD_H
#define PCHAT_ODBC_FOLD_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Text without regard to case: Unicode case folding and composition (NFC), so that what a search
 * finds does not depend on what each database calls the same letter. The caller frees *out_r,
 * which is terminated. False: no UTF-8, or no memory.
 */
bool fold_text(const char *text, size_t length, char **out_r, size_t *length_r);

/* A name and a description as one text to search in, folded: a line break stands between them, and
 * no text that is searched for goes across. */
bool fold_pair(const char *name, size_t name_length, const char *description,
	       size_t description_length, char **out_r, size_t *length_r);

#endif
