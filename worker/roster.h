#ifndef PCHAT_WORKER_ROSTER_H
#define PCHAT_WORKER_ROSTER_H

#include "worker/core.h"

/* The users in a room, each once however many sessions he has in it. */

/* A list of them as the session's front end writes it, valid until the next one is asked for.
 * CODE_LIMIT_EXCEEDED: more than are listed at a join, *count_r is then the number of their sessions. */
int roster_list(struct session *session, const struct room_view *room, struct text *list_r,
		uint32_t *count_r);

/* Writes them into an empty list, however many they are. */
int roster_write_all(struct session *session, const struct room_view *room, struct buf *list);

/* How many users there are; CODE_LIMIT_EXCEEDED if there are so many that nobody is told when one
 * comes or goes. */
int roster_count(struct chat *chat, uint32_t room, uint32_t *count_r);

#endif
