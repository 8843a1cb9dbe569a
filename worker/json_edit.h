#ifndef PCHAT_WORKER_JSON_EDIT_H
#define PCHAT_WORKER_JSON_EDIT_H

#include "worker/json_peer.h"
#include "worker/object.h"

/* Parameters of the methods that change categories, rooms, add-ins and groups. Each returns CODE_OK
 * or CODE_INVALID_ARGUMENT, or what else is said. */

/* Whether a member is there; null counts as absent. */
bool json_has(const json_t *params, const char *name);

/* Leaves *value_r as it is where the member is absent. */
int json_get_bool(const json_t *params, const char *name, bool *value_r);

/* A category, by its URI or its name. CODE_NO_SUCH_NODE: of another domain. */
int json_get_category(const struct json_peer *peer, const json_t *params, const char *name,
		      struct object_key *key_r);

/* A room by its URI; on the local socket by its name, too. */
int json_get_room_key(const struct json_peer *peer, const json_t *params, struct object_key *key_r);

/* A text that is one of words; *index_r stays as it is where it is absent. */
int json_get_word(const json_t *params, const char *name, const char *const *words, unsigned count,
		  unsigned *index_r);

/* Text, and the field that it changes if it is there. */
int json_get_field(const json_t *params, const char *name, enum command_field field,
		   struct text *text_r, uint32_t *fields);

int json_get_revision(const json_t *params, uint64_t *revision_r);
int json_get_page(const json_t *params, uint32_t *limit_r, uint32_t *offset_r);

/* A time, "2026-11-21T09:30:00Z"; *utc_r stays as it is where it is absent. */
int json_get_moment(const json_t *params, const char *name, uint64_t *utc_r);

/* A page of a list, and what must be in its names: "" where nothing is said. */
int json_get_listing(const json_t *params, struct text *text_r, uint32_t *limit_r,
		     uint32_t *offset_r);

/* {"add":[..],"remove":[..]} or {"replace":[..]}, added to the edits. edit NULL: none. */
int json_get_edit(const json_t *edit, enum role role, struct object_edits *edits);

#endif
