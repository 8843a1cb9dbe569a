#include "daemon/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <zlib.h>

#include "conf/hex.h"

enum { BUFFER = 256 << 10, DIGEST = 32 };

struct archive_writer {
	char *path, *part; /* owned; NULL: standard output */
	gzFile file;	   /* owned */
	int fd;		   /* owned; the file has a copy of its own */
	EVP_MD_CTX *digest;
	uint64_t lines;
	bool made; /* part is there */
};

/* Whoever reads it reads everybody's messages. */
static int open_part(struct archive_writer *writer, const char *path, struct err *err)
{
	if (strcmp(path, "-") == 0) {
		writer->fd = dup(STDOUT_FILENO);
		return writer->fd < 0 ? err_errno(err, "could not use standard output") : 0;
	}
	writer->path = strdup(path);
	if (!writer->path || asprintf(&writer->part, "%s.part", path) < 0) {
		writer->part = NULL;
		return err_errno(err, "could not write %s", path);
	}
	if (access(path, F_OK) == 0)
		return err_set(err, "could not write %s: there is such a file already", path);
	writer->fd = open(writer->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (writer->fd < 0)
		return err_errno(err, "could not make %s", writer->part);
	writer->made = true;
	return 0;
}

static int open_stream(struct archive_writer *writer, struct err *err)
{
	const int copy = dup(writer->fd);

	writer->file = copy < 0 ? NULL : gzdopen(copy, "wb6");
	if (!writer->file) {
		if (copy >= 0)
			close(copy);
		return err_set(err, "could not begin to compress: no memory");
	}
	gzbuffer(writer->file, BUFFER);
	writer->digest = EVP_MD_CTX_new();
	if (!writer->digest || EVP_DigestInit_ex(writer->digest, EVP_sha256(), NULL) != 1)
		return err_set(err, "could not begin a checksum");
	return 0;
}

struct archive_writer *archive_create(const char *path, struct err *err)
{
	struct archive_writer *writer = calloc(1, sizeof(*writer));

	if (!writer) {
		err_errno(err, "could not write an archive");
		return NULL;
	}
	writer->fd = -1;
	if (open_part(writer, path, err) == 0 && open_stream(writer, err) == 0)
		return writer;
	archive_writer_free(&writer);
	return NULL;
}

static int failed(const struct archive_writer *writer, struct err *err)
{
	const int saved = errno;
	const char *what = writer->part ? writer->part : "standard output";
	int code = Z_OK;
	const char *text = writer->file ? gzerror(writer->file, &code) : "";

	return err_set(err, "could not write %s: %s", what,
		       code == Z_ERRNO || code == Z_OK ? strerror(saved) : text);
}

static int put(struct archive_writer *writer, const char *line, size_t length, struct err *err)
{
	errno = 0;
	if (length > ARCHIVE_LINE_MAX)
		return err_set(err, "could not write a line of %zu bytes", length);
	return gzwrite(writer->file, line, (unsigned)length) == (int)length &&
			       gzputc(writer->file, '\n') == '\n'
		       ? 0
		       : failed(writer, err);
}

int archive_put(struct archive_writer *writer, const char *line, size_t length, struct err *err)
{
	if (put(writer, line, length, err) == -1)
		return -1;
	writer->lines++;
	if (EVP_DigestUpdate(writer->digest, line, length) == 1 &&
	    EVP_DigestUpdate(writer->digest, "\n", 1) == 1)
		return 0;
	return err_set(err, "could not make a checksum");
}

static int put_end(struct archive_writer *writer, struct err *err)
{
	char line[160], hex[2 * DIGEST + 1];
	uint8_t digest[DIGEST];
	int length;

	if (EVP_DigestFinal_ex(writer->digest, digest, NULL) != 1)
		return err_set(err, "could not make a checksum");
	hex_encode(digest, sizeof(digest), hex);
	length = snprintf(line, sizeof(line),
			  "{\"end\":true,\"lines\":%" PRIu64 ",\"sha256\":\"%s\"}", writer->lines,
			  hex);
	return put(writer, line, (size_t)length, err);
}

/* The name, too, must be on the disk. */
static int sync_directory(const char *path)
{
	char *directory = strdup(path);
	char *slash = directory ? strrchr(directory, '/') : NULL;
	int fd, result = -1;

	if (slash)
		slash[slash == directory] = '\0';
	fd = directory ? open(slash ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (fd >= 0) {
		result = fsync(fd);
		close(fd);
	}
	free(directory);
	return result;
}

/* Never over another file. */
static int give_name(struct archive_writer *writer, struct err *err)
{
	if (!writer->part)
		return 0;
	if (fsync(writer->fd) < 0 ||
	    renameat2(AT_FDCWD, writer->part, AT_FDCWD, writer->path, RENAME_NOREPLACE) < 0)
		return failed(writer, err);
	writer->made = false;
	if (sync_directory(writer->path) < 0)
		return err_errno(err, "could not sync the directory of %s", writer->path);
	return 0;
}

int archive_finish(struct archive_writer *writer, struct err *err)
{
	gzFile file = writer->file;

	if (put_end(writer, err) == -1)
		return -1;
	writer->file = NULL;
	if (gzclose(file) != Z_OK)
		return failed(writer, err);
	return give_name(writer, err);
}

void archive_writer_free(struct archive_writer **writer)
{
	struct archive_writer *w = *writer;

	*writer = NULL;
	if (!w)
		return;
	if (w->file)
		gzclose(w->file);
	if (w->fd >= 0)
		close(w->fd);
	if (w->made)
		unlink(w->part);
	EVP_MD_CTX_free(w->digest);
	free(w->path);
	free(w->part);
	free(w);
}
