#ifndef PCHAT_CONF_SCAN_H
#define PCHAT_CONF_SCAN_H

#include <stddef.h>

#include "conf/err.h"

/*
 * Makes the text of a configuration file fit for libconfuse, whose lexer counts lines wrongly
 * behind comments, takes a comment inside a list for a value, skips an unquoted * or +, does not
 * notice a section that is never closed, and stays inside a string that is never closed: the next
 * file that the same process reads would begin there. Comments are overwritten with spaces, so
 * every line keeps its number.
 *
 * Refuses what we do not want in a configuration although libconfuse has it: environment variables
 * (a daemon's environment is nobody's intention) and comments of several lines.
 *
 * text has length bytes and a NUL behind them. 0, or -1 with the line (0: none) and what is wrong.
 */
int scan_prepare(char *text, size_t length, unsigned *line_r, struct err *err);

#endif
