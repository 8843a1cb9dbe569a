#ifndef PCHAT_DAEMON_PCHAT_SCREEN_H
#define PCHAT_DAEMON_PCHAT_SCREEN_H

#include <stdbool.h>

#include "conf/err.h"

/*
 * Standard input and output of a chat: lines come in while others are printed, and what has been
 * typed so far stays in sight below them. On a terminal by libedit; else lines are plain.
 * There can be only one, because libedit keeps its state to itself.
 */

/* A line that was entered; NULL at the end of the input. Borrowed. */
typedef void pchat_screen_line_fn(void *ctx, const char *line);

int pchat_screen_open(pchat_screen_line_fn *line, void *ctx, struct err *err)
	__attribute__((warn_unused_result));
void pchat_screen_close(void);

/* Lines come from a person, who waits for nothing, not from a file or a pipe. */
bool pchat_screen_is_terminal(void);

/* The terminal has another size now. */
void pchat_screen_resized(void);

/* Standard input can be read. */
void pchat_screen_read(void);

/* Prints a line above the input. The text must be fit for a terminal (pchat_text_escape). */
void pchat_screen_print(const char *text);

/* What stands before the input. */
void pchat_screen_prompt(const char *text);

#endif
