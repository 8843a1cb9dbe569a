#ifndef PCHAT_WORKER_VIEW_H
#define PCHAT_WORKER_VIEW_H

#include "shm/event.h"
#include "worker/pending.h"

/*
 * Where compliance is on nobody is shown what was said before that is on record: the request waits
 * for the event as for any other command, and goes on with it.
 */
bool view_is_recorded(const struct chat *chat);

/* Sends it; rooms: ids, none: it is about no room. CODE_OK, or why it cannot be. */
int view_note(struct pending *pending, enum view_kind kind, const uint32_t *rooms, unsigned count,
	      struct text request);

/* Puts on record that the session may not do something in a room (0: none), where compliance wants
 * to know that. The sequencer does so by itself of what it refuses. */
void view_refused(struct session *session, uint32_t room, int code);

/* The same of a method that an administrator's role forbids. */
void view_forbidden(struct session *session, const char *method);

/* As view_note, for the messages of a room from first to last. */
int view_note_messages(struct pending *pending, uint32_t room, uint64_t first, uint64_t last);

#endif
