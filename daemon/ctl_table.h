#ifndef PCHAT_DAEMON_CTL_TABLE_H
#define PCHAT_DAEMON_CTL_TABLE_H

#include <stddef.h>
#include <stdint.h>

/*
 * A table for a person: columns aligned, two spaces between them.
 * Cells are UTF-8; control characters in them, which a user may have put into a name, are shown
 * as "?".
 */
struct ctl_table;

/* align: one letter a column, 'l' or 'r'; heads: a word for each, or NULL: the table has no heading.
 * NULL: no memory, which needs not be looked at. */
struct ctl_table *ctl_table_new(const char *align, const char *const *heads);
void ctl_table_free(struct ctl_table **table);

/* The next cell, row by row. Memory that is short is reported by ctl_table_print. */
void ctl_table_add(struct ctl_table *table, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Writes it to stdout and frees it. 0, or -1: memory or output failed. */
int ctl_table_print(struct ctl_table *take_table);

#endif
