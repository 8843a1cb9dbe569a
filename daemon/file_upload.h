#ifndef PCHAT_DAEMON_FILE_UPLOAD_H
#define PCHAT_DAEMON_FILE_UPLOAD_H

#include <openssl/evp.h>
#include <stdint.h>
#include <uthash.h>

#include "conf/err.h"
#include "daemon/file_grant.h"
#include "shm/ask.h"

/* Uploads under way, by the hash of their token. There are at most so many. */
struct file_upload {
	uint8_t hash[FILE_HASH];
	struct file_grant *grant; /* owned */
	int fd;			  /* owned */
	EVP_MD_CTX *sha;	  /* owned */
	uint64_t offset;	  /* of the next byte */
	uint64_t touched;	  /* clock_mono() */
	uint16_t slot;		  /* these three: the connection that sends it */
	uint32_t generation, session;
	UT_hash_handle hh;
};

struct file_uploads {
	struct file_upload *table;
	unsigned count, max;
	uint64_t bytes; /* of all of them, when they are complete */
};

void uploads_init(struct file_uploads *uploads, unsigned max);
void uploads_fini(struct file_uploads *uploads);

/* Adds one that the asker sends; its content goes to take_fd. NULL: out of memory, and take_fd is as it
 * was. */
struct file_upload *uploads_add(struct file_uploads *uploads, const struct file_grant *grant,
				const struct ask *question, int take_fd);

struct file_upload *uploads_find(struct file_uploads *uploads, const uint8_t hash[FILE_HASH]);

/* The one that this connection sends, or NULL. */
struct file_upload *uploads_of(struct file_uploads *uploads, const struct ask *question);

bool upload_is_of(const struct file_upload *upload, const struct ask *question);

/* Takes it out and closes its descriptor. */
void uploads_drop(struct file_uploads *uploads, struct file_upload **upload);

/* Writes the next bytes. -1: the disk failed. */
int upload_write(struct file_upload *upload, const void *data, size_t size, struct err *err);

/* The SHA-256 of all that was written, once. */
bool upload_digest(struct file_upload *upload, uint8_t sha256_r[FILE_HASH]);

#endif
