#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "odbc/dialect.h"

/* One expansion under way. */
struct expansion {
	const struct dialect *dialect; /* borrowed */
	FILE *out;		       /* owned */
	bool left_out;
};

/* The end of "(N)" in a meaning is where the number goes. */
static void put_meaning(FILE *out, const char *meaning, const char *number, size_t length)
{
	const char *place = number ? strstr(meaning, "(N)") : NULL;

	if (!place)
		fputs(meaning, out);
	else
		fprintf(out, "%.*s(%.*s)%s", (int)(place - meaning), meaning, (int)length, number,
			place + 3);
}

/* "text 256" is "text N" with a number. */
static bool is_word(const char *row, const char *word, size_t length, const char **number_r)
{
	const char *space = memchr(word, ' ', length);

	*number_r = NULL;
	if (strlen(row) == length && memcmp(row, word, length) == 0)
		return true;
	if (!space || !isdigit((unsigned char)space[1]))
		return false;
	*number_r = space + 1;
	return strlen(row) == (size_t)(space - word) + 2 && row[strlen(row) - 1] == 'N' &&
	       memcmp(row, word, (size_t)(space - word) + 1) == 0;
}

/* "not NAME" and "only NAME" decide whether the statement is for this dialect at all. */
static bool put_condition(struct expansion *expansion, const char *word, size_t length)
{
	const char *const name = expansion->dialect->name;
	const size_t skip = strncmp(word, "not ", 4) == 0 ? 4 : 5;
	bool is_ours;

	if (skip == 5 && strncmp(word, "only ", 5) != 0)
		return false;
	is_ours = strlen(name) == length - skip && memcmp(name, word + skip, length - skip) == 0;
	if (is_ours == (skip == 4))
		expansion->left_out = true;
	return true;
}

static bool put_word(struct expansion *expansion, const char *word, size_t length)
{
	const struct dialect_word *row = expansion->dialect->words;
	const char *number;

	if (length > 5 && put_condition(expansion, word, length))
		return true;
	while (row->word && !is_word(row->word, word, length, &number))
		row++;
	if (!row->word)
		return false;
	put_meaning(expansion->out, row->meaning, number,
		    number ? length - (size_t)(number - word) : 0);
	return true;
}

static bool put_all(struct expansion *expansion, const char *text, struct err *err)
{
	for (;;) {
		const size_t plain = strcspn(text, "{");
		const char *const word = text + plain + 1;
		size_t length;

		fwrite(text, 1, plain, expansion->out);
		if (text[plain] == '\0')
			return true;
		length = strcspn(word, "}");
		if (word[length] == '\0' || !put_word(expansion, word, length)) {
			err_set(err, "could not understand {%.*s in a statement of the schema",
				(int)length, word);
			return false;
		}
		text = word + length + 1;
	}
}

char *dialect_expand(const struct dialect *dialect, const char *text, struct err *err)
{
	struct expansion expansion = {.dialect = dialect};
	char *out = NULL;
	size_t size = 0;
	bool done;

	expansion.out = open_memstream(&out, &size);
	if (!expansion.out) {
		err_errno(err, "could not write a statement of the schema");
		return NULL;
	}
	done = put_all(&expansion, text, err);
	if (fclose(expansion.out) != 0 && done) {
		err_errno(err, "could not write a statement of the schema");
		done = false;
	}
	if (!done) {
		free(out);
		return NULL;
	}
	if (expansion.left_out)
		*out = '\0';
	return out;
}
