#ifndef PCHAT_WORKER_OBJECT_SEND_H
#define PCHAT_WORKER_OBJECT_SEND_H

#include "worker/core.h"
#include "worker/object.h"

/* Commands that change something, and how their requests end. */

enum {
	OBJECT_HEAD = sizeof(struct command_change),
	/* Bytes for the largest of the events of object.h behind that head. */
	OBJECT_PAYLOAD = OBJECT_HEAD + EVENT_NAME_MAX + EVENT_DESCRIPTION_MAX + 128,
};

/* Sends the change and what stands behind its place at payload + OBJECT_HEAD. CODE_OK, CODE_BUSY,
 * or CODE_INVALID_ARGUMENT where size is 0: it could not be put there. */
int object_send(struct session *session, uint32_t tag, enum command_type type,
		const struct command_change *change, uint8_t *payload, uint32_t size);

int object_send_principal(struct session *session, uint32_t tag, uint32_t fields,
			  const struct event_principal *principal);

/* The settle function of a request that is answered "done" by the first success. */
void object_done(struct pending *pending, const struct outcome *outcome);

/* A name (least 1) or a description (least 0) that is not too long. */
bool object_text_valid(struct text text, size_t least);

/* A random one: version 4, RFC 4122 section 4.4. */
bool object_make_uuid(uint8_t uuid[16]);

#endif
