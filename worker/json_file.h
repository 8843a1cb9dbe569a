#ifndef PCHAT_WORKER_JSON_FILE_H
#define PCHAT_WORKER_JSON_FILE_H

#include "worker/file.h"
#include "worker/frame.h"

/* Files as JSON. */

extern const struct file_front json_file_front;

/* The members of a file, without braces and without its room. */
void json_put_file_info(struct buf *buf, const struct chat *chat, const struct file_info *file);

#endif
