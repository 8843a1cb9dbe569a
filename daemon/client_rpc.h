#ifndef PCHAT_DAEMON_CLIENT_RPC_H
#define PCHAT_DAEMON_CLIENT_RPC_H

#include <jansson.h>
#include <stddef.h>

#include "conf/err.h"

/* JSON-RPC 2.0 over a connection that carries whole messages; see pchat-protocol(7). */
struct client_rpc;

enum { CLIENT_LOST = -1 }; /* besides enum code: the connection was lost before the answer */

/*
 * The answer to a call: result, borrowed; or NULL, the error's code and sentence. Called exactly
 * once for each call, unless the client_rpc is freed before.
 */
typedef void client_reply_fn(void *ctx, const json_t *result, int code, const char *text);

/* A notification; params is borrowed, an object. */
typedef void client_notify_fn(void *ctx, const char *method, const json_t *params);

/* Sends a message. -1: that is not possible any more; the loss will be noticed elsewhere. */
typedef int client_send_fn(void *ctx, const char *text, size_t length);

/* The caller frees with client_rpc_free. */
struct client_rpc *client_rpc_new(client_send_fn *send, client_notify_fn *notify, void *ctx);
void client_rpc_free(struct client_rpc **rpc);

/* take_params: an object, NULL for none; the reference is taken. */
void client_rpc_call(struct client_rpc *rpc, const char *method, json_t *take_params,
		     client_reply_fn *reply, void *ctx);

/* Takes in a message. -1: it is none that a server may send. */
int client_rpc_take(struct client_rpc *rpc, const char *text, size_t length, struct err *err)
	__attribute__((warn_unused_result));

/* The connection is lost: answers all open calls with CLIENT_LOST. */
void client_rpc_drop(struct client_rpc *rpc);

#endif
