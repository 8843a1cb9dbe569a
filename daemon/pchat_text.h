#ifndef PCHAT_DAEMON_PCHAT_TEXT_H
#define PCHAT_DAEMON_PCHAT_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Text of others, made fit for a terminal: control characters (C0, DEL, C1), characters that turn
 * the direction of writing and bytes that are not UTF-8 come out as \xNN or \u{NNNN}, so nobody can
 * send terminal sequences or forge lines. Line breaks come out as \n; or, with an indent, as a new
 * line that begins with it. The caller frees. NULL: out of memory.
 */
char *pchat_text_escape(const char *text, const char *indent);

enum { PCHAT_TIME = 32 };

/* A time of the protocol in local time: "2026-11-21 09:30:00", or "09:30" if brief. Returns out. */
const char *pchat_text_time(const char *utc, bool brief, char out[PCHAT_TIME]);

enum { PCHAT_SIZE = 32 };

/* So many bytes, for a person: "512 bytes", "47.1 kB". Returns out. */
const char *pchat_text_size(uint64_t bytes, char out[PCHAT_SIZE]);

/*
 * The next link to a room or a file in a text (pchat-protocol(7), "Links"), from `text` on: where it
 * begins, and its length. NULL: there is none.
 */
const char *pchat_text_link(const char *text, size_t *length_r);

/*
 * A name for a file here, made of one that somebody else gave: its last part, at most so many bytes,
 * not hidden and no option, and "_" for what pchat_text_escape would not let through. The caller frees.
 */
enum { PCHAT_FILE_NAME_MAX = 250 /* that of a file, less what a part of one has behind it */ };
char *pchat_text_file_name(const char *name);

/* A message of the protocol as a line for people, without a line break. The caller frees. */
char *pchat_text_message(const json_t *message);

/* Prints an object as one line of JSON, in ASCII where it goes to a terminal. */
void pchat_text_json(const json_t *object);

#endif
