#ifndef PCHAT_DAEMON_CLIENT_UPGRADE_H
#define PCHAT_DAEMON_CLIENT_UPGRADE_H

#include <stddef.h>

#include "conf/err.h"
#include "daemon/client_url.h"

/*
 * The HTTP exchange that opens a WebSocket (RFC 6455, section 4.1), as text: nothing here does
 * input or output.
 */
struct client_upgrade;

enum { UPGRADE_REQUEST_MAX = 1024, UPGRADE_KEY = 16 };

/* key: random bytes. The caller frees with client_upgrade_free. */
struct client_upgrade *client_upgrade_new(const struct client_url *url,
					  const unsigned char key[UPGRADE_KEY], struct err *err);
void client_upgrade_free(struct client_upgrade **upgrade);

/* The request to be sent; borrowed. */
const char *client_upgrade_request(const struct client_upgrade *upgrade);

/*
 * Takes in some bytes of the answer. 1: the server has agreed, and *used_r of the bytes belong to
 * its answer; 0: more is needed; -1: it has refused, or has not understood.
 */
int client_upgrade_take(struct client_upgrade *upgrade, const char *data, size_t size,
			size_t *used_r, struct err *err) __attribute__((warn_unused_result));

#endif
