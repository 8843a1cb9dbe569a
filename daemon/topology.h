#ifndef PCHAT_DAEMON_TOPOLOGY_H
#define PCHAT_DAEMON_TOPOLOGY_H

#include <jansson.h>
#include <stdbool.h>

/*
 * A topology: which pools there are, of which servers, at which sites, and what they stand on. A
 * JSON document, described in pchatctl(8).
 */
enum { TOPOLOGY_ACTIVE_MAX = 4, TOPOLOGY_STANDBY_MAX = 4, TOPOLOGY_PORT = 5041 };

/*
 * What is wrong with a document: an array of sentences, empty where nothing is; the caller's.
 * before: the one that it is to replace, or NULL. NULL: memory is short.
 */
json_t *topology_mistakes(const json_t *document, const json_t *before);

/*
 * The sites and pools of `other` added to those of `document`; those of the same name are replaced.
 * The result is the caller's, or NULL: memory is short.
 */
json_t *topology_merge(const json_t *document, const json_t *other);

#endif
