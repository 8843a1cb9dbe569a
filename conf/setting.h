#ifndef PCHAT_CONF_SETTING_H
#define PCHAT_CONF_SETTING_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "conf/conf.h"
#include "conf/err.h"

/*
 * The table of settings, for conf.c, and for the master, which names those that a reload finds
 * changed. Everybody else reads struct conf.
 */

enum setting_kind {
	SETTING_TEXT,  /* char * */
	SETTING_PATH,  /* char *, absolute or empty */
	SETTING_LIST,  /* struct conf_list */
	SETTING_COUNT, /* uint32_t or unsigned */
	SETTING_SIZE,  /* uint64_t, bytes */
	SETTING_TIME,  /* uint64_t, microseconds */
	SETTING_FLAG,  /* bool, written as one of words */
	SETTING_WORD,  /* int, written as one of words */
};

struct setting_word {
	const char *name; /* NULL ends the list; the first of several with one value is printed */
	int value;
};

struct setting {
	const char *section; /* "root": outside of the sections, as libconfuse calls it */
	const char *name;
	enum setting_kind kind;
	size_t offset;	   /* in struct conf, or in struct conf_adapter */
	const char *value; /* the default; of a list: its items, separated by spaces */
	uint64_t min, max; /* COUNT, SIZE, TIME; LIST: max items, 0: CONF_ITEMS_MAX */
	const struct setting_word *words;
};

/* All of them, those of a section together. */
extern const struct setting settings[];
extern const unsigned setting_count;

/* Those of a section "adapter NAME": their offsets are in struct conf_adapter. */
extern const struct setting adapter_settings[];
enum { ADAPTER_SETTINGS = 16 };

/* The setting, or NULL. Those of adapters are found under the section "adapter". */
const struct setting *setting_find(const char *section, const char *name);

/* "journal.size", or "domain". Returns out. */
enum { SETTING_NAME = 64 };
const char *setting_name(const struct setting *setting, char out[SETTING_NAME]);

/*
 * conf, in all that follows: the struct conf, or the struct conf_adapter, that it is a setting of.
 *
 * Sets it from its text; an item is added to a list. -1 with a sentence that names the setting, and
 * conf is as before. The sentence never holds the text of a list: a connection string is a secret.
 */
int setting_set(const struct setting *setting, void *conf, const char *text,
		struct err *err);

/* Sets it to its default. */
int setting_set_default(const struct setting *setting, void *conf, struct err *err);

/* Frees what it owns: strings become NULL, lists empty. */
void setting_clear(const struct setting *setting, void *conf);

/* Writes "name = value" such that libconfuse reads the same value. */
void setting_print(const struct setting *setting, const void *conf, FILE *out);

#endif
