#ifndef PCHAT_DAEMON_PCHAT_SCREEN_H
#define PCHAT_DAEMON_PCHAT_SCREEN_H

#include <stdbool.h>

#include "conf/err.h"

/*
 * Standard input and output of a chat: lines come in while others are printed, and what has been
 * typed so far stays in sight below them. On a terminal by libedit; else lines are plain.
 */
struct pchat_screen;

/* A line that was entered; NULL at the end of the input. Borrowed. */
typedef void pchat_screen_line_fn(void *ctx, const char *line);

/* The caller frees with pchat_screen_free, which gives the terminal back as it was. */
struct pchat_screen *pchat_screen_new(pchat_screen_line_fn *line, void *ctx, struct err *err);
void pchat_screen_free(struct pchat_screen **screen);

/* Lines come from a person, who waits for nothing, not from a file or a pipe. */
bool pchat_screen_is_terminal(const struct pchat_screen *screen);

/* The terminal has another size now. */
void pchat_screen_resized(struct pchat_screen *screen);

/* Standard input can be read. */
void pchat_screen_read(struct pchat_screen *screen);

/* Prints a line above the input. The text must be fit for a terminal (pchat_text_escape). */
void pchat_screen_print(struct pchat_screen *screen, const char *text);

/* What stands before the input. */
void pchat_screen_prompt(struct pchat_screen *screen, const char *text);

#endif
