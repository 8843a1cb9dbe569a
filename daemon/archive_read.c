#include "daemon/archive.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <zlib.h>

#include "conf/hex.h"

enum { BUFFER = 256 << 10, FIRST = 64 << 10, DIGEST = 32 };

struct archive_reader {
	gzFile file; /* owned */
	EVP_MD_CTX *digest;
	uint64_t lines;
	char *data; /* owned: what was read and not given out yet */
	size_t begin, used, size;
	bool over;
};

struct archive_reader *archive_open(const char *path, struct err *err)
{
	struct archive_reader *reader = calloc(1, sizeof(*reader));
	const int copy = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : -1;

	if (reader) {
		errno = 0;
		reader->file = copy >= 0 ? gzdopen(copy, "rb") : gzopen(path, "rbe");
		reader->digest = EVP_MD_CTX_new();
	}
	if (reader && reader->file && reader->digest &&
	    EVP_DigestInit_ex(reader->digest, EVP_sha256(), NULL) == 1) {
		gzbuffer(reader->file, BUFFER);
		return reader;
	}
	err_set(err, "could not read %s: %s", path, strerror(errno ? errno : ENOMEM));
	archive_reader_free(&reader);
	return NULL;
}

uint64_t archive_line(const struct archive_reader *reader)
{
	return reader->lines;
}

/* --- Lines. --- */

static int make_space(struct archive_reader *reader, struct err *err)
{
	const size_t size = reader->size ? reader->size * 2 : FIRST;
	char *data;

	if (reader->begin > 0) {
		memmove(reader->data, reader->data + reader->begin, reader->used - reader->begin);
		reader->used -= reader->begin;
		reader->begin = 0;
	}
	if (reader->size - reader->used >= FIRST / 2)
		return 0;
	if (size > 2 * (size_t)ARCHIVE_LINE_MAX)
		return err_set(err, "line %" PRIu64 " is longer than %d bytes", reader->lines + 1,
			       ARCHIVE_LINE_MAX);
	data = realloc(reader->data, size);
	if (!data)
		return err_errno(err, "could not read line %" PRIu64, reader->lines + 1);
	reader->data = data;
	reader->size = size;
	return 0;
}

/* zlib takes bytes that are not compressed for what they are, so only the checksum can tell. */
static int read_more(struct archive_reader *reader, struct err *err)
{
	int code, got;

	if (make_space(reader, err) == -1)
		return -1;
	got = gzread(reader->file, reader->data + reader->used,
		     (unsigned)(reader->size - reader->used));
	if (got > 0) {
		reader->used += (size_t)got;
		return 0;
	}
	if (got < 0)
		return err_set(err, "the archive is damaged behind line %" PRIu64 ": %s",
			       reader->lines, gzerror(reader->file, &code));
	return err_set(err, "the archive ends behind line %" PRIu64 " without its last line",
		       reader->lines);
}

static int read_line(struct archive_reader *reader, char **line_r, size_t *length_r,
		     struct err *err)
{
	size_t looked = 0;
	char *end;

	for (;;) {
		const size_t have = reader->used - reader->begin;
		char *from = have > 0 ? reader->data + reader->begin + looked : NULL;

		end = have > looked ? memchr(from, '\n', have - looked) : NULL;
		if (end)
			break;
		looked = have;
		if (read_more(reader, err) == -1)
			return -1;
	}
	*line_r = reader->data + reader->begin;
	*length_r = (size_t)(end - *line_r);
	*end = '\0';
	reader->begin += *length_r + 1;
	return 0;
}

/* --- The last one. --- */

static const char END[] = "{\"end\":true,\"lines\":";

static bool is_end(const char *line, size_t length)
{
	return length >= sizeof(END) - 1 && memcmp(line, END, sizeof(END) - 1) == 0;
}

/* The checksum of gzip itself is looked at only where the file is read to its end. */
static int check_rest(struct archive_reader *reader, struct err *err)
{
	int code = Z_OK, got;
	const char *text;
	char byte;

	got = reader->begin < reader->used ? 1 : gzread(reader->file, &byte, 1);
	if (got > 0)
		return err_set(err, "the archive goes on behind its last line");
	text = gzerror(reader->file, &code);
	if (got < 0 || code != Z_OK)
		return err_set(err, "the archive is damaged behind its last line: %s", text);
	reader->over = true;
	return 0;
}

static int check_end(struct archive_reader *reader, const char *line, struct err *err)
{
	char expected[160], hex[2 * DIGEST + 1];
	uint8_t digest[DIGEST];

	if (EVP_DigestFinal_ex(reader->digest, digest, NULL) != 1)
		return err_set(err, "could not make a checksum");
	hex_encode(digest, sizeof(digest), hex);
	snprintf(expected, sizeof(expected), "%s%" PRIu64 ",\"sha256\":\"%s\"}", END, reader->lines,
		 hex);
	if (strcmp(line, expected) != 0)
		return err_set(err,
			       "the archive is damaged: its %" PRIu64
			       " lines do not agree with its last line",
			       reader->lines);
	return check_rest(reader, err);
}

int archive_next(struct archive_reader *reader, char **line_r, size_t *length_r, struct err *err)
{
	if (reader->over)
		return 0;
	if (read_line(reader, line_r, length_r, err) == -1)
		return -1;
	if (is_end(*line_r, *length_r))
		return check_end(reader, *line_r, err);
	reader->lines++;
	if (EVP_DigestUpdate(reader->digest, *line_r, *length_r) != 1 ||
	    EVP_DigestUpdate(reader->digest, "\n", 1) != 1)
		return err_set(err, "could not make a checksum");
	return 1;
}

void archive_reader_free(struct archive_reader **reader)
{
	struct archive_reader *r = *reader;

	*reader = NULL;
	if (!r)
		return;
	if (r->file)
		gzclose(r->file);
	EVP_MD_CTX_free(r->digest);
	free(r->data);
	free(r);
}
