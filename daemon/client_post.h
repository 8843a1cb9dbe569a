#ifndef PCHAT_DAEMON_CLIENT_POST_H
#define PCHAT_DAEMON_CLIENT_POST_H

#include "daemon/client_room.h"

/* The posts of a room that are not answered yet: made one by one, repeated under the same id. */

/* Sends the first post, if there is one and it may go now. */
void client_post_send(struct client_room *room);

/* A message of the room: if it is the first post, that one needs no repetition any more. */
void client_post_match(struct client_room *room, const json_t *message);

/* Refuses all of them: the room is not joined any more. */
void client_post_refuse(struct client_room *room, int code, const char *text);

/* Frees them without a word. */
void client_post_clear(struct client_room *room);

#endif
