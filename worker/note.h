#ifndef PCHAT_WORKER_NOTE_H
#define PCHAT_WORKER_NOTE_H

#include "worker/chat.h"

/*
 * The part of the waist (chat.h) that is about the compliance records themselves. They are read in
 * their database, by pchatctl; what is asked of the server is to put on record that this happens.
 */

/* Answered when it is durable, by `noted`. request: what is looked for, for a person. */
void note_records(struct session *session, const struct chat_id *id, struct text request);

#endif
