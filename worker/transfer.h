#ifndef PCHAT_WORKER_TRANSFER_H
#define PCHAT_WORKER_TRANSFER_H

#include "worker/file.h"

/*
 * The part of the waist that carries the bytes of files: between a connection whose client has a
 * token and pchat-file. One question is under way at a time; while it is, the owner reads nothing
 * from the connection.
 */
struct transfer;

enum { TRANSFER_READ_MAX = ASK_INLINE_MAX, TRANSFER_WRITE_MAX = ASK_FILE_WRITE_MAX };

/* Answers. After a code other than CODE_OK it is over. Any of them may free it. */
struct transfer_ops {
	/* What the token is good for. */
	void (*known)(void *owner, int code, const struct file_info *file);
	/* Bytes that were asked for; fewer only at the file's end. */
	void (*given)(void *owner, int code, const void *data, uint32_t size);
	/* Bytes were taken; file: they were the last, and it is on record. Else NULL. */
	void (*taken)(void *owner, int code, const struct file_info *file);
	/* What was answered "busy" may be tried again. */
	void (*again)(void *owner);
};

/* ops, owner and session are borrowed; the session lives as long. NULL: no memory. */
struct transfer *transfer_new(struct session *session, const struct transfer_ops *ops, void *owner);

/* An upload that is not complete is broken off. */
void transfer_free(struct transfer **transfer);

/* Each is answered later, if it returns CODE_OK. CODE_BUSY: `again` will be called. */
int transfer_token(struct transfer *transfer, const uint8_t token[FILE_HASH], bool upload);
int transfer_read(struct transfer *transfer, uint64_t offset, uint32_t limit);
int transfer_write(struct transfer *transfer, uint64_t offset, const void *data, uint32_t size,
		   bool last);

#endif
