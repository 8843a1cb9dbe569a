#ifndef PCHAT_DAEMON_CTL_CASE_HTML_H
#define PCHAT_DAEMON_CTL_CASE_HTML_H

#include <stdio.h>

#include "odbc/record.h"

/*
 * The transcript of a case as a page for people: a row for each record, in their order. All texts
 * are those of others: nothing in them is markup, and the page may load and run nothing. Failures
 * show in ferror().
 */
void case_html_begin(FILE *out, const char *name, const char *filter);
void case_html_record(FILE *out, const struct record_row *row);
void case_html_end(FILE *out, uint64_t records);

#endif
