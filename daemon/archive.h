#ifndef PCHAT_DAEMON_ARCHIVE_H
#define PCHAT_DAEMON_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/err.h"

/*
 * An archive as a file: lines of JSON, compressed by gzip. The first line is the caller's; the last
 * one is ours, and tells how many lines stand before it and the SHA-256 of their bytes, so that an
 * archive that was cut or changed is known as such. What the lines mean is pchat-archive(5).
 */
enum {
	ARCHIVE_VERSION = 1,
	ARCHIVE_LINE_MAX = 16 << 20, /* bytes: a text of 1 MiB may be escaped to six times that */
};

struct archive_writer;

/*
 * path: the file, which must not exist yet; it is there when all of it is written, under a name
 * with ".part" behind it until then. "-": standard output. NULL: it could not be made.
 */
struct archive_writer *archive_create(const char *path, struct err *err);

/* A line without its end. */
int archive_put(struct archive_writer *writer, const char *line, size_t length, struct err *err);

/* Writes the last line and gives the file its name. 0: it is on the disk. */
int archive_finish(struct archive_writer *writer, struct err *err);

/* Without archive_finish what was written is removed. */
void archive_writer_free(struct archive_writer **writer);

struct archive_reader;

/* path: "-": standard input. */
struct archive_reader *archive_open(const char *path, struct err *err);

/*
 * The next line, terminated, without its end, borrowed until the next call. 1: there is one; 0:
 * that was the last one, and all agrees with it; -1: the archive is damaged.
 */
int archive_next(struct archive_reader *reader, char **line_r, size_t *length_r, struct err *err);

/* The number of the line that was read last, from 1. */
uint64_t archive_line(const struct archive_reader *reader);

void archive_reader_free(struct archive_reader **reader);

#endif
