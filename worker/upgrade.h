#ifndef PCHAT_WORKER_UPGRADE_H
#define PCHAT_WORKER_UPGRADE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/frame.h"

/* The HTTP request that asks for a WebSocket (RFC 6455 section 4.2.1), and the answer to it. */
struct upgrade;

enum {
	UPGRADE_HEAD_MAX = 8192, /* bytes of a request's head */
	UPGRADE_MORE = 0,	 /* the head goes on */
	UPGRADE_DONE = 101,	 /* any other status: refused with it */
};

struct upgrade *upgrade_new(void);
void upgrade_free(struct upgrade **upgrade);

/* Takes bytes of the head; *used_r says how many of them belonged to it. Returns UPGRADE_MORE or
 * the status to answer with. */
int upgrade_input(struct upgrade *upgrade, const uint8_t *data, size_t size, size_t *used_r);

/* The answer with the status that upgrade_input returned. */
void upgrade_answer(const struct upgrade *upgrade, int status, struct buf *out);

#endif
