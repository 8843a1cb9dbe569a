#ifndef PCHAT_WORKER_UPGRADE_H
#define PCHAT_WORKER_UPGRADE_H

#include "worker/frame.h"
#include "worker/http_head.h"

/* The HTTP request that asks for a WebSocket (RFC 6455 section 4.2.1), and the answer to it. */
enum { UPGRADE_DONE = 101 /* any other status: refused with it */ };

/* The status to answer with. */
int upgrade_judge(const struct http_head *head);

/* The answer with the status; head may be NULL where that is not UPGRADE_DONE. */
void upgrade_answer(const struct http_head *head, int status, struct buf *out);

#endif
