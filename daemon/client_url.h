#ifndef PCHAT_DAEMON_CLIENT_URL_H
#define PCHAT_DAEMON_CLIENT_URL_H

#include <stdbool.h>

#include "conf/err.h"

/* Where a server is: "wss://host:port/path". */
struct client_url {
	bool tls;	/* wss */
	char host[256]; /* a name or an address, without the brackets of IPv6 */
	char port[6];
	char path[256];
};

/*
 * Takes "[wss:// or ws://]host[:port][/path]" apart. Defaults: wss, 8010, /pchat. What could break
 * the lines of an HTTP request is refused.
 */
int client_url_parse(struct client_url *url_r, const char *text, struct err *err)
	__attribute__((warn_unused_result));

/* Takes "host" or "host:port" of an administration port apart; the default is 8011. */
int client_url_remote(struct client_url *url_r, const char *text, struct err *err)
	__attribute__((warn_unused_result));

/* What stands in the Host line: "[::1]:8010". Returns text. */
const char *client_url_authority(const struct client_url *url, char text[272]);

#endif
