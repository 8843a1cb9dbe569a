#ifndef PCHAT_SHM_PERSON_H
#define PCHAT_SHM_PERSON_H

#include "conf/err.h"
#include "shm/event.h"
#include "shm/table.h"

/*
 * Invitations, read markers, feeds and access requests, as they change in the cache: the part of
 * object.h that is about what belongs to one user. They refer to rooms by id, and rooms do not know
 * of them: the engine takes away by events what a removed room or user leaves behind.
 */
int person_apply(struct cache *cache, unsigned kind, const struct event_person *event,
		 struct err *err);

#endif
