#ifndef PCHAT_WORKER_HTTP_ANSWER_H
#define PCHAT_WORKER_HTTP_ANSWER_H

#include "worker/file.h"
#include "worker/frame.h"

/* What is answered to HTTP requests for files, put together. */

/* The status for a refusal. */
int http_status(int code);

/* The refusal as a whole. */
void http_refusal(struct buf *out, int status, int code);

/* A file was taken in. */
void http_stored(struct buf *out, const struct chat *chat, const struct file_info *file);

/* The bytes of a file that are asked for. */
struct http_range {
	uint64_t first, end; /* end: behind the last */
	enum { HTTP_RANGE_WHOLE, HTTP_RANGE_PART, HTTP_RANGE_OUTSIDE } kind;
};

/* range, if_range: the lines of the request, or empty. */
struct http_range http_range(const char *range, const char *if_range,
			     const struct file_info *file);

/* The head before those bytes; outside of the file: the refusal as a whole. */
void http_head_of(struct buf *out, const struct file_info *file, const struct http_range *range);

#endif
