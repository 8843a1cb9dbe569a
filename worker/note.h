#ifndef PCHAT_WORKER_NOTE_H
#define PCHAT_WORKER_NOTE_H

#include "shm/event.h"
#include "worker/chat.h"

/*
 * The part of the waist (chat.h) that is about the compliance records themselves. They are read in
 * their database, by pchatctl; what is asked of the server is to put on record that this happens.
 */

/* Answered when it is durable, by `noted`. request: what is looked for, for a person. */
void note_records(struct session *session, const struct chat_id *id, struct text request);

/* The same for what pchat-compliance is asked to do, VIEW_HOLD and so on; order: lines as
 * "name: value". */
void note_order(struct session *session, const struct chat_id *id, enum view_kind kind,
		struct text order);

#endif
