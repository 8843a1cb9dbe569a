#include "daemon/file_upload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/err.h"

/* So much is given to the disk at a time: the sync at the end, during which nobody else is served, is
 * then short however large the file is. */
enum { FLUSH = 4 << 20 };

void uploads_init(struct file_uploads *uploads, unsigned max)
{
	*uploads = (struct file_uploads){.max = max};
}

void uploads_fini(struct file_uploads *uploads)
{
	while (uploads->table) {
		struct file_upload *first = uploads->table;

		uploads_drop(uploads, &first);
	}
}

static void upload_free(struct file_upload **upload)
{
	EVP_MD_CTX_free((*upload)->sha);
	free((*upload)->grant);
	free(*upload);
	*upload = NULL;
}

struct file_upload *uploads_add(struct file_uploads *uploads, const struct file_grant *grant,
				const struct ask *question, int take_fd)
{
	struct file_upload *upload = calloc(1, sizeof(*upload));

	if (!upload)
		return NULL;
	upload->grant = grant_copy(grant);
	upload->sha = EVP_MD_CTX_new();
	if (!upload->grant || !upload->sha ||
	    EVP_DigestInit_ex(upload->sha, EVP_sha256(), NULL) != 1) {
		upload_free(&upload);
		return NULL;
	}
	memcpy(upload->hash, grant->hash, sizeof(upload->hash));
	upload->fd = take_fd;
	upload->touched = clock_mono();
	upload->slot = question->slot;
	upload->generation = question->generation;
	upload->session = question->session;
	HASH_ADD(hh, uploads->table, hash, sizeof(upload->hash), upload);
	uploads->count++;
	uploads->bytes += grant->size;
	return upload;
}

struct file_upload *uploads_find(struct file_uploads *uploads, const uint8_t hash[FILE_HASH])
{
	struct file_upload *upload;

	HASH_FIND(hh, uploads->table, hash, FILE_HASH, upload);
	return upload;
}

bool upload_is_of(const struct file_upload *upload, const struct ask *question)
{
	return upload->slot == question->slot && upload->generation == question->generation &&
	       upload->session == question->session;
}

struct file_upload *uploads_of(struct file_uploads *uploads, const struct ask *question)
{
	struct file_upload *upload = uploads->table;

	while (upload && !upload_is_of(upload, question))
		upload = upload->hh.next;
	return upload;
}

void uploads_drop(struct file_uploads *uploads, struct file_upload **upload)
{
	HASH_DEL(uploads->table, *upload);
	uploads->count--;
	uploads->bytes -= (*upload)->grant->size;
	close((*upload)->fd);
	upload_free(upload);
}

/* Begins to write what came last, and waits for what came before it. What fails here fails at the
 * sync, too. */
static void flush(const struct file_upload *upload, uint64_t before)
{
	const uint64_t part = before / FLUSH;
	const off_t at = (off_t)(part * FLUSH);

	if (upload->offset / FLUSH == part)
		return;
	if (part > 0)
		(void)sync_file_range(upload->fd, at - FLUSH, FLUSH,
				      SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
					      SYNC_FILE_RANGE_WAIT_AFTER);
	(void)sync_file_range(upload->fd, at, FLUSH, SYNC_FILE_RANGE_WRITE);
}

int upload_write(struct file_upload *upload, const void *data, size_t size, struct err *err)
{
	const uint64_t before = upload->offset;
	size_t put = 0;

	while (put < size) {
		const ssize_t n = pwrite(upload->fd, (const uint8_t *)data + put, size - put,
					 (off_t)(before + put));

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_errno(err, "could not write a file");
		put += (size_t)n;
	}
	if (size > 0 && EVP_DigestUpdate(upload->sha, data, size) != 1)
		return err_set(err, "could not work out the SHA-256 of a file");
	upload->offset += size;
	upload->touched = clock_mono();
	flush(upload, before);
	return 0;
}

bool upload_digest(struct file_upload *upload, uint8_t sha256_r[FILE_HASH])
{
	unsigned size = FILE_HASH;

	return EVP_DigestFinal_ex(upload->sha, sha256_r, &size) == 1 && size == FILE_HASH;
}
