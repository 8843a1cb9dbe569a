#ifndef PCHAT_DAEMON_FILE_ABOUT_H
#define PCHAT_DAEMON_FILE_ABOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/clock.h"
#include "daemon/file_place.h"

/* What stands in the small files beside the large ones, as JSON. */
enum {
	ABOUT_MAX = 8 * (EVENT_FILE_NAME_MAX + EVENT_FILE_TYPE_MAX + EVENT_URI_MAX),
	ABOUT_TIME = CLOCK_TEXT,
	ABOUT_TIME_AT = 9, /* where the time stands: behind {"time":" */
	ABOUT_CURSOR = 160,
};

/* NULL: out of memory. Freed by about_free. */
char *about_print(const struct file_about *about);
void about_free(char **text);

/* The time as it stands there. */
void about_time(uint64_t time, char text[ABOUT_TIME]);

/* False: it is not what about_print makes. */
bool about_parse(const char *text, size_t size, struct file_about *about_r);

/* Returns the length. */
int about_cursor_print(const struct file_cursor *cursor, char text[ABOUT_CURSOR]);
bool about_cursor_parse(const char *text, size_t size, struct file_cursor *cursor_r);

#endif
