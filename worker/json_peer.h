#ifndef PCHAT_WORKER_JSON_PEER_H
#define PCHAT_WORKER_JSON_PEER_H

#include <jansson.h>

#include "shm/admin_role.h"
#include "worker/session.h"

/*
 * What the two front ends that speak JSON-RPC 2.0 have in common: requests of a client taken apart
 * and answers put together. How a text becomes bytes on the connection is the front end's own.
 */
struct json_peer {
	struct session session;
	struct frame *(*frame)(struct buf *text); /* makes a text fit for the connection */
	bool local;				  /* a local administrator: other methods */
	bool signed_out; /* the client asked to be; the connection is to be closed */
	uint8_t errors;	 /* malformed requests */
};

enum {
	JSON_ERRORS_MAX = 10, /* then the connection is closed */
	JSON_DEPTH = 16,
};

static inline struct json_peer *json_peer_of(struct session *session)
{
	return (struct json_peer *)((char *)session - offsetof(struct json_peer, session));
}

/* Sends a whole text. */
void json_send(struct session *session, struct buf *text);

/* One message of the client's. False: it has sent too many that were malformed, close it. */
bool json_request(struct json_peer *peer, const char *text, size_t size);

/* Begin {"jsonrpc":"2.0","id":.., or the same with "result": behind it; ended by json_finish, which
 * sends it. */
void json_head(struct buf *buf, const struct chat_id *id);
void json_result(struct buf *buf, const struct chat_id *id);
void json_finish(struct session *session, struct buf *buf);

/* The functions of struct front_end that are the same for both. */
void json_front_init(struct front_end *front);

/* Answers with an error. */
void json_refuse(struct session *session, const struct chat_id *id, int code);

/* Texts of whole notifications, without framing. */
void json_message_text(struct buf *buf, const struct chat *chat,
		       const struct chat_message *message);
void json_presence_text(struct buf *buf, const struct chat *chat,
			const struct chat_presence *presence);
void json_changed_text(struct buf *buf, const struct chat *chat, const struct object_room *room);
void json_removal_text(struct buf *buf, const struct chat *chat,
		       const struct chat_removal *removal);
void json_file_text(struct buf *buf, const struct chat *chat, const struct file_news *news);
void json_dropped_text(struct buf *buf, enum chat_drop reason);

/* --- Between the files of the front ends. --- */

/* What a method does with its parameters: CODE_OK, and the answer comes by itself, or the code of
 * a refusal. */
struct json_method {
	const char *name;
	enum { JSON_ANYBODY, JSON_USER, JSON_LOCAL, JSON_SIGNED_IN } who;
	int (*call)(struct json_peer *peer, const struct chat_id *id, const json_t *params);
};

/* What an administrator needs to call a method (json_role.c). */
enum admin_duty json_duty(const char *method);

/* The methods of each file, ended by one without a name. */
extern const struct json_method json_session_methods[], json_room_methods[], json_principal_methods[],
	json_audit_methods[], json_manage_methods[], json_category_methods[], json_message_methods[],
	json_person_methods[], json_feed_methods[], json_scoped_methods[], json_import_methods[],
	json_compliance_methods[], json_file_methods[], json_pool_methods[];

/* A member of params. absent (or null) leaves *_r as it is where it is not required. */
int json_get_text(const json_t *params, const char *name, bool required, struct text *text_r);
int json_get_number(const json_t *params, const char *name, uint64_t min, uint64_t max,
		    uint64_t *number_r);
int json_get_room(const struct json_peer *peer, const json_t *params, uint8_t uuid_r[16]);

/* "rooms" of room.join and auth.resume, 1 to CHAT_JOIN_MAX of them; none (*count_r = 0) where it is
 * absent. */
int json_get_joins(const struct json_peer *peer, const json_t *params,
		   struct chat_join joins_r[CHAT_JOIN_MAX], unsigned *count_r);

#endif
