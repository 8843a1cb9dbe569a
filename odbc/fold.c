#include "odbc/fold.h"

#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <uninorm.h>
#include <unistr.h>

bool fold_text(const char *text, size_t length, char **out_r, size_t *length_r)
{
	uint8_t *folded;
	size_t size = 0;
	char *out;

	if (u8_check((const uint8_t *)text, length))
		return false; /* what follows would put something else in its place */
	folded = u8_casefold((const uint8_t *)text, length, "", UNINORM_NFC, NULL, &size);
	out = folded ? realloc(folded, size + 1) : NULL;
	if (!out) {
		free(folded);
		return false;
	}
	out[size] = '\0';
	*out_r = out;
	*length_r = size;
	return true;
}

bool fold_pair(const char *name, size_t name_length, const char *description,
	       size_t description_length, char **out_r, size_t *length_r)
{
	const size_t size = name_length + 1 + description_length;
	char *both = malloc(size);
	bool done;

	if (!both)
		return false;
	if (name_length > 0)
		memcpy(both, name, name_length);
	both[name_length] = '\n';
	if (description_length > 0)
		memcpy(both + name_length + 1, description, description_length);
	done = fold_text(both, size, out_r, length_r);
	free(both);
	return done;
}
